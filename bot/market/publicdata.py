"""What is asked of an exchange without keys, and how its answers are read.

A row that cannot be read costs itself and nothing else: one symbol that the exchange reports
crookedly must not blind the bot to all others.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from bot.gateway.connection import Route
from bot.gateway.failures import NoAnswerError
from bot.model.instrument import LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol, Value

T = TypeVar("T")

DEPTH_SHARE = 0.001
"""Resting orders count within 10 bps of the middle of the book."""
MINUTE_MS = 60_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OI_DELAY_MS = 300_000
"""Open interest of the past is published late: it was known five minutes after its stamp."""

Listed = Mapping[Symbol, Mapping[str, Any]]
"""ccxt's market structures by unified symbol."""


class Tick(Value, frozen=True, kw_only=True):
    """What one message or row tells of a symbol's price; None where it says nothing."""

    symbol: Symbol
    stamped_at: Millis
    """The exchange's own time of it."""
    mark: float | None = None
    bid: float | None = None
    ask: float | None = None
    last: float | None = None
    funding: Funding | None = None


class PublicLine(Protocol):
    """What is needed of the gateway's client."""

    @property
    def exchange(self) -> Any:
        """The object of ccxt: addresses, names, and unified calls where there are no routes."""
        ...

    async def call(self, route: Route, params: Mapping[str, Any] | None = None) -> Any:
        """Call one endpoint; raises GatewayError."""
        ...

    async def load_markets(self, *, is_reload: bool = False) -> dict[str, Any]:
        """All of ccxt's markets; raises GatewayError."""
        ...


class StreamPlan(Protocol):
    """One websocket: where it is, what is sent to it, and what its messages mean."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def url(self) -> str:
        """Where it is; the gateway puts a configured host in its place."""
        ...

    @property
    def hello(self) -> Sequence[Mapping[str, Any]]:
        """Messages sent after connecting, in order."""
        ...

    @property
    def ping(self) -> Mapping[str, Any] | None:
        """A message that keeps it open, to be sent every 20 seconds; None: none is needed."""
        ...

    def begin(self) -> None:
        """Forget what the connection before has told."""
        ...

    def decode(self, message: Any) -> Sequence[Tick]:
        """What a parsed message tells of prices; nothing for answers and other topics."""
        ...


class PublicApi(Protocol):
    """Public data of one exchange; every call raises GatewayError where it brings nothing.

    Candles and open interest come ascending and without doubles.
    """

    async def listed(self, *, is_fresh: bool) -> Listed:
        """Every contract of the exchange; asked for anew where `is_fresh`."""
        ...

    async def tiers(self, symbol: Symbol) -> tuple[LeverageTier, ...]:
        """Maintenance brackets, ascending; empty where they are not public."""
        ...

    async def ticks(self, symbols: Sequence[Symbol]) -> Sequence[Tick]:
        """The newest prices of all symbols; more than one row a symbol where two calls tell."""
        ...

    async def candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of trades that open in [since, until)."""
        ...

    async def mark_candles(
        self, symbol: Symbol, timeframe_ms: int, since: Millis, until: Millis
    ) -> Sequence[Candle]:
        """Bars of the mark, without volume; nothing where the exchange has none."""
        ...

    async def open_interest(self, symbol: Symbol) -> tuple[Millis, float] | None:
        """The newest (stamp, base coins); None where the exchange does not tell."""
        ...

    async def open_interest_past(
        self, symbol: Symbol, step_ms: int, since: Millis, until: Millis
    ) -> Sequence[tuple[Millis, float]]:
        """(stamp, base coins) within [since, until]; nothing where the exchange keeps none."""
        ...

    async def depth_usd(self, symbol: Symbol) -> float | None:
        """Resting notional within 10 bps of the middle, the smaller side; None where unknown."""
        ...

    def streams(self, symbols: Sequence[Symbol]) -> Sequence[StreamPlan]:
        """Websockets that tell prices; none where there are none."""
        ...


def number(raw: Any) -> float:
    """A finite number as an exchange writes it. Raises ValueError and TypeError."""
    value = float(raw)
    if not math.isfinite(value):
        raise ValueError("not finite")
    return value


def price_or_none(raw: Any) -> float | None:
    """A price above zero; None where there is none."""
    if raw is None or raw == "":
        return None
    value = number(raw)
    return value if value > 0 else None


def readable(rows: Any, decode: Callable[[Any], T | None], what: str) -> list[T]:
    """Decode every row that can be; None of a row means that it is not for us.

    Raises NoAnswerError where `rows` is no list, or nothing in it can be read.
    """
    if not isinstance(rows, list):
        raise NoAnswerError(f"{what}: not the list it should be")
    found: list[T] = []
    bad = 0
    for row in rows:
        try:
            decoded = decode(row)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            bad += 1
            continue
        if decoded is not None:
            found.append(decoded)
    if bad and not found:
        raise NoAnswerError(f"{what}: nothing in the reply can be read")
    return found


def part(reply: Any, *keys: str) -> Any:
    """Walk down a reply's objects. Raises NoAnswerError where one is missing."""
    for key in keys:
        if not isinstance(reply, Mapping) or key not in reply:
            raise NoAnswerError(f"the reply has no {key!r}")
        reply = reply[key]
    return reply


async def both(first: Awaitable[T], second: Awaitable[T]) -> tuple[T, T]:
    """Wait for two calls side by side; the first failure is raised as it came."""

    async def result(call: Awaitable[T]) -> T:
        return await call

    try:
        async with asyncio.TaskGroup() as group:
            tasks = group.create_task(result(first)), group.create_task(result(second))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return tasks[0].result(), tasks[1].result()


def ascending(candles: Iterable[Candle], since: int, until: int) -> list[Candle]:
    """Bars that open in [since, until), by time, the last of doubles."""
    by_open = {row.open_at: row for row in candles if since <= row.open_at < until}
    return [by_open[at] for at in sorted(by_open)]


def levels_needed(price: float | None, tick: float | None, sizes: Sequence[int]) -> int:
    """How many levels of a book to ask for, of the sizes there are, so that they reach 10 bps."""
    needed = price * DEPTH_SHARE / tick if price is not None and tick else 0.0
    return next((size for size in sizes if size >= needed), sizes[-1])


def depth_within(bids: Any, asks: Any) -> float | None:
    """Quote value of what rests within 10 bps of the middle, on the thinner side.

    Rows are [price, base coins, ...], best first. A book that is cut off before 10 bps counts as
    far as it goes. None where a side is empty.
    """
    sides = [readable(rows, _level, "order book") for rows in (bids, asks)]
    if not all(sides):
        return None
    middle = (sides[0][0][0] + sides[1][0][0]) / 2.0
    far = middle * DEPTH_SHARE
    return min(sum(p * q for p, q in rows if abs(p - middle) <= far) for rows in sides)


def _level(row: Any) -> tuple[float, float]:
    price, qty = number(row[0]), number(row[1])
    if price <= 0 or qty < 0:
        raise ValueError("no level")
    return price, qty


def bar_of(symbol: Symbol, timeframe_ms: int, row: Sequence[Any], **more: float) -> Candle:
    """[open time, o, h, l, c, volume, ...] as a bar; a row without a volume traded nothing."""
    opened, first, high, low, last, *rest = row
    return Candle(
        symbol=symbol,
        open_at=Millis(int(opened)),
        timeframe_ms=timeframe_ms,
        open=number(first),
        high=number(high),
        low=number(low),
        close=number(last),
        volume=number(rest[0]) if rest and rest[0] is not None else 0.0,
        **more,
    )
