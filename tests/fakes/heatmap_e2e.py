"""A bot and a provider as processes of their own, each polling the other's prices and clusters.

The bot serves its own heatmap; the provider reads prices there and tells them in its own style;
the bot polls the provider. So clusters follow a market that moves, over two real sockets.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from bot.clock import monotonic_s
from bot.core.state import State
from bot.core.step import step
from bot.model.account import HoldCause
from bot.model.commands import PlaceOrder
from bot.model.events import Event
from bot.model.facts import Decision
from bot.model.order import Leg
from bot.model.primitives import Millis

SPEED: Final = 300
ROOT: Final = Path(__file__).parents[2]
CONFIG: Final = """\
symbols: [BTCUSDT, ETHUSDT]
market:
  simulated: {{seed: 7, speed: {speed}, history_days: 5}}
heatmap:
  provider: http
  base_url: "{provider}"
  serve: "127.0.0.1:{port}"
  timeout_s: 0.1
strategies:
  common: {{strength_min: 0.2, distance_max_pct: 5.0}}
  hunt: {{distance_min_pct: 0.4, distance_max_pct: 3.0, time_stop_s: 900}}
  levels: {{time_stop_s: 900}}
risk: {{min_net_rr: 1.0, cool_down_s: 60, losses_in_a_row: 50, day_loss_pct: 20, drawdown_pct: 50}}
orders: {{receive_window_s: 60, stop_deadline_s: 30, flatten_deadline_s: 60}}
log: {{format: json}}
"""
"""Easier to please than the default, so that a few market hours have trades; and patient, since a
commit to a busy disk takes market seconds at this speed."""


class HttpRun:
    """What a bounded run left behind."""

    def __init__(self, folder: Path, *, style: str, duration_s: float, rota: bool = False) -> None:
        self.config = folder / "config.yaml"
        self.data_dir = folder / "data"
        self.rss_mb: list[float] = []
        """Resident memory of the bot, some ten times a second, from READY on."""
        self.answers: dict[str, Any] = {}
        """What the verb `status` answered while it ran."""
        port = free_port()
        with provider(port, style, folder / "provider.txt", rota=rota) as (url, told):
            self.config.write_text(CONFIG.format(speed=SPEED, provider=url, port=port))
            self.exit_code, self.lines = self._run(folder / "bot.txt", duration_s)
            self.checked = self.verb("check")
            self.turns = told.read_text().splitlines()[1:]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The JSON lines, without their priority."""
        return [json.loads(line.split(">", 1)[1]) for line in self.lines if line.startswith("<")]

    def told(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.log if line["event"] == name]

    def verb(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self._argv(*words), cwd=ROOT, env=environment(), capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip

    def rows(self, *words: str) -> Any:
        """A reading verb's document."""
        return json.loads(self.verb(*words, "--json").stdout)

    def _argv(self, *words: str) -> list[str]:
        place = ["-c", str(self.config), "--data-dir", str(self.data_dir)]
        return [sys.executable, "-m", "bot", *words, *place]

    def _run(self, out: Path, duration_s: float) -> tuple[int, list[str]]:
        with out.open("w") as file:
            bot = subprocess.Popen(
                [*self._argv("run"), "--duration", str(duration_s)],
                cwd=ROOT, env=environment(), stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                self._watch(bot, out, duration_s)
                code = bot.wait(timeout=60)
            finally:
                bot.kill()
                bot.wait()
        return code, out.read_text().splitlines()

    def _watch(self, bot: "subprocess.Popen[bytes]", out: Path, duration_s: float) -> None:
        """Note the memory, and ask once how it goes."""
        ask_at = monotonic_s() + 0.8 * duration_s
        while bot.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                bot.wait(timeout=0.1)
            if '"run.ready"' in out.read_text():
                self.rss_mb += resident_mb(bot.pid)
            if not self.answers and monotonic_s() > ask_at:
                self.answers = {"words": self.verb("status").stdout, **self.rows("status")}


@contextlib.contextmanager
def provider(port: int, style: str, out: Path, *, rota: bool) -> Iterator[tuple[str, Path]]:
    """A provider on the prices of the bot that will serve at `port`; its address, what it says."""
    argv = [sys.executable, "-m", "tests.fakes.heatmap_provider", "--style", style]
    argv += ["--upstream", f"http://127.0.0.1:{port}", *(["--rota"] if rota else [])]
    with out.open("w") as file:
        process = subprocess.Popen(argv, cwd=ROOT, stdout=file, stderr=subprocess.DEVNULL)
        try:
            while not (said := out.read_text()).endswith("\n"):
                assert process.poll() is None, said
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=0.02)
            yield said.splitlines()[0], out
        finally:
            process.kill()
            process.wait()


def environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIQBOT_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "COLUMNS": "200"}


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


def resident_mb(pid: int) -> list[float]:
    """One figure, or none where the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return []
    return [pages * os.sysconf("SC_PAGE_SIZE") / 1e6]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry order at the instant it was decided."""

    at: Millis
    symbol: str
    is_fresh: bool
    """A good reading of its symbol was recent enough."""
    is_held: bool
    """The heatmap was stale for the bot as a whole."""


class Witness:
    """Decides as the core does, and notes what it knew at each entry."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def decide(self, state: State, event: Event) -> Decision:
        decision = step(state, event)
        for command in decision.commands:
            if isinstance(command, PlaceOrder) and command.request.leg is Leg.ENTRY:
                symbol = command.request.symbol
                causes: Sequence[HoldCause] = [hold.cause for hold in state.operation.holds]
                self.entries.append(
                    Entry(
                        at=state.at,
                        symbol=symbol,
                        is_fresh=state.symbols[symbol].tracker.is_fresh(state.at),
                        is_held=HoldCause.HEATMAP_STALE in causes,
                    )
                )
        return decision
