"""The provider's replies: bytes in, readings out, every field untrusted until it has been checked.

Bad rows are dropped and counted; a reply with too many of them, or for another symbol, or without
a price that can be one, is refused whole. Rows on the wrong side of the price stay: the provider's
own price is older than its rows, so only the tracker, which knows the exchange's, can judge them.
"""

import hashlib
import heapq
import struct
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Final, NoReturn, TypeVar

import msgspec
from msgspec import Meta

from bot.heatmap import strict
from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.listing import Listing
from bot.model.heatmap import OpenInterest, Reading, Row, Stats
from bot.model.primitives import PositionSide
from bot.model.wiring import ProviderLimits

T = TypeVar("T")

_LIMITS: Final = ProviderLimits()
CLUSTERS_PER_SIDE_MAX: Final = 50
"""The largest by notional stay; matching is bounded by this."""
STRENGTH_CLAMPED_MAX: Final = 1.01
"""A strength a hair above 1 is rounding at the provider, and is taken as 1."""
ROWS_REFUSED_FACTOR: Final = 10
"""A reply with more than this many times `rows_max` rows is no heatmap."""
STATS_SYMBOLS_MAX: Final = 10_000

_PRICE_MIN: Final = 1e-12
_ID_MAX: Final = 2**63 - 1

# Bounds also keep out what is not finite: nothing compares with NaN, and infinity exceeds any `le`.
_Price = Annotated[float, Meta(ge=_PRICE_MIN, le=1e12)]
_Money = Annotated[float, Meta(gt=0, le=1e18)]
_Count = Annotated[int, Meta(ge=0, le=10**15)]


class _WireRow(msgspec.Struct, frozen=True):
    price_level: _Price
    side: PositionSide
    strength: Annotated[float, Meta(ge=0, le=STRENGTH_CLAMPED_MAX)]
    total_notional: _Money | None = None
    open_interest: _Money | None = None
    """The guide's spelling of the same; `total_notional` is preferred."""
    leverage_tier: Annotated[float, Meta(gt=0, le=1000)] | None = None
    liquidation_count: Annotated[float, Meta(ge=0, le=1e15)] | None = None
    cluster_id: Any = None
    active: bool | None = None
    zone_low: _Price | None = None
    zone_high: _Price | None = None


class _Envelope(msgspec.Struct, frozen=True):
    symbol: str
    current_price: float | None
    clusters: list[Any]
    coverage: Annotated[float, Meta(ge=0, le=1)] | None = None
    warming: bool = False


class _WireOpenInterest(msgspec.Struct, frozen=True):
    total_oi_usd: _Money
    long_short_ratio: Annotated[float, Meta(gt=0, le=1e6)] | None = None


class _WireStats(msgspec.Struct, frozen=True):
    total_symbols: _Count | None = None
    active_symbols: _Count | None = None
    total_clusters: _Count | None = None
    open_interest_summary: Any = None
    debug: Any = None


class _WireSymbols(msgspec.Struct, frozen=True):
    symbols: list[str]


class _Rows:
    """What a list of clusters came to."""

    __slots__ = ("bad", "good", "repeated", "seen")

    def __init__(self) -> None:
        self.good: dict[tuple[PositionSide, float, float | None], Row] = {}
        self.seen = 0
        """Rows that claim to be active."""
        self.bad = 0
        self.repeated = 0


def reading(body: bytes, listing: Listing, *, rows_max: int) -> Reading:
    """Decode the reply of `/api/heatmap/{SYMBOL}`, or raise ReadingError.

    Levels and price come back on the exchange's scale, rows sorted by side and level.
    """
    envelope = _envelope(body, listing)
    price = _price(envelope.current_price, listing)
    found, cut = _bounded(envelope.clusters, rows_max)
    rows = _rows(found, listing.factor)
    _refuse_if_bad(rows, listing)
    kept = _largest(rows.good.values())
    return Reading(
        symbol=listing.symbol,
        price=price,
        rows=kept,
        rows_dropped=rows.bad + rows.repeated,
        rows_cut=cut + len(rows.good) - len(kept),
        content_key=_content_key(price, kept),
        coverage=envelope.coverage,
        is_warming=envelope.warming,
    )


def best(body: bytes, listing: Listing) -> Row:
    """Decode the bare cluster of `/api/heatmap/{SYMBOL}/best`, or raise ReadingError."""
    rows = _rows([strict.document(body)], listing.factor)
    for row in rows.good.values():
        return row
    raise ReadingError(FailureKind.MALFORMED, f"the best cluster of {listing.name} is not one")


def stats(body: bytes, listings: Mapping[str, Listing]) -> Stats:
    """Decode the reply of `/api/stats`, or raise ReadingError.

    `listings` are by the provider's name; symbols that are not among them are left out, entries
    that cannot be read too: absent statistics are normal.
    """
    wire = _convert(_successful(body).get("stats"), _WireStats)
    summary = wire.open_interest_summary
    if not isinstance(summary, dict) and isinstance(wire.debug, dict):
        summary = wire.debug.get("open_interest_summary")
    open_interest: dict[str, OpenInterest] = {}
    if isinstance(summary, dict) and len(summary) <= STATS_SYMBOLS_MAX:
        for name, entry in summary.items():
            listed = listings.get(name)
            if listed is None:
                continue
            try:
                read = msgspec.convert(entry, _WireOpenInterest)
            except msgspec.ValidationError:
                continue
            open_interest[listed.symbol] = OpenInterest(
                total_oi_usd=read.total_oi_usd, long_short_ratio=read.long_short_ratio
            )
    return Stats(
        symbols_total=wire.total_symbols,
        symbols_active=wire.active_symbols,
        clusters_total=wire.total_clusters,
        open_interest=open_interest,
    )


def symbols(body: bytes) -> tuple[str, ...]:
    """Decode the reply of `/api/symbols` to the provider's own names, or raise ReadingError."""
    return tuple(_convert(_successful(body), _WireSymbols).symbols)


def detail(body: bytes) -> str:
    """Return what an error reply says of itself, at most 120 printable characters; never raises."""
    try:
        said = strict.document(body)
    except ReadingError:
        return "a web page" if body.lstrip()[:1] == b"<" else ""
    said = said.get("detail") if isinstance(said, dict) else None
    if not isinstance(said, str):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in said[:120]).strip()


def _successful(body: bytes) -> dict[str, Any]:
    found = strict.document(body)
    if not isinstance(found, dict):
        raise ReadingError(FailureKind.MALFORMED, "the reply is not an object")
    if found.get("success") is not True:
        said = "says that it failed" if "success" in found else "does not say `success`"
        raise ReadingError(FailureKind.MALFORMED, f"the reply {said}")
    return found


def _convert(found: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise ReadingError(FailureKind.MALFORMED, f"the reply is off: {error}") from error


def _envelope(body: bytes, listing: Listing) -> _Envelope:
    envelope = _convert(_successful(body), _Envelope)
    if envelope.symbol.upper() != listing.name:
        _refuse(f"the reply is for {envelope.symbol[:30]!r}, {listing.name} was asked for")
    return envelope


def _price(price: float | None, listing: Listing) -> float:
    if price is None:
        raise ReadingError(FailureKind.UNSUPPORTED, f"the reply has no price for {listing.name}")
    if not _PRICE_MIN <= price <= 1e12:  # noqa: PLR2004
        _refuse(f"the reply's price for {listing.name} is {price!r}")
    return price * listing.factor


def _bounded(found: list[Any], rows_max: int) -> tuple[list[Any], int]:
    """Return at most `rows_max` rows, the largest where there are more, and how many were cut."""
    if len(found) <= rows_max:
        return found, 0
    if len(found) > ROWS_REFUSED_FACTOR * rows_max:
        _refuse(f"the reply has {len(found):,} rows, at most {rows_max:,} are read")
    return heapq.nlargest(rows_max, found, key=_claimed_notional), len(found) - rows_max


def _claimed_notional(row: Any) -> float:
    if not isinstance(row, dict):
        return -1.0
    claimed = row.get("total_notional") or row.get("open_interest")
    return claimed if isinstance(claimed, float | int) else -1.0


def _rows(found: list[Any], factor: float) -> _Rows:
    rows = _Rows()
    wires: Iterable[_WireRow | None]
    try:
        wires = msgspec.convert(found, list[_WireRow])
    except msgspec.ValidationError:  # At least one is bad: look at each.
        wires = map(_wire_row, found)
    for wire in wires:
        if wire is None:
            rows.seen += 1
            rows.bad += 1
        elif wire.active is not False:
            rows.seen += 1
            _add(rows, wire, factor)
    return rows


def _wire_row(found: Any) -> _WireRow | None:
    try:
        return msgspec.convert(found, _WireRow)
    except msgspec.ValidationError:
        return None


def _add(rows: _Rows, wire: _WireRow, factor: float) -> None:
    level = wire.price_level
    low = level if wire.zone_low is None else wire.zone_low
    high = level if wire.zone_high is None else wire.zone_high
    notional = wire.open_interest if wire.total_notional is None else wire.total_notional
    if notional is None or not low <= level <= high:
        rows.bad += 1
        return
    key = (wire.side, level, wire.leverage_tier)
    twin = rows.good.get(key)
    if twin is not None:
        rows.repeated += 1
        if twin.notional_usd >= notional:
            return
    count, number = wire.liquidation_count, wire.cluster_id
    rows.good[key] = Row(
        level=level * factor,
        side=wire.side,
        notional_usd=notional,
        strength=min(wire.strength, 1.0),
        low=low * factor,
        high=high * factor,
        leverage_tier=wire.leverage_tier,
        liquidation_count=None if count is None else int(count),
        provider_id=number if type(number) is int and abs(number) <= _ID_MAX else None,
    )


def _refuse_if_bad(rows: _Rows, listing: Listing) -> None:
    share_pct = 100.0 * rows.bad / max(rows.seen, 1)
    is_many = rows.bad >= _LIMITS.bad_rows_min and share_pct > _LIMITS.bad_rows_share_max
    if is_many or (rows.bad and rows.bad == rows.seen):
        _refuse(f"{rows.bad} of {rows.seen} rows for {listing.name} are bad")


def _largest(rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return the largest of each side, sorted by side and level."""
    sides: dict[PositionSide, list[Row]] = {PositionSide.LONG: [], PositionSide.SHORT: []}
    for row in rows:
        sides[row.side].append(row)
    kept: list[Row] = []
    for side in sides.values():
        if len(side) > CLUSTERS_PER_SIDE_MAX:
            side.sort(key=lambda row: (-row.notional_usd, row.level, row.leverage_tier or 0.0))
            del side[CLUSTERS_PER_SIDE_MAX:]
        side.sort(key=lambda row: (row.level, row.leverage_tier or 0.0))
        kept += side
    return tuple(kept)


def _content_key(price: float, rows: tuple[Row, ...]) -> str:
    """Digest what a live provider cannot help but change; stamps, ids and distances are out."""
    figures = [price]
    for row in rows:
        figures += (
            row.level,
            row.notional_usd * row.side.sign,
            row.strength,
            row.low,
            row.high,
            row.leverage_tier or 0.0,
            row.liquidation_count or 0,
        )
    packed = struct.pack(f"<{len(figures)}d", *figures)
    return hashlib.blake2b(packed, digest_size=8).hexdigest()


def _refuse(what: str) -> NoReturn:
    raise ReadingError(FailureKind.REFUSED, what)
