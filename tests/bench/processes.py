"""The real process: `liqbot run` started as systemd would, watched until READY, stopped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import yaml

ROOT = Path(__file__).parents[2]
READY_WAIT_S = 120.0

# fmt: off
SYMBOLS_27 = [
    "BTC", "ETH", "SOL", "XRP", "BNB", "DOGE", "ADA", "AVAX", "LINK", "DOT", "LTC", "BCH", "UNI",
    "ATOM", "ETC", "FIL", "APT", "ARB", "OP", "NEAR", "INJ", "SUI", "TIA", "SEI", "WIF", "ORDI",
    "AAVE",
]
# fmt: on


def liqbot(*words: object) -> list[str]:
    """The command as it was installed beside this Python."""
    installed = Path(sys.executable).with_name("liqbot")
    head = [str(installed)] if installed.exists() else [sys.executable, "-m", "bot"]
    return [*head, *map(str, words)]


def write_config(folder: Path, document: Mapping[str, Any]) -> Path:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(dict(document)), encoding="utf-8")
    return path


def embedded(symbols: Sequence[str] = ()) -> dict[str, Any]:
    """The defaults, with a port of its own so that a bot on this machine is not disturbed."""
    address = f"127.0.0.1:{_free_port()}"
    document: dict[str, Any] = {
        "heatmap": {"base_url": f"http://{address}", "serve": address},
    }
    if symbols:
        document["symbols"] = [f"{name}USDT" for name in symbols]
    return document


class Daemon:
    """One run, from start to SIGTERM."""

    def __init__(self, config: Path, data_dir: Path, keys: Mapping[str, str] | None = None) -> None:
        """`keys` are those of an emulated exchange, as variables of the environment."""
        self._config = config
        self._keys = dict(keys or {})
        self._data_dir = data_dir
        self.ready_s = 0.0
        """From the start of the process to READY."""

    def __enter__(self) -> Self:
        address = self._config.with_name("notify.sock")
        address.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.bind(str(address))
            line.settimeout(READY_WAIT_S)
            began_s = time.perf_counter()
            self._process = subprocess.Popen(
                liqbot("run", "-c", self._config, "--data-dir", self._data_dir),
                env={**os.environ, **self._keys, "NOTIFY_SOCKET": str(address)},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            while b"READY=1" not in line.recv(4096):
                pass
            self.ready_s = time.perf_counter() - began_s
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=60)
        assert code == 0, f"liqbot ended with {code}"

    def resident_mb(self, name: str = "VmRSS") -> float:
        """Megabytes of memory now, or at most ever (`VmHWM`)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        line = next(row for row in status.splitlines() if row.startswith(name))
        return int(line.split()[1]) / 1024


def _free_port() -> int:
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        return int(line.getsockname()[1])
