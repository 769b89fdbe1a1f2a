"""Which SQLite is used, and what is said of an old one."""

import sqlite3
import types
from pathlib import Path

import pytest

from bot.store.sqlite import driver, loaded_driver, open_read_only, quoted, sqlite_warning


def test_an_old_sqlite_is_named_with_the_remedy() -> None:
    """Before 3.51.3 two programs that checkpoint at once can damage a ledger."""
    old = types.ModuleType("old")
    old.sqlite_version = "3.40.1"  # type: ignore[attr-defined]  # as the driver has it
    old.sqlite_version_info = (3, 40, 1)  # type: ignore[attr-defined]  # as the driver has it
    sentence = sqlite_warning(old)

    assert "SQLite 3.40.1" in sentence
    assert "install pysqlite3" in sentence


def test_a_current_sqlite_is_passed_over_in_silence() -> None:
    new = types.ModuleType("new")
    new.sqlite_version_info = (3, 53, 4)  # type: ignore[attr-defined]  # as the driver has it

    assert "" == sqlite_warning(new)


def test_readers_use_the_library_that_the_process_has_loaded() -> None:
    """Two libraries in one process would drop each other's file locks."""
    writing = driver()

    assert writing is loaded_driver()


def test_a_read_only_connection_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%.db"
    made = sqlite3.connect(path)
    made.execute("CREATE TABLE t (a)")
    made.close()
    connection = open_read_only(path, module=sqlite3)
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("INSERT INTO t VALUES (1)")
    connection.close()

    assert "a%3fb%23c%25.db" == Path(quoted(path)).name
