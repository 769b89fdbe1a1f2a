"""The file of books: what goes in comes out, and what does not fit is ignored."""

import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from bot.heatmap import saved
from bot.heatmap.book import Book
from bot.heatmap.extract import Extractor
from bot.heatmap.shape import shape_of
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import BTC, a_tier, an_instrument, interest, walk

SETTINGS = EngineSettings()
CANDLES = walk(700, 3)
OI = interest(CANDLES, 4)


def lived_in(bars: int = 600) -> tuple[Book, Extractor]:
    book, extractor = Book(shape_of(an_instrument(), SETTINGS, 50_000.0)), Extractor(SETTINGS)
    for bar, oi in zip(CANDLES[:bars], OI[:bars], strict=True):
        book.step(bar, oi)
        if book.bars % 10 == 0:
            extractor.extract(book, bar.close_at)
    return book, extractor


def frozen() -> saved.SavedSymbol:
    return saved.freeze(BTC, *lived_in(), 50_000.0)


def test_a_book_that_was_saved_goes_on_as_if_nothing_had_happened(tmp_path: Path) -> None:
    book, extractor = lived_in()
    book.sweep(CANDLES[600].high, CANDLES[600].low)
    saved.write(tmp_path / "books.bin", [saved.freeze(BTC, book, extractor, 50_000.0)])
    (kept,) = saved.read(tmp_path / "books.bin")
    thawed = saved.thaw(kept, an_instrument(), SETTINGS)
    assert thawed is not None
    for bar, oi in zip(CANDLES[600:], OI[600:], strict=True):
        for each in (book, thawed[0]):
            each.step(bar, oi)

    assert np.allclose(book.quantities(), thawed[0].quantities(), rtol=1e-12)
    assert book.unattributed == pytest.approx(thawed[0].unattributed, rel=1e-12)
    assert book.consumed == thawed[0].consumed
    at = book.closed_at
    before, after = extractor.extract(book, at), thawed[1].extract(thawed[0], at)
    assert [row.provider_id for row in before] == [row.provider_id for row in after]
    assert [row.strength for row in before] == pytest.approx([row.strength for row in after])


def test_books_made_with_other_settings_are_ignored() -> None:
    other = msgspec.structs.replace(SETTINGS, churn=0.06)

    assert saved.thaw(frozen(), an_instrument(), other) is None


def test_books_of_a_contract_whose_tiers_changed_are_ignored() -> None:
    instrument = an_instrument(tiers=(a_tier(0.0, 0.01, 75.0),))

    assert saved.thaw(frozen(), instrument, SETTINGS) is None


@pytest.mark.parametrize("name", ["cells", "strengths"])
def test_arrays_of_the_wrong_size_are_ignored(name: str) -> None:
    kept = msgspec.structs.replace(frozen(), **{name: bytes(80)})

    assert saved.thaw(kept, an_instrument(), SETTINGS) is None


@pytest.mark.parametrize("figure", [float("nan"), -1.0])
def test_arrays_with_figures_that_cannot_be_are_ignored(figure: float) -> None:
    kept = frozen()
    cells = np.frombuffer(kept.cells).copy()
    cells[7] = figure
    broken = msgspec.structs.replace(kept, cells=cells.tobytes())

    assert saved.thaw(broken, an_instrument(), SETTINGS) is None


def test_a_missing_file_holds_nothing(tmp_path: Path) -> None:
    assert [] == saved.read(tmp_path / "none.bin")


def test_a_damaged_file_holds_nothing(tmp_path: Path) -> None:
    """One flipped bit anywhere, and every length of a torn one."""
    path = tmp_path / "books.bin"
    saved.write(path, [frozen()])
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 50):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert [] == saved.read(path)
        path.write_bytes(content[:place])
        assert [] == saved.read(path)


def test_a_file_of_another_version_or_kind_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "books.bin"
    for version, body in ((2, msgspec.msgpack.encode([])), (1, msgspec.msgpack.encode({"a": 1}))):
        whole = {"version": version, "checksum": zlib.crc32(body), "body": body}
        path.write_bytes(msgspec.msgpack.encode(whole))

        assert [] == saved.read(path)


def test_a_file_too_large_to_be_one_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "books.bin"
    with path.open("wb") as file:
        file.truncate(saved.BYTES_MAX + 1)

    assert [] == saved.read(path)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "books.bin"
    saved.write(path, [])
    (tmp_path / "books.bin.part").mkdir()
    with pytest.raises(OSError, match="directory"):
        saved.write(path, [frozen()])

    assert [] == saved.read(path)
    assert path.stat().st_size < 100
