"""The SQL of every write, compiled once from the tables.

The recorder hands tuples straight to the driver: Core's own executemany builds a dictionary for
each row, which costs more than SQLite does.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite import insert

from bot.store import schema

_DIALECT: Final = sqlite.dialect(paramstyle="qmark")


def _compiled(statement: sa.sql.ClauseElement) -> str:
    return str(statement.compile(dialect=_DIALECT))


def _insert(table: sa.Table) -> str:
    """Plain: a second row with the same key is an error, and rolls the whole batch back."""
    return _compiled(insert(table).values({c.name: sa.bindparam(c.name) for c in _given(table)}))


def _insert_once(table: sa.Table) -> str:
    """A second row with the same key says nothing new."""
    statement = insert(table).values({c.name: sa.bindparam(c.name) for c in _given(table)})
    return _compiled(statement.on_conflict_do_nothing())


def _upsert(table: sa.Table) -> str:
    """The newest row stands."""
    statement = insert(table).values({c.name: sa.bindparam(c.name) for c in table.columns})
    rest = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    return _compiled(
        statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=rest)
    )


def _given(table: sa.Table) -> list[sa.Column[object]]:
    """The columns a row brings along: all but a number that SQLite draws."""
    return [column for column in table.columns if column.autoincrement is not True]


def _upsert_signal() -> str:
    """A signal that has acted stays as it is, though it be raised again and denied."""
    table = schema.SIGNAL
    statement = insert(table).values({c.name: sa.bindparam(c.name) for c in table.columns})
    rest = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key}
    is_news = sa.text("signal.is_used = 0 OR excluded.is_used = 1")
    return _compiled(
        statement.on_conflict_do_update(index_elements=[table.c.id], set_=rest, where=is_news)
    )


# fmt: off
WRITES: Final[dict[str, str]] = {  # In the order of writing: intents first, evidence after.
    "orders":        _upsert(schema.ORDERS),
    "fill":          _insert(schema.FILL),
    "bracket":       _upsert(schema.BRACKET),
    "funding":       _insert(schema.FUNDING),
    "account":       _upsert(schema.ACCOUNT),
    "operation":     _upsert(schema.OPERATION),
    "signal":        _upsert_signal(),
    "refusal":       _upsert(schema.REFUSAL),
    "cluster":       _upsert(schema.CLUSTER),
    "cluster_event": _insert_once(schema.CLUSTER_EVENT),
    "gate":          _upsert(schema.GATE),
    "market_state":  _upsert(schema.MARKET_STATE),
    "note":          _insert(schema.NOTE),
}
# fmt: on
JOURNAL: Final = _insert(schema.JOURNAL)
META: Final = _upsert(schema.META)
LEASE: Final = _upsert(schema.LEASE)
PAPER_STATE: Final = _upsert(schema.PAPER_STATE)
BOOT: Final = _insert(schema.BOOT)
