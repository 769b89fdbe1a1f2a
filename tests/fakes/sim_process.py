"""The real bot as processes: on the embedded market, fast and eager, to be stopped and killed."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from bot.clock import monotonic_s

ROOT: Final = Path(__file__).parents[2]
ENDS_WITHIN_S: Final = 60.0
EAGER: Final[dict[str, dict[str, Any]]] = {
    "common": {"strength_min": 0.1, "age_min_s": 15.0, "lead_min": 1.0, "same_cluster_s": 0.0},
    "hunt": {
        "distance_min_pct": 0.3,
        "distance_max_pct": 3.0,
        "opposite_share_max": 10.0,
        "rejections_max": 100,
        "time_stop_s": 90.0,
    },
}
"""Many trades in little time; no advice."""


def a_config(folder: Path, *, speed: float = 120.0) -> Path:
    """Write a configuration: the embedded default, but fast, eager, and on a port of its own.

    A request may be late by a minute of the market's, which is half a second of this machine's.
    """
    config = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    port = free_port()
    config["market"]["simulated"] |= {"speed": speed, "history_days": 3}
    config["heatmap"] |= {"base_url": f"http://127.0.0.1:{port}", "serve": f"127.0.0.1:{port}"}
    config["heatmap"]["engine"]["coverage_min"] = 0.0
    for section, keys in EAGER.items():
        config["strategies"][section] |= keys
    config["risk"] |= {"min_net_rr": 1.0, "cool_down_s": 0.0, "losses_in_a_row": 50}
    config["risk"] |= {"day_loss_pct": 20.0, "drawdown_pct": 50.0, "input_age_max_s": 60.0}
    config["orders"] |= {"receive_window_s": 60.0, "clock_skew_max_s": 10.0}
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def free_port() -> int:
    """A port on loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def argv(*words: object) -> list[str]:
    return [sys.executable, "-m", "bot", *map(str, words)]


class Run:
    """One process of the bot; whoever begins it ends it."""

    def __init__(
        self, config: Path, *words: object, environ: Mapping[str, str] | None = None
    ) -> None:
        """`environ` instead of this process's own."""
        self.said = ""
        self._process = subprocess.Popen(
            argv("run", "-c", config, *words),
            cwd=ROOT,
            env=environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
        )

    def hear(self, words: str, within_s: float) -> bool:
        """Listen until these words are said, or the time is over."""
        end = monotonic_s() + within_s
        while words not in self.said:
            if not self._read(end - monotonic_s()):
                return False
        return True

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def listen(self, seconds: float) -> None:
        """Let it run for so long, and keep what it says."""
        end = monotonic_s() + seconds
        while self._read(end - monotonic_s()):
            pass

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def terminate(self) -> None:
        """Ask it to stop."""
        self.send(signal.SIGTERM)

    def end(self) -> int:
        """Wait for its end; gives the exit code."""
        rest, _ = self._process.communicate(timeout=ENDS_WITHIN_S)
        self.said += rest.decode(errors="replace")
        return self._process.returncode

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        self.send(signal.SIGKILL)
        self.end()

    def _read(self, left_s: float) -> bool:
        """Take what is said next; False where nothing comes in time, or ever."""
        out = self._process.stdout
        assert out is not None
        if left_s <= 0 or not select.select([out], [], [], left_s)[0]:
            return False
        part = os.read(out.fileno(), 65_536)
        self.said += part.decode(errors="replace")
        return bool(part)


def ended(
    *words: object, typed: str = "", environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A verb that has ended, however it did; `typed` is what it reads."""
    return subprocess.run(
        argv(*words),
        cwd=ROOT,
        env=environ,
        input=typed,
        capture_output=True,
        text=True,
        check=False,
        timeout=ENDS_WITHIN_S,
    )


def said(*words: object) -> str:
    """What a verb prints; it must end well."""
    done = ended(*words)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def asked(config: Path, *words: object) -> Any:
    """The document that a reading verb answers with."""
    return msgspec.json.decode(said(*words, "--json", "-c", config))
