"""A recorded market flat out: how many bars go through all of the bot in half a minute."""

import asyncio
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bot.config import load
from bot.sources import make_market
from tests.bench.figures import Figure
from tests.bench.processes import ROOT, liqbot, write_config

DATA = ROOT.parent / "shared" / "data"
START = "2025-12-01"
"""Before it there is no open interest, and so no heatmap."""
BAR_MS = 300_000


def flat_out() -> Iterator[Figure]:
    """One symbol, the local heatmap, everything in one thread, from the command to its end."""
    what, target = "recorded market flat out, 1 symbol", ">= 20,000 bars in 30 s"
    if not (DATA / "binance_um_5m").is_dir():
        yield Figure(what, target, f"skipped: no recorded data in {DATA}", None)
        return
    with TemporaryDirectory(prefix="liqbot-bench-") as name:
        folder = Path(name)
        document = {
            "symbols": ["BTCUSDT"],
            "market": {
                "source": "recorded",
                "recorded": {"folder": str(DATA), "start": START},
            },
            "heatmap": {"provider": "local"},
        }
        config = write_config(folder, document)
        bars = _bars(config)
        began_s, worked_s = perf_counter(), _children_s()
        command = liqbot("run", "-c", config)
        subprocess.run(command, check=True, capture_output=True, timeout=300)
        taken_s, worked_s = perf_counter() - began_s, _children_s() - worked_s
    rate = bars / taken_s * 30
    yield Figure(
        what,
        target,
        f"{rate:,.0f} ({bars:,} bars in {taken_s:.1f} s, {worked_s:.1f} s of one core)",
        rate >= 20_000,
    )


def _children_s() -> float:
    """Processor seconds of the processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _bars(config_path: Path) -> int:
    config = load(config_path)
    market = make_market(config, config_path, config_path.parent, None)
    asyncio.run(market.prepare(None, lambda _share, _what: None))
    end_at = market.end_at()
    assert end_at is not None, "a recording ends"
    return (end_at - market.start_at()) // BAR_MS
