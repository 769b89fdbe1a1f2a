"""Binance's user stream: it only wakes and hurries, what the endpoints tell is the truth.

ccxt.pro is not used for it: it renews the listen key once and then never again, does not hear
`listenKeyExpired`, takes up the old key after a break, and an exception of a handler ends its
reception without a word (venues.md, section 8).
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any, Final, Protocol

from msgspec.structs import replace

from bot.gateway.client import Client
from bot.gateway.connection import QUERY
from bot.gateway.failures import GatewayError, NoAnswerError, RefusedError
from bot.gateway.stream import open_stream
from bot.model.events import OrderFilled, OrderUpdated
from bot.model.primitives import Symbol
from bot.ports import Clock, Emit
from bot.venue.binanceusdm_memory import Memory
from bot.venue.decode.binanceusdm import with_child
from bot.venue.decode.binanceusdm_stream import KeyExpired, Moved, OrderNews, StopNews, news_of
from bot.venue.decode.fields import as_row, text_of
from bot.venue.requests.binanceusdm import KEEP_LISTEN_KEY, OPEN_LISTEN_KEY, QUOTE
from bot.venue.together import together

RENEW_S: Final = 25 * 60.0
"""A listen key lasts an hour from its last renewal ("User Data Streams")."""
RENEW_AGAIN_S: Final = 60.0
SILENCE_S: Final = 30 * 60.0
"""A quiet account's stream is silent, so a dead one cannot be told from it: it is opened anew."""
WAIT_MIN_S: Final = 1.0
WAIT_MAX_S: Final = 30.0


class Line(Protocol):
    """An open websocket that only listens, as `bot.gateway.stream.Stream` can."""

    async def receive(self, timeout_s: float | None = None) -> Any:
        """Wait for the next document; None where none came in time."""
        ...


Connect = Callable[[str], AbstractAsyncContextManager[Line]]


class UserStream:
    """The user stream of one account."""

    def __init__(
        self,
        client: Client,
        *,
        symbols: Mapping[str, Symbol],
        memory: Memory,
        rates_of: Callable[[], Mapping[bool, Decimal]],
        want: Callable[[Symbol], None],
        clock: Clock,
        connect: Connect = open_stream,
    ) -> None:
        self._client = client
        self._symbols = symbols
        self._memory = memory
        self._rates_of = rates_of
        self._want = want
        self._clock = clock
        self._connect = connect
        self._failures = 0
        """In a row, without a connection in between."""

    async def run(self, emit: Emit, wake: Callable[[str], None]) -> None:
        """Follow until canceled; whatever breaks it, it begins anew with a key of its own."""
        while True:
            try:
                await self._follow(emit, wake)
            except GatewayError:
                wait_s = min(WAIT_MIN_S * 2.0 ** min(self._failures, 20), WAIT_MAX_S)
                self._failures += 1
                await self._clock.sleep(wait_s)

    async def _follow(self, emit: Emit, wake: Callable[[str], None]) -> None:
        reply = await self._client.call(OPEN_LISTEN_KEY, lane=QUERY)
        key = text_of(as_row(reply, "listen key"), "listenKey")
        async with self._connect(self._url(key)) as line:
            self._failures = 0
            # Listen first, read then: what happens in between is heard.
            wake("the user stream is connected")
            async with together() as group:
                group.create_task(self._keep_key())
                group.create_task(self._listen(line, emit, wake))

    def _url(self, key: str) -> str:
        # User streams have a path of their own since 2026; ccxt knows the host, ours or theirs.
        address = str(self._client.exchange.urls["api"]["ws"]["linear"])
        return f"{address.removesuffix('/ws')}/private/ws/{key}"

    async def _keep_key(self) -> None:
        wait_s = RENEW_S
        while True:
            await self._clock.sleep(wait_s)
            try:
                await self._client.call(KEEP_LISTEN_KEY, lane=QUERY)
                wait_s = RENEW_S
            except RefusedError as error:
                if error.code == "-1125":
                    raise NoAnswerError("the listen key is no more") from None
                wait_s = RENEW_AGAIN_S
            except GatewayError:
                wait_s = RENEW_AGAIN_S

    async def _listen(self, line: Line, emit: Emit, wake: Callable[[str], None]) -> None:
        while True:
            message = await line.receive(SILENCE_S / self._clock.speed)
            if message is None:
                raise NoAnswerError("the user stream is silent")
            news = news_of(message, self._symbols, quote=QUOTE, rates=self._rates_of())
            if isinstance(news, KeyExpired):
                raise NoAnswerError("the listen key has expired")
            if isinstance(news, OrderNews):
                self._take_order(news, emit, wake)
            elif isinstance(news, StopNews):
                self._take_stop(news, emit, wake)
            elif isinstance(news, Moved):
                wake(news.why)

    def _take_order(self, news: OrderNews, emit: Emit, wake: Callable[[str], None]) -> None:
        """Tell of an order of ours, or of a stop's child under the stop's name.

        Whose child an order is may come later than its trades: these are left to the reading,
        which can ask. Told without a name, they would be booked as somebody else's.
        """
        report = news.report
        parent = self._memory.parent(report.symbol, report.venue_id)
        if parent is not None and parent.client_id is not None:
            report = with_child(parent, report)
        else:
            self._memory.see(report)
        if report.client_id is None:
            self._want(report.symbol)
            wake(f"an order that is not known here on {report.symbol}")
            return
        emit(OrderUpdated(at=self._clock.now(), report=report))
        if news.trade is not None:
            fill = replace(news.trade.fill, client_id=report.client_id)
            emit(OrderFilled(at=self._clock.now(), fill=fill))

    def _take_stop(self, news: StopNews, emit: Emit, wake: Callable[[str], None]) -> None:
        """Tell of a stop that waits or is over; one that has fired is read with its child."""
        stop = news.stop
        self._memory.see_stop(stop)
        symbol = stop.report.symbol
        if stop.has_fired or stop.report.client_id is None:
            self._want(symbol)
            wake(f"a conditional order on {symbol} has changed")
            return
        emit(OrderUpdated(at=self._clock.now(), report=stop.report))
        if news.why:
            wake(f"a stop on {symbol} was refused when it fired: {news.why}")
