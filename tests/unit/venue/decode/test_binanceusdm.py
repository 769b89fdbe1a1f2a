"""Binance's orders and trades in our words; what is not as documented is no answer."""

from decimal import Decimal
from typing import Any

import pytest

from bot.model.order import OrderKind, OrderStatus
from bot.model.primitives import Millis, Side, VenueOrderId
from bot.venue.decode.binanceusdm import (
    FORGOTTEN_AFTER_MS,
    Owner,
    is_ours,
    order_of,
    orders_of,
    owner_of,
    stop_of,
    stops_of,
    trade_of,
    with_child,
    without_child,
)
from bot.venue.decode.fields import ShapeError
from tests.fakes.contracts import BTC, NOON
from tests.fakes.live_binance_rows import (
    OURS,
    RATES,
    STOP,
    SYMBOLS,
    WITHOUT,
    algo_row,
    order_row,
    trade_row,
)


def test_an_order_in_our_words() -> None:
    report = order_of(order_row(status="PARTIALLY_FILLED", executedQty="0.2"), BTC)

    assert (OURS, VenueOrderId("1917641"), BTC) == (
        report.client_id,
        report.venue_id,
        report.symbol,
    )
    assert (Side.BUY, OrderKind.LIMIT, OrderStatus.OPEN) == (
        report.side,
        report.kind,
        report.status,
    )
    assert (Decimal("0.5"), Decimal("0.2")) == (report.qty, report.filled_qty)
    assert (Decimal("100.2"), None, NOON) == (report.price, report.average_price, report.venue_at)


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("NEW", OrderStatus.OPEN),
        ("PARTIALLY_FILLED", OrderStatus.OPEN),
        ("FILLED", OrderStatus.FILLED),
        ("CANCELED", OrderStatus.CANCELED),
        ("EXPIRED", OrderStatus.CANCELED),
        ("EXPIRED_IN_MATCH", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
    ],
)
def test_the_exchange_s_statuses(word: str, status: OrderStatus) -> None:
    assert status is order_of(order_row(status=word), BTC).status


def test_a_placement_without_an_average_price_has_none() -> None:
    """Since the merge of 2026 placements do not tell it."""
    row = order_row(status="FILLED", executedQty="0.5", avgPrice=WITHOUT, cumQuote=WITHOUT)

    assert order_of(row, BTC).average_price is None


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "HALF"},
        {"status": WITHOUT},
        {"orderId": WITHOUT},
        {"executedQty": WITHOUT},
        {"executedQty": "NaN"},
        {"side": "HOLD"},
        {"updateTime": None},
        {"reduceOnly": "maybe"},
    ],
)
def test_e8_an_order_that_is_not_as_documented_is_no_answer(changes: dict[str, Any]) -> None:
    with pytest.raises(ShapeError):
        order_of(order_row(**changes), BTC)


def test_an_id_of_another_shape_is_not_ours() -> None:
    assert is_ours(OURS)
    assert not is_ours("web_1234567890123456789abc")
    assert not is_ours(OURS.upper())
    assert order_of(order_row(clientOrderId="android_x"), BTC).client_id is None


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("autoclose-1234567890", Owner(None, is_liquidation=True)),
        ("adl_autoclose", Owner(None)),
        ("settlement_autoclose-12", Owner(None)),
        ("web_abc", Owner(None)),
        ("", Owner(None)),
        (OURS, Owner(OURS)),
    ],
)
def test_what_the_exchange_closes_is_nobody_s_and_only_a_liquidation_is_one(
    name: str, owner: Owner
) -> None:
    assert owner == owner_of(name)


def test_open_orders_leave_out_what_we_do_not_trade() -> None:
    rows = [order_row(), order_row(symbol="DOGEUSDT", status="ODD")]

    assert [OURS] == [row.client_id for row in orders_of(rows, SYMBOLS)]


def test_e8_one_bad_row_makes_the_whole_list_no_answer() -> None:
    with pytest.raises(ShapeError):
        orders_of([order_row(), order_row(status="ODD")], SYMBOLS)
    with pytest.raises(ShapeError):
        stops_of([algo_row(), algo_row(symbol=WITHOUT)], SYMBOLS)


def test_a_stop_that_waits() -> None:
    stop = stop_of(algo_row(), BTC)

    assert (STOP, VenueOrderId("2146760")) == (stop.report.client_id, stop.report.venue_id)
    assert (OrderKind.STOP_MARKET, OrderStatus.OPEN) == (stop.report.kind, stop.report.status)
    assert (Decimal("0.5"), Decimal("95.5")) == (stop.report.qty, stop.report.trigger_price)
    assert stop.report.is_reduce_only
    assert (None, False, False) == (stop.child_id, stop.is_over, stop.has_fired)
    assert stop_of(algo_row(actualOrderId=0), BTC).child_id is None


@pytest.mark.parametrize("word", ["TRIGGERING", "TRIGGERED", "FINISHED"])
def test_a_stop_that_has_fired_is_neither_filled_nor_over(word: str) -> None:
    """ccxt calls both closed: filled with nothing over REST, with everything over the stream."""
    stop = stop_of(algo_row(algoStatus=word, actualOrderId="99"), BTC)

    assert (OrderStatus.OPEN, Decimal(0)) == (stop.report.status, stop.report.filled_qty)
    assert VenueOrderId("99") == stop.child_id
    assert stop.has_fired


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("CANCELED", OrderStatus.CANCELED),
        ("EXPIRED", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
    ],
)
def test_a_stop_that_has_ended_without_firing(word: str, status: OrderStatus) -> None:
    stop = stop_of(algo_row(algoStatus=word), BTC)

    assert (status, True, False) == (stop.report.status, stop.is_over, stop.has_fired)


def test_a_fired_stop_is_what_its_child_is_under_the_stop_s_names() -> None:
    """FINISHED may mean as well that the child was canceled."""
    stop = stop_of(algo_row(algoStatus="FINISHED", actualOrderId="99"), BTC)
    child = order_of(
        order_row(
            orderId=99,
            clientOrderId="x-other",
            type="MARKET",
            side="SELL",
            status="EXPIRED",
            executedQty="0.2",
            avgPrice="95.4",
            updateTime=NOON + 5,
        ),
        BTC,
    )
    report = with_child(stop.report, child)

    assert (STOP, stop.report.venue_id, OrderKind.STOP_MARKET) == (
        report.client_id,
        report.venue_id,
        report.kind,
    )
    assert (OrderStatus.CANCELED, Decimal("0.2"), Decimal("95.4")) == (
        report.status,
        report.filled_qty,
        report.average_price,
    )
    assert NOON + 5 == report.venue_at


def test_a_fired_stop_whose_child_is_not_shown_works_on() -> None:
    stop = stop_of(algo_row(algoStatus="FINISHED", actualOrderId="99"), BTC)

    assert OrderStatus.OPEN is without_child(stop, now=Millis(NOON + 60_000)).status


def test_a_finished_stop_has_ended_once_its_child_must_be_forgotten() -> None:
    late = Millis(NOON + FORGOTTEN_AFTER_MS + 1)
    empty = stop_of(algo_row(algoStatus="FINISHED", actualOrderId="99"), BTC)
    full = stop_of(algo_row(algoStatus="FINISHED", actualQty="0.500", actualPrice="95.3"), BTC)

    assert OrderStatus.CANCELED is without_child(empty, now=late).status
    assert (OrderStatus.FILLED, Decimal("0.5"), Decimal("95.3")) == (
        without_child(full, now=late).status,
        without_child(full, now=late).filled_qty,
        without_child(full, now=late).average_price,
    )
    waiting = stop_of(algo_row(), BTC)

    assert OrderStatus.OPEN is without_child(waiting, now=late).status


def test_a_stop_that_closes_whatever_is_there_has_no_quantity() -> None:
    stop = stop_of(algo_row(quantity=None, closePosition=True, clientAlgoId="web_1"), BTC)

    assert (None, Decimal(0)) == (stop.report.client_id, stop.report.qty)


def test_a_trade_in_our_words() -> None:
    trade = trade_of(trade_row(), BTC, quote="USDT", rates=RATES)

    assert (VenueOrderId("1917641"), 698759) == (trade.order_id, trade.number)
    assert ("698759", None, Side.BUY) == (trade.fill.id, trade.fill.client_id, trade.fill.side)
    assert (Decimal("0.5"), Decimal("100.2")) == (trade.fill.qty, trade.fill.price)
    assert (Decimal("0.02505"), NOON, False) == (
        trade.fill.fee_usd,
        trade.fill.at,
        trade.fill.is_maker,
    )


def test_a_fee_in_another_coin_is_estimated_by_the_account_s_rate() -> None:
    rows = [trade_row(commissionAsset="BNB", commission="0.00004", maker=on) for on in (0, 1)]
    taker, maker = (
        trade_of(row | {"maker": bool(row["maker"])}, BTC, quote="USDT", rates=RATES).fill.fee_usd
        for row in rows
    )

    assert (Decimal("50.1") * RATES[False], Decimal("50.1") * RATES[True]) == (taker, maker)


def test_a_rebate_is_a_negative_fee() -> None:
    trade = trade_of(trade_row(commission="-0.01"), BTC, quote="USDT", rates=RATES)

    assert Decimal("-0.01") == trade.fill.fee_usd
