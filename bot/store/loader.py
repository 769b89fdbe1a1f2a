"""The state that the tables hold, as a Snapshot: the exact inverse of recording.

What a start needs is little: the live and the just ended clusters, orders and brackets that are
not over, and the ids within the tombstone period. Each is one indexed query.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from bot.model.account import Operation
from bot.model.cluster import Cluster, ProviderGate
from bot.model.primitives import ClusterId, FillId, Millis, SignalId, Symbol
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.store import codec


class Windows(msgspec.Struct, frozen=True, kw_only=True):
    """How far back ended things are still loaded, in ms before the last write."""

    tombstone_ms: int = 86_400_000
    """Ended orders, fills and funding."""
    ended_clusters_ms: int = 1_200_000
    """Broken and expired clusters: they may re-form or be revived. Twice the longest of these."""


def load(connection: sa.Connection, windows: Windows) -> Snapshot:
    """Read everything within the caller's transaction, so that it is one instant's truth."""
    at = _one(connection, "SELECT coalesce(max(at), 0) FROM journal")
    newest_fill_at = _one(connection, "SELECT coalesce(max(at), 0) FROM fill")
    gate = connection.exec_driver_sql(
        "SELECT provider, body FROM gate ORDER BY at DESC, provider LIMIT 1"
    ).first()
    account = _one(connection, "SELECT body FROM account WHERE id = 1")
    operation = _one(connection, "SELECT body FROM operation WHERE id = 1")
    since = at - windows.tombstone_ms
    return Snapshot(
        at=Millis(at),
        symbols=_symbols(connection, at - windows.ended_clusters_ms),
        next_cluster_id=next_cluster_id(connection),
        orders=tuple(codec.order_from(body) for body in _orders(connection, since)),
        brackets=tuple(
            codec.bracket_from(body)
            for body in _column(
                connection,
                "SELECT body FROM bracket WHERE status IN ('entering', 'open', 'closing')"
                " ORDER BY opened_at, id",
            )
        ),
        signals_used=tuple(
            SignalId(row)
            for row in _column(connection, "SELECT id FROM signal WHERE is_used = 1 ORDER BY id")
        ),
        fills_seen=_fills_seen(connection, newest_fill_at - windows.tombstone_ms),
        funding_seen=tuple(
            _column(connection, "SELECT id FROM funding WHERE at >= ? ORDER BY id", since)
        ),
        fills_cursor=Millis(newest_fill_at),
        account=None if account is None else codec.account_from(account),
        operation=Operation() if operation is None else codec.operation_from(operation),
        gate=ProviderGate() if gate is None else codec.gate_from(gate.body),
        provider="" if gate is None else gate.provider,
    )


def next_cluster_id(connection: sa.Connection) -> ClusterId:
    """One more than any number given so far, and never below the floor that a repair has set."""
    newest = _one(connection, "SELECT coalesce(max(id), 0) FROM cluster")
    floor = _one(connection, "SELECT value FROM meta WHERE key = 'cluster_id_floor'")
    return ClusterId(max(int(newest) + 1, int(floor or 1)))


def _symbols(connection: sa.Connection, ended_since: int) -> tuple[SymbolSnapshot, ...]:
    clusters: dict[str, list[Cluster]] = {}
    query = (
        "SELECT symbol, body FROM cluster WHERE state IN ('candidate', 'active', 'touched')"
        " OR ended_at >= ? OR broken_at >= ? ORDER BY id, gen"
    )
    for symbol, body in connection.exec_driver_sql(query, (ended_since, ended_since)):
        clusters.setdefault(symbol, []).append(codec.cluster_from(body))
    prices = {
        row.symbol: row
        for row in connection.exec_driver_sql("SELECT symbol, price_at, price FROM market_state")
    }
    return tuple(
        SymbolSnapshot(
            symbol=Symbol(symbol),
            clusters=tuple(clusters.get(symbol, ())),
            # A good reading moves `last_seen_at` of whatever it confirms.
            last_reading_at=max(
                (row.last_seen_at for row in clusters.get(symbol, ())), default=None
            ),
            last_price_at=prices[symbol].price_at if symbol in prices else None,
            last_price=prices[symbol].price if symbol in prices else None,
        )
        for symbol in sorted({*clusters, *prices})
    )


def _orders(connection: sa.Connection, since: int) -> list[str]:
    return _column(
        connection,
        "SELECT body FROM orders"
        " WHERE status NOT IN ('filled', 'canceled', 'rejected') OR ended_at >= ?"
        " OR bracket_id IN (SELECT id FROM bracket WHERE status IN ('entering','open','closing'))"
        " ORDER BY intended_at, client_id",
        since,
    )


def _fills_seen(connection: sa.Connection, since: int) -> tuple[FillId, ...]:
    """Counted back from the newest fill: the venue is asked for fills from there on."""
    query = "SELECT symbol || '|' || id FROM fill WHERE at >= ? ORDER BY symbol, id"
    return tuple(FillId(row) for row in _column(connection, query, since))


def _one(connection: sa.Connection, query: str) -> Any:
    return connection.exec_driver_sql(query).scalar()


def _column(connection: sa.Connection, query: str, *values: Any) -> list[Any]:
    return list(connection.exec_driver_sql(query, values).scalars())
