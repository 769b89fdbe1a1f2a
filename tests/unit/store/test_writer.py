"""One connection, whole transactions, errors in plain words."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.errors import StoreError
from bot.store.db import open_engine
from bot.store.sqlite import driver
from bot.store.writer import Writer


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    path = tmp_path / "ledger.db"
    path.touch()
    writer = Writer(open_engine(path), where="ledger.db")
    writer.run(lambda connection: connection.exec_driver_sql("CREATE TABLE t (a UNIQUE)"))
    yield writer
    writer.close()


def put(writer: Writer, *values: object) -> None:
    def work(connection: sa.Connection) -> None:
        for value in values:
            connection.exec_driver_sql("INSERT INTO t VALUES (?)", (value,))

    writer.run(work)


def kept(writer: Writer) -> list[object]:
    return writer.run(lambda c: list(c.exec_driver_sql("SELECT a FROM t").scalars()))


def test_all_of_a_transaction_or_nothing(writer: Writer) -> None:
    put(writer, 1)
    with pytest.raises(StoreError, match="written twice") as caught:
        put(writer, 2, 1)

    assert not caught.value.can_pass, "trying again would fail for ever"
    assert [1] == kept(writer)
    assert writer.is_open


def test_whoever_asks_waits_for_the_one_before(writer: Writer) -> None:
    """The paper venue saves from the loop's thread while a batch is being written."""
    threads = [threading.Thread(target=put, args=(writer, number)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert set(range(20)) == set(kept(writer))


def test_p13_a_ledger_locked_by_another_program_is_said_and_can_be_tried_again(
    writer: Writer, tmp_path: Path
) -> None:
    writer.run_outside(lambda connection: connection.execute("PRAGMA busy_timeout = 20"))
    other = driver().connect(tmp_path / "ledger.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another program") as caught:
        put(writer, 1)
    other.execute("ROLLBACK")
    other.close()
    put(writer, 1)

    assert "Close what else has it open" in caught.value.remedy
    assert [1] == kept(writer)


def test_p10_a_full_disk_writes_nothing_and_is_over_when_there_is_room(writer: Writer) -> None:
    """The page limit gives the same answer as a file system without room."""
    pages = writer.run_outside(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
    writer.run_outside(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 1}").fetchone())
    with pytest.raises(StoreError, match="disk is full"):
        put(writer, "a", "x" * 50_000)
    writer.run_outside(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
    put(writer, "b")

    assert ["b"] == kept(writer)


def test_a_damaged_ledger_is_closed_for_good(writer: Writer) -> None:
    def corrupt(_: sa.Connection) -> None:
        error = driver().DatabaseError("database disk image is malformed")
        error.sqlite_errorcode = 11
        raise sa.exc.DatabaseError("SELECT", None, error)

    with pytest.raises(StoreError, match="damaged"):
        writer.run(corrupt)
    with pytest.raises(StoreError, match="Nothing can be written"):
        put(writer, 1)

    assert not writer.is_open


def test_an_error_outside_a_transaction_is_explained_too(writer: Writer) -> None:
    with pytest.raises(StoreError, match="could not be written"):
        writer.run_outside(lambda connection: connection.execute("NOT SQL"))

    assert writer.is_open


def test_a_checkpoint_empties_the_wal(writer: Writer, tmp_path: Path) -> None:
    put(writer, *range(100))
    before = (tmp_path / "ledger.db-wal").stat().st_size
    writer.checkpoint()

    assert before > 0
    assert 0 == (tmp_path / "ledger.db-wal").stat().st_size


def test_a_closed_writer_says_so(writer: Writer) -> None:
    writer.close()
    writer.close()

    with pytest.raises(StoreError, match="the ledger was closed"):
        put(writer, 1)
