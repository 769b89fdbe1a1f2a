"""The one connection that writes, and the one lock in front of it.

Every write of this process goes through `Writer.run`: a whole short transaction under one lock. So
the ledger and the paper venue's books share one connection, and there is never a second writer to
wait for or to fall out with, whichever thread asks.
"""

import threading
from collections.abc import Callable
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from bot.errors import StoreError
from bot.store.sqlite import driver

T = TypeVar("T")

# SQLite's primary result codes; the extended ones carry more in their upper bytes.
_BUSY: Final = 5
_LOCKED: Final = 6
_READ_ONLY: Final = 8
_IO: Final = 10
_CORRUPT: Final = 11
_FULL: Final = 13
_CONSTRAINT: Final = 19
_NOT_A_DB: Final = 26
_PRIMARY_MASK: Final = 0xFF

# fmt: off
_SENTENCES: Final[dict[int, tuple[str, str]]] = {
    _BUSY:       ("The ledger has been locked by another program for 5 s.",
                  "Close what else has it open; nothing was written, so it can be tried again."),
    _LOCKED:     ("The ledger is locked.",
                  "Close what else has it open; nothing was written, so it can be tried again."),
    _READ_ONLY:  ("The ledger has become read-only.",
                  "Mount its file system for writing and mend its permissions."),
    _IO:         ("The disk reported an error; the ledger was closed and is checked at next start.",
                  "Look at the disk (dmesg), then start again."),
    _CORRUPT:    ("The ledger is damaged; it was closed and is checked at next start.",
                  "Start again: a damaged ledger is set aside and the newest backup taken."),
    _FULL:       ("The disk is full; nothing was written.",
                  "Free some space; what was decided last was not done."),
    _CONSTRAINT: ("A row that may exist only once was about to be written twice; nothing was.",
                  "Start again: recovery reads the ledger. Please report this."),
    _NOT_A_DB:   ("The ledger is no SQLite file any more; it was closed.",
                  "Start again: a damaged ledger is set aside and the newest backup taken."),
}
# fmt: on
_FATAL: Final = frozenset({_IO, _CORRUPT, _NOT_A_DB})
"""After these nothing is tried again on the same connection: a failed fsync may have dropped what
it was to save, and the next one would report success."""


class Writer:
    """A connection, its lock, and errors in plain words."""

    def __init__(self, engine: sa.Engine, *, where: str) -> None:
        self._engine = engine
        self._where = where
        self._guard = threading.Lock()
        self._connection: sa.Connection | None = engine.connect()
        self._closed_because = ""

    @property
    def is_open(self) -> bool:
        """False once it was closed, on purpose or by a disk error."""
        return self._connection is not None

    def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run `work` in one transaction and commit it.

        Raises:
            StoreError: nothing of it was written, or, after a disk error, perhaps all of it.

        """
        with self._guard:
            try:
                connection = self._need()
                with connection.begin():
                    return work(connection)
            except sa.exc.DBAPIError as error:
                raise self._explained(error.orig) from error

    def run_outside(self, work: Callable[[Any], T]) -> T:
        """Give `work` the driver's own connection, outside any transaction.

        Raises:
            StoreError: it did not work; the ledger is as it was.

        """
        module = driver()
        with self._guard:
            try:
                return work(self._need().connection.driver_connection)
            except module.Error as error:
                raise self._explained(error) from error

    def checkpoint(self) -> None:
        """Move the -wal into the file and empty it; a reader in the way only puts it off."""
        self.run_outside(
            lambda connection: connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        )

    def close(self) -> None:
        """Close the connection; the last one moves the -wal into the file."""
        with self._guard:
            self._shut("the ledger was closed")
            self._engine.dispose()

    def _need(self) -> sa.Connection:
        if self._connection is None:
            raise StoreError(
                f"Nothing can be written: {self._closed_because}.",
                where=self._where,
                remedy="Start again.",
            )
        return self._connection

    def _explained(self, error: BaseException | None) -> StoreError:
        code = int(getattr(error, "sqlite_errorcode", 0) or 0) & _PRIMARY_MASK
        fallback = (f"The ledger could not be written ({error}).", "Start again.")
        what, remedy = _SENTENCES.get(code, fallback)
        if code in _FATAL:
            self._shut(what[0].lower() + what[1:].rstrip("."))
        explained = StoreError(what, where=self._where, remedy=remedy)
        explained.can_pass = code != _CONSTRAINT  # A row that exists will go on existing.
        return explained

    def _shut(self, reason: str) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._closed_because = reason
        try:
            connection.close()
        except sa.exc.DBAPIError:
            connection.invalidate()
