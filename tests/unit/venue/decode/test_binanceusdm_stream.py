"""Messages of Binance's user stream in our words."""

from decimal import Decimal
from typing import Any

import pytest

from bot.model.order import OrderStatus
from bot.model.primitives import VenueOrderId
from bot.venue.decode.binanceusdm_stream import (
    KeyExpired,
    Moved,
    News,
    OrderNews,
    StopNews,
    news_of,
)
from bot.venue.decode.fields import ShapeError
from tests.fakes.contracts import NOON
from tests.fakes.live_binance_rows import (
    OURS,
    RATES,
    STOP,
    SYMBOLS,
    WITHOUT,
    algo_message,
    order_message,
)


def read(message: Any) -> News | None:
    return news_of(message, SYMBOLS, quote="USDT", rates=RATES)


def test_a_trade_tells_the_order_and_the_fill() -> None:
    news = read(order_message())

    assert isinstance(news, OrderNews)
    assert (OURS, OrderStatus.FILLED, Decimal("0.5"), Decimal("100.15")) == (
        news.report.client_id,
        news.report.status,
        news.report.filled_qty,
        news.report.average_price,
    )
    assert news.trade is not None
    assert ("698759", Decimal("0.5"), Decimal("100.15"), Decimal("0.02503"), NOON) == (
        news.trade.fill.id,
        news.trade.fill.qty,
        news.trade.fill.price,
        news.trade.fill.fee_usd,
        news.trade.fill.at,
    )


@pytest.mark.parametrize("kind", ["NEW", "CANCELED", "EXPIRED", "CALCULATED", "AMENDMENT"])
def test_only_a_trade_is_a_fill(kind: str) -> None:
    """An update that fills nothing has neither commission nor its coin."""
    news = read(order_message(x=kind, X="NEW", z="0", n=WITHOUT, N=WITHOUT, l="0"))

    assert isinstance(news, OrderNews)
    assert (OrderStatus.OPEN, None) == (news.report.status, news.trade)


def test_a_stop_that_is_taken() -> None:
    news = read(algo_message())

    assert isinstance(news, StopNews)
    assert (STOP, OrderStatus.OPEN, Decimal("95.5"), "") == (
        news.stop.report.client_id,
        news.stop.report.status,
        news.stop.report.trigger_price,
        news.why,
    )


def test_a_stop_that_fired_names_its_child_and_claims_no_fill() -> None:
    news = read(algo_message(X="TRIGGERED", ai="99", aq="0.500"))

    assert isinstance(news, StopNews)
    assert (VenueOrderId("99"), Decimal(0), OrderStatus.OPEN) == (
        news.stop.child_id,
        news.stop.report.filled_qty,
        news.stop.report.status,
    )


def test_a_stop_that_was_refused_when_it_fired_says_why() -> None:
    news = read(algo_message(X="REJECTED", rm="Reduce Only reject"))

    assert isinstance(news, StopNews)
    assert (OrderStatus.REJECTED, "Reduce Only reject") == (
        news.stop.report.status,
        news.why,
    )


def test_what_else_moves_the_account_asks_for_a_reading() -> None:
    funding = read({"e": "ACCOUNT_UPDATE", "E": 1, "T": 1, "a": {"m": "FUNDING_FEE"}})

    assert Moved("the account changed: FUNDING_FEE") == funding
    assert isinstance(read({"e": "ACCOUNT_CONFIG_UPDATE", "E": 1, "ac": {}}), Moved)
    assert isinstance(read({"e": "MARGIN_CALL", "E": 1}), Moved)
    assert isinstance(read({"e": "listenKeyExpired", "E": 1}), KeyExpired)


def test_what_tells_nothing_new_is_passed_over() -> None:
    assert read({"e": "ACCOUNT_UPDATE", "a": {"m": "ORDER"}}) is None
    assert read({"e": "TRADE_LITE", "s": "BTCUSDT"}) is None
    assert read(order_message(s="DOGEUSDT", X="ODD")) is None
    assert read(algo_message(s="DOGEUSDT", X="ODD")) is None


@pytest.mark.parametrize(
    "message",
    [
        [],
        {},
        {"stream": "x"},
        {"e": "ORDER_TRADE_UPDATE"},
        {"e": "ALGO_UPDATE", "o": []},
        {"e": "ACCOUNT_UPDATE", "a": {}},
        order_message(X="ODD"),
        order_message(t=WITHOUT),
        algo_message(X="ODD"),
    ],
)
def test_a_message_that_is_not_as_documented_raises(message: Any) -> None:
    with pytest.raises(ShapeError):
        read(message)
