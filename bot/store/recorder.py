"""The ledger as the engine knows it: load, record, close.

`record` is one synced transaction on the one writer thread: rows and the journal's line together or
not at all. On a virtual loop the executor runs inline, so a simulated run is one thread.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import sqlalchemy as sa
import structlog

from bot.clock import monotonic_s
from bot.errors import StoreError
from bot.model.events import Event, PriceMoved, ResumeAsked
from bot.model.facts import Decision
from bot.model.primitives import Millis
from bot.model.snapshot import Snapshot
from bot.store import boots, codec, journal, loader, statements
from bot.store.boots import Boot
from bot.store.files import DataFiles
from bot.store.loader import Windows
from bot.store.lock import InstanceLock
from bot.store.meta import Meta
from bot.store.paper import PaperBooks
from bot.store.witness import Witness
from bot.store.writer import Writer

SLOW_S: Final = 0.5
"""A commit that takes longer is told to the log."""

log = structlog.get_logger()


class Ledger:
    """One writer, one transaction for each batch of decisions. Made by `opening.open_ledger`."""

    def __init__(
        self,
        *,
        files: DataFiles,
        writer: Writer,
        lock: InstanceLock,
        witness: Witness,
        meta: Meta,
        boot: Boot,
        windows: Windows,
        trouble: str = "",
    ) -> None:
        self.files = files
        self.meta = meta
        self.boot = boot
        self.trouble = trouble
        """A sentence where the ledger had to be repaired: start in PROTECT and say so."""
        self.writer = writer
        self.paper_books = PaperBooks(writer)
        self._lock = lock
        self._witness = witness
        self._windows = windows
        self._memory = journal.Memory()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._seq: int = writer.run(_newest_seq)
        self._inode = files.ledger.stat().st_ino

    @property
    def seq(self) -> int:
        """Number of the newest journal row."""
        return self._seq

    @property
    def can_write(self) -> bool:
        """False once a disk error has closed the ledger: only a new start may go on."""
        return self.writer.is_open

    def load(self) -> Snapshot:
        """What the last run knew."""
        return self.writer.run(lambda connection: loader.load(connection, self._windows))

    async def record(self, entries: Sequence[tuple[Event, Decision]]) -> None:
        """Write a batch in one synced transaction; when it returns, no kill can undo it.

        Raises:
            StoreError: it is not written. After "disk full" and "locked" the same batch may be
                recorded again; after a disk error the ledger is closed and stays so.

        """
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._executor, self.record_now, entries)

    def record_now(self, entries: Sequence[tuple[Event, Decision]]) -> None:
        """The same, in the calling thread."""
        started_s = monotonic_s()
        batch = journal.pack(entries, self._memory)
        if batch is None:
            return
        rows = codec.rows_of(
            (event.at, fact) for event, decision in entries for fact in decision.facts
        )
        rows["market_state"] = _prices(entries)
        seq = self._seq + 1
        line = (seq, batch.at, batch.n, batch.kinds, self.meta.instance, batch.body)
        is_forgiven = any(isinstance(event, ResumeAsked) for event, _ in entries)

        def work(connection: sa.Connection) -> None:
            _write(connection, rows, line)
            if is_forgiven:
                boots.forgive(connection, self.boot.id)

        try:
            self.writer.run(work)
        except StoreError:
            # What was not written cannot be repeated; whoever asked for it tells of it.
            self._memory.clear()
            raise
        self._seq = seq
        self._witness.note(seq)
        took_s = monotonic_s() - started_s
        if took_s > SLOW_S:
            log.warning("store.slowed", took_ms=round(took_s * 1000), entries=len(entries))

    def missing(self) -> str:
        """A sentence where the file under us was deleted or replaced; empty while it is there."""
        try:
            if self.files.ledger.stat().st_ino == self._inode:
                return ""
        except OSError:
            pass
        return (
            f"The ledger {self.files.ledger} was deleted or replaced while liqbot runs; what is "
            "written from now on would be lost. A copy is saved to backups: stop, put it back."
        )

    def close(self, *, wall: Millis | None = None) -> None:
        """Finish what is being written, mark the stop as clean where `wall` says when, let go."""
        self._executor.shutdown(wait=True)
        try:
            if wall is not None and self.writer.is_open:
                self.writer.run(lambda connection: boots.end(connection, self.boot.id, wall=wall))
        finally:
            self.writer.close()
            self._witness.close()
            self._lock.release()


def _newest_seq(connection: sa.Connection) -> int:
    return int(connection.exec_driver_sql("SELECT coalesce(max(seq), 0) FROM journal").scalar_one())


def _prices(entries: Sequence[tuple[Event, Decision]]) -> list[codec.Row]:
    newest = {event.symbol: event for event, _ in entries if isinstance(event, PriceMoved)}
    return [(event.symbol, event.at, event.mark) for event in newest.values()]


def _write(connection: sa.Connection, rows: codec.Rows, line: codec.Row) -> None:
    """Rows and line together. A number that is taken already would roll all of it back."""
    for table, statement in statements.WRITES.items():
        if found := rows.get(table):
            connection.exec_driver_sql(statement, found)
    connection.exec_driver_sql(statements.JOURNAL, line)
