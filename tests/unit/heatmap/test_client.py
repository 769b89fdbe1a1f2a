"""Four routes, and what each status lets a poller know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import formatdate
from typing import TypeVar

import pytest

from bot.clock import run_virtual
from bot.heatmap.client import HeatmapClient
from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.listing import Listing
from bot.model.primitives import Millis, Symbol
from tests.fakes.heatmap_faults import FAULTS, Answer, Fault, as_json, status
from tests.fakes.heatmap_replies import BTC
from tests.fakes.heatmap_scene import Scene, a_scene
from tests.fakes.heatmap_transport import BASE_URL, SceneTransport

WALL = Millis(1_770_000_000_000)
T = TypeVar("T")


def with_client(
    act: Callable[[HeatmapClient, SceneTransport], Awaitable[T]], scene: Scene | None = None
) -> T:
    """Run `act` in virtual time with a client over a scene."""

    async def run() -> T:
        transport = SceneTransport(scene, latency_s=0.0)
        async with transport.open():
            return await act(HeatmapClient(transport, rows_max=1000, wall=lambda: WALL), transport)

    return run_virtual(run())


def failure(fault: str | Fault) -> ReadingError:
    """What the main route raises when it is answered so."""

    async def act(client: HeatmapClient, transport: SceneTransport) -> ReadingError:
        transport.fault = fault
        with pytest.raises(ReadingError) as caught:
            await client.heatmap(BTC)
        return caught.value

    return with_client(act)


def test_the_main_route_is_asked_wide_and_gives_reading_and_body() -> None:
    async def act(client: HeatmapClient, transport: SceneTransport) -> None:
        polled = await client.heatmap(BTC)

        assert BTC.symbol == polled.reading.symbol
        assert 6 == len(polled.reading.rows)
        assert b'"success": true' in polled.body
        assert ["/api/heatmap/BTCUSDT"] == [path for _, path in transport.asked]
        assert [{"min_strength": "0", "max_distance": "50"}] == transport.params

    with_client(act)


def test_the_other_routes_are_asked_and_read() -> None:
    async def act(client: HeatmapClient, transport: SceneTransport) -> None:
        best = await client.best(BTC, min_strength=0.75)
        stats = await client.stats({"BTCUSDT": BTC})
        names = await client.symbols()

        assert best is not None
        assert 0.95 == best.strength
        assert 1e9 == stats.open_interest[BTC.symbol].total_oi_usd
        assert ("BTCUSDT",) == names
        assert ["/api/heatmap/BTCUSDT/best", "/api/stats", "/api/symbols"] == [
            path for _, path in transport.asked
        ]
        assert {"min_strength": "0.75"} == transport.params[0]

    with_client(act)


def test_a_name_is_quoted_on_its_way_out() -> None:
    listing = Listing(symbol=Symbol("X/USDT:USDT"), name="../X?")

    async def act(client: HeatmapClient, transport: SceneTransport) -> str:
        with pytest.raises(ReadingError):
            await client.heatmap(listing)
        return transport.asked[0][1]

    assert "/api/heatmap/..%2FX%3F" == with_client(act)


def test_best_404_is_an_answer_when_it_says_so() -> None:
    async def act(client: HeatmapClient, _: SceneTransport) -> None:
        assert await client.best(BTC) is None

    scene = a_scene()
    scene.symbols["BTCUSDT"].clusters.clear()
    with_client(act, scene)


def test_best_404_without_those_words_is_a_wrong_address() -> None:
    async def act(client: HeatmapClient, transport: SceneTransport) -> None:
        transport.best_fault = status(404, "Not Found")
        with pytest.raises(ReadingError) as caught:
            await client.best(BTC)

        assert FailureKind.HTTP is caught.value.kind

    with_client(act)


def test_404_on_the_main_route_means_a_wrong_address_and_says_so() -> None:
    error = failure(status(404, "Not Found"))

    assert (FailureKind.HTTP, BASE_URL) == (error.kind, error.where)
    assert (
        "the provider answered 404: there is no heatmap at this address (Not Found)" == error.what
    )
    assert "heatmap.base_url" in error.remedy
    assert not error.is_host_trouble


def test_400_says_that_the_symbol_is_not_carried() -> None:
    error = failure(status(400, "Symbol BTCUSDT is not supported"))

    assert FailureKind.UNSUPPORTED is error.kind
    assert "does not carry BTCUSDT (Symbol BTCUSDT is not supported)" in error.what


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (FAULTS["h05_500"], "the provider answered 500 (Internal Server Error)"),
        (FAULTS["h05_502"], "the provider answered 502 (a web page)"),
        (FAULTS["h05_503"], "the provider answered 503 (Service Unavailable)"),
        (FAULTS["h05_504"], "the provider answered 504 (Gateway Timeout)"),
    ],
)
def test_h05_a_status_of_the_five_hundreds_is_trouble_at_the_host(fault: Fault, says: str) -> None:
    error = failure(fault)

    assert (FailureKind.HTTP, says, True) == (error.kind, error.what, error.is_host_trouble)


@pytest.mark.parametrize("code", [201, 204, 206, 401, 403, 418, 422])
def test_any_other_status_is_no_answer_even_with_a_good_body(code: int) -> None:
    body = as_json(a_scene().heatmap("BTCUSDT"))
    error = failure(lambda *_: Answer(code, body))

    assert (FailureKind.HTTP, code) == (error.kind, error.status)


def test_failures_of_the_network_are_told_with_their_place() -> None:
    async def act(client: HeatmapClient, transport: SceneTransport) -> ReadingError:
        transport.error = ReadingError(FailureKind.UNREACHABLE, "nothing answers")
        with pytest.raises(ReadingError) as caught:
            await client.heatmap(BTC)
        return caught.value

    assert BASE_URL == with_client(act).where


# --- Retry-After


@pytest.mark.parametrize(
    ("headers", "quiet_s"),
    [
        ({"Retry-After": "120"}, 120.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "3600"}, 3600.0),
        ({"Retry-After": "86400"}, 3600.0),
        ({"Retry-After": "9" * 5000}, 3600.0),
        ({"Retry-After": formatdate(WALL / 1000 + 90, usegmt=True)}, 90.0),
        ({"Retry-After": formatdate(WALL / 1000 - 90, usegmt=True)}, 0.0),
        (
            {
                "Retry-After": formatdate(5_000_090, usegmt=True),
                "Date": formatdate(5_000_000, usegmt=True),
            },
            90.0,
        ),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_h30_both_forms_of_retry_after_are_honoured_up_to_an_hour(
    code: int, headers: Mapping[str, str], quiet_s: float
) -> None:
    """A date is measured from the host's own clock where it shows one."""

    async def act(client: HeatmapClient, transport: SceneTransport) -> tuple[ReadingError, float]:
        transport.fault = lambda *_: Answer(code, b"{}", headers)
        with pytest.raises(ReadingError) as caught:
            await client.heatmap(BTC)
        return caught.value, client.quiet_s

    error, left_s = with_client(act)

    assert (FailureKind.THROTTLED, quiet_s, quiet_s) == (error.kind, error.retry_after_s, left_s)


@pytest.mark.parametrize("asked", ["", "soon", "-5", "1.5", "Wed, 99 Foo 2026 99:99:99 GMT"])
def test_h30_a_retry_after_that_says_nothing_is_ordinary_trouble(asked: str) -> None:
    headers = {"Retry-After": asked}

    assert FailureKind.THROTTLED is failure(lambda *_: Answer(429, b"", headers)).kind
    assert failure(lambda *_: Answer(429, b"", headers)).retry_after_s is None
    assert FailureKind.HTTP is failure(lambda *_: Answer(503, b"", headers)).kind


def test_h30_while_the_host_wants_quiet_nothing_is_sent_on_any_route() -> None:
    async def act(client: HeatmapClient, transport: SceneTransport) -> None:
        transport.fault = "h30_429"
        with pytest.raises(ReadingError):
            await client.heatmap(BTC)
        transport.fault = ""
        await asyncio.sleep(3599.0)
        for ask in (client.heatmap(BTC), client.best(BTC), client.stats({}), client.symbols()):
            with pytest.raises(ReadingError, match="left alone for another 1 s") as caught:
                await ask

            assert FailureKind.THROTTLED is caught.value.kind
        assert 1 == len(transport.asked)
        await asyncio.sleep(1.0)

        assert 6 == len((await client.heatmap(BTC)).reading.rows)

    with_client(act)


# --- how old a reply is


def ages(steps: Sequence[tuple[float, Mapping[str, str]]]) -> list[float | None]:
    """The age of each reply; each step waits, then is answered with headers."""

    async def act(client: HeatmapClient, transport: SceneTransport) -> list[float | None]:
        found = []
        for wait_s, headers in steps:
            await asyncio.sleep(wait_s)
            transport.headers = dict(headers)
            found.append((await client.heatmap(BTC)).reading.server_age_s)
        return found

    return with_client(act)


def date(epoch_s: float) -> dict[str, str]:
    return {"Date": formatdate(epoch_s, usegmt=True)}


def test_without_headers_the_age_is_unknown() -> None:
    assert [None, None] == ages([(0, {}), (5, {"Date": "yesterday", "Age": "old"})])


def test_the_age_header_counts_by_itself() -> None:
    assert [0.0, 35.0, None] == ages([(0, {"Age": "0"}), (5, {"Age": "35"}), (5, {"Age": "-1"})])


@pytest.mark.parametrize("skew_s", [0, 3 * 3600, -3 * 3600, 10_000_000])
def test_h22_a_constant_skew_of_the_hosts_clock_is_an_offset_and_not_age(skew_s: int) -> None:
    steps = [(0, date(1e9 + skew_s)), (5, date(1e9 + skew_s + 5)), (60, date(1e9 + skew_s + 65))]

    assert [0.0, 0.0, 0.0] == ages(steps)


def test_h20_a_date_that_stands_still_ages() -> None:
    assert [0.0, 5.0, 30.0] == ages([(0, date(1e9)), (5, date(1e9)), (25, date(1e9))])


def test_of_age_and_date_the_greater_counts_and_a_clock_that_jumps_ahead_is_not_age() -> None:
    steps = [(0, date(1e9)), (5, date(1e9) | {"Age": "3"}), (5, date(1e9 + 999))]

    assert [0.0, 5.0, 0.0] == ages(steps)
