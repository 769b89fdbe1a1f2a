"""Orders against prices, without clock or latency."""

from decimal import Decimal

from msgspec.structs import replace

from bot.model.events import Event, FundingPaid, FundingRead, OrderFilled, OrderUpdated
from bot.model.market import Funding
from bot.model.order import Fill, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import ClientOrderId, Millis, Side, Usd
from bot.model.wiring import PaperSettings
from bot.venue import rules
from bot.venue.books import KEPT_MS, PaperOrder, PaperState
from bot.venue.exchange import Exchange
from bot.venue.rules import No
from tests.fakes.paper import BTC, NOW, instrument, ioc, price, request, stop, target

D = Decimal


def an_exchange(*, mark: float = 100.0, impact: float = 0.0, leverage: float = 10.0) -> Exchange:
    exchange = Exchange(
        settings=PaperSettings(impact=impact, leverage=leverage),
        instruments={BTC: instrument()},
        state=PaperState(balance_usd=Usd(D(10_000))),
    )
    exchange.on_price(price(mark))
    return exchange


def placed(exchange: Exchange, asked: OrderRequest, at: int = NOW) -> PaperOrder:
    order = exchange.place(asked, Millis(at))
    assert isinstance(order, PaperOrder), order
    return order


def a_long(*, impact: float = 0.0, leverage: float = 10.0) -> Exchange:
    """Ten at 100, with a stop at 98 and a target at 103."""
    exchange = an_exchange(impact=impact, leverage=leverage)
    placed(exchange, ioc("entry", Side.BUY, "10", "100"))
    placed(exchange, stop("stop", Side.SELL, "10", "98"))
    placed(exchange, target("target", Side.SELL, "10", "103"))
    exchange.take_facts()
    exchange.is_changed = False
    return exchange


def fills(facts: list[Event]) -> list[Fill]:
    return [fact.fill for fact in facts if isinstance(fact, OrderFilled)]


def statuses(facts: list[Event]) -> dict[str | None, OrderStatus]:
    return {
        fact.report.client_id: fact.report.status
        for fact in facts
        if isinstance(fact, OrderUpdated)
    }


def test_an_ioc_fills_what_depth_allows_and_the_rest_ends() -> None:
    exchange = an_exchange(mark=100_000.0, impact=1.0)
    order = placed(exchange, ioc("e", Side.BUY, "0.8", "100001"))

    assert order.status is OrderStatus.CANCELED
    assert D("0.11") == order.filled_qty
    assert [D("0.11")] == [fill.qty for fill in fills(exchange.take_facts())]


def test_a_limit_that_takes_a_part_rests_with_the_remainder() -> None:
    exchange = an_exchange(mark=100_000.0, impact=1.0)
    order = placed(exchange, request("e", Side.BUY, "0.8", limit="100001"))

    assert order.status is OrderStatus.OPEN
    assert D("0.69") == order.open_qty


def test_two_takers_in_one_moment_share_the_book() -> None:
    exchange = an_exchange(mark=100_000.0, impact=1.0)
    placed(exchange, ioc("a", Side.BUY, "0.11", "100001"))
    second = placed(exchange, ioc("b", Side.BUY, "0.11", "100001"))
    exchange.on_price(price(100_000.0, at=NOW + 1_000))
    third = placed(exchange, ioc("c", Side.BUY, "0.11", "100001"))

    assert second.filled_qty < D("0.11")
    assert third.filled_qty == D("0.11")


def test_a_resting_entry_fills_as_a_maker_at_its_limit() -> None:
    exchange = an_exchange()
    placed(
        exchange,
        request("e", Side.BUY, "1", limit="99.5", time_in_force=TimeInForce.POST_ONLY),
    )
    exchange.on_price(price(99.6, low=99.5, at=NOW + 1_000))
    touched = exchange.take_facts()
    exchange.on_price(price(95.0, at=NOW + 2))
    (fill,) = fills(exchange.take_facts())

    assert touched == []
    assert D("99.5") == fill.price
    assert fill.is_maker
    assert D("0.0199") == fill.fee_usd


def test_stop_comes_before_target_within_one_range() -> None:
    """The path within a bar is unknown: the unkind order is assumed."""
    exchange = a_long()
    exchange.on_price(price(101.0, high=104.0, low=97.0, at=NOW + 1_000))
    facts = exchange.take_facts()

    assert [("stop", D("98.0"))] == [(fill.client_id, fill.price) for fill in fills(facts)]
    assert {"stop": OrderStatus.FILLED, "target": OrderStatus.CANCELED} == statuses(facts)


def test_a_target_through_by_a_tick_closes_and_leaves_the_stop_an_orphan() -> None:
    exchange = a_long()
    exchange.on_price(price(103.1, at=NOW + 1_000))
    facts = exchange.take_facts()
    left = exchange.snapshot(BTC, fills_since=NOW, asked_at=NOW)

    assert {"target": OrderStatus.FILLED} == statuses(facts)
    assert ["stop"] == [row.client_id for row in left.orders]
    assert left.positions == ()


def test_an_orphan_stop_is_refused_when_it_fires() -> None:
    exchange = a_long()
    exchange.on_price(price(103.1, at=NOW + 1_000))
    exchange.take_facts()
    exchange.on_price(price(97.0, at=NOW + 2))
    facts = exchange.take_facts()

    assert {"stop": OrderStatus.REJECTED} == statuses(facts)
    assert fills(facts) == []


def test_a_gap_fills_the_stop_behind_the_gap_with_slippage() -> None:
    exchange = a_long(impact=1.0)
    exchange.on_price(price(95.0, at=NOW + 1, depth_usd=500.0))
    (fill,) = fills(exchange.take_facts())

    assert fill.price < D(95)
    assert not fill.is_liquidation


def test_a_stop_of_two_is_fired_in_the_order_the_price_meets_them() -> None:
    exchange = a_long()
    placed(exchange, stop("nearer", Side.SELL, "10", "99"))
    exchange.on_price(price(97.0, high=100.0, low=97.0, at=NOW + 1_000))
    facts = exchange.take_facts()

    assert ["nearer"] == [fill.client_id for fill in fills(facts)]
    assert OrderStatus.REJECTED == statuses(facts)["stop"]


def test_a_position_without_a_stop_is_liquidated_and_flagged() -> None:
    exchange = an_exchange(leverage=10.0)
    placed(exchange, ioc("entry", Side.BUY, "10", "100"))
    exchange.take_facts()
    exchange.on_price(price(90.0, at=NOW + 1_000))
    (fill,) = fills(exchange.take_facts())

    assert fill.is_liquidation
    assert fill.client_id is None
    assert D(90) == fill.price


def test_a_stop_before_the_liquidation_price_saves_the_margin() -> None:
    exchange = a_long()
    exchange.on_price(price(89.0, high=100.0, low=89.0, at=NOW + 1_000))
    (fill,) = fills(exchange.take_facts())

    assert fill.client_id == "stop"
    assert D(98) == fill.price


def test_a_gap_beyond_both_is_a_liquidation() -> None:
    exchange = a_long()
    exchange.on_price(price(85.0, at=NOW + 1_000))
    facts = exchange.take_facts()

    assert [True] == [fill.is_liquidation for fill in fills(facts)]
    assert OrderStatus.REJECTED == statuses(facts)["stop"]


def test_a_short_is_liquidated_above() -> None:
    exchange = an_exchange()
    placed(exchange, ioc("entry", Side.SELL, "10", "100"))
    placed(exchange, stop("stop", Side.BUY, "10", "120"))
    exchange.take_facts()
    exchange.on_price(price(111.0, high=125.0, low=111.0, at=NOW + 1_000))
    (fill,) = fills(exchange.take_facts())

    assert fill.is_liquidation
    assert D(110) == fill.price


def test_reduce_only_is_cut_to_the_position() -> None:
    exchange = a_long()
    order = placed(exchange, request("exit", Side.SELL, "25", is_reduce_only=True))

    assert D(10) == order.filled_qty
    assert order.status is OrderStatus.CANCELED
    assert exchange.wallet.holdings == {}


def test_a_reduce_only_without_a_position_is_refused() -> None:
    refused = an_exchange().place(stop("s", Side.SELL, "1", "98"), NOW)

    assert isinstance(refused, No)
    assert rules.REDUCE_ONLY == refused.code


def test_resting_orders_bind_margin() -> None:
    exchange = an_exchange(leverage=1.0)
    placed(exchange, request("a", Side.BUY, "60", limit="99"))
    refused = exchange.place(request("b", Side.BUY, "60", limit="99"), NOW)

    assert isinstance(refused, No)
    assert rules.NO_MARGIN == refused.code


def test_an_unlisted_symbol_is_refused() -> None:
    exchange = Exchange(
        settings=PaperSettings(), instruments={}, state=PaperState(balance_usd=Usd(D(1)))
    )
    refused = exchange.place(request("a", Side.BUY, "1"), NOW)

    assert isinstance(refused, No)
    assert rules.UNKNOWN_SYMBOL == refused.code


def test_a_thin_market_fills_a_resting_order_in_parts() -> None:
    exchange = an_exchange()
    placed(exchange, request("e", Side.BUY, "10", limit="99"))
    for step in (1, 2):
        exchange.on_price(price(98.0, at=NOW + step, depth_usd=600.0))
    parts = [fill.qty for fill in fills(exchange.take_facts())]

    assert [D("6.060"), D("3.940")] == parts


def test_funding_is_charged_with_the_price_of_its_instant() -> None:
    exchange = a_long()
    due = Millis(NOW + 10)
    exchange.on_funding(FundingRead(at=NOW, funding=Funding(symbol=BTC, rate=0.001, next_at=due)))
    exchange.on_price(price(101.0, at=due - 1))
    before = exchange.take_facts()
    exchange.on_price(price(102.0, at=due))
    (paid,) = exchange.take_facts()

    assert before == []
    assert isinstance(paid, FundingPaid)
    assert D("-1.02") == paid.usd
    assert exchange.is_changed


def test_a_rate_known_at_its_settlement_replaces_the_forecast() -> None:
    """A recording tells the true rate at its instant, before the price that settles it."""
    exchange = a_long()
    due = Millis(NOW + 10)
    for at, rate, next_at in ((NOW, 0.5, due), (due, 0.001, due)):
        funding = Funding(symbol=BTC, rate=rate, next_at=next_at)
        exchange.on_funding(FundingRead(at=at, funding=funding))
    exchange.on_price(price(100.0, at=due))
    later = Funding(symbol=BTC, rate=0.001, next_at=Millis(due + 28_800_000))
    exchange.on_funding(FundingRead(at=due, funding=later))
    (paid,) = exchange.take_facts()

    assert isinstance(paid, FundingPaid)
    assert D(-1) == paid.usd


def test_a_funding_of_before_a_restart_waits_for_the_first_price() -> None:
    exchange = a_long()
    due = Millis(NOW + 10)
    exchange.on_funding(FundingRead(at=NOW, funding=Funding(symbol=BTC, rate=0.001, next_at=due)))
    again = Exchange(
        settings=PaperSettings(), instruments={BTC: instrument()}, state=exchange.state(NOW)
    )
    later = Funding(symbol=BTC, rate=0.9, next_at=Millis(due + 28_800_000))
    again.on_funding(FundingRead(at=Millis(due + 5), funding=later))
    again.on_price(price(100.0, at=due + 6))
    (paid,) = again.take_facts()

    assert isinstance(paid, FundingPaid)
    assert D(-1) == paid.usd


def test_a_price_that_crosses_nothing_changes_nothing() -> None:
    exchange = a_long()
    exchange.on_price(price(101.0, high=102.0, low=99.0, at=NOW + 1_000))

    assert not exchange.is_changed
    assert exchange.take_facts() == []


def test_a_name_that_ended_may_come_again_and_the_newest_is_meant() -> None:
    """Client ids are unique among open orders only: a filled one can be doubled."""
    exchange = an_exchange()
    placed(exchange, ioc("same", Side.BUY, "1", "100"))
    placed(exchange, ioc("same", Side.BUY, "2", "100"))
    found = exchange.find(ClientOrderId("same"), is_trigger=False)

    assert found is not None
    assert D(2) == found.filled_qty
    assert D(3) == exchange.wallet.holdings[BTC].qty


def test_a_restart_from_the_state_goes_on_as_if_nothing_had_been() -> None:
    exchange = a_long()
    again = Exchange(
        settings=PaperSettings(impact=0.0),
        instruments={BTC: instrument()},
        state=exchange.state(NOW),
    )
    for one in (exchange, again):
        one.on_price(price(97.0, at=NOW + 1_000))

    assert exchange.take_facts() == again.take_facts()
    assert exchange.state(NOW) == again.state(NOW)


def test_ended_orders_are_let_go_after_two_days() -> None:
    exchange = an_exchange()
    placed(exchange, ioc("old", Side.BUY, "1", "100"))
    state = exchange.state(Millis(NOW + KEPT_MS + 1))

    assert state.ended == ()
    assert state.fills == ()


def test_a_snapshot_of_one_symbol_says_nothing_of_others() -> None:
    snapshot = a_long().snapshot(None, fills_since=NOW, asked_at=NOW)
    cursor = a_long().snapshot(BTC, fills_since=Millis(NOW + 1), asked_at=NOW)

    assert (BTC,) == snapshot.symbols
    assert [D(10)] == [row.qty for row in snapshot.positions]
    assert ["stop", "target"] == [row.client_id for row in snapshot.orders]
    assert len(snapshot.fills) == 1
    assert cursor.fills == ()


def test_a_range_found_out_late_is_past_for_orders_that_came_after_it() -> None:
    """The minute's candle shows a wick that happened before the younger stop was placed."""
    exchange = an_exchange()
    placed(exchange, ioc("entry", Side.BUY, "10", "100"), at=NOW)
    placed(exchange, stop("old", Side.SELL, "4", "98"), at=NOW)
    exchange.on_price(replace(price(100.0), at=Millis(NOW + 5_000), since_at=NOW))
    placed(exchange, stop("young", Side.SELL, "6", "98"), at=NOW + 5_000)
    exchange.take_facts()
    wick = replace(price(100.0, low=97.0), at=Millis(NOW + 9_000), since_at=Millis(NOW + 1_000))

    exchange.on_price(wick)

    assert {"old": OrderStatus.FILLED} == statuses(exchange.take_facts())
