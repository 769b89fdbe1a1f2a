"""Bybit's private stream: orders and executions as they happen; it only wakes, REST is the truth.

Whatever ends it, it connects anew, later each time, and asks for a reading of the account once it
listens again: nothing is sent again of what was missed. The wallet's topic is not followed: it
speaks with every fill, and the account is read anyway.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any, Final, Protocol

from bot.gateway.client import Client
from bot.gateway.failures import GatewayError, NoAnswerError
from bot.gateway.stream import open_stream
from bot.model.events import OrderFilled, OrderUpdated
from bot.model.primitives import ClientOrderId, Side, Symbol
from bot.ports import Clock, Emit
from bot.venue.decode import bybit as decode
from bot.venue.decode.bybit_rows import ExecutionRow, OrderRow, PositionRow, rows_of

PING_MS: Final = 20_000
"""The exchange wants to hear from us that often ("Connect", V5 reference)."""
LOGIN_MS: Final = 10_000
"""How long a login is good for."""
WAIT_MIN_S: Final = 0.1
WAIT_MAX_S: Final = 30.0
ANSWER_S: Final = 10.0
TOPICS: Final = ("order", "execution", "position")


class Line(Protocol):
    """An open websocket, as `bot.gateway.stream.Stream` is one."""

    async def send(self, message: dict[str, Any]) -> None:
        """Send one document."""
        ...

    async def receive(self, timeout_s: float | None = None) -> Any:
        """Wait for the next document; None where none came in time."""
        ...


Connect = Callable[[str], AbstractAsyncContextManager[Line]]


class UserStream:
    """The private stream of one account."""

    def __init__(
        self,
        client: Client,
        *,
        symbols: Mapping[str, Symbol],
        stop_of: Callable[[Symbol, Side], ClientOrderId | None],
        is_changed: Callable[[PositionRow], bool],
        clock: Clock,
        connect: Connect = open_stream,
    ) -> None:
        self._client = client
        self._symbols = symbols
        self._stop_of = stop_of
        self._is_changed = is_changed
        self._clock = clock
        self._connect = connect
        self._failures = 0
        """In a row, without a login in between."""

    async def run(self, emit: Emit, wake: Callable[[str], None]) -> None:
        """Follow until canceled."""
        while True:
            try:
                await self._follow(emit, wake)
            except GatewayError:
                wait_s = min(WAIT_MIN_S * 2.0 ** min(self._failures, 20), WAIT_MAX_S)
                self._failures += 1
                await self._clock.sleep(wait_s)

    async def _follow(self, emit: Emit, wake: Callable[[str], None]) -> None:
        """One connection, until it breaks."""
        async with self._connect(self._url()) as line:
            await self._log_in(line)
            await line.send({"op": "subscribe", "args": list(TOPICS)})
            pinged_at = self._clock.now()
            while True:
                left_ms = pinged_at + PING_MS - self._clock.now()
                if left_ms <= 0:
                    await line.send({"op": "ping"})
                    pinged_at = self._clock.now()
                    continue
                message = await line.receive(left_ms / 1000.0 / self._clock.speed)
                if isinstance(message, dict):
                    self._take(message, emit, wake)

    def _url(self) -> str:
        exchange = self._client.exchange
        url = exchange.urls["api"]["ws"]["private"]["contract"]
        return str(exchange.implode_hostname(url))

    async def _log_in(self, line: Line) -> None:
        """Show who we are; the secret itself stays here."""
        exchange = self._client.exchange
        expires = self._clock.now() + LOGIN_MS
        signature = hmac.new(
            exchange.secret.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256
        ).hexdigest()
        await line.send({"op": "auth", "args": [exchange.apiKey, expires, signature]})
        answer = await line.receive(ANSWER_S)
        if not isinstance(answer, dict) or answer.get("success") is not True:
            raise NoAnswerError("the stream did not let us in")

    def _take(self, message: dict[str, Any], emit: Emit, wake: Callable[[str], None]) -> None:
        """One message; what cannot be read ends the connection, and the account is read again."""
        if message.get("op") == "subscribe":
            if message.get("success") is not True:
                raise NoAnswerError("the stream does not tell of orders")
            self._failures = 0
            wake("the user stream is connected")
            return
        topic = str(message.get("topic", "")).partition(".")[0]
        if topic == "order":
            for row in rows_of(message.get("data"), OrderRow, "the stream of orders"):
                self._take_order(row, emit, wake)
        elif topic == "execution":
            for execution in rows_of(message.get("data"), ExecutionRow, "the stream of fills"):
                self._take_execution(execution, emit, wake)
        elif topic == "position":
            for position in rows_of(message.get("data"), PositionRow, "the stream of positions"):
                if self._is_changed(position):
                    wake(f"the settings of {position.symbol} have changed")

    def _take_order(self, row: OrderRow, emit: Emit, wake: Callable[[str], None]) -> None:
        report = decode.report(row, self._symbols)
        if report is None or row.belongs_to_position:
            return
        if report.client_id is None:
            wake(f"an order that is not ours on {report.symbol}")
            return
        emit(OrderUpdated(at=self._clock.now(), report=report))

    def _take_execution(self, row: ExecutionRow, emit: Emit, wake: Callable[[str], None]) -> None:
        fill = decode.fill(row, self._symbols, self._stop_of)
        if fill is None:
            return
        if fill.client_id is None:
            wake(f"a fill that is not ours on {fill.symbol}")
            return
        emit(OrderFilled(at=self._clock.now(), fill=fill))
