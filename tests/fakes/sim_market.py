"""A market and a heatmap by script: the same instant gives the same price and the same reading."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from bot.model.events import CandleClosed, Event, HeatmapFailed, HeatmapRead, PriceMoved
from bot.model.heatmap import Reading, ReadingFailure, Row
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, PositionSide, Symbol
from tests.fakes.paper import BTC, instrument

T0: Final = Millis(1_767_225_600_000 + 3_600_000)
"""Second 0 of every script; an hour from any funding."""
BASE: Final = 100_000.0
LEVEL: Final = 101_200.0
"""Of the strong short cluster that the hunt goes for."""
MINUTE_MS: Final = 60_000
THIN_USD: Final = 8_000.0
INSTRUMENTS: Final[dict[Symbol, Instrument]] = {BTC: instrument()}

Path = Sequence[tuple[float, float]]
"""(second, mark), with straight lines between."""


def mark_on(path: Path, second: float) -> float:
    """The mark at a second, on the tick."""
    if second <= path[0][0]:
        return path[0][1]
    for (s0, m0), (s1, m1) in pairwise(path):
        if second <= s1:
            return round(m0 + (m1 - m0) * (second - s0) / (s1 - s0), 1)
    return path[-1][1]


def rows_at(price: float) -> tuple[Row, ...]:
    """A strong short cluster above, a weak one farther up, weak long ones far below."""
    return (
        a_row(PositionSide.SHORT, LEVEL, 9e6, 0.9, price),
        a_row(PositionSide.SHORT, 103_900.0, 1e6, 0.2, price),
        a_row(PositionSide.LONG, 96_300.0, 5e5, 0.2, price),
    )


def a_row(
    side: PositionSide,
    level: float,
    usd: float,
    strength: float,
    price: float,
    *,
    id_: int | None = None,
) -> Row:
    """A row, unless the price is through it."""
    is_through = level <= price if side is PositionSide.SHORT else level >= price
    moved = price * (1.02 if side is PositionSide.SHORT else 0.98) if is_through else level
    return Row(
        level=moved,
        side=side,
        notional_usd=usd,
        strength=strength,
        low=moved,
        high=moved,
        provider_id=id_,
    )


@dataclass
class PastHistory:
    """The hour before a start: calm bars of 0.1 %, so that the stop is some 0.4 % away."""

    candles: Sequence[Candle]
    open_interest: Sequence[tuple[Millis, float]] = ()
    funding: Funding | None = None


def history(before: Millis) -> PastHistory:
    """Minute bars that end at or before an instant."""
    last = before - before % MINUTE_MS
    bars = [
        Candle(
            symbol=BTC,
            open_at=Millis(last - number * MINUTE_MS),
            timeframe_ms=MINUTE_MS,
            open=BASE,
            high=BASE * 1.0005,
            low=BASE * 0.9995,
            close=BASE,
            volume=1_000.0,
        )
        for number in range(60, 0, -1)
    ]
    return PastHistory(candles=bars)


@dataclass
class Script:
    """What a run meets: prices each second, readings each five."""

    path: Path = ((0.0, BASE),)
    readings_end: float = math.inf
    """From this second on the heatmap fails."""
    readings_again: float = math.inf
    failure: str = "unreachable"
    reading: Callable[[float, float], Reading | None] | None = None
    """(second, mark) -> the reply, None for a failure; by default the rows above."""
    price_every_s: float = 1.0
    read_every_s: float = 5.0
    read_from_s: float = 1.0
    spread: float = 1.0
    depth_usd: float = 5e6
    thin_from_s: float = math.inf
    """From this second on hardly anything rests in the book."""
    acts: Sequence[tuple[float, Callable[[], Event | None]]] = field(default_factory=tuple)
    """At this second, this is done, and the event that comes of it is handed over."""

    def mark(self, at: Millis) -> float:
        return mark_on(self.path, (at - T0) / 1000)

    def price(self, at: Millis, since: Millis) -> PriceMoved:
        """The price at an instant, and the range since the one before."""
        mark, before = self.mark(at), self.mark(since)
        corners = [m for s, m in self.path if since < T0 + s * 1000 <= at]
        return PriceMoved(
            at=at,
            symbol=BTC,
            mark=mark,
            bid=mark - self.spread / 2,
            ask=mark + self.spread / 2,
            last=mark,
            high=max(mark, before, *corners),
            low=min(mark, before, *corners),
            since_at=since,
            depth_usd=THIN_USD if at >= T0 + self.thin_from_s * 1000 else self.depth_usd,
        )

    def candle(self, at: Millis) -> CandleClosed:
        """The minute that ends at an instant, as calm as the ones before."""
        mark = self.mark(at)
        candle = Candle(
            symbol=BTC,
            open_at=Millis(at - MINUTE_MS),
            timeframe_ms=MINUTE_MS,
            open=mark,
            high=mark * 1.0005,
            low=mark * 0.9995,
            close=mark,
            volume=1_000.0,
        )
        return CandleClosed(at=at, candle=candle)

    def heatmap(self, at: Millis, sequence: int) -> HeatmapRead | HeatmapFailed:
        """The provider's answer at an instant."""
        second, mark = (at - T0) / 1000, self.mark(at)
        found = self.reading(second, mark) if self.reading is not None else a_reading(mark)
        if found is None or self.readings_end <= second < self.readings_again:
            failure = ReadingFailure(kind=self.failure, reason="as the script says")
            return HeatmapFailed(at=at, symbol=BTC, failure=failure, sequence=sequence)
        return HeatmapRead(at=at, reading=found, asked_at=at, sequence=sequence)


def a_reading(mark: float, rows: Sequence[Row] | None = None, **fields: object) -> Reading:
    """A good reply at a mark."""
    shown = tuple(rows_at(mark) if rows is None else rows)
    known = {"symbol": BTC, "price": mark, "rows": shown, "content_key": f"{mark} {shown}"}
    return Reading(**(known | fields))  # type: ignore[arg-type]  # the case names what it changes
