"""The provider's routes as a client sees them, over a real loopback socket."""

import asyncio
import json
import math
import socket
from typing import Any

import aiohttp
import msgspec
import pytest

from bot.clock import LoopClock
from bot.errors import ConfigError
from bot.heatmap import decode, listing
from bot.heatmap.serve import CACHED_MAX, HeatmapServer, loopback_address
from bot.model.heatmap import OpenInterest, Reading, Row, Stats
from bot.model.primitives import Millis, PositionSide, Symbol
from tests.fakes.engine_market import BTC, START_AT

ETH = Symbol("ETH/USDT:USDT")
INPUT_AT = Millis(START_AT - 60_000)
LONG = Row(
    level=95.0,
    side=PositionSide.LONG,
    notional_usd=2e6,
    strength=0.4,
    low=94.5,
    high=95.5,
    leverage_tier=25.0,
    liquidation_count=100,
    provider_id=7,
)
SHORT = msgspec.structs.replace(
    LONG, level=120.0, side=PositionSide.SHORT, strength=0.9, low=119.0, high=121.0, provider_id=8
)
READING = Reading(
    symbol=BTC,
    price=100.0,
    rows=(LONG, SHORT),
    coverage=0.35,
    is_warming=True,
    input_at=INPUT_AT,
)


class Source:
    """A reading source whose answers the test sets; ETH has none yet."""

    def __init__(self, reading: Reading = READING) -> None:
        self.now = reading

    def reading(self, symbol: Symbol) -> Reading | None:
        return self.now if symbol == BTC else None

    def stats(self) -> Stats:
        return Stats(
            symbols_total=2,
            symbols_active=1,
            clusters_total=2,
            open_interest={BTC: OpenInterest(total_oi_usd=5e9)},
        )


def ask(*paths: str, source: Source | None = None) -> list[tuple[int, Any]]:
    """The status and decoded body of each path, asked in turn."""
    return asyncio.run(_ask(paths, source or Source()))


async def _ask(paths: tuple[str, ...], source: Source) -> list[tuple[int, Any]]:
    server = HeatmapServer(source, [BTC, ETH], LoopClock(start_at=Millis(START_AT)))
    host, port = await server.start("127.0.0.1:0")
    answers = []
    try:
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            for path in paths:
                async with session.get(path) as reply:
                    assert reply.content_type == "application/json"
                    answers.append((reply.status, json.loads(await reply.read())))
    finally:
        await server.stop()
    return answers


def test_the_heatmap_is_spelled_as_the_provider_spells_it() -> None:
    ((status, body),) = ask("/api/heatmap/BTCUSDT?max_distance=10")
    cluster = {
        "price_level": 95.0,
        "side": "long",
        "liquidation_count": 100,
        "total_notional": 2e6,
        "strength": 0.4,
        "distance_from_price": pytest.approx(5.0),
        "cluster_id": 7,
        "last_updated": "2025-12-31T23:59:00",
        "leverage_tier": 25.0,
        "zone_low": 94.5,
        "zone_high": 95.5,
    }

    assert 200 == status
    assert body.pop("timestamp").startswith("2026-01-01T00:00:0")
    assert {
        "success": True,
        "symbol": "BTCUSDT",
        "current_price": 100.0,
        "clusters": [cluster],
        "total_clusters": 1,
        "coverage": 0.35,
        "warming": True,
    } == body


def test_clusters_are_filtered_by_distance_and_strength_as_the_provider_does() -> None:
    answers = ask(
        "/api/heatmap/BTCUSDT",
        "/api/heatmap/BTCUSDT?max_distance=50",
        "/api/heatmap/BTCUSDT?max_distance=50&min_strength=0.5",
        "/api/heatmap/btcusdt?max_distance=0",
    )

    ids = [[row["cluster_id"] for row in body["clusters"]] for _, body in answers]
    assert [[7], [7, 8], [8], []] == ids


def test_the_best_cluster_is_bare_and_the_strongest() -> None:
    ((status, body),) = ask("/api/heatmap/BTCUSDT/best")

    assert (200, 8) == (status, body["cluster_id"])
    assert "success" not in body
    assert 20.0 == pytest.approx(body["distance_from_price"])


def test_no_suitable_cluster_is_an_answer_with_404() -> None:
    assert [(404, {"detail": "No suitable cluster found"})] == ask(
        "/api/heatmap/BTCUSDT/best?min_strength=0.95"
    )


def test_the_threshold_of_the_best_can_be_lowered_to_any_cluster() -> None:
    reading = msgspec.structs.replace(READING, rows=(LONG,))
    answers = ask(
        "/api/heatmap/BTCUSDT/best",
        "/api/heatmap/BTCUSDT/best?min_strength=0",
        source=Source(reading),
    )

    assert [404, 200] == [status for status, _ in answers]


def test_an_unsupported_symbol_is_a_bad_request() -> None:
    answers = ask("/api/heatmap/DOGEUSDT", "/api/heatmap/DOGEUSDT/best")

    assert [(400, {"detail": "Symbol DOGEUSDT is not supported"})] * 2 == answers


def test_a_symbol_without_data_is_unavailable_and_has_no_success() -> None:
    assert [(503, {"detail": "No data for ETHUSDT yet"})] == ask("/api/heatmap/ETHUSDT")


@pytest.mark.parametrize(
    "query",
    [
        "min_strength=1.01",
        "min_strength=-0.1",
        "max_distance=51",
        "max_distance=x",
        "max_distance=",
        "max_distance=nan",
        "max_distance=inf",
    ],
)
def test_parameters_out_of_range_are_unprocessable(query: str) -> None:
    ((status, body),) = ask(f"/api/heatmap/BTCUSDT?{query}")

    assert 422 == status
    assert ["query", query.partition("=")[0]] == body["detail"][0]["loc"]


def test_open_interest_stands_under_debug() -> None:
    ((status, body),) = ask("/api/stats")
    stats = body["stats"]

    assert (200, True) == (status, body["success"])
    assert (2, 1, 2) == tuple(
        stats[name] for name in ("total_symbols", "active_symbols", "total_clusters")
    )
    assert "2026-01-01T00:00:0" == stats["last_update"][:18]
    assert {"BTCUSDT": {"total_oi_usd": 5e9, "long_short_ratio": None}} == stats["debug"][
        "open_interest_summary"
    ]
    assert stats["debug"]["heatmap_running"] is True


def test_symbols_are_listed_by_the_providers_names() -> None:
    expected = {"success": True, "symbols": ["BTCUSDT", "ETHUSDT"], "count": 2}

    assert [(200, expected)] == ask("/api/symbols")


def test_rows_without_an_id_or_count_are_served_with_zero() -> None:
    row = msgspec.structs.replace(LONG, provider_id=None, liquidation_count=None)
    reading = msgspec.structs.replace(READING, rows=(row,), input_at=None)
    ((_, body),) = ask("/api/heatmap/BTCUSDT", source=Source(reading))

    assert (0, 0) == tuple(
        body["clusters"][0][name] for name in ("cluster_id", "liquidation_count")
    )
    assert body["clusters"][0]["last_updated"].startswith("2026-01-01T00:00:0")


def test_a_reply_is_encoded_once_for_each_reading_and_the_cache_is_bounded() -> None:
    async def scenario() -> None:
        source = Source()
        server = HeatmapServer(source, [BTC], LoopClock(start_at=Millis(START_AT)))
        host, port = await server.start("127.0.0.1:0")
        async with aiohttp.ClientSession(f"http://{host}:{port}") as session:
            for index in range(CACHED_MAX + 2):
                async with session.get(f"/api/heatmap/BTCUSDT?max_distance={index / 10}"):
                    pass
            assert 2 == len(server._replies)
            kept = server._replies["BTCUSDT", 0.0, CACHED_MAX / 10]
            async with session.get(f"/api/heatmap/BTCUSDT?max_distance={CACHED_MAX / 10}"):
                assert kept is server._replies["BTCUSDT", 0.0, CACHED_MAX / 10]
            source.now = msgspec.structs.replace(READING, price=101.0)
            path = f"/api/heatmap/BTCUSDT?max_distance={CACHED_MAX / 10}"
            async with session.get(path) as reply:
                assert 101.0 == (await reply.json())["current_price"]
        await server.stop()
        await server.stop()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("127.0.0.1:8790", ("127.0.0.1", 8790)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:65535", ("::1", 65535)),
        ("127.9.9.9:0", ("127.9.9.9", 0)),
    ],
)
def test_loopback_addresses_are_taken(text: str, expected: tuple[str, int]) -> None:
    assert expected == loopback_address(text)


@pytest.mark.parametrize(
    "text",
    ["0.0.0.0:8790", "[::]:8790", "10.0.0.1:8790", "example.org:80", ":8790", "8790", ""],
)
def test_every_other_host_is_refused(text: str) -> None:
    """What anyone can reach, anyone can ask and everyone can flood."""
    with pytest.raises(ConfigError, match="is not a loopback address"):
        loopback_address(text)


@pytest.mark.parametrize("text", ["127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1"])
def test_a_port_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="has no port"):
        loopback_address(text)


def test_a_port_in_use_is_the_operators_to_free() -> None:
    async def scenario() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            server = HeatmapServer(Source(), [BTC], LoopClock(start_at=Millis(START_AT)))
            await server.start(f"127.0.0.1:{taken.getsockname()[1]}")

    with pytest.raises(ConfigError, match="cannot be opened"):
        asyncio.run(scenario())


def test_our_own_decoder_reads_what_is_served() -> None:
    """The daemon stands in for the provider, bands and warming included."""
    ((_, body),) = ask("/api/heatmap/BTCUSDT?max_distance=50")
    reading = decode.reading(
        json.dumps(body).encode(),
        listing.listing(BTC),
        rows_max=100,
    )

    assert (0.35, True) == (reading.coverage, reading.is_warming)
    assert math.isclose(100.0, reading.price)
    assert [(94.5, 95.0, 95.5), (119.0, 120.0, 121.0)] == [
        (row.low, row.level, row.high) for row in reading.rows
    ]
