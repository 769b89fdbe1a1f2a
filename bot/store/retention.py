"""What the ledger may forget, a little at a time."""

from typing import Any, Final

from bot.model.primitives import Millis
from bot.model.wiring import StoreSettings
from bot.store.writer import Writer

DAY_MS: Final = 86_400_000
CHUNK_ROWS: Final = 2_000
"""Deleted in one transaction: a few milliseconds."""
CHUNKS_MAX: Final = 20
"""A call: more waits for the next minute."""
DROPPED_DAYS: Final = 1
"""Candidates that were dropped before anybody trusted them: most rows, least use."""
_PAGES_GIVEN_BACK: Final = 2_000


def prune(writer: Writer, at: Millis, settings: StoreSettings) -> int:
    """Delete what is older than the settings keep; the number of rows that went.

    Ages are market time, as the rows are.
    """
    journal_before = at - settings.journal_days * DAY_MS
    events_before = at - settings.events_days * DAY_MS
    dropped_before = at - DROPPED_DAYS * DAY_MS
    gone = _in_chunks(writer, _JOURNAL, (journal_before, CHUNK_ROWS))
    gone += _in_chunks(writer, _DROPPED_EVENTS, (dropped_before, CHUNK_ROWS))
    gone += _in_chunks(writer, _DROPPED, (dropped_before, CHUNK_ROWS))
    for statement in (_EVENTS, _CLUSTERS, _REFUSALS, _NOTES):
        gone += _in_chunks(writer, statement, (events_before, CHUNK_ROWS))
    return gone


def give_space_back(connection: Any) -> None:
    """Return free pages to the file system, a bounded number; on the driver's connection."""
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES_GIVEN_BACK})").fetchall()


# A prefix and nothing else, never the newest row: what stays has no gap and keeps the count.
_JOURNAL: Final = """
DELETE FROM journal WHERE seq < min(
    coalesce((SELECT min(seq) FROM journal WHERE at >= ?), (SELECT max(seq) FROM journal)),
    (SELECT min(seq) FROM journal) + ?)
"""
# Clusters: never the one with the largest number, from which the next is counted.
_DROPPED_EVENTS: Final = """
DELETE FROM cluster_event WHERE seq IN (
    SELECT e.seq FROM cluster c JOIN cluster_event e ON e.cluster_id = c.id AND e.gen = c.gen
    WHERE c.ended_at < ? AND c.ending = 'dropped' LIMIT ?)
"""
_DROPPED: Final = """
DELETE FROM cluster WHERE rowid IN (
    SELECT rowid FROM cluster WHERE ended_at < ? AND ending = 'dropped'
    AND id < (SELECT max(id) FROM cluster) LIMIT ?)
"""
_CLUSTERS: Final = """
DELETE FROM cluster WHERE rowid IN (
    SELECT rowid FROM cluster WHERE ended_at < ?
    AND id < (SELECT max(id) FROM cluster) LIMIT ?)
"""
_EVENTS: Final = """
DELETE FROM cluster_event WHERE seq IN (SELECT seq FROM cluster_event WHERE at < ? LIMIT ?)
"""
_REFUSALS: Final = """
DELETE FROM refusal WHERE rowid IN (SELECT rowid FROM refusal WHERE at < ? LIMIT ?)
"""
_NOTES: Final = "DELETE FROM note WHERE id IN (SELECT id FROM note WHERE at < ? LIMIT ?)"


def _in_chunks(writer: Writer, statement: str, values: tuple[int, int]) -> int:
    total = 0
    for _ in range(CHUNKS_MAX):
        gone = writer.run(lambda connection: connection.exec_driver_sql(statement, values).rowcount)
        total += gone
        if gone < CHUNK_ROWS:
            break
    return total
