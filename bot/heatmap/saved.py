"""The local engine's memory on disk, so that a restart does not read a month of bars again.

A cache and nothing more: a file that is damaged, of another version or made with other settings
is ignored, and the engine warms up from history.
"""

import contextlib
import os
import zlib
from pathlib import Path
from typing import Final

import msgspec
import numpy as np

from bot.heatmap.book import Book, Floats
from bot.heatmap.extract import Extractor, Span
from bot.heatmap.shape import Shape, shape_of
from bot.heatmap.strength import BINS
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol, Value
from bot.model.wiring import EngineSettings

VERSION: Final = 1
BYTES_MAX: Final = 256_000_000


class SavedBook(Value, frozen=True, kw_only=True):
    """A book without its cells; every field is the book's attribute of that name."""

    opened_at: Millis
    closed_at: Millis
    close: float
    oi: float
    is_oi_held: bool
    trust: float
    bars: int
    base: int
    factors: list[list[float]]
    sums: list[list[float]]
    unattributed: list[float]
    known_oi: float
    jump_oi: float
    jump_count: int
    swept_low: float
    swept_high: float
    taken: list[float]
    consumed: tuple[float, float]


class SavedSymbol(Value, frozen=True, kw_only=True):
    """One symbol's book and what its extractions remember."""

    symbol: Symbol
    shape: Shape
    shape_price: float
    """The price for which the grid was chosen."""
    book: SavedBook
    cells: bytes
    strengths: bytes
    strengths_at: Millis
    spans: list[list[Span]]
    next_id: int


class _File(Value, frozen=True, kw_only=True):
    version: int
    checksum: int
    body: bytes


def freeze(symbol: Symbol, book: Book, extractor: Extractor, shape_price: float) -> SavedSymbol:
    """Copy what is needed to go on later."""
    return SavedSymbol(
        symbol=symbol,
        shape=book.shape,
        shape_price=shape_price,
        book=SavedBook(**{name: getattr(book, name) for name in SavedBook.__struct_fields__}),
        cells=book.cells.tobytes(),
        strengths=extractor.strength.weights.tobytes(),
        strengths_at=extractor.strength.at,
        spans=extractor.spans,
        next_id=extractor.next_id,
    )


def thaw(
    saved: SavedSymbol, instrument: Instrument, settings: EngineSettings
) -> tuple[Book, Extractor] | None:
    """Go on where `freeze` left off; None when the contract or the settings have changed."""
    if saved.shape != shape_of(instrument, settings, saved.shape_price):
        return None
    book, extractor = Book(saved.shape), Extractor(settings)
    cells, weights = np.frombuffer(saved.cells), np.frombuffer(saved.strengths)
    if cells.size != book.cells.size or weights.size != BINS:
        return None
    if not (_is_sound(cells) and _is_sound(weights)):
        return None
    book.cells[...] = cells.reshape(book.cells.shape)
    for name in SavedBook.__struct_fields__:
        setattr(book, name, getattr(saved.book, name))
    extractor.strength.weights[...] = weights
    extractor.strength.at = saved.strengths_at
    extractor.spans = [list(spans) for spans in saved.spans]
    extractor.next_id = saved.next_id
    return book, extractor


def _is_sound(values: Floats) -> bool:
    return bool(np.isfinite(values).all() and (values >= 0.0).all())


def write(path: Path, symbols: list[SavedSymbol]) -> None:
    """Replace the file in one step; raises OSError where the disk does not take it."""
    body = msgspec.msgpack.encode(symbols)
    content = msgspec.msgpack.encode(_File(version=VERSION, checksum=zlib.crc32(body), body=body))
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def read(path: Path) -> list[SavedSymbol]:
    """What the file holds; nothing where it is missing, damaged or of another version."""
    try:
        if path.stat().st_size > BYTES_MAX:
            return []
        file = msgspec.msgpack.decode(path.read_bytes(), type=_File)
        if file.version != VERSION or zlib.crc32(file.body) != file.checksum:
            return []
        return msgspec.msgpack.decode(file.body, type=list[SavedSymbol])
    except (OSError, msgspec.MsgspecError):
        return []
