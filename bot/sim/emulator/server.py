"""An emulated exchange on a loopback port: its REST interface, its websockets, its faults.

Everything but `/_emulator/` is the exchange's own interface in its own words. Market time runs
`speed` times faster than the clock, for the prices, the latency and the exchange's time alike. What
has arrived is acted upon, whether or not the client still waits for the reply.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from aiohttp import WSMsgType, web

from bot.errors import UsageError
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import Event, PriceMoved
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock
from bot.sim.emulator.control import AnyKey, Control, Movable
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import HTML, Faults, Kind, Plan, refusal
from bot.sim.emulator.state import Happening, HoldingChanged
from bot.sim.emulator.streams import Line, Speech

SILENT_S: Final = 60.0
"""Seconds of the clock for which a lost request's connection stays open and silent."""
PORT_MAX: Final = 65_535
OPTION: Final = "--listen"
REFUSALS: Final = frozenset({Kind.TIMEOUT, Kind.BUSY, Kind.RATE, Kind.BAN})


class Dialect(Protocol):
    """One exchange's REST interface, over the emulator's core."""

    @property
    def key(self) -> AnyKey:
        """The API key that it accepts."""
        ...

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        """Answer a request that arrives at `at`."""
        ...

    def user_messages(self, happening: Happening) -> list[dict[str, Any]]:
        """What the user stream tells of a happening."""
        ...


def say_nothing(happening: Happening) -> None:
    """Tell nobody."""


class EmulatorServer:
    """Serves one exchange; `on_market` is where its market's events go."""

    def __init__(
        self,
        *,
        exchange: str,
        core: Emulator,
        dialect: Dialect,
        speech: Speech,
        clock: Clock,
        faults: Faults,
        token: str,
        tell: Callable[[Happening], None] = say_nothing,
        market: Movable | None = None,
    ) -> None:
        """`tell` hears of every happening; `token` opens the control routes.

        `market` is given where its prices can be set.
        """
        self.requests = 0
        """REST requests that arrived, ill-fated ones included."""
        self._exchange = exchange
        self._core = core
        self._dialect = dialect
        self._speech = speech
        self._clock = clock
        self._faults = faults
        self._tell = tell
        self._moved: set[Symbol] = set()
        self._runner: web.AppRunner | None = None
        self._control = Control(
            exchange=exchange,
            core=core,
            faults=faults,
            clock=clock,
            token=token,
            after=self._pass_on,
            count=lambda: self.requests,
            market=market,
            key=dialect.key,
        )

    def app(self) -> web.Application:
        """The routes, for a server of the caller's own."""
        app = web.Application()
        self._control.add_to(app)
        app.router.add_route("*", "/{path:.*}", self._answer)
        return app

    async def start(self, address: str) -> tuple[str, int]:
        """Listen on `host:port` and return the address in use; port 0 takes a free one.

        Raises UsageError for an address that is not loopback or cannot be opened.
        """
        host, port = loopback(address)
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=0.5)
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except OSError as error:
            await runner.cleanup()
            raise UsageError(
                f"{address} cannot be opened: {error.strerror or error}.",
                where=OPTION,
                remedy="Stop what listens there, or choose another port.",
            ) from error
        self._runner = runner
        opened = runner.addresses[0]
        return str(opened[0]), int(opened[1])

    async def stop(self) -> None:
        """Hang up on everybody and stop listening."""
        for line in list(self._speech.hub.lines.values()):
            line.drop("the exchange stops")
        runner, self._runner = self._runner, None
        if runner is not None:
            await runner.cleanup()

    # --- the market

    def on_market(self, event: Event) -> None:
        """Let the exchange and all who follow it see a market event."""
        self._core.on_market(event)
        self._pass_on()
        self._speech.market(event)
        if isinstance(event, PriceMoved):
            self._moved.add(event.symbol)
            if len(self._moved) == len(self._core.instruments):
                self._moved.clear()
                self._end_second(event.at)

    def _end_second(self, at: Millis) -> None:
        self._speech.end_second(at)
        self._speech.pass_time(at)
        for line in list(self._speech.hub.lines.values()):
            if self._faults.drops_stream():
                line.drop("a fault")

    def _pass_on(self) -> None:
        """Tell the user streams what has happened, half a latency later, and the story at once."""
        messages: list[tuple[Mapping[str, Any], int]] = []
        while happenings := self._core.take_happenings():  # To tell may make more of them.
            # People read what traded before what is held since.
            for happening in sorted(happenings, key=lambda h: isinstance(h, HoldingChanged)):
                self._tell(happening)
            for happening in happenings:
                messages += [
                    (message, 2 if self._faults.repeats() else 1)
                    for message in self._dialect.user_messages(happening)
                ]
        if messages:
            delay_s = self._faults.settings.latency_ms / 2_000.0 / self._clock.speed
            asyncio.get_running_loop().call_later(delay_s, self._deliver, messages)

    def _deliver(self, messages: list[tuple[Mapping[str, Any], int]]) -> None:
        for message, times in messages:
            self._speech.user(message, times=times)

    # --- REST

    async def _answer(self, received: web.Request) -> web.StreamResponse:
        if received.headers.get("Upgrade", "").lower() == "websocket":
            return await self._talk(received)
        request = HttpRequest(
            method=received.method,
            url=f"{received.scheme}://{received.host}{received.raw_path}",
            headers=dict(received.headers),
            body=await received.text(),
        )
        self.requests += 1
        plan = self._faults.plan(request, self._clock.now())
        if plan.kind is Kind.LOST_REQUEST:
            await asyncio.sleep(SILENT_S)
            return _hung_up(received)
        await self._clock.sleep(plan.up_ms / 1_000.0)
        reply = self._act(request) if plan.is_done else HttpReply(status=200)
        if plan.kind in REFUSALS:
            reply = refusal(self._exchange, plan.kind, faults=self._faults)
        await self._clock.sleep(plan.down_ms / 1_000.0)
        return await _sent(received, reply, plan)

    def _act(self, request: HttpRequest) -> HttpReply:
        at = self._clock.now()
        reply = self._dialect.handle(request, at)
        self._speech.note(request, reply, at)
        self._pass_on()
        return reply

    # --- websockets

    async def _talk(self, received: web.Request) -> web.StreamResponse:
        line = self._speech.open(received.path, received.query, self._clock.now())
        if line is None:
            raise web.HTTPNotFound
        transport = received.transport
        if transport is not None:
            line.on_drop = transport.abort
        socket = web.WebSocketResponse(compress=False)
        try:
            await socket.prepare(received)
            async with asyncio.TaskGroup() as tasks:
                writing = tasks.create_task(_write(socket, line))
                async for message in socket:
                    if message.type is WSMsgType.TEXT:
                        self._speech.hear(line, message.data, self._clock.now())
                writing.cancel()
        finally:
            self._speech.hub.close(line)
        return socket


async def _write(socket: web.WebSocketResponse, line: Line) -> None:
    """Send what waits, until the other side or the line is gone."""
    try:
        while texts := await line.take():
            for text in texts:
                await socket.send_str(text)
    except ConnectionError:
        line.drop("hung up")


async def _sent(received: web.Request, reply: HttpReply, plan: Plan) -> web.StreamResponse:
    match plan.kind:
        case Kind.LOST_REPLY:
            return _hung_up(received)
        case Kind.HTML:
            return web.Response(body=HTML, content_type="text/html")
        case Kind.EMPTY:
            return web.Response(body=b"", content_type="application/json")
        case Kind.TRUNCATED:
            return await _cut_off(received, reply)
        case _:
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)


async def _cut_off(received: web.Request, reply: HttpReply) -> web.StreamResponse:
    """Announce the whole body, send half of it, and hang up."""
    response = web.StreamResponse(status=reply.status, headers=reply.headers)
    response.content_length = len(reply.body)
    await response.prepare(received)
    await response.write(reply.body[: len(reply.body) // 2])
    if received.transport is not None:
        received.transport.close()
    return response


def _hung_up(received: web.Request) -> web.Response:
    """Break the connection; what is returned reaches nobody."""
    if received.transport is not None:
        received.transport.abort()
    return web.Response()


def loopback(address: str) -> tuple[str, int]:
    """Split `host:port` (IPv6 in brackets); UsageError unless the host is this machine's own."""
    host, _, port = address.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise UsageError(
            f"{address!r} is not a loopback address.",
            where=OPTION,
            remedy="The emulator serves this machine only: write 127.0.0.1:8791.",
        )
    if not (port.isascii() and port.isdigit() and int(port) <= PORT_MAX):
        raise UsageError(
            f"{address!r} has no port from 0 to {PORT_MAX}.",
            where=OPTION,
            remedy="Write 127.0.0.1:8791.",
        )
    return host, int(port)
