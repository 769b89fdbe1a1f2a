"""Nothing leaves but to a known host, and nothing comes back that is large, late or led astray."""

import asyncio
import gc
import resource
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import pytest

from bot.errors import ConfigError
from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.guard import CONNECTIONS_MAX, Guard, GuardedTransport, checked_url, guarded
from bot.model.wiring import HeatmapSettings
from tests.fakes.certificate import a_certificate, server_context
from tests.fakes.heatmap_scene import a_scene
from tests.fakes.heatmap_server import HeatmapServer, gzip_bomb
from tests.fakes.spoken import http, spoken

PATH = "/api/heatmap/BTCUSDT"
T = TypeVar("T")


def against(
    fault: str,
    act: Callable[[HeatmapServer, GuardedTransport], Awaitable[T]],
    *,
    timeout_s: float = 3.0,
) -> T:
    """Run `act` with a server that goes wrong in one way and a transport to it."""

    async def run() -> T:
        async with HeatmapServer() as server:
            server.fault = fault
            settings = HeatmapSettings(base_url=server.url, timeout_s=timeout_s)
            async with guarded(settings) as transport:
                return await act(server, transport)

    return asyncio.run(run())


async def ask(_: HeatmapServer, transport: GuardedTransport) -> ReadingError:
    with pytest.raises(ReadingError) as caught:
        await transport.get(PATH, {})
    return caught.value


def megabytes_at_peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0


def test_a_good_answer_comes_back_whole_with_its_query_sent() -> None:
    async def act(server: HeatmapServer, transport: GuardedTransport) -> list[str]:
        reply = await transport.get(PATH, {"min_strength": "0", "max_distance": "50"})

        assert 200 == reply.status
        assert b'"success": true' in reply.body
        assert "application/json" == reply.headers["content-type"]
        return server.requests

    assert [f"{PATH}?min_strength=0&max_distance=50"] == against("", act)


def test_a_base_url_with_a_path_keeps_it() -> None:
    async def act(server: HeatmapServer, _: GuardedTransport) -> str:
        guard = Guard((server.url,), timeout_s=1.0, body_max_bytes=1_000_000)
        async with guard:
            below = GuardedTransport(guard, f"{server.url}/elsewhere/")
            await below.get(PATH, {})
        return server.requests[-1]

    assert f"/elsewhere{PATH}" == against("", act)


def test_connections_are_used_again_and_are_few() -> None:
    async def act(server: HeatmapServer, transport: GuardedTransport) -> tuple[int, int]:
        for _ in range(5):
            await transport.get(PATH, {})
        one_by_one = len(server.connections)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(30):
                tasks.create_task(transport.get(PATH, {}))
        return one_by_one, len(server.connections)

    one_by_one, at_once = against("", act)

    assert 1 == one_by_one
    assert at_once <= CONNECTIONS_MAX


def test_a_host_that_is_not_on_the_list_is_not_asked() -> None:
    async def act(server: HeatmapServer, _: GuardedTransport) -> tuple[FailureKind, list[str]]:
        async with Guard(("http://127.0.0.1:9",), timeout_s=1.0, body_max_bytes=1000) as guard:
            with pytest.raises(ReadingError) as caught:
                await guard.get(server.url + PATH)
        return caught.value.kind, server.requests

    assert (FailureKind.REFUSED, []) == against("", act)


def test_the_environments_proxy_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    async def act(_: HeatmapServer, transport: GuardedTransport) -> int:
        return (await transport.get(PATH, {})).status

    assert 200 == against("", act)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "http://",
        "http://user:word@api.example.com",
        "http://api.example.com?key=1",
        "http://api.example.com:99999",
        "file:///etc/passwd",
    ],
)
def test_a_base_url_that_cannot_be_asked_is_named(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        checked_url(text)

    assert "heatmap.base_url" == caught.value.where


def test_h01_nothing_listens() -> None:
    async def act(server: HeatmapServer, transport: GuardedTransport) -> ReadingError:
        await server.stop()
        return await ask(server, transport)

    error = against("", act)

    assert FailureKind.UNREACHABLE is error.kind
    assert "nothing answers at 127.0.0.1:" in error.what


def test_h01_a_name_that_is_not_known() -> None:
    async def run() -> ReadingError:
        async with guarded(HeatmapSettings(base_url="http://no-such-host.invalid")) as transport:
            with pytest.raises(ReadingError) as caught:
                await transport.get(PATH, {})
            return caught.value

    assert FailureKind.UNREACHABLE is asyncio.run(run()).kind


@pytest.mark.parametrize("fault", ["h02_slow", "h03_black_hole", "h04_drip"])
def test_h02_h03_h04_time_is_counted_in_total(fault: str) -> None:
    """A byte now and then keeps a connection alive; it does not keep a request alive."""
    started_s = perf_counter()
    error = against(fault, ask, timeout_s=0.15)

    assert FailureKind.TIMEOUT is error.kind
    assert 0.1 < perf_counter() - started_s < 1.5


def test_h03_a_black_hole_leaves_no_socket_open() -> None:
    async def act(_: HeatmapServer, transport: GuardedTransport) -> int:
        for _number in range(3):
            with pytest.raises(ReadingError):
                await transport.get(PATH, {})
        gc.collect()
        return sum(
            isinstance(thing, socket.socket) and thing.fileno() >= 0 and _is_client(thing)
            for thing in gc.get_objects()
        )

    assert against("h03_black_hole", act, timeout_s=0.05) <= 1


def _is_client(sock: socket.socket) -> bool:
    try:
        return sock.family is socket.AF_INET and sock.getpeername()[1] < sock.getsockname()[1]
    except OSError:
        return False


def test_h07_a_connection_that_ends_in_the_middle_is_trouble_at_the_host() -> None:
    assert FailureKind.UNREACHABLE is against("h07_breaks_off", ask).kind


@pytest.mark.parametrize("fault", ["h09_huge", "h09_huge_and_says_so"])
def test_h09_a_hundred_megabytes_are_cut_at_two(fault: str) -> None:
    before = megabytes_at_peak()
    error = against(fault, ask)

    assert FailureKind.MALFORMED is error.kind
    assert "larger than 2,000,000 bytes" in error.what
    assert megabytes_at_peak() - before < 20


def test_h10_a_gzip_bomb_is_cut_while_it_is_unpacked() -> None:
    assert 150_000 < len(gzip_bomb()) < 400_000
    before = megabytes_at_peak()
    error = against("h10_gzip_bomb", ask)

    assert "larger than 2,000,000 bytes" in error.what
    assert megabytes_at_peak() - before < 20


@pytest.mark.parametrize("fault", ["h28_other_host", "h28_same_host"])
def test_h28_a_redirect_is_not_followed_wherever_it_leads(fault: str) -> None:
    async def act(server: HeatmapServer, transport: GuardedTransport) -> tuple[ReadingError, int]:
        return await ask(server, transport), len(server.requests)

    error, requests = against(fault, act)

    assert FailureKind.HTTP is error.kind
    assert "redirects are not followed" in error.what
    assert 1 == requests


@pytest.mark.parametrize(
    ("names", "days", "is_known", "is_accepted"),
    [
        (["localhost"], (-1, 1), True, True),
        (["localhost"], (-1, 1), False, False),
        (["localhost"], (-9, -2), True, False),
        (["other.example"], (-1, 1), True, False),
    ],
    ids=["good", "unknown-issuer", "expired", "other-name"],
)
def test_h29_a_certificate_that_is_not_right_is_refused(
    names: list[str],
    days: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    is_known: bool,
    is_accepted: bool,
) -> None:
    """With its issuer known the same server is taken, so it is the certificate that is judged."""
    certificate = a_certificate(tmp_path, names=names, valid_days=days)
    if is_known:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def run() -> str:
        server = HeatmapServer(a_scene())
        await server.start(tls=server_context(certificate))
        try:
            async with guarded(HeatmapSettings(base_url=server.url)) as transport:
                await transport.get(PATH, {})
        except ReadingError as error:
            return f"{error.kind}: {error.what}"
        finally:
            await server.stop()
        return "accepted"

    said = asyncio.run(run())

    if is_accepted:
        assert "accepted" == said
    else:
        assert said.startswith("unreachable: the certificate")


def test_h32_a_connection_that_died_while_idle_is_replaced_without_a_word() -> None:
    async def act(server: HeatmapServer, transport: GuardedTransport) -> tuple[list[int], int]:
        statuses = [(await transport.get(PATH, {})).status for _ in range(4)]
        return statuses, len(server.connections)

    statuses, connections = against("h32_dies_when_reused", act)

    assert [200] * 4 == statuses
    assert connections > 1


@pytest.mark.parametrize(
    ("headers", "body", "says"),
    [
        ({"Content-Encoding": "br"}, b"{}", "which was not asked for"),
        ({"Content-Encoding": "gzip"}, b"not gzip", "cannot be unpacked"),
        ({"Content-Encoding": "gzip"}, gzip_bomb()[:1000], "ends too early"),
    ],
)
def test_h10_a_packed_body_that_is_not_what_it_says_is_malformed(
    headers: dict[str, str], body: bytes, says: str
) -> None:
    async def act(_: HeatmapServer, transport: GuardedTransport) -> ReadingError:
        del transport
        async with (
            spoken(http(headers, body)) as url,
            Guard((url,), timeout_s=1.0, body_max_bytes=3_000_000) as guard,
        ):
            with pytest.raises(ReadingError) as caught:
                await guard.get(url)
            return caught.value

    assert says in against("", act).what


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"HTTP/1.1 2x0 OK\r\n\r\n", b""])
def test_a_host_that_does_not_speak_http_is_an_error(said: bytes) -> None:
    async def run() -> FailureKind:
        async with (
            spoken(said) as url,
            Guard((url,), timeout_s=1.0, body_max_bytes=99) as guard,
        ):
            with pytest.raises(ReadingError) as caught:
                await guard.get(url)
            return caught.value.kind

    assert asyncio.run(run()) in {FailureKind.MALFORMED, FailureKind.UNREACHABLE}
