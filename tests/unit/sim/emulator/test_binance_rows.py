"""Orders, trades and positions as rows of Binance."""

from decimal import Decimal

from bot.model.order import TimeInForce
from bot.model.primitives import Side
from bot.sim.emulator.binance_rows import (
    Risk,
    algo_row,
    order_row,
    order_type,
    placed_row,
    trade_row,
)
from bot.sim.emulator.state import Origin
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON
from tests.fakes.emu_market import exchange_at, limit, market, placed, price_event, stop

INSTRUMENT = INSTRUMENTS[BTC]


def test_an_order_is_told_on_its_grid() -> None:
    core = exchange_at()
    asked = limit(Side.BUY, "1", "90", client_id="a", time_in_force=TimeInForce.POST_ONLY)

    row = order_row(placed(core, asked), INSTRUMENT)

    assert (row["status"], row["price"], row["origQty"]) == ("NEW", "90.0", "1.000")
    assert (row["timeInForce"], row["type"], row["side"]) == ("GTX", "LIMIT", "BUY")
    assert (row["clientOrderId"], row["reduceOnly"], row["updateTime"]) == ("a", False, NOON)


def test_a_placement_leaves_out_what_the_merge_took_away() -> None:
    order = placed(exchange_at(), market(Side.BUY, "1"))

    told = placed_row(order, INSTRUMENT, tells_result=True)
    acknowledged = placed_row(order, INSTRUMENT, tells_result=False)

    assert not {"avgPrice", "cumQuote"} & (set(told) | set(acknowledged))
    assert (told["status"], acknowledged["status"]) == ("FILLED", "NEW")
    assert (told["cumQty"], acknowledged["cumQty"]) == ("1.000", "0.000")


def test_kinds_have_the_exchanges_names() -> None:
    side = Side.SELL

    assert order_type(market(side, "1")) == "MARKET"
    assert order_type(market(side, "1", origin=Origin.LIQUIDATION)) == "LIQUIDATION"
    assert order_type(stop(side, "1", "95")) == "STOP_MARKET"
    assert order_type(stop(side, "1", "95", price=Decimal(94))) == "STOP"
    assert order_type(stop(side, "1", "95", is_take_profit=True)) == "TAKE_PROFIT_MARKET"


def test_a_conditional_order_that_closes_all_has_no_quantity() -> None:
    core = exchange_at()
    asked = stop(Side.SELL, "0", "95", is_reduce_only=False, closes_position=True)

    row = algo_row(placed(core, asked), core)

    assert (row["quantity"], row["closePosition"], row["actualOrderId"]) == ("0.000", True, "")
    assert (row["algoStatus"], row["triggerTime"]) == ("NEW", 0)


def test_a_conditional_order_whose_limit_rests_has_triggered_and_not_finished() -> None:
    core = exchange_at()
    placed(core, market(Side.BUY, "1"))
    order = placed(core, stop(Side.SELL, "1", "95", price=Decimal("94.9")))

    core.on_market(price_event(90.0, NOON + 1000))
    row = algo_row(core.orders[order.id], core)

    assert (row["algoStatus"], row["triggerTime"]) == ("TRIGGERED", NOON + 1000)
    assert row["actualOrderId"]


def test_a_trade_has_fee_and_profit() -> None:
    core = exchange_at()
    placed(core, market(Side.BUY, "1"))
    placed(core, market(Side.SELL, "1"))

    row = trade_row(core.trades[-1], INSTRUMENT)

    assert (row["realizedPnl"], row["commission"]) == ("-0.20000000", "0.04995000")
    assert (row["quoteQty"], row["buyer"]) == ("99.90000000", False)


def test_a_flat_symbol_has_a_row_of_zeros() -> None:
    row = Risk(exchange_at(), BTC).v2()

    assert (row["positionAmt"], row["entryPrice"], row["liquidationPrice"]) == ("0.000", "0", "0")
    assert (row["leverage"], row["marginType"]) == ("20", "cross")


def test_a_short_is_negative() -> None:
    core = exchange_at()
    placed(core, market(Side.SELL, "2"))

    row = Risk(core, BTC).v3()

    assert (row["positionAmt"], row["notional"]) == ("-2.000", "-200.00000000")
    assert Decimal(row["unRealizedProfit"]) == Decimal("-0.2")
    assert Decimal(row["maintMargin"]) == Decimal(1)
