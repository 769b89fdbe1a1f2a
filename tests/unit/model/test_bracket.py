"""A bracket's money: what was bought, what was sold, what it cost."""

from decimal import Decimal

import pytest

from bot.model.bracket import Bracket, LegRef
from bot.model.order import Leg
from bot.model.primitives import (
    BracketId,
    ClientOrderId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Symbol,
    Usd,
)


def bracket(side: PositionSide, *, exited: str = "2", exit_notional: str = "220") -> Bracket:
    return Bracket(
        id=BracketId("b"),
        symbol=Symbol("BTC/USDT:USDT"),
        position_side=side,
        signal=None,
        qty=Qty(Decimal(2)),
        entered_qty=Qty(Decimal(2)),
        exited_qty=Qty(Decimal(exited)),
        entry_notional_usd=Usd(Decimal(200)),
        exit_notional_usd=Usd(Decimal(exit_notional)),
        fees_usd=Usd(Decimal(1)),
        funding_usd=Usd(Decimal("-0.5")),
        stop_price=Price(Decimal(95)),
        target_price=Price(Decimal(110)),
        risk_usd=Usd(Decimal(10)),
        legs=(LegRef(leg=Leg.STOP, client_id=ClientOrderId("s"), attempt=1),),
        opened_at=Millis(0),
    )


@pytest.mark.parametrize(
    ("side", "pnl"), [(PositionSide.LONG, "18.5"), (PositionSide.SHORT, "-21.5")]
)
def test_net_profit_counts_fees_and_funding(side: PositionSide, pnl: str) -> None:
    closed = bracket(side)

    assert Decimal(pnl) == closed.pnl_usd
    assert closed.r == pytest.approx(float(pnl) / 10)
    assert closed.open_qty == 0
    assert closed.entry_price == 100
    assert closed.exit_price == 110


def test_only_the_part_that_was_exited_is_counted() -> None:
    half = bracket(PositionSide.LONG, exited="1", exit_notional="110")

    assert half.pnl_usd == Decimal("8.5")
    assert half.open_qty == 1


def test_a_leg_is_found_by_its_job() -> None:
    ref = bracket(PositionSide.LONG).leg(Leg.STOP)

    assert ref is not None
    assert ref.client_id == "s"
    assert bracket(PositionSide.LONG).leg(Leg.ENTRY) is None
