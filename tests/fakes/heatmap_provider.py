"""A provider in a process of its own, on the prices of a bot that serves its heatmap.

    python -m tests.fakes.heatmap_provider --upstream http://127.0.0.1:8790 --style riding --rota

`anchored` levels are the upstream's own, told as the public provider tells them: no band, no
coverage. `riding` ones are made anew for each answer, price x (1 ± 1/leverage), as there. With
`--rota` every fault has its turn, a good spell after each; the turns are told on stdout, one
fault a line.
"""

import argparse
import asyncio
import contextlib
import math
import sys
from collections.abc import Sequence
from typing import Final

from aiohttp import web

from tests.fakes.heatmap_scene import Document
from tests.fakes.heatmap_server import NAMES, HeatmapServer

STYLES: Final = ("anchored", "riding")
LEVERAGES: Final = (125.0, 100.0, 75.0, 50.0, 25.0, 20.0, 10.0, 5.0)
DOWN: Final = "h01_down"
BAD_S: Final = 0.13
GOOD_S: Final = 0.29
_OURS: Final = frozenset({"zone_low", "zone_high", "coverage", "warming"})
"""What a local engine says beyond the contract."""
WANDER: Final = 0.001
"""Share of the price by which a level wanders, as buckets of an order book merge and split."""

ROTA: Final = (
    DOWN,
    *(name for name in NAMES if name not in {"h09_huge", "h10_gzip_bomb"}),
    "h09_huge",
    "h10_gzip_bomb",
)
"""H29 needs a certificate, H31 six hours: they have tests of their own."""


class Provider(HeatmapServer):
    """Answers on an upstream's prices."""

    def __init__(self, upstream: str, *, style: str = STYLES[0]) -> None:
        super().__init__(upstream=upstream)
        self.style = style
        # A host asks for quiet in its own seconds, of which a test has few.
        self.retry_after = "1"

    async def take_turns(self, faults: Sequence[str]) -> None:
        """Go wrong in each way for a while, and be well again after each."""
        for fault in faults:
            await asyncio.sleep(GOOD_S)
            await (self._be_down() if fault == DOWN else self._go_wrong(fault))
            say(fault)

    async def _be_down(self) -> None:
        port = self.port
        await self.stop()
        await asyncio.sleep(BAD_S)
        self.is_ended = asyncio.Event()
        await self.start(port=port)

    async def _go_wrong(self, fault: str) -> None:
        self.fault = fault
        await asyncio.sleep(BAD_S)
        self.fault = ""
        # What hangs is let go, so that the fault of one turn does not reach into the next.
        self.is_ended.set()
        self.is_ended = asyncio.Event()

    async def _document(self, request: web.Request, name: str) -> Document | None:
        found = await super()._document(request, name)
        if found is None:
            return None
        told = {key: value for key, value in found.items() if key not in _OURS}
        if self.style == "riding":
            return {**told, "clusters": riding_rows(told, len(self.requests))}
        rows = [{k: v for k, v in row.items() if k not in _OURS} for row in told["clusters"]]
        return {**told, "clusters": rows}


def riding_rows(told: Document, number: int) -> list[Document]:
    """Levels at about fixed distances from the price; who is stronger depends on the symbol."""
    price = told["current_price"]
    heavy = "short" if told["symbol"] < "C" else "long"
    return [
        {
            "price_level": round(price * (1.0 + sign / leverage + wander(number, place)), 2),
            "side": side,
            "liquidation_count": 1248,
            "total_notional": 9_000_000.0 if side == heavy else 1_000_000.0,
            "strength": 0.9 if side == heavy else 0.55,
            "distance_from_price": round(100.0 / leverage, 2),
            "cluster_id": number * 100 + place,
            "last_updated": told["timestamp"],
            "leverage_tier": leverage,
        }
        for side, sign in (("short", 1.0), ("long", -1.0))
        for place, leverage in enumerate(LEVERAGES)
    ]


def wander(number: int, place: int) -> float:
    """Another value every few answers, the same for the same answer."""
    return WANDER * math.sin(number // 12 * 2.4 + place)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def _serve(arguments: argparse.Namespace) -> None:
    provider = Provider(arguments.upstream, style=arguments.style)
    await provider.start(port=arguments.port)
    say(provider.url)
    if arguments.rota:
        await provider.take_turns(ROTA)
        say("all had their turn")
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--upstream", required=True, help="base URL of a bot's own heatmap")
    parser.add_argument("--style", choices=STYLES, default=STYLES[0])
    parser.add_argument("--rota", action="store_true", help="go wrong in every way, in turn")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
