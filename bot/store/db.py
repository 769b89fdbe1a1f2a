"""How the ledger is opened for writing: with which promises.

WAL with `synchronous=FULL`: a commit that returned survives a power cut. Every transaction begins
IMMEDIATE: a deferred one that turns from reading to writing fails at once with
SQLITE_BUSY_SNAPSHOT, whatever the busy timeout says.
"""

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.pool import NullPool

from bot.store.sqlite import BUSY_TIMEOUT_MS, driver, quoted


def open_engine(path: Path, *, is_synced: bool = True) -> sa.Engine:
    """An engine on a file that exists, be it empty.

    `is_synced=False` is for runs that can simply be made again (a recording played flat out): a
    kill still loses nothing, a power cut may lose the last commits.
    """
    module = driver()

    def connect() -> Any:
        connection = module.connect(
            f"file:{quoted(path)}?mode=rw",
            uri=True,
            isolation_level=None,  # The hook below begins; the driver must not.
            check_same_thread=False,  # One lock guards the one connection.
            timeout=BUSY_TIMEOUT_MS / 1000,
        )
        for pragma in _pragmas(is_synced=is_synced):
            connection.execute(pragma)
        return connection

    engine = sa.create_engine("sqlite://", module=module, creator=connect, poolclass=NullPool)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _pragmas(*, is_synced: bool) -> tuple[str, ...]:
    return (
        f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
        "PRAGMA auto_vacuum = INCREMENTAL",  # Takes hold before the first table only.
        "PRAGMA journal_mode = WAL",
        f"PRAGMA synchronous = {'FULL' if is_synced else 'NORMAL'}",
        "PRAGMA foreign_keys = ON",
        "PRAGMA temp_store = MEMORY",
        "PRAGMA cell_size_check = ON",
    )


def _begin_immediate(connection: sa.Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
