"""Facts to rows and rows back to structs: pure.

A row is a tuple in the order of its table's columns. Of several facts about one thing within a
batch only the newest becomes a row, except where each one is a line of its own (cluster events,
fills, funding, notes).
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final, TypeAlias, assert_never

import msgspec

from bot.model.account import Account, Operation
from bot.model.bracket import Bracket
from bot.model.cluster import Cluster, ClusterEvent, ProviderGate
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    ClusterChanged,
    ClusterEventHappened,
    Fact,
    FillBooked,
    FundingBooked,
    GateChanged,
    Noted,
    OperationChanged,
    OrderChanged,
    Refused,
    SignalRaised,
)
from bot.model.order import Fill, Order
from bot.model.primitives import Millis
from bot.model.signal import Refusal, Signal

Row: TypeAlias = tuple[Any, ...]
Rows: TypeAlias = dict[str, list[Row]]
"""Rows to write, by table; the newest of each key, in the order of first mention."""

NOTE_NAMES: Final = ("account.", "bracket.", "operator.", "reconcile.", "run.", "signal.")
"""Notes of these families are kept whatever their severity: the story of the trades."""
_KEPT_SEVERITIES: Final = frozenset({"warning", "error", "critical"})
_NO_SIDE: Final = ""
_NO_CLUSTER: Final = 0
_REFUSAL_KEYS: Final = 7
"""The first columns of a refusal are its key."""

_encode = msgspec.json.Encoder().encode


def rows_of(facts: Iterable[tuple[Millis, Fact]]) -> Rows:
    """The rows that remember these facts; each fact with the instant of its event."""
    newest: dict[str, dict[Any, Row]] = {}
    clusters: dict[tuple[int, int], Cluster] = {}
    for at, fact in facts:
        if isinstance(fact, ClusterChanged):
            # By far the most of all facts, so rows are made of the newest alone.
            clusters[fact.cluster.id, fact.cluster.gen] = fact.cluster
            continue
        placed = place(at, fact)
        if placed is not None:
            table, key, row = placed
            newest.setdefault(table, {})[key] = row
    rows = {table: list(found.values()) for table, found in newest.items()}
    if clusters:
        rows["cluster"] = [_cluster_row(cluster) for cluster in clusters.values()]
    return rows


def place(at: Millis, fact: Fact) -> tuple[str, Any, Row] | None:
    """The table, the key within it and the row of one fact; None for what is not kept."""
    placed: tuple[str, Any, Row] | None
    match fact:
        case ClusterChanged(cluster=cluster):
            placed = "cluster", (cluster.id, cluster.gen), _cluster_row(cluster)
        case ClusterEventHappened(event=event):
            placed = "cluster_event", object(), _cluster_event_row(event)
        case Refused(refusal=refusal):
            row = _refusal_row(refusal)
            placed = "refusal", row[:_REFUSAL_KEYS], row
        case OrderChanged(order=order):
            placed = "orders", order.request.client_id, _order_row(order)
        case BracketChanged(bracket=bracket):
            placed = "bracket", bracket.id, _bracket_row(bracket)
        case SignalRaised(signal=signal, denied=denied):
            placed = "signal", (signal.id, denied is None), _signal_row(signal, denied)
        case _:
            placed = _place_rare(at, fact)
    return placed


def _place_rare(
    at: Millis,
    fact: FillBooked | FundingBooked | AccountChanged | OperationChanged | GateChanged | Noted,
) -> tuple[str, Any, Row] | None:
    placed: tuple[str, Any, Row] | None
    match fact:
        case FillBooked(fill=fill, bracket_id=bracket_id):
            placed = "fill", object(), _fill_row(fill, bracket_id)
        case FundingBooked():
            row: Row = (fact.id, fact.symbol, fact.bracket_id, str(fact.usd), fact.at)
            placed = "funding", object(), row
        case AccountChanged(account=account):
            placed = "account", 1, _account_row(account, at)
        case OperationChanged(operation=operation):
            placed = "operation", 1, (1, operation.state.value, at, _encode(operation).decode())
        case GateChanged(provider=provider, gate=gate):
            placed = "gate", provider, _gate_row(provider, gate, at)
        case Noted():
            line: Row = (fact.at, fact.severity, fact.name, fact.text, fact.symbol)
            placed = ("note", object(), line) if _is_kept(fact) else None
        case _:
            assert_never(fact)
    return placed


def _is_kept(note: Noted) -> bool:
    return note.severity in _KEPT_SEVERITIES or note.name.startswith(NOTE_NAMES)


def _cluster_row(cluster: Cluster) -> Row:
    return (
        cluster.id,
        cluster.gen,
        cluster.symbol,
        cluster.side.value,
        cluster.parent_id,
        cluster.state.value,
        cluster.ending.value,
        cluster.anchor_level,
        cluster.level,
        cluster.leverage_tier,
        cluster.notional_usd,
        cluster.strength,
        cluster.first_seen_at,
        cluster.last_seen_at,
        cluster.touches,
        cluster.absent,
        int(cluster.is_floating),
        cluster.broken_at,
        cluster.ended_at,
        _encode(cluster).decode(),
    )


def _cluster_event_row(event: ClusterEvent) -> Row:
    cluster = event.cluster
    return (
        cluster.id,
        cluster.gen,
        cluster.symbol,
        event.kind.value,
        event.at,
        cluster.level,
        event.price,
        event.reason,
        _encode(event).decode(),
    )


def _gate_row(provider: str, gate: ProviderGate, at: Millis) -> Row:
    return (
        provider,
        at,
        gate.samples,
        gate.stability,
        gate.scaled_stability,
        int(gate.is_open),
        int(gate.is_floating),
        _encode(gate).decode(),
    )


def _signal_row(signal: Signal, denied: Refusal | None) -> Row:
    return (
        signal.id,
        signal.at,
        signal.symbol,
        signal.strategy.value,
        signal.position_side.value,
        str(signal.entry_price),
        str(signal.stop_price),
        str(signal.target_price),
        signal.risk_reward_gross,
        signal.risk_reward,
        signal.strength,
        signal.cluster_id,
        signal.cluster_gen,
        int(signal.is_floating),
        int(denied is None),
        None if denied is None else denied.rule.value,
        _encode(signal).decode(),
        None if denied is None else _encode(denied).decode(),
    )


def _refusal_row(refusal: Refusal) -> Row:
    return (
        refusal.symbol,
        refusal.strategy.value,
        refusal.rule.value,
        refusal.position_side.value if refusal.position_side else _NO_SIDE,
        refusal.cluster_id or _NO_CLUSTER,
        refusal.cluster_gen,
        refusal.first_at,
        refusal.at,
        refusal.count,
        refusal.saw,
        refusal.limit,
        _encode(refusal).decode(),
    )


def _order_row(order: Order) -> Row:
    request = order.request
    return (
        request.client_id,
        request.symbol,
        request.bracket_id,
        request.leg.value,
        request.attempt,
        request.side.value,
        request.kind.value,
        str(request.qty),
        _text(request.price),
        _text(request.trigger_price),
        request.time_in_force.value,
        int(request.is_reduce_only),
        request.valid_until,
        order.status.value,
        order.venue_id,
        str(order.filled_qty),
        _text(order.average_price),
        str(order.fee_usd),
        order.intended_at,
        order.accepted_at,
        order.ended_at,
        order.updated_at,
        order.reason,
        _encode(order).decode(),
    )


def _fill_row(fill: Fill, bracket_id: str | None) -> Row:
    return (
        fill.symbol,
        fill.id,
        fill.client_id,
        bracket_id,
        fill.side.value,
        str(fill.qty),
        str(fill.price),
        str(fill.fee_usd),
        fill.at,
        int(fill.is_maker),
        int(fill.is_liquidation),
        _encode(fill).decode(),
    )


def _bracket_row(bracket: Bracket) -> Row:
    signal = bracket.signal
    return (
        bracket.id,
        bracket.symbol,
        bracket.position_side.value,
        bracket.status.value,
        signal.strategy.value if signal else None,
        signal.cluster_id if signal else None,
        signal.cluster_gen if signal else None,
        str(bracket.qty),
        str(bracket.entered_qty),
        str(bracket.exited_qty),
        _text(bracket.entry_price),
        _text(bracket.exit_price),
        _text(bracket.stop_price),
        _text(bracket.target_price),
        str(bracket.risk_usd),
        str(bracket.fees_usd),
        str(bracket.funding_usd),
        str(bracket.pnl_usd),
        bracket.r,
        bracket.opened_at,
        bracket.first_fill_at,
        bracket.stop_confirmed_at,
        bracket.closed_at,
        bracket.closed_by.value if bracket.closed_by else None,
        int(bracket.is_floating),
        _encode(bracket).decode(),
    )


def _account_row(account: Account, at: Millis) -> Row:
    return (
        1,
        str(account.balance_usd),
        str(account.equity_peak_usd),
        account.day,
        str(account.day_start_equity_usd),
        account.losses_in_a_row,
        str(account.realized_usd),
        str(account.fees_usd),
        str(account.funding_usd),
        at,
        _encode(account).decode(),
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else str(value)


# --- back again: a `body` as it was written

cluster_from: Final = msgspec.json.Decoder(Cluster).decode
cluster_event_from: Final = msgspec.json.Decoder(ClusterEvent).decode
gate_from: Final = msgspec.json.Decoder(ProviderGate).decode
signal_from: Final = msgspec.json.Decoder(Signal).decode
refusal_from: Final = msgspec.json.Decoder(Refusal).decode
order_from: Final = msgspec.json.Decoder(Order).decode
fill_from: Final = msgspec.json.Decoder(Fill).decode
bracket_from: Final = msgspec.json.Decoder(Bracket).decode
account_from: Final = msgspec.json.Decoder(Account).decode
operation_from: Final = msgspec.json.Decoder(Operation).decode
