"""A run of 27 symbols on the embedded market: how long is the loop blocked, what does it hold.

    python -m tests.bench.lasting CONFIG DATA_DIR

runs the bot's own parts with a probe on the loop, and prints what it saw as one JSON document.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from bot import app, logs
from bot.config import load
from bot.core.state import State
from bot.request import Confirmation, Opened, Request
from tests.bench.figures import Figure, quantile
from tests.bench.processes import ROOT, SYMBOLS_27, Daemon, embedded, write_config

SETTLE_S = 5.0
"""From READY to the steady state."""
WATCH_S = 30.0
LOOK_S = 0.002
HELD_S = 15.0


class Seen(msgspec.Struct, kw_only=True):
    """What the probe saw of one run, in ms."""

    late_ms: list[float]
    """By how much each look came late."""
    worked_ms: list[float]
    """Of this thread's own time between two looks: what others do on the machine is left out."""
    has_ccxt: bool


class Probe:
    """Looks at the loop's time every two milliseconds."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []
        self.worked_ms: list[float] = []
        self._is_over = False

    def begin(self) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(SETTLE_S, self._look, loop.time() + SETTLE_S, None)

    def end(self) -> None:
        self._is_over = True

    def _look(self, due_s: float, worked_s: float | None) -> None:
        if self._is_over:
            return
        loop, now_s = asyncio.get_running_loop(), time.thread_time()
        if worked_s is not None:
            self.late_ms.append((loop.time() - due_s) * 1e3)
            self.worked_ms.append((now_s - worked_s) * 1e3)
        due_s = loop.time() + LOOK_S
        loop.call_at(due_s, self._look, due_s, time.thread_time())


class Watched:
    """The Ui of a run that is watched from READY on."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe

    def progress(self, share: float, what: str) -> None:
        del share, what

    def confirm(self, question: Confirmation) -> bool:
        raise AssertionError(f"a run on paper asks nobody: {question.phrase}")

    def opened(self, opened: Opened) -> None:
        del opened

    def ready(self, state: State) -> None:
        del state
        self._probe.begin()

    def stopping(self, why: str) -> None:
        del why
        self._probe.end()

    def stopped(self, state: State) -> None:
        del state


def lasting() -> Iterator[Figure]:
    """The real process in a new data directory; then, on its ledger, the watched ones."""
    with TemporaryDirectory(prefix="liqbot-bench-") as name:
        folder = Path(name)
        config = write_config(folder, embedded(SYMBOLS_27))
        with Daemon(config, folder / "data") as daemon:
            time.sleep(HELD_S)  # noqa: TID251  (a real process is given time)
            now_mb, most_mb = daemon.resident_mb(), daemon.resident_mb("VmHWM")
        yield Figure(
            "resident memory, 27 symbols embedded (no ccxt)",
            "<= 110 MB",
            f"{now_mb:.0f} MB (at most {most_mb:.0f} MB)",
            now_mb <= 110,
        )
        yield Figure("start to READY, 27 symbols, new", "-", f"{daemon.ready_s:.1f} s", None)
        for speed, seconds in ((60.0, WATCH_S), (1.0, WATCH_S / 2)):
            document = embedded(SYMBOLS_27)
            document["market"] = {"simulated": {"speed": speed}}
            config = write_config(folder, document)
            yield _blocked(_watched(config, folder / "data", seconds), speed)


def _blocked(seen: Seen, speed: float) -> Figure:
    assert not seen.has_ccxt, "the embedded market needs no exchange library"
    worst, own = max(seen.late_ms), max(seen.worked_ms)
    return Figure(
        f"loop blocked, 27 symbols embedded at speed {speed:g}",
        "<= 20 ms",
        f"max {worst:.0f} ms (p99.9 {quantile(seen.late_ms, 0.999):.1f} ms; "
        f"own work at most {own:.0f} ms)",
        worst <= 20,
    )


def _watched(config: Path, data_dir: Path, seconds: float) -> Seen:
    command = [
        sys.executable,
        "-m",
        "tests.bench.lasting",
        str(config),
        str(data_dir),
        str(seconds),
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=180)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Seen)


def _run(config_path: Path, data_dir: Path, seconds: float) -> Seen:
    logs.set_up(level="error", story=None)
    probe = Probe()
    request = Request(
        config=load(config_path),
        config_path=config_path,
        data_dir=data_dir,
        duration_s=SETTLE_S + seconds,
    )
    asyncio.run(app.run(request, Watched(probe)))
    has_ccxt = any(name.partition(".")[0] == "ccxt" for name in sys.modules)
    return Seen(late_ms=probe.late_ms, worked_ms=probe.worked_ms, has_ccxt=has_ccxt)


def main(words: list[Any]) -> None:
    seen = _run(Path(words[0]), Path(words[1]), float(words[2]))
    sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
