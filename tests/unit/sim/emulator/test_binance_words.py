"""Numbers, names and statuses as Binance writes them."""

from decimal import Decimal

import msgspec
import pytest

from bot.model.primitives import Side
from bot.sim.emulator.binance_words import (
    Refused,
    decimals_of,
    plain,
    price_text,
    qty_text,
    refusal_of,
    usd_text,
)
from bot.sim.emulator.state import NewOrder, Why
from tests.fakes.contracts import BTC, INSTRUMENTS
from tests.fakes.emu_market import limit, market, stop

BUY, SELL = Side.BUY, Side.SELL


def code_of(why: Why, asked: NewOrder) -> int:
    refused = refusal_of(why, asked, INSTRUMENTS[BTC])
    return int(msgspec.json.decode(refused.reply.body)["code"])


@pytest.mark.parametrize(
    ("why", "asked", "code"),
    [
        (Why.BAD_PRICE, limit(BUY, "1", "-1"), -4001),
        (Why.BAD_PRICE, limit(BUY, "1", "90.05"), -1111),
        (Why.BAD_PRICE, stop(SELL, "1", "90.05"), -1111),
        (Why.BAD_QTY, market(BUY, "0"), -4003),
        (Why.BAD_QTY, market(BUY, "0.0001"), -1111),
        (Why.BAD_QTY, market(BUY, "1001"), -4005),
        (Why.NOTIONAL_TOO_SMALL, market(BUY, "0.01"), -4164),
        (Why.PRICE_TOO_FAR, limit(BUY, "1", "200"), -4016),
        (Why.PRICE_TOO_FAR, limit(SELL, "1", "20"), -4024),
        (Why.PRICE_TOO_FAR, market(SELL, "1"), -4131),
        (Why.UNKNOWN_SYMBOL, market(BUY, "1"), -1121),
        (Why.HALTED, market(BUY, "1"), -4140),
        (Why.NO_MARGIN, market(BUY, "1"), -2019),
        (Why.NOTHING_TO_REDUCE, market(BUY, "1"), -2022),
        (Why.WOULD_TRIGGER, stop(SELL, "1", "101"), -2021),
        (Why.WOULD_TAKE, limit(BUY, "1", "101"), -5022),
        (Why.DUPLICATE_ID, market(BUY, "1"), -4116),
        (Why.TOO_MANY_STOPS, stop(SELL, "1", "95"), -4045),
        (Why.WRONG_POSITION_SIDE, market(BUY, "1"), -4061),
        (Why.REDUCE_ONLY_MODE, market(BUY, "1"), -4400),
        (Why.REDUCE_ONLY_BLOCKED, market(SELL, "1"), -4118),
        (Why.CLOSE_EXISTS, stop(SELL, "1", "95"), -4130),
        (Why.UNKNOWN_ORDER, market(BUY, "1"), -2011),
    ],
)
def test_every_reason_has_its_code(why: Why, asked: NewOrder, code: int) -> None:
    assert code_of(why, asked) == code


def test_a_grid_that_is_not_decimal_has_codes_of_its_own() -> None:
    coarse = msgspec.structs.replace(
        INSTRUMENTS[BTC], tick_size=Decimal("0.5"), lot_size=Decimal("0.5"), qty_min=Decimal(1)
    )

    def code(why: Why, asked: NewOrder) -> int:
        return int(msgspec.json.decode(refusal_of(why, asked, coarse).reply.body)["code"])

    assert code(Why.BAD_PRICE, limit(BUY, "1", "90.1")) == -4014
    assert code(Why.BAD_QTY, market(BUY, "1.1")) == -4023
    assert code(Why.BAD_QTY, market(BUY, "0.5")) == -4004


def test_a_refusal_is_a_reply_with_code_and_message() -> None:
    reply = Refused(-1121, "Invalid symbol.").reply

    assert reply.status == 400
    assert msgspec.json.decode(reply.body) == {"code": -1121, "msg": "Invalid symbol."}


def test_numbers_are_written_on_their_grid() -> None:
    instrument = INSTRUMENTS[BTC]

    assert price_text(Decimal(100), instrument) == "100.0"
    assert price_text(None, instrument) == "0.0"
    assert qty_text(Decimal(-1), instrument) == "-1.000"
    assert usd_text(Decimal("0.1")) == "0.10000000"
    assert (plain(Decimal("1E+2")), plain(Decimal("0.0010")), plain(Decimal(0))) == (
        "100",
        "0.001",
        "0",
    )
    assert (decimals_of(Decimal("0.10")), decimals_of(Decimal(100))) == (1, 0)
