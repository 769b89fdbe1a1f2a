"""Whose ledger it is: the instance that ids derive from, the mode, the account."""

import msgspec
import sqlalchemy as sa

from bot.errors import DataDirError
from bot.model.primitives import Millis
from bot.store import statements

CONFIRMED = "confirmed_live"
"""The key under which a person's word is kept; `bot.store.reader` reads it too."""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Written once, when the ledger is made."""

    instance: str
    """Client order ids derive from it; no two ledgers share one."""
    mode: str
    """paper | live"""
    account_id: str
    """The venue's own name of the account; empty until it is known."""
    created_at: Millis
    """Wall time."""


def write(connection: sa.Connection, meta: Meta) -> None:
    """Put it into a new ledger."""
    rows = [
        ("instance", meta.instance),
        ("mode", meta.mode),
        ("account_id", meta.account_id),
        ("created_at", str(meta.created_at)),
    ]
    connection.exec_driver_sql(statements.META, rows)


def read(connection: sa.Connection) -> Meta:
    """Read it back."""
    rows = connection.exec_driver_sql("SELECT key, value FROM meta")
    found = {str(key): str(value) for key, value in rows}
    return Meta(
        instance=found["instance"],
        mode=found["mode"],
        account_id=found["account_id"],
        created_at=Millis(int(found["created_at"])),
    )


def set_floor(connection: sa.Connection, floor: int) -> None:
    """Never give out a cluster number below this again.

    After a backup was put back, the numbers given since are unknown here, but the venue knows
    the order ids that derive from them.
    """
    connection.exec_driver_sql(statements.META, ("cluster_id_floor", str(floor)))


def require_match(meta: Meta, *, mode: str, account_id: str, where: str) -> None:
    """See that a ledger is used for what it was made for.

    Raises:
        DataDirError: it belongs to the other mode, or to another account.

    """
    if meta.mode != mode:
        raise DataDirError(
            f"This ledger was made for {meta.mode} trading and cannot be used for {mode}.",
            where=where,
            remedy=f"Use another --data-dir for {mode} trading.",
        )
    if meta.account_id and account_id and meta.account_id != account_id:
        raise DataDirError(
            f"This ledger belongs to {meta.account_id}, and this run is for {account_id}.",
            where=where,
            remedy="Use another --data-dir for this one, or go back to what the ledger is for.",
        )


def bind_account(connection: sa.Connection, account_id: str) -> None:
    """Write down whose account it is, once the venue has said so."""
    connection.exec_driver_sql(statements.META, ("account_id", account_id))


def confirmed_account(connection: sa.Connection) -> str:
    """The account for which a person has typed that real orders may leave; empty: none."""
    query = "SELECT value FROM meta WHERE key = ?"
    row = connection.exec_driver_sql(query, (CONFIRMED,)).one_or_none()
    return "" if row is None else str(row[0])


def confirm(connection: sa.Connection, account_id: str) -> None:
    """Write down that a person has typed it."""
    connection.exec_driver_sql(statements.META, (CONFIRMED, account_id))
