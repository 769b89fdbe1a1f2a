"""One reading of fifty clusters: decode it, follow it, decide on it."""

import asyncio
import gc
from collections.abc import Iterator
from time import perf_counter

from bot.core.step import step
from bot.heatmap import decode
from bot.heatmap.guard import guarded
from bot.heatmap.listing import listing
from bot.model.account import VenueSnapshot
from bot.model.events import AccountRead, HeatmapRead, Started
from bot.model.primitives import ZERO, Millis, Symbol, Usd
from bot.model.snapshot import Snapshot
from bot.model.wiring import HeatmapSettings
from tests.bench.bots import START, a_price, a_state
from tests.bench.figures import Figure, median, quantile
from tests.bench.provider import names_of, provider

SYMBOLS = 27
WARM_ROUNDS = 30
ROUNDS = 150
PERIOD_MS = 5_000
ROWS_MAX = 1_000


def one_reading() -> Iterator[Figure]:
    """27 symbols of 50 clusters over loopback, one reading at a time."""
    with provider(SYMBOLS) as url:
        taken_ms = asyncio.run(_measured(url))
    middle, late = median(taken_ms), quantile(taken_ms, 0.99)
    yield Figure(
        "decode + track + decide, one reading, 27 x 50",
        "median <= 1 ms, p99 <= 5 ms",
        f"{middle:.2f} ms, p99 {late:.2f} ms",
        middle <= 1.0 and late <= 5.0,
    )


async def _measured(url: str) -> list[float]:
    state = a_state(SYMBOLS)
    step(state, Started(at=START, snapshot=Snapshot(at=START), settings_digest=""))
    step(state, _an_empty_account(START))
    settings = HeatmapSettings(base_url=url)
    listings = [listing(symbol) for symbol in state.symbols]
    assert names_of(SYMBOLS) == [row.name for row in listings]
    taken_ms = []
    gc.collect()
    gc.freeze()
    async with guarded(settings) as transport:
        for number in range(WARM_ROUNDS + ROUNDS):
            for offset, row in enumerate(listings):
                at = Millis(START + (number + 1) * PERIOD_MS + offset * PERIOD_MS // SYMBOLS)
                path = f"/api/heatmap/{row.name}"
                reply = await transport.get(path, {"min_strength": "0", "max_distance": "50"})
                price = decode.reading(reply.body, row, rows_max=ROWS_MAX).price
                step(state, a_price(Symbol(row.symbol), at, price))
                began_s = perf_counter()
                reading = decode.reading(reply.body, row, rows_max=ROWS_MAX)
                step(state, HeatmapRead(at=at, reading=reading, asked_at=at, sequence=at))
                if number >= WARM_ROUNDS:
                    taken_ms.append((perf_counter() - began_s) * 1e3)
    gc.unfreeze()
    followed = sum(len(row.tracker.clusters) for row in state.symbols.values())
    assert followed == SYMBOLS * 50, f"{followed} clusters are followed"
    return taken_ms


def _an_empty_account(at: Millis) -> AccountRead:
    snapshot = VenueSnapshot(
        at=at, symbols=(), positions=(), orders=(), fills=(), balance_usd=Usd(ZERO + 10_000)
    )
    return AccountRead(at=at, snapshot=snapshot)
