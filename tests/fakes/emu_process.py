"""`liqbot sim serve` as a process of its own, for benches and for tests with real processes.

    with EmulatorProcess(folder, exchange="bybit", is_still=True) as emulator:
        emulator.do("move", symbol="BTCUSDT", mark=97_000.0)
        emulator.state()["trades"]

With `is_still` prices are where `do("move", ...)` puts them; without, the seed is the price path.
"""

import contextlib
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bot.clock import monotonic_s

ROOT: Final = Path(__file__).parents[2]
START_S: Final = 60.0
"""A market of 30 symbols takes a while on a busy machine."""
READY: Final = re.compile(r"^ready +http://(\S+) ", re.MULTILINE)
TOKEN: Final = "a-token-of-the-tests"
KEYS: Final = {
    "LIQBOT_EXCHANGE_API_KEY": "rehearsal",
    "LIQBOT_EXCHANGE_SECRET": "rehearsal",
}


class EmulatorProcess:
    """A running emulator; entering waits until it answers, leaving ends it by its process id."""

    def __init__(
        self,
        folder: Path,
        *,
        exchange: str = "binanceusdm",
        symbols: Sequence[str] = ("BTCUSDT", "ETHUSDT", "SOLUSDT"),
        speed: float = 20.0,
        seed: int = 24,
        is_still: bool = False,
        history_days: int = 1,
        latency_ms: float = 80.0,
        jitter_ms: float = 0.0,
        faults: float = 0.0,
        lost_replies: float = 0.0,
        balance: str = "10000",
        account: str = "1001",
        listen: str = "127.0.0.1:0",
        options: Sequence[str] = (),
        is_piped: bool = False,
    ) -> None:
        """`folder` keeps what it says: emulator.txt, unless it is piped and read here."""
        self.exchange = exchange
        self.symbols = tuple(symbols)
        self.speed = speed
        self.account = account
        self.address = ""
        """host:port, once it answers."""
        self.exit_code: int | None = None
        self._out = folder / "emulator.txt"
        self._argv = [
            sys.executable, "-m", "bot", "sim", "serve",
            "--exchange", exchange, "--listen", listen, "--symbols", ",".join(symbols),
            "--speed", str(speed), "--seed", str(seed), "--history-days", str(history_days),
            "--latency-ms", str(latency_ms), "--jitter-ms", str(jitter_ms),
            "--faults", str(faults), "--lost-replies", str(lost_replies),
            "--balance", balance, "--account", account, "--token", TOKEN,
            *(["--still"] if is_still else []), *options,
        ]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None
        self._is_piped = is_piped

    def __enter__(self) -> Self:
        with self._out.open("w") as file:
            self._process = subprocess.Popen(
                self._argv,
                cwd=ROOT,
                env=environment(),
                stdout=subprocess.PIPE if self._is_piped else file,
                stderr=None if self._is_piped else subprocess.STDOUT,
            )
        try:
            self.address = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """For `exchange.base_url`."""
        return f"http://{self.address}"

    @property
    def stream_url(self) -> str:
        """For `exchange.stream_url`."""
        return f"ws://{self.address}"

    @property
    def pid(self) -> int:
        assert self._process is not None, "it was started"
        return self._process.pid

    @property
    def text(self) -> str:
        """All it has said."""
        return self._out.read_text(encoding="utf-8")

    def config(self, **more: str) -> str:
        """A configuration that trades live on it; `more` are sections in YAML's flow style."""
        rows = {
            "mode": "live",
            "symbols": f"[{', '.join(self.symbols)}]",
            "market": "{source: exchange}",
            "exchange": f'{{id: {self.exchange}, base_url: "{self.base_url}", '
            f'stream_url: "{self.stream_url}", speed: {self.speed}}}',
            "heatmap": '{provider: local, serve: "", allow_unstable_provider: true}',
            **more,
        }
        return "".join(f"{key}: {value}\n" for key, value in rows.items())

    def state(self) -> dict[str, Any]:
        """The emulator's own books: holdings, open orders, trades, incomes, balance, settings."""
        found: dict[str, Any] = self._ask("state", None)
        return found

    def do(self, verb: str, **words: Any) -> dict[str, Any]:
        """A verb of the control routes (bot/sim/emulator/control.py); raises when refused."""
        found: dict[str, Any] = self._ask(verb, words)
        return found

    def stop(self) -> int:
        """End it with SIGTERM, and with SIGKILL when that takes long; gives its exit code."""
        process = self._process
        if process is None:
            return self.exit_code or 0
        process.terminate()
        try:
            self.exit_code = process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            self.exit_code = process.wait()
        self._process = None
        return self.exit_code

    def _ask(self, verb: str, words: Mapping[str, Any] | None) -> Any:
        request = urllib.request.Request(
            f"{self.base_url}/_emulator/{verb}",
            data=None if words is None else json.dumps(words).encode(),
            headers={"X-Emulator-Token": TOKEN},
            method="GET" if words is None else "POST",
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as refused:
            with refused:
                raise AssertionError(refused.read().decode()) from refused

    def stop_reading(self) -> None:
        """Close our end of its pipe."""
        assert self._process is not None, "it was started"
        assert self._process.stdout is not None, "it is piped"
        self._process.stdout.close()

    def _wait_until_ready(self) -> str:
        process = self._process
        assert process is not None, "it was started"
        if process.stdout is not None:
            for line in process.stdout:
                found = READY.search(line.decode())
                if found:
                    return found[1]
        until_s = monotonic_s() + START_S
        while monotonic_s() < until_s:
            found = READY.search(self.text)
            if found:
                return found[1]
            if process.poll() is not None:
                break
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.05)
        raise AssertionError(f"the emulator does not answer:\n{self.text}")


def environment() -> dict[str, str]:
    """The machine's environment without what configures a bot, and with the emulator's keys."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("LIQBOT_")}
    return {**kept, **KEYS}
