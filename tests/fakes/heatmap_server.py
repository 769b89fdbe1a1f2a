"""A heatmap provider on loopback that answers well, or goes wrong in any of the ways H1 to H32.

    python -m tests.fakes.heatmap_server --port 8791 --fault h06_html
    python -m tests.fakes.heatmap_server --port 8791 --upstream http://127.0.0.1:8790 --every 3 \
        --fault h17_wrong_symbol

With `--upstream` the good answers come from there, so a bot that follows a moving market can be
rehearsed: let its `heatmap.serve` be the upstream and its `heatmap.base_url` this server.
"""

import argparse
import asyncio
import contextlib
import ssl
import sys
import zlib
from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Any, Final, Self, TypeAlias

import aiohttp
import msgspec
from aiohttp import web

from tests.fakes.heatmap_faults import FAULTS, Answer, Frozen, as_json, good
from tests.fakes.heatmap_scene import Scene, a_scene

BOMB_BYTES: Final = 200_000_000
HUGE_BYTES: Final = 100_000_000


class HeatmapServer:
    """The server; `fault` names what is wrong with the main route, "" nothing."""

    def __init__(self, scene: Scene | None = None, *, upstream: str = "") -> None:
        self.scene = scene or a_scene()
        self.upstream = upstream
        self.fault = ""
        self.every = 1
        """A fault strikes at every n-th request of the main route."""
        self.slow_s = 4.9
        self.drip_s = 0.3
        self.requests: list[str] = []
        """Path and query of each request, in order."""
        self.connections: set[int] = set()
        """Client ports seen."""
        self.under_way = 0
        self.under_way_max = 0
        self.headers: Mapping[str, str] = {}
        """Sent with each good answer of the main route."""
        self.retry_after = ""
        """Asked for instead of what a fault asks for: the hour of H30 is long for a process."""
        self.served: set[int] = set()
        """Client ports that had an answer already (H32)."""
        self.is_ended = asyncio.Event()
        """Lets what hangs go on, so that a test can end at once."""
        self._frozen = Frozen()
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._scheme = "http"
        self.port = 0

    @property
    def url(self) -> str:
        host = "localhost" if self._scheme == "https" else "127.0.0.1"
        return f"{self._scheme}://{host}:{self.port}"

    async def start(self, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        app = web.Application()
        app.router.add_get("/api/heatmap/{symbol}", self._heatmap)
        app.router.add_get("/api/heatmap/{symbol}/best", self._best)
        app.router.add_get("/api/stats", self._stats)
        app.router.add_get("/api/symbols", self._symbols)
        app.router.add_get("/elsewhere/api/heatmap/{symbol}", self._heatmap)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.05)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port, ssl_context=tls)
        await site.start()
        self._scheme = "https" if tls else "http"
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Stop listening: from now on connections are refused (H1)."""
        self.is_ended.set()
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()
        session, self._session = self._session, None
        if session:
            await session.close()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    # --- routes

    async def _heatmap(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        self.under_way += 1
        self.under_way_max = max(self.under_way_max, self.under_way)
        try:
            return await self._answer(request)
        finally:
            self.under_way -= 1

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        name, number = request.match_info["symbol"], len(self.requests)
        document = await self._document(request, name)
        if document is None:
            return _json({"detail": f"Symbol {name} is not supported"}, status=400)
        strikes = number % self.every == 0
        if strikes and self.fault in SOCKET_FAULTS:
            return await SOCKET_FAULTS[self.fault](self, request, as_json(document))
        if strikes and self.fault == "h23_frozen":
            return _response(self._frozen(document, number))
        fault = FAULTS[self.fault] if strikes and self.fault else good
        answer = fault(document, number)
        answer.headers = {**self.headers, **answer.headers}
        if self.retry_after and "Retry-After" in answer.headers:
            answer.headers = {**answer.headers, "Retry-After": self.retry_after}
        return _response(answer)

    async def _document(self, request: web.Request, name: str) -> dict[str, Any] | None:
        if not self.upstream:
            return self.scene.heatmap(name) if name in self.scene.symbols else None
        found = msgspec.json.decode((await self._relayed(request)).body or b"null")
        return found if isinstance(found, dict) and found.get("success") is True else None

    async def _best(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if self.upstream:
            return _response(await self._relayed(request))
        best = self.scene.best(request.match_info["symbol"])
        if best is None:
            return _json({"detail": "No suitable cluster found"}, status=404)
        return _json(best)

    async def _stats(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if self.upstream:
            return _response(await self._relayed(request))
        return _json(self.scene.stats())

    async def _symbols(self, request: web.Request) -> web.StreamResponse:
        self._note(request)
        if self.upstream:
            return _response(await self._relayed(request))
        return _json(self.scene.listing())

    async def _relayed(self, request: web.Request) -> Answer:
        url = f"{self.upstream}{request.path_qs}"
        self._session = self._session or aiohttp.ClientSession()
        async with self._session.get(url) as response:
            return Answer(response.status, await response.read())

    def _note(self, request: web.Request) -> None:
        self.requests.append(request.path_qs)
        if request.transport:
            self.connections.add(request.transport.get_extra_info("peername")[1])


SocketFault: TypeAlias = Callable[
    [HeatmapServer, web.Request, bytes], Awaitable[web.StreamResponse]
]


async def _slow(server: HeatmapServer, _: web.Request, body: bytes) -> web.StreamResponse:
    await _pause(server, server.slow_s)
    return web.Response(body=body)


async def _black_hole(server: HeatmapServer, _: web.Request, body: bytes) -> web.StreamResponse:
    await server.is_ended.wait()
    return web.Response(body=body)


async def _drip(server: HeatmapServer, request: web.Request, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    for letter in body.decode():
        await response.write(letter.encode())
        await _pause(server, server.drip_s)
    return response


async def _huge(server: HeatmapServer, request: web.Request, _: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    chunk = b" " * 65_536
    for _number in range(HUGE_BYTES // len(chunk)):
        if server.is_ended.is_set():
            break
        await response.write(chunk)
    return response


async def _huge_and_says_so(
    _: HeatmapServer, request: web.Request, __: bytes
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": str(HUGE_BYTES)})
    await response.prepare(request)
    await response.write(b"{")
    return response


async def _bomb(_: HeatmapServer, __: web.Request, ___: bytes) -> web.StreamResponse:
    return web.Response(body=gzip_bomb(), headers={"Content-Encoding": "gzip"})


async def _breaks_off(_: HeatmapServer, request: web.Request, body: bytes) -> web.StreamResponse:
    """Promise a whole body, send half of it and hang up."""
    response = web.StreamResponse(headers={"Content-Length": str(len(body))})
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    if request.transport:
        request.transport.close()
    return response


def _redirect(target: str) -> SocketFault:
    async def fault(server: HeatmapServer, request: web.Request, _: bytes) -> web.StreamResponse:
        path = target.format(url=server.url) + request.path_qs
        return web.Response(status=302, headers={"Location": path})

    return fault


async def _dies_when_reused(
    server: HeatmapServer, request: web.Request, body: bytes
) -> web.StreamResponse:
    """Serve each connection once: its second request meets a door that closed without a word."""
    assert request.transport is not None
    port = request.transport.get_extra_info("peername")[1]
    if port in server.served:
        request.transport.abort()
    server.served.add(port)
    return web.Response(body=body)


# fmt: off
SOCKET_FAULTS: Final[Mapping[str, SocketFault]] = {
    "h02_slow":            _slow,
    "h03_black_hole":      _black_hole,
    "h04_drip":            _drip,
    "h07_breaks_off":      _breaks_off,
    "h09_huge":            _huge,
    "h09_huge_and_says_so": _huge_and_says_so,
    "h10_gzip_bomb":       _bomb,
    "h28_other_host":      _redirect("http://localhost:1"),
    "h28_same_host":       _redirect("{url}/elsewhere"),
    "h32_dies_when_reused": _dies_when_reused,
}
# fmt: on
NAMES: Final = (*sorted({*FAULTS, *SOCKET_FAULTS, "h23_frozen"}),)


@cache
def gzip_bomb() -> bytes:
    """200 MB of blanks in about 200 kB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    blanks = b" " * 10_000_000
    parts = [packer.compress(blanks) for _ in range(BOMB_BYTES // len(blanks))]
    return b"".join([*parts, packer.flush()])


async def _pause(server: HeatmapServer, seconds: float) -> None:
    """Wait, or until the server is told to end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await server.is_ended.wait()


def _response(answer: Answer) -> web.Response:
    headers = {"Content-Type": "application/json", **answer.headers}
    return web.Response(status=answer.status, body=answer.body, headers=headers)


def _json(document: Any, *, status: int = 200) -> web.Response:
    return _response(Answer(status, as_json(document)))


async def _serve(arguments: argparse.Namespace) -> None:
    server = HeatmapServer(a_scene(*arguments.symbols), upstream=arguments.upstream)
    server.fault, server.every = arguments.fault, arguments.every
    await server.start(port=arguments.port)
    sys.stdout.write(f"{server.url}  {server.fault or 'no fault'}, every {server.every}. request\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=8791)
    parser.add_argument(
        "--fault", choices=("", *NAMES), default="", metavar="NAME", help=" ".join(NAMES)
    )
    parser.add_argument("--every", type=int, default=1, help="strike at every n-th request")
    parser.add_argument("--upstream", default="", help="base URL that the good answers come from")
    parser.add_argument("--symbols", nargs="*", default=["BTCUSDT"])
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
