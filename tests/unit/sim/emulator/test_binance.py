"""The whole of a Binance that is none: doors, routes, copies of itself."""

from decimal import Decimal

from bot.model.primitives import Millis, Side
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_binance import ALGO, BUY_ONE, ORDER, STOP, Wire


def test_what_is_not_emulated_is_not_found() -> None:
    wire = Wire()

    wire.read("/fapi/v1/somewhere")

    assert wire.reply.status == 404


def test_every_reply_tells_what_has_been_used() -> None:
    wire = Wire()
    wire.read("/fapi/v1/premiumIndex")

    wire.send("POST", ORDER, BUY_ONE)

    assert wire.reply.headers["x-mbx-used-weight-1m"] == "10"
    assert wire.reply.headers["x-mbx-order-count-10s"] == "1"
    assert wire.reply.headers["x-mbx-order-count-1m"] == "1"


def test_e47_a_key_that_may_not_trade_reads_only() -> None:
    wire = Wire()
    wire.dialect.key.can_trade = False

    assert wire.code("POST", ORDER, BUY_ONE) == -2015
    assert wire.send("GET", "/fapi/v3/balance")[0]["balance"] == "10000.00000000"
    assert wire.core.orders == {}


def test_e45_a_revoked_key_opens_nothing() -> None:
    wire = Wire()
    wire.dialect.key.is_revoked = True

    assert wire.code("GET", "/fapi/v3/account") == -2015
    assert wire.reply.status == 401


def test_an_unknown_parameter_is_refused_loudly() -> None:
    wire = Wire()

    assert wire.code("POST", ORDER, {**BUY_ONE, "stopLoss": "{'triggerPrice': 95}"}) == -1104
    assert wire.core.orders == {}


def test_a_fork_trades_on_its_own() -> None:
    wire = Wire()
    wire.dialect.key.can_withdraw = True
    twin = Wire(wire.dialect.fork())

    twin.send("POST", ORDER, BUY_ONE)

    assert (len(wire.core.orders), len(twin.core.orders)) == (0, 1)
    assert twin.dialect.key.can_withdraw


def test_the_dead_mans_switch_cancels_ordinary_orders_and_leaves_stops() -> None:
    wire = Wire()
    wire.send("POST", ORDER, {**BUY_ONE, "type": "LIMIT", "price": "90", "timeInForce": "GTC"})
    wire.send("POST", ALGO, STOP)
    wire.send("POST", "/fapi/v1/countdownCancelAll", {"symbol": "BTCUSDT", "countdownTime": "5000"})
    wire.dialect.pass_time(Millis(NOON + 4999))
    assert len(wire.core.open_orders(BTC, conditional=False, at=NOON)) == 1

    wire.dialect.pass_time(Millis(NOON + 5000))

    assert wire.core.open_orders(BTC, conditional=False, at=NOON) == []
    assert len(wire.core.open_orders(BTC, conditional=True, at=NOON)) == 1


def test_the_user_stream_speaks_of_what_happened() -> None:
    wire = Wire()
    wire.core.trade_by_hand(BTC, Side.BUY, Decimal(1), NOON)

    told = [
        message["e"]
        for happening in wire.core.take_happenings()
        for message in wire.dialect.user_messages(happening)
    ]

    assert told == ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE"]
