"""Requests in Binance's form: parameters that are missing, unknown or malformed."""

from decimal import Decimal

import msgspec
import pytest

from bot.gateway.http import HttpRequest
from bot.sim.emulator.binance_call import (
    Call,
    check_names,
    one_or_all,
    open_route,
    read,
    signed_route,
    weighed,
)
from bot.sim.emulator.binance_words import Refused
from tests.fakes.contracts import NOON

HOST = "https://fapi.binance.com/fapi/v1/order"


def call(**params: str) -> Call:
    return Call(params=params, at=NOON)


def code_of(refused: pytest.ExceptionInfo[Refused]) -> int:
    return int(msgspec.json.decode(refused.value.reply.body)["code"])


def test_parameters_come_from_address_and_body_together() -> None:
    request = HttpRequest(
        method="POST",
        url=f"{HOST}?symbol=BTCUSDT",
        headers={"x-mbx-apikey": "key"},
        body="side=BUY&timestamp=1&signature=abc",
    )

    taken = read(request, NOON)

    assert taken.params["symbol"] == "BTCUSDT"
    assert taken.params["side"] == "BUY"
    assert (taken.api_key, taken.signed) == ("key", "symbol=BTCUSDTside=BUY&timestamp=1")


def test_a_parameter_that_is_there_twice_is_refused() -> None:
    request = HttpRequest(method="GET", url=f"{HOST}?a=1&a=2")

    with pytest.raises(Refused) as refused:
        read(request, NOON)

    assert code_of(refused) == -1101


def test_what_an_endpoint_does_not_know_is_refused() -> None:
    route = signed_route("symbol", lambda _: {})
    check_names(call(symbol="BTCUSDT", timestamp="1", recvWindow="5", signature="x"), route)

    with pytest.raises(Refused) as refused:
        check_names(call(symbol="BTCUSDT", sybmol="BTCUSDT"), route)

    assert code_of(refused) == -1104


@pytest.mark.parametrize(
    ("text", "code"), [(None, -1102), ("", -1105), ("x", -1102), ("NaN", -1102)]
)
def test_a_number_that_is_none_is_refused(text: str | None, code: int) -> None:
    asked = call() if text is None else call(quantity=text)

    with pytest.raises(Refused) as refused:
        asked.amount_needed("quantity")

    assert code_of(refused) == code


def test_numbers_flags_and_words_are_read() -> None:
    asked = call(quantity="1.50", count="7", reduceOnly="true", side="BUY")

    assert asked.amount("quantity") == Decimal("1.50")
    assert asked.amount("price") is None
    assert (asked.whole("count", 1), asked.whole("other", 1)) == (7, 1)
    assert asked.flag("reduceOnly")
    assert not asked.flag("closePosition")
    assert asked.one_of("side", {"BUY": 1}) == 1


def test_words_that_are_not_in_the_list_are_refused() -> None:
    asked = call(reduceOnly="True", side="LONG")

    with pytest.raises(Refused) as refused:
        asked.flag("reduceOnly")
    assert code_of(refused) == -1102
    with pytest.raises(Refused) as refused:
        asked.one_of("side", {"BUY": 1})

    assert code_of(refused) == -1102


@pytest.mark.parametrize(("name", "code"), [("a" * 37, -4015), ("a b", -1100), ("", -1100)])
def test_a_client_id_is_36_plain_characters_at_most(name: str, code: int) -> None:
    with pytest.raises(Refused) as refused:
        call(newClientOrderId=name).client_id("newClientOrderId")

    assert code_of(refused) == code
    assert call(newClientOrderId="a" * 36).client_id("newClientOrderId") == "a" * 36


def test_what_may_not_be_sent_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        call(price="1").forbid("timeInForce", "price")

    assert code_of(refused) == -1106


def test_a_page_has_its_limits() -> None:
    assert call().limit(500, 1000) == 500
    with pytest.raises(Refused) as refused:
        call(limit="1001").limit(500, 1000)

    assert code_of(refused) == -1130


def test_all_symbols_weigh_more_than_one() -> None:
    route = weighed(open_route("symbol", lambda _: {}), one_or_all(1, 40))

    assert (route.weight(call(symbol="BTCUSDT")), route.weight(call())) == (1, 40)
