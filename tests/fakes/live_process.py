"""The bot as a process that trades live on an emulated exchange, fast and eager."""

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from bot.clock import monotonic_s
from bot.store.files import DataFiles
from tests.fakes.emu_process import EmulatorProcess, environment
from tests.fakes.live_books import Ledger, State, bare, differences, ledger_of
from tests.fakes.sim_process import EAGER, Run, ended

ACCOUNT: Final = "1001"
LOOK_S: Final = 0.05
UNAVAILABLE: Final = 69
"""The exit code of a start that the exchange does not answer; the unit starts it again."""
RESTARTS_MAX: Final = 20
SLACK_MS: Final = 4_000
"""Market time: what happened so shortly before the end cannot be in the ledger yet."""
HOT: Final[dict[str, dict[str, Any]]] = {
    "common": EAGER["common"] | {"stop_min_atr": 0.0, "stop_min_spreads": 1.0},
    "hunt": EAGER["hunt"] | {"stop_atr": 0.3, "time_stop_s": 240.0},
}
"""Stops so near that they are hit within minutes, and nothing held for long; no advice."""


def live_config(
    folder: Path, emulator: EmulatorProcess, **sections: dict[str, Any] | list[str] | str
) -> Path:
    """Write a configuration for the emulator; `sections` go over those that are written.

    A request may be late by a minute of the market's, which is a second of this machine's.
    """
    config: dict[str, Any] = yaml.safe_load(emulator.config())
    config["heatmap"] |= {"engine": {"coverage_min": 0.0}}
    config["market"] |= {"exchange": {"history_days": 1}}
    config["strategies"] = HOT
    config["risk"] = {"min_net_rr": 1.0, "cool_down_s": 0.0, "losses_in_a_row": 50}
    config["risk"] |= {"day_loss_pct": 20.0, "drawdown_pct": 50.0, "input_age_max_s": 60.0}
    config["orders"] = {"receive_window_s": 60.0, "clock_skew_max_s": 10.0}
    for name, section in sections.items():
        known = config.get(name)
        is_more = isinstance(section, dict) and isinstance(known, dict)
        config[name] = known | section if is_more else section  # type: ignore[operator]
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(config), encoding="utf-8")
    return path


def busyness() -> float:
    """By how much this machine has more to do than it can, 1.0 at least."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def phrase_of(emulator: EmulatorProcess) -> str:
    """What is typed to confirm."""
    return f"trade live on {emulator.exchange} account {emulator.account}\n"


def confirm(config: Path, emulator: EmulatorProcess) -> None:
    """Say yes to live trading, as a person does."""
    done = ended("confirm", "-c", config, typed=phrase_of(emulator), environ=environment())
    assert done.returncode == 0, done.stdout + done.stderr


class Live:
    """One bot on one emulator, through all its lives; whoever begins it ends it."""

    def __init__(
        self, folder: Path, emulator: EmulatorProcess, **sections: dict[str, Any] | list[str] | str
    ) -> None:
        """Configured and confirmed, not started."""
        self.emulator = emulator
        self.config = live_config(folder, emulator, **sections)
        self.files = DataFiles(folder=folder / "data")
        self.told: list[str] = []
        """What each life has said, the ended ones."""
        self.run: Run | None = None
        self.restarts = 0
        """Lives that ended by themselves because the exchange did not answer for the start."""
        confirm(self.config, emulator)

    def start(self, *words: object, environ: Mapping[str, str] | None = None) -> Run:
        """Begin a life."""
        assert self.run is None, "one at a time"
        self.run = Run(self.config, *words, environ=environ or environment())
        return self.run

    def end(self) -> int:
        """End this life as systemd would, with SIGTERM; gives the exit code."""
        run = self._taken()
        run.terminate()
        code = run.end()
        self.told.append(run.said)
        return code

    def kill(self) -> None:
        """End this life with SIGKILL."""
        run = self._taken()
        run.kill()
        self.told.append(run.said)

    def close(self) -> None:
        """Leave no process behind, whatever has failed."""
        if self.run is not None:
            self.kill()

    @property
    def said(self) -> str:
        """What all lives have said."""
        return "\n".join([*self.told, self.run.said if self.run is not None else ""])

    def resume(self) -> None:
        """End the holds that wait for a person: after three kills the bot only protects (P29)."""
        path = self.files.folder / "control.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(10.0)
            line.connect(str(path))
            line.sendall(b'{"verb": "resume"}\n')
            reply = msgspec.json.decode(line.makefile("rb").readline(), type=dict[str, Any])
        assert "ok" in reply, reply

    def protected_after_s(self, within_s: float) -> float:
        """Wait until every position at the exchange has a stop for all of it; seconds it took.

        `within_s` is for a machine that has nothing else to do.
        """
        begun_s = monotonic_s()
        while bare(self.emulator.state()):
            taken_s = monotonic_s() - begun_s
            limit_s = within_s * busyness()
            assert taken_s <= limit_s, f"bare for {taken_s:.1f} s: {self._last_words()}"
            self.listen(LOOK_S)
        return monotonic_s() - begun_s

    def listen(self, seconds: float) -> None:
        """Let it live."""
        assert self.run is not None, "it lives"
        self.run.listen(seconds)
        self._revive()

    def settled(self, *, tries: int = 5) -> tuple[State, Ledger]:
        """End it, and give both books as they were at one time.

        The exchange goes on when the bot has ended: where something has traded or ended there
        meanwhile, the bot is started once more to look.
        """
        for _ in range(tries):
            end_at = self.emulator.state()["at"]
            code = self.end()
            state = self.emulator.state()
            assert code == 0, self.told[-1]
            if all(row["at"] < end_at - SLACK_MS for row in state["trades"]):
                return state, ledger_of(self.files.ledger)
            self.start()
            self.hear("ready in", 30.0)
        raise AssertionError(f"it never comes to rest: {self.told[-1]}")

    def hear(self, words: str, within_s: float) -> None:
        """Wait until this life, or the next, has said something."""
        assert self.hears(words, within_s), f"{words!r} was not said: {self._last_words()}"

    def hears(self, words: str, within_s: float) -> bool:
        """Listen until this life, or the next, has said something; False where it does not."""
        end_s = monotonic_s() + within_s
        while (left_s := end_s - monotonic_s()) > 0:
            assert self.run is not None, "it lives"
            if self.run.hear(words, left_s):
                return True
            self._revive()
        return False

    def _revive(self) -> None:
        """Do what systemd does when the exchange has not answered for a start: start again.

        A clock that runs many times too fast is off by a second after 25 ms of a busy machine.
        """
        run = self.run
        assert run is not None, "it lives"
        if run.is_running:
            return
        self.run = None
        code = run.end()
        self.told.append(run.said)
        assert code == UNAVAILABLE, f"it ended with {code}: {self._last_words()}"
        self.restarts += 1
        assert self.restarts <= RESTARTS_MAX, self._last_words()
        self.start()

    def _taken(self) -> Run:
        run, self.run = self.run, None
        assert run is not None, "it lives"
        return run

    def _last_words(self) -> str:
        said = self.run.said if self.run is not None else ""
        return "\n".join([*self.told[-2:], said])


def agreed(live: Live) -> tuple[State, Ledger]:
    """End the bot; the exchange's books and the ledger say the same, in everything."""
    state, ledger = live.settled()
    found = differences(state, ledger)
    assert not found, "\n".join([*found, *live.told[-2:]])
    return state, ledger
