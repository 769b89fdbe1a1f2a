"""What Bybit's rows mean."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bot.gateway.failures import NoAnswerError
from bot.model.order import OrderKind, OrderReport, OrderStatus
from bot.model.primitives import ClientOrderId, PositionSide, Side, Symbol
from bot.venue.decode import bybit as decode
from bot.venue.decode.bybit_rows import ExecutionRow, LogRow, OrderRow, PositionRow
from tests.fakes.live_bybit import BTC, NOW, execution_row, order_row, position_row

SYMBOLS = {"BTCUSDT": BTC}
STOP = ClientOrderId("stop1")


def order(**fields: Any) -> OrderReport | None:
    return decode.report(msgspec.convert(order_row(**fields), OrderRow), SYMBOLS)


def fill(**fields: Any) -> Any:
    row = msgspec.convert(execution_row(**fields), ExecutionRow)
    return decode.fill(row, SYMBOLS, lambda _, side: STOP if side is Side.SELL else None)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("New", OrderStatus.OPEN),
        ("PartiallyFilled", OrderStatus.OPEN),
        ("Untriggered", OrderStatus.OPEN),
        ("Triggered", OrderStatus.OPEN),
        ("Filled", OrderStatus.FILLED),
        ("Cancelled", OrderStatus.CANCELED),
        ("PartiallyFilledCanceled", OrderStatus.CANCELED),
        ("Deactivated", OrderStatus.CANCELED),
        ("Rejected", OrderStatus.REJECTED),
    ],
)
def test_a_status_has_one_meaning(text: str, status: OrderStatus) -> None:
    report = order(orderStatus=text)

    assert report is not None
    assert status is report.status


def test_e8_a_status_that_nobody_knows_makes_the_reply_unreadable() -> None:
    with pytest.raises(NoAnswerError, match="Dreaming"):
        order(orderStatus="Dreaming")


def test_an_order_is_told_with_what_it_filled() -> None:
    report = order(orderStatus="Cancelled", cumExecQty="0.004", avgPrice="90000.25")

    assert report is not None
    assert Decimal("0.004") == report.filled_qty
    assert Decimal("90000.25") == report.average_price
    assert Decimal(90000) == report.price
    assert NOW == report.venue_at
    assert ClientOrderId("ours1") == report.client_id


def test_an_order_without_fills_has_no_average_price() -> None:
    report = order(cumExecQty="", avgPrice="0")

    assert report is not None
    assert report.average_price is None
    assert Decimal(0) == report.filled_qty


def test_a_conditional_order_stays_one_after_it_has_fired() -> None:
    report = order(
        orderType="Market", stopOrderType="Stop", triggerPrice="88000", orderStatus="Filled"
    )

    assert report is not None
    assert OrderKind.STOP_MARKET is report.kind
    assert Decimal(88000) == report.trigger_price


def test_an_order_without_a_trigger_is_told_with_the_word_unknown() -> None:
    report = order(orderType="Market", stopOrderType="UNKNOWN", triggerPrice="0", price="85000")

    assert report is not None
    assert OrderKind.MARKET is report.kind
    assert report.price is None
    assert report.trigger_price is None


def test_an_order_of_somebody_else_has_no_name_of_ours() -> None:
    report = order(orderLinkId="")

    assert report is not None
    assert report.client_id is None


@pytest.mark.parametrize("fields", [{"symbol": "DOGEUSDT"}, {"category": "inverse"}])
def test_rows_of_other_contracts_are_left_out(fields: dict[str, Any]) -> None:
    assert order(**fields) is None
    assert fill(**fields) is None


def test_a_fill_is_ours_by_its_link_id() -> None:
    found = fill(isMaker=True, execFee="-0.09")

    assert ClientOrderId("ours1") == found.client_id
    assert Decimal("-0.09") == found.fee_usd
    assert found.is_maker
    assert not found.is_liquidation


@pytest.mark.parametrize("kind", ["Funding", "Settle", "Dividend"])
def test_money_that_moves_no_position_is_no_fill(kind: str) -> None:
    assert fill(execType=kind) is None


@pytest.mark.parametrize(
    ("fields", "is_liquidation"),
    [
        ({"execType": "BustTrade", "createType": "CreateByTakeOver_PassThrough"}, True),
        ({"execType": "Trade", "createType": "CreateByLiq"}, True),
        ({"execType": "AdlTrade", "createType": "CreateByAdl_PassThrough"}, False),
        ({"execType": "Delivery", "createType": "CreateBySettle"}, False),
        ({"execType": "Settle", "createType": "CreateBySettle", "closedSize": "0.1"}, False),
    ],
)
def test_what_the_exchange_trades_by_itself_is_no_order_of_ours(
    *, fields: dict[str, Any], is_liquidation: bool
) -> None:
    found = fill(orderLinkId="ours1", **fields)

    assert found.client_id is None
    assert is_liquidation is found.is_liquidation


def test_the_stop_that_came_with_the_entry_is_booked_under_our_stop() -> None:
    found = fill(
        orderLinkId="", side="Sell", createType="CreateByStopLoss", stopOrderType="StopLoss"
    )

    assert STOP == found.client_id


def test_without_a_stop_of_ours_it_is_booked_under_none() -> None:
    assert fill(orderLinkId="", side="Buy", createType="CreateByStopLoss").client_id is None


def test_a_fill_by_hand_is_not_taken_for_a_stop() -> None:
    assert fill(orderLinkId="", side="Sell", createType="CreateByClosing").client_id is None


def held(**fields: Any) -> Any:
    return decode.position(msgspec.convert(position_row(**fields), PositionRow), SYMBOLS)


def test_a_position_is_told_with_its_liquidation_price_and_leverage() -> None:
    found = held(side="Sell")

    assert PositionSide.SHORT is found.position_side
    assert Decimal("72450.5") == found.liquidation_price
    assert 5.0 == found.leverage


def test_a_position_may_have_no_liquidation_price_and_no_leverage() -> None:
    found = held(liqPrice="", leverage="")

    assert found.liquidation_price is None
    assert found.leverage is None


def test_a_flat_symbol_is_no_position() -> None:
    assert held(side="", size="0", avgPrice="") is None


def test_e8_a_position_without_a_side_is_unreadable() -> None:
    with pytest.raises(NoAnswerError):
        held(side="", size="0.01")


def reply(result: Any) -> dict[str, Any]:
    return {"retCode": 0, "retMsg": "OK", "result": result, "time": NOW}


def test_a_balance_is_the_wallet_and_not_the_equity() -> None:
    coins = [
        {"coin": "BTC", "walletBalance": "1", "equity": "1"},
        {"coin": "USDT", "walletBalance": "1000.5", "equity": "1100"},
    ]

    assert Decimal("1000.5") == decode.balance(reply({"list": [{"coin": coins}]}))


def test_a_wallet_without_the_coin_is_empty() -> None:
    assert Decimal(0) == decode.balance(reply({"list": [{"coin": []}]}))


@pytest.mark.parametrize("result", [{}, {"list": []}, {"list": None}, None])
def test_e8_no_account_is_not_an_empty_account(result: Any) -> None:
    with pytest.raises(NoAnswerError):
        decode.balance(reply(result))


@pytest.mark.parametrize(
    ("word", "mode"),
    [
        ("ISOLATED_MARGIN", "isolated"),
        ("REGULAR_MARGIN", "cross"),
        ("PORTFOLIO_MARGIN", "portfolio"),
    ],
)
def test_the_margin_mode_is_that_of_the_account(word: str, mode: str) -> None:
    assert mode == decode.margin_mode(reply({"marginMode": word}))


def key(**fields: Any) -> Any:
    base = {
        "readOnly": 0,
        "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []},
        "ips": ["10.0.0.1"],
        "userID": 24617703,
    }
    return decode.identity(reply({**base, **fields}))


def test_a_key_tells_whose_it_is() -> None:
    found = key()

    assert "24617703" == found.account_id
    assert found.can_trade
    assert found.rights.is_ip_restricted is True
    assert found.rights.can_withdraw is False


def test_e46_a_key_that_can_withdraw_says_so() -> None:
    wallet = {"ContractTrade": ["Order"], "Wallet": ["AccountTransfer", "Withdraw"]}

    assert key(permissions=wallet).rights.can_withdraw is True


def test_e47_a_key_that_only_reads_cannot_trade() -> None:
    assert not key(readOnly=1).can_trade


def test_a_key_without_orders_cannot_trade() -> None:
    assert not key(permissions={"ContractTrade": [], "Wallet": []}).can_trade


@pytest.mark.parametrize("ips", [["*"], []])
def test_a_key_may_be_good_from_everywhere(ips: list[str]) -> None:
    assert key(ips=ips).rights.is_ip_restricted is False


def test_fees_are_basis_points() -> None:
    rates = {"symbol": "BTCUSDT", "takerFeeRate": "0.00055", "makerFeeRate": "-0.0001"}
    found = decode.fees(reply({"list": [rates]}), "BTCUSDT")

    assert 5.5 == found.taker_bps
    assert -1.0 == found.maker_bps


def test_e8_fees_of_another_symbol_are_no_answer() -> None:
    with pytest.raises(NoAnswerError, match="ETHUSDT"):
        decode.fees(reply({"list": []}), "ETHUSDT")


def log(**fields: Any) -> LogRow:
    base = {
        "id": "1",
        "symbol": "BTCUSDT",
        "type": "SETTLEMENT",
        "change": "-0.45",
        "tradePrice": "90000",
        "transactionTime": str(NOW),
    }
    return msgspec.convert({**base, **fields}, LogRow)


def test_funding_is_what_it_did_to_the_wallet() -> None:
    rows = [log(), log(id="2", change="0.3"), log(id="3", type="TRADE"), log(symbol="DOGEUSDT")]
    found = decode.funding(rows, SYMBOLS)

    assert [("1", Decimal("-0.45")), ("2", Decimal("0.3"))] == [(row.id, row.usd) for row in found]
    assert Decimal(90000) == found[0].mark
    assert Symbol(BTC) == found[0].symbol


def test_e8_a_new_order_without_an_id_has_not_been_accepted() -> None:
    for result in ({}, {"orderId": ""}, None):
        with pytest.raises(NoAnswerError):
            decode.order_ids(reply(result))
