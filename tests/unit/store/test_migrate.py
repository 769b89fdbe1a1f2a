"""A new ledger and a migrated one are the same, and unknown schemas are left alone."""

import re
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.config import Config
from alembic.script import ScriptDirectory

from bot.errors import DataDirError, DataError
from bot.store import backup, migrate, schema
from bot.store.db import open_engine
from bot.store.files import DataFiles
from bot.store.meta import Meta
from bot.store.writer import Writer
from tests.fakes.rows import WALL, a_ledger, an_intent

META = Meta(instance="i", mode="paper", account_id="", created_at=WALL)


def a_writer(path: Path) -> Writer:
    path.touch()
    return Writer(open_engine(path), where=str(path))


def shape(writer: Writer) -> dict[str, str]:
    """Every table and index as SQLite keeps it, without the white space."""

    def work(connection: sa.Connection) -> dict[str, str]:
        rows = connection.exec_driver_sql("SELECT name, sql FROM sqlite_schema WHERE sql NOT NULL")
        return {row.name: re.sub(r"\s+", "", row.sql) for row in rows}

    return writer.run(work)


def test_a_ledger_made_from_the_schema_equals_a_migrated_one(tmp_path: Path) -> None:
    """Making it from the schema saves importing alembic; the two must never drift apart."""
    made, migrated = a_writer(tmp_path / "made.db"), a_writer(tmp_path / "migrated.db")
    made.run(lambda connection: migrate.create(connection, META))
    migrate.upgrade(migrated, migrate.migrations_folder())
    shapes = shape(made), shape(migrated)
    revisions = made.run(migrate.revision_of), migrated.run(migrate.revision_of)
    made.close()
    migrated.close()

    assert shapes[0] == shapes[1]
    assert (schema.REVISIONS[-1],) * 2 == revisions


def test_the_known_revisions_are_those_in_the_folder() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.migrations_folder()))
    scripts = ScriptDirectory.from_config(config).walk_revisions()

    assert schema.REVISIONS == tuple(script.revision for script in scripts)[::-1]


def test_p18_a_newer_schema_is_refused_and_untouched(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.writer.run(
        lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num='99'")
    )
    ledger.close()
    with pytest.raises(DataDirError) as caught:
        a_ledger(tmp_path)

    assert 73 == caught.value.exit_code
    assert "has schema 99; this liqbot knows 0001" in caught.value.what
    assert [] == backup.listed(ledger.files)


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    writer = a_writer(tmp_path / "ledger.db")
    writer.run(lambda connection: connection.exec_driver_sql("CREATE TABLE songs (a)"))
    with pytest.raises(DataError, match="not a ledger"):
        migrate.bring_up_to_date(
            writer, DataFiles(folder=tmp_path), meta=META, wall=WALL, backups_kept=7
        )
    writer.close()


def test_an_older_ledger_is_backed_up_and_then_migrated(tmp_path: Path) -> None:
    """The first schema has no older one, so the version before it is made up here."""
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent()])
    writer, files = ledger.writer, ledger.files

    def undo(connection: sa.Connection) -> None:
        for table in reversed(schema.metadata.sorted_tables):
            table.drop(connection)
        connection.exec_driver_sql("DELETE FROM alembic_version")

    old = backup.make(files, wall=WALL, kept=7)
    writer.run(undo)
    migrate.upgrade(writer, migrate.migrations_folder())
    revision = writer.run(migrate.revision_of)
    ledger.close()

    assert "0001" == revision
    assert old == backup.newest_sound(files)


def test_an_up_to_date_ledger_is_left_alone(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    found = migrate.bring_up_to_date(
        ledger.writer, ledger.files, meta=META, wall=WALL, backups_kept=7
    )
    ledger.close()

    assert "0001" == found
    assert [] == backup.listed(ledger.files)
