"""Each refusal has its code."""

from decimal import Decimal

import msgspec
import pytest

from bot.model.order import OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import Millis, Qty, Side
from bot.venue import matching, rules
from tests.fakes.paper import NOW, instrument, ioc, price, request, stop, target

D = Decimal


def code_of(asked: OrderRequest, *, held: str = "0", free: str = "1000", need: str = "1") -> str:
    refused = rules.check(
        asked,
        instrument(),
        matching.quote_of(price(100.0, spread=0.2)),
        at=NOW,
        reducible_qty=Qty(D(held)),
        margin_free_usd=D(free),
        margin_asked_usd=D(need),
    )
    return "" if refused is None else refused.code


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (request("a", Side.BUY, "1", valid_until=NOW), ""),
        (request("a", Side.BUY, "1", valid_until=NOW - 1), rules.LATE),
        (request("a", Side.BUY, "0.0005"), rules.PRECISION),
        (ioc("a", Side.BUY, "1", "100.05"), rules.PRECISION),
        (request("a", Side.BUY, "0"), rules.QTY_TOO_SMALL),
        (request("a", Side.BUY, "1001"), rules.QTY_TOO_LARGE),
        (request("a", Side.BUY, "0.001"), rules.NOTIONAL_TOO_SMALL),
        (target("a", Side.SELL, "1", "101"), rules.REDUCE_ONLY),
        (stop("a", Side.SELL, "1", "100"), rules.TRIGGERS_AT_ONCE),
        (stop("a", Side.BUY, "1", "100"), rules.TRIGGERS_AT_ONCE),
    ],
)
def test_each_refusal_has_the_code_of_the_largest_venue(asked: OrderRequest, expected: str) -> None:
    assert expected == code_of(asked)


def test_the_minimum_notional_is_not_asked_of_who_closes() -> None:
    assert code_of(stop("a", Side.SELL, "0.001", "99"), held="0.001") == ""


def test_a_new_position_needs_free_margin() -> None:
    assert rules.NO_MARGIN == code_of(request("a", Side.BUY, "1"), free="5", need="5.01")


def test_post_only_that_would_take_is_refused() -> None:
    asked = request("a", Side.BUY, "1", limit="100.1", time_in_force=TimeInForce.POST_ONLY)

    assert rules.WOULD_TAKE == code_of(asked)


@pytest.mark.parametrize("kind", list(OrderKind))
def test_an_order_without_the_price_its_kind_needs_is_malformed(kind: OrderKind) -> None:
    whole = {
        OrderKind.LIMIT: request("a", Side.BUY, "1"),
        OrderKind.MARKET: ioc("a", Side.BUY, "1", "100"),
        OrderKind.STOP_MARKET: request("a", Side.BUY, "1"),
    }[kind]

    assert rules.MALFORMED == code_of(msgspec.structs.replace(whole, kind=kind))


def test_a_late_request_is_refused_before_anything_else() -> None:
    late = request("a", Side.BUY, "0.0001", valid_until=Millis(NOW - 5))

    assert rules.LATE == code_of(late)
