"""A provider in a process of its own, whose clusters change a little with every reply.

python -m tests.bench.provider 27
python -m tests.bench.provider BTCUSDT,ETHUSDT
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bot.model.instrument import unified_symbol
from bot.sim.profiles import profile_of
from tests.fakes.heatmap_scene import Scene, a_symbol
from tests.fakes.heatmap_server import HeatmapServer

ROOT = Path(__file__).parents[2]
PRICE = 100.0
PAIRS = 25
"""Clusters a side: fifty in all."""


def names_of(count: int) -> list[str]:
    return [f"C{number:03d}USDT" for number in range(count)]


class BusyScene(Scene):
    """Amounts and strengths never stay as they are: the expensive case for whoever follows."""

    def heatmap(self, name: str) -> dict[str, Any]:
        document = super().heatmap(name)
        step = self.symbols[name].step
        for number, row in enumerate(document["clusters"]):
            sway = 1.0 + 0.01 * ((step + number) % 5 - 2)
            row["total_notional"] *= sway
            row["strength"] = min(row["strength"] * sway, 1.0)
        return document


@contextlib.contextmanager
def provider(symbols: int | Sequence[str]) -> Iterator[str]:
    """The base URL of a provider in another process.

    It carries so many symbols at one price, or those that are named at the emulators' prices.
    """
    told = str(symbols) if isinstance(symbols, int) else ",".join(symbols)
    command = [sys.executable, "-m", "tests.bench.provider", told]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "piped"
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def _prices(told: str) -> dict[str, float]:
    if told.isdigit():
        return dict.fromkeys(names_of(int(told)), PRICE)
    return {name: profile_of(unified_symbol(name)).price for name in told.split(",")}


async def _serve(told: str) -> None:
    symbols = {name: a_symbol(price, pairs=PAIRS) for name, price in _prices(told).items()}
    server = HeatmapServer(BusyScene(symbols=symbols))
    await server.start()
    sys.stdout.write(server.url + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(sys.argv[1]))
