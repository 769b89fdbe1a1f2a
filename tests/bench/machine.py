"""The machine that figures were measured on, in one line."""

import os
import platform
import tempfile
from pathlib import Path

from bot.store.sqlite import driver


def machine() -> str:
    """Cores, processor, versions, the disk of the temporary folder, and how busy it all is."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{cores} cores of {_processor()}, Python {platform.python_version()}, "
        f"SQLite {driver().sqlite_version}, temporary files on {_file_system()}; "
        f"load before {load:.1f}"
    )


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _file_system() -> str:
    """The type of the file system that holds the temporary folder."""
    folder = Path(tempfile.gettempdir()).resolve()
    found, kind = Path("/"), "?"
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        _, place, name, *_ = line.split()
        mounted = Path(place)
        if folder.is_relative_to(mounted) and len(mounted.parts) >= len(found.parts):
            found, kind = mounted, name
    return kind
