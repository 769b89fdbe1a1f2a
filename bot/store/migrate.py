"""The ledger's schema brought up to date: all of it or nothing, whenever the power goes.

A new ledger is made straight from `schema` and stamped; an older one is backed up and then
migrated by alembic inside one explicit transaction (alembic's default commits each statement of
SQLite's, and a kill between two leaves a ledger that is neither). alembic costs 0.4 s to import,
so it is imported only when a migration is due.
"""

from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

import bot
from bot.errors import DataDirError, DataError
from bot.model.primitives import Millis
from bot.store import backup, schema
from bot.store.files import DataFiles
from bot.store.meta import Meta
from bot.store.meta import write as write_meta
from bot.store.writer import Writer

_VERSION_TABLE: Final = (
    "CREATE TABLE alembic_version (\n\tversion_num VARCHAR(32) NOT NULL, \n\t"
    "CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)\n)"
)
"""As alembic itself would make it."""


def migrations_folder() -> Path:
    """Where the migrations lie: inside a wheel, or beside the package in a checkout."""
    package = Path(bot.__file__).parent
    packed = package / "_data" / "migrations"
    return packed if packed.is_dir() else package.parent / "migrations"


def revision_of(connection: sa.Connection) -> str | None:
    """The schema's revision by plain SQL; None for a ledger that is still empty.

    Raises:
        DataError: there are tables, but not a ledger's.

    """
    tables = set(
        connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'table'").scalars()
    )
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise DataError("This SQLite file is not a ledger of liqbot.")
    found = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return str(found) if found is not None else None


def create(connection: sa.Connection, meta: Meta) -> None:
    """Make every table of an empty ledger and name it, within the caller's transaction."""
    schema.metadata.create_all(connection, checkfirst=False)
    connection.exec_driver_sql(_VERSION_TABLE)
    connection.exec_driver_sql(
        "INSERT INTO alembic_version (version_num) VALUES (?)", (schema.REVISIONS[-1],)
    )
    write_meta(connection, meta)


def bring_up_to_date(
    writer: Writer,
    files: DataFiles,
    *,
    meta: Meta,
    wall: Millis,
    backups_kept: int,
) -> str:
    """Create or migrate; the old revision, empty for a new ledger. The caller holds the lock.

    Raises:
        DataDirError: the ledger was written by a newer program.
        DataError: the file is not a ledger.
        StoreError: the backup or the migration could not be written; the ledger is as it was.

    """
    found = writer.run(revision_of)
    if found is None:
        writer.run(lambda connection: create(connection, meta))
        return ""
    require_known(found, where=str(files.ledger))
    if found != schema.REVISIONS[-1]:
        backup.make(files, wall=wall, kept=backups_kept)
        upgrade(writer, migrations_folder())
    return found


def require_known(revision: str, *, where: str) -> None:
    """Refuse a schema that this program has never heard of.

    Raises:
        DataDirError: a newer program made it.

    """
    if revision not in schema.REVISIONS:
        raise DataDirError(
            f"This ledger has schema {revision}; this liqbot knows {schema.REVISIONS[-1]} and "
            "older. A newer liqbot has written it, and going back would lose what it wrote.",
            where=where,
            remedy="Install the newer liqbot again, or put back a backup from before it.",
        )


def upgrade(writer: Writer, folder: Path, *, target: str = "head") -> None:
    """Run the migrations that are due, in one transaction."""
    from alembic import command  # noqa: PLC0415  (0.4 s, and seldom needed)
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(folder).replace("%", "%%"))

    def work(connection: sa.Connection) -> None:
        attributes: dict[Any, Any] = config.attributes
        attributes["connection"] = connection
        command.upgrade(config, target)

    writer.run(work)
