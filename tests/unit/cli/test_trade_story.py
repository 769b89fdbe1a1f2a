"""The lines of one trade, for the turns a life can take."""

from decimal import Decimal
from pathlib import Path

import msgspec

from bot.cli.trade_story import story
from bot.model.bracket import Bracket, BracketStatus, ClosedBy
from bot.model.cluster import ClusterEventKind
from bot.model.facts import BracketChanged, ClusterEventHappened, FillBooked, OrderChanged
from bot.model.order import Leg, Order, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Price
from bot.store.reader import Reader
from tests.fakes.rows import (
    T0,
    a_bracket,
    a_cluster_event,
    a_fill,
    a_ledger,
    an_order,
    with_facts,
)


def told(tmp_path: Path, bracket: Bracket, *facts: object) -> list[str]:
    ledger = a_ledger(tmp_path)
    ledger.record_now(with_facts(BracketChanged(bracket=bracket), *facts))  # type: ignore[arg-type]
    ledger.close()
    with Reader(ledger.files.ledger) as reader:
        return [text for _, _, text in story(reader, bracket)]


def closed() -> Bracket:
    return a_bracket(
        status=BracketStatus.CLOSED, closed_by=ClosedBy.STOP, closed_at=Millis(T0 + 10_000)
    )


def of_leg(leg: Leg, name: str, **changes: object) -> Order:
    order = an_order(name, **changes)
    request = msgspec.structs.replace(order.request, leg=leg, price=Price(Decimal("88750.0")))
    return msgspec.structs.replace(order, request=request)


def test_rejected_and_canceled_orders_are_told_with_their_reason(tmp_path: Path) -> None:
    lines = told(
        tmp_path,
        closed(),
        OrderChanged(
            order=of_leg(
                Leg.STOP, "s1", status=OrderStatus.REJECTED, ended_at=T0, reason="would trigger"
            )
        ),
        OrderChanged(
            order=of_leg(
                Leg.TARGET, "t1", status=OrderStatus.CANCELED, ended_at=Millis(T0 + 10_000)
            )
        ),
    )

    assert "stop 88,750.0 rejected: would trigger" in lines
    assert "target 88,750.0 canceled" in lines


def test_a_liquidation_and_a_fill_not_ours_are_said(tmp_path: Path) -> None:
    bracket = closed()
    fill = a_fill(client_id=None, is_liquidation=True)
    lines = told(tmp_path, bracket, FillBooked(fill=fill, bracket_id=bracket.id))

    assert "not ours buy 0.010 at 89,175.2 (fee 0.45), by LIQUIDATION" in lines


def test_what_became_of_the_cluster_long_after_is_left_out(tmp_path: Path) -> None:
    late = a_cluster_event(ClusterEventKind.EXPIRED, at=Millis(T0 + 3_600_000))
    lines = told(
        tmp_path,
        closed(),
        ClusterEventHappened(
            event=a_cluster_event(ClusterEventKind.BROKEN, at=Millis(T0 + 11_000))
        ),
        ClusterEventHappened(
            event=a_cluster_event(ClusterEventKind.BREAK_SWEPT, at=Millis(T0 + 12_000))
        ),
        ClusterEventHappened(event=late),
    )

    assert "broken at 89,300.5, 1.2 M USD swept" in lines
    assert "swept: through and back" in lines
    assert "expired" not in lines


def test_an_adopted_position_has_no_signal_to_tell(tmp_path: Path) -> None:
    lines = told(tmp_path, msgspec.structs.replace(closed(), signal=None))

    assert ["flat, books agree"] == lines


def test_attempts_beyond_the_first_are_numbered(tmp_path: Path) -> None:
    order = of_leg(Leg.STOP, "s2", status=OrderStatus.OPEN, accepted_at=Millis(T0 + 900))
    request = msgspec.structs.replace(order.request, attempt=2, client_id=ClientOrderId("s2"))
    again = msgspec.structs.replace(order, request=request)
    lines = told(tmp_path, closed(), OrderChanged(order=again))

    assert "stop 88,750.0 confirmed, attempt 2" in lines
