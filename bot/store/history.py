"""Every accepted poll, kept: what the provider said cannot be had later.

A file of its own with `synchronous=NORMAL`, since losing the last seconds to a power cut harms
nobody. It never holds up trading: polls wait in a bounded queue and are written by a thread of
their own; what cannot be written is counted and dropped. A poll whose clusters repeat those of the
one before is stored as its price and a pointer: between two bars only the price changes. Each day
begins with whole bodies, so that old days go as a whole.
"""

import asyncio
import contextlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog
from msgspec.structs import replace

from bot.errors import DataDirError
from bot.model.events import HeatmapRead
from bot.model.heatmap import Reading
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock
from bot.store import journal
from bot.store.files import create_private
from bot.store.sqlite import BUSY_TIMEOUT_MS, driver, open_read_only, quoted

QUEUE_MAX: Final = 20_000
"""Polls waiting to be written; the oldest fall out."""
FLUSH_S: Final = 2.0
DAY_MS: Final = 86_400_000
_ROWS_PRUNED: Final = 5_000
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS poll (
    id INTEGER PRIMARY KEY,
    symbol TEXT NOT NULL,
    at INTEGER NOT NULL,
    asked_at INTEGER NOT NULL,
    price REAL NOT NULL,
    n INTEGER NOT NULL,
    same_as INTEGER,
    body BLOB
);
CREATE INDEX IF NOT EXISTS ix_poll_symbol_at ON poll (symbol, at);
CREATE INDEX IF NOT EXISTS ix_poll_at ON poll (at);
"""
_INSERT: Final = (
    "INSERT INTO poll (symbol, at, asked_at, price, n, same_as, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
)

log = structlog.get_logger()
_encode = msgspec.json.Encoder().encode
_reading_from = msgspec.json.Decoder(Reading).decode


class _Last(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    clusters: Reading
    day: int


class History:
    """The recorder of polls. `keep` from the loop, `run` as a task, `close` at the end."""

    def __init__(self, path: Path, *, days: int) -> None:
        """Open or make the file; one that cannot be used is moved aside, never a reason to stop."""
        self._path = path
        self._days = days
        self._waiting: deque[HeatmapRead] = deque(maxlen=QUEUE_MAX)
        self._last: dict[Symbol, _Last] = {}
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._news = asyncio.Event()
        self._connection: Any = None
        self.dropped = 0
        """Polls lost to a full queue or a full disk."""
        self.written = 0

    def keep(self, event: HeatmapRead) -> None:
        """Queue a poll; never blocks."""
        if len(self._waiting) == QUEUE_MAX:
            self.dropped += 1
        self._waiting.append(event)
        self._news.set()

    async def run(self, clock: Clock) -> None:
        """Write what waits, at most every two seconds of the wall, until canceled."""
        while True:
            await self._news.wait()
            self._news.clear()
            await clock.sleep(FLUSH_S * clock.speed)
            await self.flush()

    async def flush(self) -> None:
        """Write everything that waits."""
        polls = [self._waiting.popleft() for _ in range(len(self._waiting))]
        if polls:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._executor, self.write_now, polls)

    def write_now(self, polls: list[HeatmapRead]) -> None:
        """One transaction for all of them, in the calling thread; trouble is told, not raised."""
        module = driver()
        try:
            self._write(polls)
        except (module.Error, OSError, DataDirError) as error:
            self.dropped += len(polls)
            self._last.clear()
            self._shut()
            log.warning(
                "store.failed", where=str(self._path), reason=str(error), dropped=self.dropped
            )

    def close(self) -> None:
        """Write what waits and close the file."""
        self._executor.shutdown(wait=True)
        if self._waiting:
            self.write_now(list(self._waiting))
            self._waiting.clear()
        self._shut()

    def _write(self, polls: list[HeatmapRead]) -> None:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            for event in polls:
                self._put(connection, event)
            before = polls[-1].at // DAY_MS * DAY_MS - self._days * DAY_MS
            connection.execute(
                "DELETE FROM poll WHERE id IN (SELECT id FROM poll WHERE at < ? LIMIT ?)",
                (before, _ROWS_PRUNED),
            )
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        self.written += len(polls)

    def _put(self, connection: Any, event: HeatmapRead) -> None:
        reading, day = event.reading, event.at // DAY_MS
        clusters = replace(reading, price=0.0, content_key="", server_age_s=None)
        last = self._last.get(reading.symbol)
        is_same = last is not None and last.day == day and last.clusters == clusters
        row = (
            reading.symbol,
            event.at,
            event.asked_at,
            reading.price,
            len(reading.rows),
            last.id if last is not None and is_same else None,
            None if is_same else journal.compress(_encode(reading)),
        )
        number = connection.execute(_INSERT, row).lastrowid
        if not is_same:
            self._last[reading.symbol] = _Last(id=number, clusters=clusters, day=day)

    def _opened(self) -> Any:
        if self._connection is None:
            create_private(self._path)
            try:
                self._connection = _open(self._path)
            except driver().DatabaseError:
                # What is not a database any more is kept beside for whoever looks.
                self._path.replace(self._path.with_suffix(".damaged"))
                for suffix in ("-wal", "-shm"):
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
                create_private(self._path)
                self._connection = _open(self._path)
        return self._connection

    def _shut(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(driver().Error):
                connection.close()


def polls(path: Path, symbol: Symbol, *, since: Millis, until: Millis) -> list[HeatmapRead]:
    """What was kept of a symbol in [since, until), oldest first; repeated polls filled in."""
    connection = open_read_only(path, module=driver())
    try:
        rows = connection.execute(
            "SELECT p.at, p.asked_at, p.id, p.price, coalesce(p.body, o.body) FROM poll p"
            " LEFT JOIN poll o ON o.id = p.same_as"
            " WHERE p.symbol = ? AND p.at >= ? AND p.at < ? ORDER BY p.at, p.id",
            (symbol, since, until),
        ).fetchall()
    finally:
        connection.close()
    return [
        HeatmapRead(
            at=Millis(at),
            asked_at=Millis(asked_at),
            sequence=number,
            reading=_at_price(_reading_from(journal.decompress(body)), price),
        )
        for at, asked_at, number, price, body in rows
    ]


def _at_price(reading: Reading, price: float) -> Reading:
    """A poll that repeated these clusters; how old its reply was is not kept."""
    if price == reading.price:
        return reading
    key = f"{reading.content_key}:{price!r}" if reading.content_key else ""
    return replace(reading, price=price, content_key=key, server_age_s=None)


def _open(path: Path) -> Any:
    connection = driver().connect(
        f"file:{quoted(path)}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        timeout=BUSY_TIMEOUT_MS / 1000,
    )
    try:
        for pragma in ("auto_vacuum = INCREMENTAL", "journal_mode = WAL", "synchronous = NORMAL"):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        connection.executescript(_SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection
