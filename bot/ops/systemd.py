"""Talk to systemd: READY, STATUS, WATCHDOG and STOPPING over its datagram socket.

Protocol: sd_notify(3). Without NOTIFY_SOCKET in the environment every call does nothing.
"""

import contextlib
import os
import socket
from collections.abc import Mapping


class Notifier:
    """One run's line to the service manager."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        interval = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(interval) / 1e6 if interval.isdigit() and self._address else None
        """The interval within which a ping is expected; None without a watchdog."""

    def ready(self, status: str) -> None:
        """Recovered, reconciled, every position protected."""
        self._send(f"READY=1\nSTATUS={status}")

    def status(self, line: str) -> None:
        """Set the one line that `systemctl status` shows."""
        self._send(f"STATUS={line}")

    def alive(self) -> None:
        """Report real progress; without it the watchdog ends the process."""
        self._send("WATCHDOG=1")

    def extend_start(self, seconds: float) -> None:
        """Ask for more time to start, while a long migration or warm-up runs."""
        self._send(f"EXTEND_TIMEOUT_USEC={int(seconds * 1e6)}")

    def stopping(self) -> None:
        """Report that the stop has begun."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with (
            contextlib.suppress(OSError),  # a lost notice must not stop the bot
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line,
        ):
            line.sendto(message.encode(), self._address)
