"""Recorded facts become log events: each once, with its figures, as loud as it matters."""

from typing import Any

import pytest
import structlog

from bot.model.account import Hold, HoldCause, OperatingState, Operation
from bot.model.bracket import Bracket, BracketStatus, ClosedBy
from bot.model.cluster import ClusterEventKind, ProviderGate
from bot.model.events import Started, Ticked
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
    SignalRaised,
)
from bot.model.order import OrderStatus
from bot.model.primitives import BracketId, Millis
from bot.model.signal import Rule
from bot.model.snapshot import Snapshot
from bot.narrator import Narrator
from tests.fakes.rows import (
    T0,
    a_bracket,
    a_cluster,
    a_cluster_event,
    a_fill,
    a_refusal,
    a_signal,
    an_order,
)

SAFE_AT = Millis(T0 + 450)


def told(*facts: Fact, narrator: Narrator | None = None, at: Millis = T0) -> list[Any]:
    """The log events of facts, each of a decision of its own."""
    with structlog.testing.capture_logs() as logs:
        narrator = narrator or Narrator()
        narrator.tell([(Ticked(at=at), Decision(facts=(fact,))) for fact in facts])
    return list(logs)


def names(logs: list[Any]) -> list[tuple[str, str]]:
    return [(entry["log_level"], entry["event"]) for entry in logs]


def orders(*statuses: OrderStatus) -> list[Fact]:
    return [OrderChanged(order=an_order(status=status)) for status in statuses]


def brackets(*stops_confirmed_at: Millis | None) -> list[Fact]:
    rows = [a_bracket(stop_confirmed_at=at) for at in stops_confirmed_at]
    return [BracketChanged(bracket=row) for row in rows]


def closed() -> Bracket:
    return a_bracket(status=BracketStatus.CLOSED, closed_by=ClosedBy.TARGET)


def test_each_step_of_an_order_is_told_once() -> None:
    """Its row changes with every fill; only its status is news."""
    steps = (OrderStatus.INTENDED, OrderStatus.OPEN, OrderStatus.OPEN, OrderStatus.CANCELED)

    assert [
        ("info", "order.intended"),
        ("info", "order.accepted"),
        ("info", "order.canceled"),
    ] == names(told(*orders(*steps)))


@pytest.mark.parametrize(
    ("status", "name"),
    [
        (OrderStatus.REJECTED, "order.rejected"),
        (OrderStatus.UNKNOWN, "order.outcome_lost"),
    ],
)
def test_an_order_in_trouble_is_a_warning_with_its_reason(status: OrderStatus, name: str) -> None:
    (entry,) = told(OrderChanged(order=an_order(status=status, reason="timeout")))

    assert [("warning", name)] == names([entry])
    assert "timeout" == entry["reason"]


def test_a_fill_is_told_with_price_and_fee() -> None:
    (entry,) = told(FillBooked(fill=a_fill(), bracket_id=BracketId("b1")))

    assert ("order.filled", a_fill().price, a_fill().fee_usd, "b1") == (
        entry["event"],
        entry["price"],
        entry["fee_usd"],
        entry["bracket"],
    )


def test_protection_is_told_once_with_its_delay() -> None:
    (entry,) = told(*brackets(None, SAFE_AT, SAFE_AT))

    assert ("bracket.protected", 250) == (entry["event"], entry["delay_ms"])


def test_a_stop_that_was_lost_and_is_back_is_told_again() -> None:
    entries = told(*brackets(SAFE_AT, None, SAFE_AT))

    assert ["bracket.protected"] * 2 == [entry["event"] for entry in entries]


def test_a_stop_that_is_back_long_after_the_fill_is_told_as_that() -> None:
    rows = [
        a_bracket(stop_confirmed_at=SAFE_AT, unprotected_since=since) for since in (None, T0, None)
    ]
    narrator, entries = Narrator(), []
    for minute, bracket in enumerate(rows):
        at = Millis(T0 + minute * 60_000)
        entries += told(BracketChanged(bracket=bracket), narrator=narrator, at=at)

    assert [False, True] == [entry["is_again"] for entry in entries]


def test_what_the_run_before_has_told_is_not_told_again() -> None:
    bracket = a_bracket(stop_confirmed_at=SAFE_AT)
    start = Started(at=T0, snapshot=Snapshot(at=T0, brackets=(bracket,)), settings_digest="")
    narrator = Narrator()
    narrator.tell([(start, Decision())])

    assert [] == told(BracketChanged(bracket=bracket), narrator=narrator)


def test_a_closed_trade_is_told_with_money_and_r() -> None:
    entries = told(*brackets(None), BracketChanged(bracket=closed()))

    assert [("info", "bracket.closed")] == names(entries)
    assert (ClosedBy.TARGET, closed().pnl_usd, closed().r) == (
        entries[0]["closed_by"],
        entries[0]["pnl_usd"],
        entries[0]["r"],
    )


def test_brackets_and_orders_that_are_over_are_forgotten() -> None:
    """A run of months must not grow with every trade."""
    narrator = Narrator()
    told(*orders(OrderStatus.OPEN, OrderStatus.FILLED), narrator=narrator)
    told(*brackets(None), BracketChanged(bracket=closed()), narrator=narrator)

    assert ({}, {}) == (narrator._orders, narrator._brackets)


def test_a_signal_is_told_and_a_denied_one_whispered() -> None:
    denied = SignalRaised(signal=a_signal(), denied=a_refusal(Rule.COOL_DOWN))

    assert [("info", "signal.raised"), ("debug", "signal.denied")] == names(
        told(SignalRaised(signal=a_signal()), denied)
    )


def test_breaks_of_strong_clusters_are_told_and_the_rest_is_whispered() -> None:
    event = a_cluster_event(ClusterEventKind.BREAK_SWEPT)
    loud = told(ClusterEventHappened(event=event), narrator=Narrator(strength_told=0.7))
    weak = told(ClusterEventHappened(event=event), narrator=Narrator(strength_told=0.8))
    new = told(ClusterEventHappened(event=a_cluster_event(ClusterEventKind.NEW)))

    assert [("info", "cluster.swept")] == names(loud)
    assert [("debug", "cluster.swept")] == names(weak)
    assert [("debug", "cluster.appeared")] == names(new)


def test_a_clusters_row_is_no_news() -> None:
    assert [] == told(ClusterChanged(cluster=a_cluster()))


def test_the_judgement_on_the_provider_is_told_when_it_changes() -> None:
    gate = ProviderGate(samples=300, stability=0.31, scaled_stability=0.98, is_floating=True)
    silent = GateChanged(provider="http", gate=gate)
    switched = GateChanged(provider="http", gate=gate, is_switch=True)
    (entry,) = told(silent, switched)

    assert [("warning", "provider.judged")] == names([entry])
    assert "ride on the price" in entry["reason"]
    assert "31%" in entry["reason"]


def test_that_trading_goes_on_is_told_after_a_hold_and_not_at_a_start() -> None:
    hold = Hold(cause=HoldCause.OPERATOR, state=OperatingState.HOLD, since=T0, detail="by hand")
    trading = OperationChanged(operation=Operation())
    held = OperationChanged(operation=Operation(holds=(hold,)))

    assert ["operator.resumed"] == [e["event"] for e in told(trading, held, trading)]


@pytest.mark.parametrize(
    ("name", "text", "severity", "expected"),
    [
        ("heatmap.doubted", "the reply is odd", "warning", [("warning", "heatmap.doubted")]),
        ("bracket.opened", "told with fields already", "info", []),
        ("bracket.opened", "but this is serious", "error", [("error", "bracket.opened")]),
        (
            "operator.held",
            "PROTECT because of not_reconciled",
            "error",
            [("debug", "operator.held")],
        ),
    ],
)
def test_a_note_is_passed_on_as_loud_as_it_is_unless_it_is_told_otherwise(
    name: str, text: str, severity: str, expected: list[tuple[str, str]]
) -> None:
    note = Noted(severity=severity, name=name, text=text, at=T0)

    assert expected == names(told(note))
