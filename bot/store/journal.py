"""The journal's rows: what happened and what was decided, packed and unpacked. Pure.

A batch of the inbox is one row. Its body is JSON, `[event, commands, digest of the facts]` an
entry, compressed with a preset dictionary: a price alone shrinks from 200 bytes to some 60, where
plain zlib would hardly help. The first byte names the dictionary, so that a later one can be added.
A reading whose clusters repeat those before it in the same run is written without them, with `true`
as a fourth item: between two bars only the price changes, and readings are most of a journal.
"""

import hashlib
import zlib
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from bot.errors import DataError
from bot.model.commands import Command
from bot.model.events import Event, HeatmapRead, Started, Ticked
from bot.model.facts import Decision, Fact
from bot.model.heatmap import Row
from bot.model.primitives import Millis, Symbol

_DICTIONARY_V1: Final = (
    b'"reason":"","retry_at":"unsettled_until":"OrderOutcomeUnknown""OrderRejected""FundingRead"'
    b'"OrderNotProcessed""QueryFailed""CancelRejected""MarketHalted","balance_usd":"10000'
    b'"venue_at":17670"OrderAccepted""OrderUpdated""OrderFilled""AccountRead""FetchAccount"'
    b'"fills_since":17670"PlaceOrder","request":{"client_id":"bracket_id":"leg":"entry","attempt":1'
    b',"side":"buy","kind":"limit","qty":"0.","price":"trigger_price":"time_in_force":"ioc",'
    b'"is_reduce_only":true,"valid_until":17670[{"type":"OpenInterestRead","at":17670","oi":'
    b'"stamped_at":17670[{"type":"CandleClosed","at":17670,"candle":{"symbol":"BTC/USDT:USDT",'
    b'"open_at":17670,"timeframe_ms":60000,"open":"high":"low":"close":"volume":'
    b'"taker_buy_volume":}},[],"[{"type":"HeatmapRead","at":17670,"reading":{"symbol":'
    b'"ETH/USDT:USDT","price":9"rows":[{"level":9"side":"long","notional_usd":1"strength":0.'
    b'"low":9"high":9"leverage_tier":25.0,"liquidation_count":null,"provider_id":null},{"level":'
    b'"side":"short","notional_usd":"rows_dropped":0,"content_key":"server_age_s":null,'
    b'"coverage":null,"is_warming":false},"asked_at":17670,"sequence":'
    b'[[{"type":"PriceMoved","at":17670,"symbol":"SOL/USDT:USDT","mark":9"bid":9"ask":9"last":9'
    b'"high":9"low":9"since_at":17670,"depth_usd":2000000.0},[],""],'
)
_DICTIONARIES: Final = {1: _DICTIONARY_V1}
_VERSION: Final = 1
_LEVEL: Final = 1
_DIGEST_BYTES: Final = 8
_KINDS_MAX: Final = 12
_BODY_MAX_BYTES: Final = 256_000_000

_encode = msgspec.json.Encoder().encode
_encode_binary = msgspec.msgpack.Encoder().encode
"""For digests, which nobody reads: floats in binary cost a third of floats in digits."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One event, the commands it led to, and the digest of the facts it led to."""

    seq: int
    """Of the batch; rises by one a transaction."""
    event: Event
    commands: tuple[Command, ...]
    digest: str


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the journal, not yet numbered."""

    at: Millis
    """Of the newest event."""
    n: int
    kinds: str
    """Names of the events within, for a person who browses."""
    body: bytes


class Memory:
    """The newest clusters of each symbol in a run's journal: both ends keep one, and agree."""

    def __init__(self) -> None:
        self._rows: dict[Symbol, tuple[Row, ...]] = {}

    def clear(self) -> None:
        """Forget: the next reading of each symbol is written whole."""
        self._rows.clear()

    def shorten(self, event: Event) -> tuple[Event, bool]:
        """The event as it is written, and whether it lacks clusters that are known already."""
        if isinstance(event, Started):
            # A replay may begin here and knows nothing from before.
            self.clear()
        if not isinstance(event, HeatmapRead):
            return event, False
        reading = event.reading
        if reading.rows and self._rows.get(reading.symbol) == reading.rows:
            return replace(event, reading=replace(reading, rows=())), True
        self._rows[reading.symbol] = reading.rows
        return event, False

    def restore(self, event: Event, *, is_repeat: bool) -> Event:
        """Undo `shorten`; before the first start of a run that is read, clusters may lack."""
        if not isinstance(event, HeatmapRead):
            return event
        reading = event.reading
        if is_repeat:
            rows = self._rows.get(reading.symbol, ())
            return replace(event, reading=replace(reading, rows=rows))
        self._rows[reading.symbol] = reading.rows
        return event


class _Line(msgspec.Struct, frozen=True, array_like=True):
    event: Event
    commands: tuple[Command, ...]
    digest: str
    is_repeat: bool = False


_decoder = msgspec.json.Decoder(list[_Line])


def digest_of(facts: Sequence[Fact]) -> str:
    """Sixteen hex digits over the facts, in order; empty where there are none."""
    if not facts:
        return ""
    return hashlib.blake2b(_encode_binary(facts), digest_size=_DIGEST_BYTES).hexdigest()


def matters(event: Event, decision: Decision) -> bool:
    """Whether a replay needs it: a tick that led to nothing is the one thing it does not."""
    return not (isinstance(event, Ticked) and decision.is_empty)


def pack(entries: Iterable[tuple[Event, Decision]], memory: Memory) -> Batch | None:
    """One row for a batch; None where nothing in it matters."""
    kept = [(event, decision) for event, decision in entries if matters(event, decision)]
    if not kept:
        return None
    lines = []
    for event, decision in kept:
        written, is_repeat = memory.shorten(event)
        line = (written, decision.commands, digest_of(decision.facts))
        lines.append((*line, True) if is_repeat else line)
    raw = _encode(lines)
    names = dict.fromkeys(type(event).__name__ for event, _ in kept)
    return Batch(
        at=max(event.at for event, _ in kept),
        n=len(kept),
        kinds=" ".join(list(names)[:_KINDS_MAX]),
        body=compress(raw),
    )


def unpack(seq: int, body: bytes, memory: Memory) -> list[Entry]:
    """The entries of one row; rows are read in their order, with one memory.

    Raises:
        DataError: the bytes cannot be believed.

    """
    try:
        items = _decoder.decode(decompress(body))
    except (msgspec.DecodeError, zlib.error, KeyError, IndexError) as error:
        raise DataError(
            f"Row {seq} of the journal cannot be read: {error}.",
            where="journal",
            remedy="Run `liqbot db check`; replay a backup or another stretch of the journal.",
        ) from error
    return [
        Entry(
            seq=seq,
            event=memory.restore(line.event, is_repeat=line.is_repeat),
            commands=line.commands,
            digest=line.digest,
        )
        for line in items
    ]


def compress(raw: bytes) -> bytes:
    """Shrink JSON that uses our own field names."""
    packer = zlib.compressobj(level=_LEVEL, zdict=_DICTIONARIES[_VERSION])
    return bytes((_VERSION,)) + packer.compress(raw) + packer.flush()


def decompress(body: bytes) -> bytes:
    """Undo `compress`; what would grow beyond any batch of ours is refused with zlib.error."""
    opener = zlib.decompressobj(zdict=_DICTIONARIES[body[0]])
    raw = opener.decompress(body[1:], _BODY_MAX_BYTES)
    if opener.unconsumed_tail or not opener.eof:
        raise zlib.error("the row is cut short or too long")
    return raw
