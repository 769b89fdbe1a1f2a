"""Which SQLite this process uses, and how a file is opened for reading only.

One process must not use two SQLite libraries on one file: each would drop the other's file locks
by closing a descriptor. So whoever writes takes `driver()`, and readers take `loaded_driver()`.
"""

import importlib
import sqlite3
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, Final

BUSY_TIMEOUT_MS: Final = 5_000
_SAFE_SQLITE: Final = (3, 51, 3)
"""The first release without the WAL-reset bug."""


def driver() -> ModuleType:
    """pysqlite3's newer SQLite where there is a wheel for this machine, else the standard one."""
    try:
        return importlib.import_module("pysqlite3.dbapi2")
    except ImportError:
        return sqlite3


def loaded_driver() -> ModuleType:
    """The SQLite this process already uses, without importing another: what readers take."""
    return sys.modules.get("pysqlite3.dbapi2", sqlite3)


def sqlite_warning(module: ModuleType | None = None) -> str:
    """One sentence where SQLite is too old to be trusted with two programs; else empty."""
    found = module or driver()
    if tuple(found.sqlite_version_info) >= _SAFE_SQLITE:
        return ""
    return (
        f"SQLite {found.sqlite_version} can damage a ledger when two programs checkpoint it at "
        "once (mended in 3.51.3): do not open the ledger with other tools while liqbot runs, or "
        "install pysqlite3, which brings a newer SQLite."
    )


def open_read_only(path: Path, *, module: ModuleType, is_immutable: bool = False) -> Any:
    """A connection that cannot write; `is_immutable` leaves the -wal out of account."""
    suffix = "&immutable=1" if is_immutable else ""
    connection = module.connect(
        f"file:{quoted(path)}?mode=ro{suffix}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_MS / 1000,
    )
    connection.execute("PRAGMA query_only = ON")
    return connection


def quoted(path: Path) -> str:
    """A path as it stands in a file: address."""
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
