"""What the ledger needs each minute, hour and day, in pieces too small to hold up a commit.

Orders, fills, brackets, funding and signals are kept for ever; evidence goes when it is old.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import sqlalchemy as sa
import structlog

from bot.errors import DataDirError, StoreError
from bot.model.primitives import Millis
from bot.model.wiring import StoreSettings
from bot.store import backup, lease, retention
from bot.store.recorder import Ledger

CHECKPOINT_MS: Final = 3_600_000
BACKUP_MS: Final = 86_400_000

log = structlog.get_logger()


class Housekeeper:
    """Call `tend` once a minute of the machine's clock."""

    def __init__(self, ledger: Ledger, settings: StoreSettings, *, host: str, pid: int) -> None:
        self._ledger = ledger
        self._settings = settings
        self._host = host
        self._pid = pid
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="housekeeping")
        self._checkpoint_due: int = 0
        self._backup_due: int = 0
        self._is_rescued = False

    async def tend(self, *, at: Millis, wall: Millis) -> str:
        """Do what is due; a sentence where trading must stop for it, else empty."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, self.tend_now, at, wall)

    def tend_now(self, at: Millis, wall: Millis) -> str:
        """The same, in the calling thread."""
        trouble = self._ledger.missing()
        if trouble:
            self._rescue(wall)
            return trouble
        try:
            self._renew(wall)
            retention.prune(self._ledger.writer, at, self._settings)
            if wall >= self._checkpoint_due:
                self._checkpoint_due = wall + CHECKPOINT_MS
                self._ledger.writer.checkpoint()
                self._ledger.writer.run_outside(retention.give_space_back)
        except (StoreError, DataDirError) as error:  # The latter: another machine took the lease.
            return error.what
        self._back_up(wall)
        return ""

    def close(self) -> None:
        """Finish what is under way."""
        self._executor.shutdown(wait=True)

    def _renew(self, wall: Millis) -> None:
        where = str(self._ledger.files.ledger)

        def work(connection: sa.Connection) -> None:
            lease.take(connection, host=self._host, pid=self._pid, wall=wall, where=where)

        self._ledger.writer.run(work)

    def _back_up(self, wall: Millis) -> None:
        """Once a day, also across restarts; looked at once an hour, and tried again then."""
        if wall < self._backup_due:
            return
        self._backup_due = wall + CHECKPOINT_MS
        files = self._ledger.files
        if backup.has_one_since(files, Millis(wall - BACKUP_MS + CHECKPOINT_MS)):
            return
        try:
            backup.make(files, wall=wall, kept=self._settings.backups_kept)
        except StoreError as error:
            log.error("store.failed", reason=error.what, remedy=error.remedy)  # noqa: TRY400

    def _rescue(self, wall: Millis) -> None:
        """The file has no name any more, but the open connection still reaches it."""
        if self._is_rescued:
            return
        self._is_rescued = True
        files, kept = self._ledger.files, self._settings.backups_kept
        try:
            self._ledger.writer.run_outside(
                lambda connection: backup.make(files, wall=wall, kept=kept, source=connection)
            )
        except StoreError as error:
            log.error("store.failed", reason=error.what, remedy=error.remedy)  # noqa: TRY400
