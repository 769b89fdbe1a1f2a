"""An intent on its way to disk: one synced transaction, as before every order."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bot.model.primitives import Millis
from tests.bench.figures import Figure, median, quantile
from tests.fakes.rows import T0, a_ledger, a_readings_decision, an_intent

INTENTS = 1_000
READINGS = 27
"""Decisions without money in between, as a running bot writes them."""


def intents() -> Iterator[Figure]:
    """Orders to be placed, recorded on a real file with `synchronous` FULL."""
    with TemporaryDirectory(prefix="liqbot-bench-") as folder:
        taken_ms = asyncio.run(_measured(Path(folder)))
    late = quantile(taken_ms, 0.99)
    yield Figure(
        "intent durable (one transaction, synced)",
        "p99 <= 10 ms",
        f"{median(taken_ms):.1f} ms, p99 {late:.1f} ms",
        late <= 10,
    )


async def _measured(folder: Path) -> list[float]:
    ledger = a_ledger(folder)
    level = ledger.writer.run(
        lambda connection: connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    )
    assert level == 2, "synchronous is FULL"
    taken_ms = []
    for number in range(INTENTS):
        at = Millis(T0 + number * 1_000)
        if number % 10 == 0:
            await ledger.record([a_readings_decision(at) for _ in range(READINGS)])
        intent = an_intent(f"c{number}", at)
        began_s = perf_counter()
        await ledger.record([intent])
        taken_ms.append((perf_counter() - began_s) * 1e3)
    ledger.close()
    return taken_ms
