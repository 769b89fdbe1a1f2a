"""One look at the provider, for `liqbot check`: whether it answers, and for our symbols."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from bot.heatmap.client import HeatmapClient
from bot.heatmap.failure import REMEDIES, FailureKind, ReadingError
from bot.heatmap.guard import guarded
from bot.heatmap.listing import Listing
from bot.heatmap.transport import Transport
from bot.model.primitives import Millis, Value
from bot.model.wiring import HeatmapSettings

_ASKED_MAX: Final = 3
"""Symbols asked one by one; the list of symbols answers for the others."""
_NAMED_MAX: Final = 5


class ProbeResult(Value, frozen=True, kw_only=True):
    """What the look showed, in a plain sentence."""

    is_ok: bool
    where: str
    """The base URL."""
    what: str
    remedy: str = ""
    """What to do about it; empty where there is nothing to do."""
    kind: str = ""
    """A FailureKind; empty where it answered."""


async def probe(
    settings: HeatmapSettings,
    listings: Sequence[Listing],
    *,
    wall: Callable[[], Millis],
    open_transport: Callable[[], AbstractAsyncContextManager[Transport]] | None = None,
) -> ProbeResult:
    """Ask for the list of symbols and the first few heatmaps; raises ConfigError on a bad URL."""
    where = settings.base_url
    try:
        async with open_transport() if open_transport else guarded(settings) as transport:
            client = HeatmapClient(transport, rows_max=settings.rows_max, wall=wall)
            return await _look(client, listings, where)
    except ReadingError as error:
        return ProbeResult(
            is_ok=False,
            where=where,
            what=error.what,
            remedy=error.remedy or REMEDIES[error.kind],
            kind=error.kind,
        )


async def _look(client: HeatmapClient, listings: Sequence[Listing], where: str) -> ProbeResult:
    loop = asyncio.get_running_loop()
    asked, clusters, started_s = listings[:_ASKED_MAX], 0, loop.time()
    for listing in asked:
        polled = await client.heatmap(listing)
        clusters += len(polled.reading.rows)
    latency_ms = (loop.time() - started_s) * 1000.0 / max(len(asked), 1)
    carried = frozenset(await client.symbols())
    missing = [listing.name for listing in listings if listing.name not in carried]
    missing = [name for name in missing if name not in {listing.name for listing in asked}]
    if missing:
        names = ", ".join(missing[:_NAMED_MAX]) + (", ..." if len(missing) > _NAMED_MAX else "")
        return ProbeResult(
            is_ok=False,
            where=where,
            what=f"the provider does not carry {names}",
            remedy=REMEDIES[FailureKind.UNSUPPORTED],
            kind=FailureKind.UNSUPPORTED,
        )
    total = len(listings)
    where_seen = "" if total <= len(asked) else f" in the first {len(asked)}"
    return ProbeResult(
        is_ok=True,
        where=where,
        what=f"{total} symbol{'' if total == 1 else 's'}, {clusters} clusters{where_seen}, "
        f"answered in {latency_ms:.0f} ms",
    )
