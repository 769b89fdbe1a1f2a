"""The order's life is one table; what is final still takes fills."""

from decimal import Decimal

from bot.model.order import (
    FINAL_STATUSES,
    TRANSITIONS,
    Leg,
    Order,
    OrderKind,
    OrderRequest,
    OrderStatus,
)
from bot.model.primitives import BracketId, ClientOrderId, Millis, Qty, Side, Symbol

REQUEST = OrderRequest(
    client_id=ClientOrderId("c"),
    symbol=Symbol("BTC/USDT:USDT"),
    bracket_id=BracketId("b"),
    leg=Leg.ENTRY,
    attempt=1,
    side=Side.BUY,
    kind=OrderKind.MARKET,
    qty=Qty(Decimal(2)),
    valid_until=Millis(5),
)


def test_the_table_names_every_status() -> None:
    assert set(OrderStatus) == set(TRANSITIONS)


def test_final_statuses_lead_nowhere_but_to_a_late_fill() -> None:
    for status in FINAL_STATUSES:
        assert TRANSITIONS[status] <= {OrderStatus.FILLED}


def test_unknown_never_returns_to_intended_and_nothing_does() -> None:
    """An order that may have left is never treated as not yet sent."""
    assert all(OrderStatus.INTENDED not in targets for targets in TRANSITIONS.values())


def test_remaining_is_never_negative() -> None:
    order = Order(
        request=REQUEST,
        filled_qty=Qty(Decimal(3)),
        intended_at=Millis(0),
        updated_at=Millis(0),
    )

    assert order.remaining_qty == 0
    assert not order.is_final
