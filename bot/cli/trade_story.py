"""One trade from the cluster's first sight to flat, as lines in order of time."""

from typing import TypeAlias

from bot.cli import tables
from bot.model.bracket import Bracket
from bot.model.cluster import ClusterEvent, ClusterEventKind
from bot.model.order import Fill, Leg, Order, OrderStatus
from bot.model.primitives import Millis
from bot.model.signal import Signal
from bot.store.reader import Reader

Line: TypeAlias = tuple[Millis, str, str]
"""When, what it concerns (cluster | signal | risk | order | fill | position), and the sentence."""

ORDERS_MAX = 1_000
FILLS_MAX = 10_000
AFTER_MS = 600_000
"""What becomes of the cluster so long after the close still belongs to the story."""

_KINDS = {
    ClusterEventKind.UNTOUCHED: "left again",
    ClusterEventKind.BREAK_ACCEPTED: "break accepted: the price stayed beyond",
    ClusterEventKind.BREAK_SWEPT: "swept: through and back",
    ClusterEventKind.BREAK_UNDECIDED: "break undecided",
    ClusterEventKind.AGED_OUT: "too old, dropped",
    ClusterEventKind.REFORMED: "formed again",
    ClusterEventKind.REVIVED: "came back",
}


def story(reader: Reader, bracket: Bracket) -> list[Line]:
    """All that the ledger knows of a bracket's life, oldest first."""
    mine = [
        order
        for order in reader.orders(symbol=bracket.symbol, limit=FILLS_MAX)
        if order.request.bracket_id == bracket.id
    ]
    fills = reader.fills(bracket_id=bracket.id, limit=FILLS_MAX)
    lines: list[Line] = []
    signal = bracket.signal
    if signal is not None:
        events = reader.cluster_events(signal.cluster_id, gen=signal.cluster_gen)
        lines += _cluster_lines(events, bracket)
        lines += _signal_lines(signal, bracket)
    legs = {order.request.client_id: order for order in mine}
    for order in mine:
        lines += _order_lines(order, bracket)
    for fill in fills:
        lines.append(_fill_line(fill, legs.get(fill.client_id) if fill.client_id else None))
    if bracket.closed_at is not None:
        lines.append((bracket.closed_at, "position", "flat, books agree"))
    # Equal instants keep the order above: a cause before what it caused.
    return sorted(lines, key=lambda line: line[0])


def _cluster_lines(events: list[ClusterEvent], bracket: Bracket) -> list[Line]:
    lines: list[Line] = []
    until = (bracket.closed_at or bracket.opened_at) + AFTER_MS
    for event in events:
        cluster = event.cluster
        if event.at > until:
            continue
        name = f"{cluster.side} {tables.price(cluster.level)}"
        tier = "" if cluster.leverage_tier is None else f"{cluster.leverage_tier:.3g}x, "
        match event.kind:
            case ClusterEventKind.NEW:
                what = (
                    f"{name} first seen ({tier}{tables.notional(cluster.notional_usd)} USD, "
                    f"strength {cluster.strength:.2f})"
                )
            case ClusterEventKind.ACTIVE:
                what = f"active after {tables.count(cluster.seen, 'reading')}"
            case ClusterEventKind.BROKEN:
                price = f" at {tables.price(event.price)}" if event.price is not None else ""
                what = f"broken{price}, {tables.notional(cluster.notional_usd)} USD swept"
            case _:
                what = _KINDS.get(event.kind, event.kind.replace("_", " "))
        lines.append((event.at, "cluster", what))
    return lines


def _signal_lines(signal: Signal, bracket: Bracket) -> list[Line]:
    qty = bracket.qty
    first = (
        f"entry {tables.price(signal.entry_price)} stop {tables.price(signal.stop_price)} "
        f"target {tables.price(signal.target_price)} pays {signal.risk_reward:.2f}"
    )
    second = (
        f"approved: {qty} coins, {tables.usd(bracket.risk_usd)} USDT at risk, "
        f"notional {tables.usd(qty * signal.entry_price)}"
    )
    return [(signal.at, "signal", first), (bracket.opened_at, "risk", second)]


def _order_lines(order: Order, bracket: Bracket) -> list[Line]:
    request = order.request
    leg, price = request.leg, request.trigger_price or request.price
    at = f" {tables.price(price)}" if price is not None else " at the market"
    again = f", attempt {request.attempt}" if request.attempt > 1 else ""
    lines: list[Line] = []
    if leg is Leg.ENTRY:
        what = f"entry{at} intended, client id {request.client_id}, written before sending{again}"
        lines.append((order.intended_at, "order", what))
    elif order.accepted_at is not None:
        delay = ""
        if leg is Leg.STOP and bracket.first_fill_at is not None and request.attempt == 1:
            delay = f" after {(order.accepted_at - bracket.first_fill_at) / 1000:.1f} s"
        lines.append((order.accepted_at, "order", f"{leg}{at} confirmed{delay}{again}"))
    if order.status is OrderStatus.REJECTED and order.ended_at is not None:
        lines.append((order.ended_at, "order", f"{leg}{at} rejected: {order.reason}"))
    elif order.status is OrderStatus.CANCELED and order.ended_at is not None:
        why = f": {order.reason}" if order.reason else ""
        lines.append((order.ended_at, "order", f"{leg}{at} canceled{why}"))
    return lines


def _fill_line(fill: Fill, order: Order | None) -> Line:
    leg = order.request.leg if order is not None else "not ours"
    slipped = ""
    limit = None
    if order is not None:
        limit = order.request.trigger_price or order.request.price
    if limit is not None and not fill.is_maker:
        bps = float((fill.price - limit) / limit * 10_000) * fill.side.sign
        slipped = f"slippage {bps:+.1f} bps, "
    how = ", by LIQUIDATION" if fill.is_liquidation else ""
    text = (
        f"{leg} {fill.side} {fill.qty} at {tables.price(fill.price)} "
        f"({slipped}fee {tables.usd(fill.fee_usd)}){how}"
    )
    return fill.at, "fill", text
