"""The promises with which the ledger is opened for writing."""

from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store.db import open_engine


def pragma(connection: sa.Connection, name: str) -> object:
    return connection.exec_driver_sql(f"PRAGMA {name}").scalar()


@pytest.mark.parametrize(("is_synced", "synchronous"), [(True, 2), (False, 1)])
def test_the_ledger_is_write_ahead_synced_and_gives_space_back(
    tmp_path: Path, *, is_synced: bool, synchronous: int
) -> None:
    path = tmp_path / "ledger.db"
    path.touch()
    engine = open_engine(path, is_synced=is_synced)
    with engine.connect() as connection:
        assert "wal" == pragma(connection, "journal_mode")
        assert synchronous == pragma(connection, "synchronous")
        assert 2 == pragma(connection, "auto_vacuum")
        assert 1 == pragma(connection, "foreign_keys")
        assert 5_000 == pragma(connection, "busy_timeout")


def test_p14_a_transaction_holds_the_write_lock_from_its_beginning(tmp_path: Path) -> None:
    """A deferred one that turns to writing fails at once, whatever the busy timeout says."""
    path = tmp_path / "ledger.db"
    path.touch()
    engine = open_engine(path)
    with engine.connect() as first, engine.connect() as second:
        first.exec_driver_sql("CREATE TABLE t (a)")
        first.commit()
        second.exec_driver_sql("PRAGMA busy_timeout = 20")
        second.rollback()
        with first.begin():
            first.exec_driver_sql("SELECT * FROM t").all()
            with pytest.raises(sa.exc.OperationalError, match="database is locked"):
                second.begin()
            first.exec_driver_sql("INSERT INTO t VALUES (1)")

        second.rollback()
        assert [1] == second.exec_driver_sql("SELECT a FROM t").scalars().all()


def test_an_engine_makes_no_file_of_its_own(tmp_path: Path) -> None:
    """Its mode would be the umask's, and a mistyped directory would look like a new ledger."""
    with pytest.raises(sa.exc.OperationalError, match="unable to open"):
        open_engine(tmp_path / "none.db").connect()
