"""Facts become log events: one event a fact, told after it is on disk.

The same events make the readable lines of a terminal and the JSON lines of a service.
"""

from collections import Counter
from collections.abc import Sequence

import structlog

from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import Bracket, BracketStatus
from bot.model.cluster import ClusterEvent, ClusterEventKind, ProviderGate
from bot.model.events import Event, Started
from bot.model.facts import (
    BracketChanged,
    ClusterChanged,
    ClusterEventHappened,
    Decision,
    Fact,
    FillBooked,
    GateChanged,
    Noted,
    OperationChanged,
    OrderChanged,
    Refused,
    SignalRaised,
)
from bot.model.order import Order, OrderStatus
from bot.model.primitives import BracketId, ClientOrderId, Millis
from bot.model.signal import WAITING_RULES, Rule

REFUSALS_TOLD_EVERY_MS = 600_000
"""Refusals are summed up, never scrolled."""

_ORDER_EVENTS = {
    OrderStatus.INTENDED: "order.intended",
    OrderStatus.OPEN: "order.accepted",
    OrderStatus.CANCELED: "order.canceled",
    OrderStatus.REJECTED: "order.rejected",
    OrderStatus.UNKNOWN: "order.outcome_lost",
}
_CLUSTER_EVENTS = {
    ClusterEventKind.NEW: "cluster.appeared",
    ClusterEventKind.ACTIVE: "cluster.activated",
    ClusterEventKind.TOUCHED: "cluster.touched",
    ClusterEventKind.BROKEN: "cluster.broken",
    ClusterEventKind.BREAK_ACCEPTED: "cluster.accepted",
    ClusterEventKind.BREAK_SWEPT: "cluster.swept",
    ClusterEventKind.EXPIRED: "cluster.expired",
}
_TOLD_WITH_FIELDS = frozenset(
    {"bracket.opened", "bracket.protected", "bracket.closed", "reconcile.finished"}
)
_GOES_ON = "Entries are allowed."
AGAIN_MS = 1_000
"""A stop confirmed for the first time so long ago is one that was lost and is back."""
_TOLD = frozenset({ClusterEventKind.BREAK_ACCEPTED, ClusterEventKind.BREAK_SWEPT})


class Narrator:
    """Tells recorded decisions to the log."""

    def __init__(self, *, strength_told: float = 0.5) -> None:
        self._log = structlog.get_logger()
        self._strength_told = strength_told
        self._orders: dict[ClientOrderId, OrderStatus] = {}
        self._brackets: dict[BracketId, tuple[BracketStatus, bool]] = {}
        self._state: OperatingState | None = None
        self._refusals: dict[tuple[object, ...], Rule] = {}
        """What was refused since it was last summed up: a candidate and a rule count once."""
        self._refusals_since: Millis | None = None

    def tell(self, entries: Sequence[tuple[Event, Decision]]) -> None:
        """Tell one recorded batch."""
        for event, decision in entries:
            if isinstance(event, Started):
                self._remember(event)
            for fact in decision.facts:
                # By far the most are clusters' rows; what happened to a cluster is a fact besides.
                if type(fact) is not ClusterChanged:
                    self._tell(fact, event.at)
            self._sum_up_refusals(event.at)

    def _remember(self, event: Started) -> None:
        """What the last run has told of open trades is not told again."""
        for bracket in event.snapshot.brackets:
            self._brackets[bracket.id] = (bracket.status, _is_protected(bracket))

    def _tell(self, fact: Fact, at: Millis) -> None:
        match fact:
            case ClusterEventHappened(event=event):
                self._cluster(event)
            case SignalRaised():
                self._signal(fact, at)
            case OrderChanged(order=order):
                self._order(order, at)
            case FillBooked():
                self._fill(fact)
            case BracketChanged(bracket=bracket):
                self._bracket(bracket, at)
            case OperationChanged():
                self._operation(fact, at)
            case Refused():
                self._count(fact)
            case GateChanged(is_switch=True):
                gate = fact.gate
                self._log.warning(
                    "provider.judged",
                    at=at,
                    stability=gate.stability,
                    scaled=gate.scaled_stability,
                    floating=gate.is_floating,
                    open=gate.is_open,
                    reason=_verdict(gate),
                )
            case Noted():
                self._note(fact)
            case _:
                pass

    def _cluster(self, event: ClusterEvent) -> None:
        name = _CLUSTER_EVENTS.get(event.kind)
        if name is None:
            return
        cluster = event.cluster
        is_told = event.kind in _TOLD and cluster.strength >= self._strength_told
        tell = self._log.info if is_told else self._log.debug
        tell(
            name,
            at=event.at,
            symbol=cluster.symbol,
            side=cluster.side,
            level=cluster.level,
            broken_level=cluster.broken_level,
            broken_at=cluster.broken_at,
            notional_usd=cluster.notional_usd,
            strength=cluster.strength,
            extreme=cluster.sweep_extreme,
            price=event.price,
            cluster=cluster.id,
        )

    def _signal(self, fact: SignalRaised, at: Millis) -> None:
        signal = fact.signal
        tell = self._log.info if fact.denied is None else self._log.debug
        tell(
            "signal.raised" if fact.denied is None else "signal.denied",
            at=at,
            symbol=signal.symbol,
            strategy=signal.strategy,
            side=signal.position_side,
            entry_price=signal.entry_price,
            stop_price=signal.stop_price,
            target_price=signal.target_price,
            risk_reward=signal.risk_reward,
            strength=signal.strength,
            cluster_level=signal.cluster_level,
            reason=signal.reason,
            floating=signal.is_floating,
            rule=fact.denied.rule if fact.denied is not None else None,
            saw=fact.denied.saw if fact.denied is not None else None,
            limit=fact.denied.limit if fact.denied is not None else None,
        )

    def _order(self, order: Order, at: Millis) -> None:
        request = order.request
        if self._orders.get(request.client_id) is order.status:
            return
        self._orders[request.client_id] = order.status
        if order.is_final:
            self._orders.pop(request.client_id)
        name = _ORDER_EVENTS.get(order.status)
        if name is None:
            return
        urgent = order.status in {OrderStatus.UNKNOWN, OrderStatus.REJECTED}
        tell = self._log.warning if urgent else self._log.info
        tell(
            name,
            at=at,
            symbol=request.symbol,
            leg=request.leg,
            side=request.side,
            kind=request.kind,
            qty=request.qty,
            price=request.price,
            trigger_price=request.trigger_price,
            order=request.client_id,
            bracket=request.bracket_id,
            reason=order.reason,
        )

    def _fill(self, fact: FillBooked) -> None:
        fill = fact.fill
        self._log.info(
            "order.filled",
            at=fill.at,
            symbol=fill.symbol,
            side=fill.side,
            qty=fill.qty,
            price=fill.price,
            fee_usd=fill.fee_usd,
            maker=fill.is_maker,
            liquidation=fill.is_liquidation,
            order=fill.client_id,
            bracket=fact.bracket_id,
        )

    def _bracket(self, bracket: Bracket, at: Millis) -> None:
        is_protected = _is_protected(bracket)
        before, was_protected = self._brackets.get(bracket.id, (None, False))
        self._brackets[bracket.id] = (bracket.status, is_protected)
        common = {"at": at, "symbol": bracket.symbol, "bracket": bracket.id}
        if is_protected and not was_protected and bracket.first_fill_at is not None:
            self._log.info(
                "bracket.protected",
                **common,
                stop_price=bracket.stop_price,
                delay_ms=(bracket.stop_confirmed_at or at) - bracket.first_fill_at,
                is_again=at - (bracket.stop_confirmed_at or at) > AGAIN_MS,
                risk_usd=bracket.risk_usd,
            )
        if bracket.status is before:
            return
        if bracket.status is BracketStatus.CLOSED:
            self._log.info(
                "bracket.closed",
                **common,
                closed_by=bracket.closed_by,
                entry_price=bracket.entry_price,
                exit_price=bracket.exit_price,
                qty=bracket.entered_qty,
                pnl_usd=bracket.pnl_usd,
                r=bracket.r,
            )
        if bracket.status in {BracketStatus.CLOSED, BracketStatus.ABANDONED}:
            self._brackets.pop(bracket.id)

    def _operation(self, fact: OperationChanged, at: Millis) -> None:
        """Say when trading goes on; what stopped it is noted where it is decided."""
        before, self._state = self._state, fact.operation.state
        if self._state is OperatingState.TRADING and before not in {None, self._state}:
            self._log.info("operator.resumed", at=at, state=self._state, text=_GOES_ON)

    def _note(self, fact: Noted) -> None:
        """Pass on a sentence of the core, unless it is told with fields or belongs to any start."""
        if fact.name in _TOLD_WITH_FIELDS and fact.severity == "info":
            return
        is_usual = HoldCause.NOT_RECONCILED in fact.text
        tell = self._log.debug if is_usual else getattr(self._log, fact.severity)
        tell(fact.name, at=fact.at, symbol=fact.symbol, text=fact.text)

    def _count(self, fact: Refused) -> None:
        refusal = fact.refusal
        if refusal.rule not in WAITING_RULES:
            whom = (refusal.symbol, refusal.strategy, refusal.position_side, refusal.cluster_id)
            self._refusals[*whom, refusal.rule] = refusal.rule

    def _sum_up_refusals(self, at: Millis) -> None:
        if self._refusals_since is None:
            self._refusals_since = at
        if at - self._refusals_since < REFUSALS_TOLD_EVERY_MS:
            return
        if self._refusals:
            by_rule = Counter(rule.value for rule in self._refusals.values())
            self._log.info(
                "candidates.refused",
                at=at,
                count=len(self._refusals),
                minutes=round((at - self._refusals_since) / 60_000),
                rules=dict(by_rule.most_common(3)),
            )
        self._refusals.clear()
        self._refusals_since = at


def _verdict(gate: ProviderGate) -> str:
    """What the provider is thought of, in one sentence."""
    share = "unknown" if gate.stability is None else f"{gate.stability:.0%}"
    if gate.is_floating:
        verdict = (
            "levels ride on the price; paper trades are marked, live entries are refused "
            "without heatmap.allow_unstable_provider"
        )
    elif gate.is_open:
        verdict = "levels stand still"
    else:
        verdict = "levels are not stable enough for live entries"
    return f"{verdict} ({share} still there after 60 s)"


def _is_protected(bracket: Bracket) -> bool:
    return bracket.stop_confirmed_at is not None and bracket.unprotected_since is None
