"""The whole feed over a real socket against a provider that goes wrong in each of its ways.

What each fault must come to is in the table; no fault ends the feed, and a provider that answers
well again is read again.
"""

import asyncio
from functools import partial

import pytest

from bot.clock import LoopClock, seeded_random
from bot.heatmap.guard import guarded
from bot.heatmap.listing import listing
from bot.heatmap.poller import HttpFeed
from bot.model.events import Event, HeatmapFailed, HeatmapRead
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import HeatmapSettings
from tests.fakes.heatmap_scene import a_scene
from tests.fakes.heatmap_server import NAMES, HeatmapServer, gzip_bomb

START = Millis(1_770_000_000_000)
SPEED = 200.0
"""Market seconds per second: a poll of five seconds comes every 25 ms."""

# fmt: off
COMES_TO = {
    "h02": "timeout", "h03": "timeout", "h04": "timeout",
    "h05": "http", "h06": "malformed", "h07": "malformed", "h07_breaks_off": "unreachable",
    "h08": "malformed", "h09": "malformed", "h10": "malformed", "h11": "malformed",
    "h12": "read", "h12_latin_1": "malformed", "h13": "malformed", "h14": "malformed",
    "h15": "read 1 dropped", "h15_half_are_bad": "refused", "h15_all_are_bad": "refused",
    "h16": "refused", "h16_price_null": "unsupported",
    "h17": "refused", "h17_no_symbol": "malformed",
    "h18": "read", "h19": "read", "h20": "read", "h21": "read", "h22": "read", "h23": "read",
    "h24": "read 1 dropped", "h25": "read", "h26": "read", "h27": "read",
    "h28": "http", "h30": "throttled", "h32": "read",
}
# fmt: on


async def outcomes(server: HeatmapServer, count: int) -> list[str]:
    """Run a feed until it has emitted `count` outcomes of the main route."""
    found: list[str] = []
    is_enough = asyncio.Event()

    def emit(event: Event) -> None:
        if isinstance(event, HeatmapRead):
            dropped = event.reading.rows_dropped
            found.append(f"read {dropped} dropped" if dropped else "read")
        elif isinstance(event, HeatmapFailed):
            found.append(event.failure.kind)
        if len(found) >= count:
            is_enough.set()

    timeout_s = 0.1 if server.fault[:3] in {"h02", "h03", "h04"} else 3.0
    settings = HeatmapSettings(base_url=server.url, timeout_s=timeout_s)
    feed = HttpFeed(
        settings,
        [listing(Symbol("BTC/USDT:USDT"))],
        clock=LoopClock(start_at=START, speed=SPEED),
        uniform=seeded_random(1).uniform,
        open_transport=partial(guarded, settings),
        pace=SPEED,
    )
    async with asyncio.timeout(10.0), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(feed.run(emit))
        await is_enough.wait()
        task.cancel()
    return found


@pytest.mark.parametrize("fault", NAMES)
def test_h01_to_h32_each_fault_comes_to_what_it_should_and_the_feed_goes_on(fault: str) -> None:
    async def run() -> tuple[list[str], list[str]]:
        async with HeatmapServer(a_scene()) as server:
            server.fault, server.slow_s, server.drip_s = fault, 0.2, 0.05
            during = await outcomes(server, 1 if fault.startswith("h30") else 2)
            server.fault = ""
            return during, await outcomes(server, 1)

    gzip_bomb()  # It takes a while to make, which is not the server's fault.
    during, afterwards = asyncio.run(run())

    assert {COMES_TO.get(fault, COMES_TO[fault[:3]])} == set(during)
    assert ["read"] == afterwards


def test_h01_a_server_that_comes_and_goes_is_followed() -> None:
    async def run() -> tuple[list[str], list[str]]:
        server = HeatmapServer(a_scene())
        await server.start()
        port = server.port
        await server.stop()
        down = await outcomes(server, 3)
        again = HeatmapServer(a_scene())
        await again.start(port=port)
        up = await outcomes(again, 3)
        await again.stop()
        return down, up

    assert (["unreachable"] * 3, ["read"] * 3) == asyncio.run(run())


def test_every_number_from_1_to_32_that_has_a_wire_is_in_the_table() -> None:
    """H1, H29 and H31 are servers that are down, wrongly certified, or another: see their tests."""
    numbers = {int(name[1:3]) for name in NAMES}

    assert set(range(1, 33)) - {1, 29, 31} == numbers
