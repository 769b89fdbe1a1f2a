"""What an operator waits for: READY, and the answers of the reading verbs."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.figures import Figure, median
from tests.bench.processes import Daemon, embedded, liqbot, write_config

STARTS = 3
READS = 7
TRADED_FOR_S = 10.0


def ready() -> Iterator[Figure]:
    """The default configuration, in a new data directory and on the ledger of a run before."""
    with TemporaryDirectory(prefix="liqbot-bench-") as name:
        folder = Path(name)
        config = write_config(folder, embedded())
        new: list[float] = []
        again: list[float] = []
        for number in range(STARTS):
            data = folder / f"data{number}"
            for taken in (new, again):
                with Daemon(config, data) as daemon:
                    taken.append(daemon.ready_s)
    for what, taken in (("new data directory", new), ("resumed", again)):
        yield Figure(
            f"start to READY, 3 symbols, {what}",
            "<= 3 s",
            f"{median(taken):.1f} s ({min(taken):.1f} to {max(taken):.1f})",
            median(taken) <= 3.0,
        )


def verbs() -> Iterator[Figure]:
    """Reading verbs beside a bot that trades, each a new process."""
    with TemporaryDirectory(prefix="liqbot-bench-") as name:
        folder = Path(name)
        config = write_config(folder, embedded())
        data = folder / "data"
        with Daemon(config, data):
            time.sleep(TRADED_FOR_S)  # noqa: TID251  (a real process is given time to trade)
            for words in (
                ("status",),
                ("why", "BTCUSDT"),
                ("trades", "--json"),
                ("signals", "--json"),
                ("clusters", "BTCUSDT"),
            ):
                yield _timed(*words, "-c", config, "--data-dir", data)
    yield _timed("--help")


def _timed(*words: object) -> Figure:
    taken_ms = []
    for _ in range(READS):
        began_s = time.perf_counter()
        subprocess.run(liqbot(*words), check=True, capture_output=True, timeout=30)
        taken_ms.append((time.perf_counter() - began_s) * 1e3)
    said = [str(word) for word in words]
    told = " ".join(said[: said.index("-c")] if "-c" in said else said)
    return Figure(
        f"liqbot {told}", "<= 150 ms", f"{median(taken_ms):.0f} ms", median(taken_ms) <= 150
    )
