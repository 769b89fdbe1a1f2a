"""What systemd is told, over a real datagram socket."""

import socket
from pathlib import Path

from bot.ops.systemd import Notifier


def test_ready_carries_a_human_line(tmp_path: Path) -> None:
    path = tmp_path / "notify.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        notifier = Notifier({"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "60000000"})
        notifier.ready("TRADING, no position")
        notifier.status("HOLD, heatmap stale")
        notifier.alive()
        notifier.extend_start(30)
        notifier.stopping()
        heard = [manager.recv(1000).decode() for _ in range(5)]

    assert [
        "READY=1\nSTATUS=TRADING, no position",
        "STATUS=HOLD, heatmap stale",
        "WATCHDOG=1",
        "EXTEND_TIMEOUT_USEC=30000000",
        "STOPPING=1",
    ] == heard
    assert notifier.watchdog_s == 60.0


def test_without_systemd_nothing_happens() -> None:
    notifier = Notifier({})
    notifier.ready("TRADING")

    assert notifier.watchdog_s is None


def test_a_manager_that_has_gone_does_not_stop_the_bot(tmp_path: Path) -> None:
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone.sock")}).alive()
