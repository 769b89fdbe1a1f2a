"""How orders trade: depth, limits, triggers, liquidation, funding."""

from decimal import Decimal

from bot.model.events import FundingRead
from bot.model.market import Funding
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Millis, Side
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import HoldingChanged, OrderChanged, Origin, Status, Why
from tests.fakes.contracts import BALANCE, BTC, NOON
from tests.fakes.emu_market import exchange_at, limit, market, placed, price_event, stop

BUY, SELL = Side.BUY, Side.SELL
LATER = NOON + 1000


def moved(
    core: Emulator, price: float, *, low: float | None = None, high: float | None = None
) -> None:
    core.on_market(price_event(price, LATER, low=low, high=high))


def long_of(core: Emulator, qty: str = "1") -> None:
    placed(core, market(BUY, qty))


# --- ordinary orders


def test_what_an_ioc_does_not_find_expires() -> None:
    core = exchange_at()
    core.partial_usd = Decimal(50)

    order = placed(core, limit(BUY, "1", "101", time_in_force=TimeInForce.IOC))

    assert (order.status, order.filled_qty) == (Status.EXPIRED, Decimal("0.499"))


def test_an_ioc_below_the_market_finds_nothing() -> None:
    core = exchange_at()

    order = placed(core, limit(BUY, "1", "99", time_in_force=TimeInForce.IOC))

    assert (order.status, order.filled_qty) == (Status.EXPIRED, Decimal(0))


def test_a_deep_market_order_pays_for_its_depth() -> None:
    core = exchange_at()
    core.on_market(price_event(100.0, depth_usd=1000.0))

    order = placed(core, market(BUY, "50"))

    assert order.status is Status.FILLED
    assert order.average_price is not None
    assert order.average_price > Decimal("100.2")


def test_a_crossing_limit_takes_and_its_rest_waits() -> None:
    core = exchange_at()
    core.partial_usd = Decimal(50)

    order = placed(core, limit(BUY, "1", "101"))
    assert (order.status, order.filled_qty) == (Status.PARTIALLY_FILLED, Decimal("0.499"))

    core.partial_usd = None
    moved(core, 100.5)
    full = core.orders[order.id]

    assert (full.status, core.trades[-1].is_maker) == (Status.FILLED, True)


def test_a_resting_limit_fills_when_the_price_goes_through_it() -> None:
    core = exchange_at()
    order = placed(core, limit(BUY, "1", "95"))

    moved(core, 96.0, low=95.0)
    assert core.orders[order.id].status is Status.NEW

    moved(core, 96.0, low=94.9)
    filled = core.orders[order.id]

    assert (filled.status, filled.average_price) == (Status.FILLED, Decimal(95))


def test_reduce_only_never_turns_a_position_around() -> None:
    core = exchange_at()
    long_of(core)

    order = placed(core, market(SELL, "3", is_reduce_only=True))

    assert core.holdings == {}
    assert (order.status, order.filled_qty) == (Status.EXPIRED, Decimal(1))


def test_a_target_expires_with_its_position() -> None:
    core = exchange_at()
    long_of(core)
    target = placed(core, limit(SELL, "1", "105", is_reduce_only=True))

    placed(core, market(SELL, "1", is_reduce_only=True))

    ended = core.orders[target.id]
    assert (ended.status, ended.why) == (Status.EXPIRED, Why.NOTHING_TO_REDUCE)


# --- conditional orders


def test_a_stop_sends_a_child_with_names_of_its_own() -> None:
    core = exchange_at()
    long_of(core)
    order = placed(core, stop(SELL, "1", "95", client_id="a"))

    moved(core, 94.0, low=93.0, high=96.0)

    fired = core.orders[order.id]
    assert fired.status is Status.TRIGGERED
    assert fired.child_id is not None
    child = core.orders[fired.child_id]
    assert child.id != order.id
    assert child.client_id != "a"
    assert (child.parent_id, child.asked.origin) == (order.id, Origin.TRIGGER)
    assert (child.status, child.average_price) == (Status.FILLED, Decimal("94.9"))
    assert core.holdings == {}


def test_a_stop_pays_the_gap() -> None:
    core = exchange_at()
    long_of(core)
    placed(core, stop(SELL, "1", "95"))

    moved(core, 90.0)

    assert core.trades[-1].price == Decimal("89.9")


def test_e23_a_stop_outlives_its_position_and_then_finds_nothing() -> None:
    core = exchange_at()
    long_of(core)
    order = placed(core, stop(SELL, "1", "95"))
    placed(core, market(SELL, "1", is_reduce_only=True))
    assert core.orders[order.id].is_working

    moved(core, 94.0)

    fired = core.orders[order.id]
    assert fired.child_id is not None
    child = core.orders[fired.child_id]
    assert (child.status, child.filled_qty, child.why) == (
        Status.EXPIRED,
        Decimal(0),
        Why.NOTHING_TO_REDUCE,
    )
    assert core.holdings == {}


def test_what_is_not_reduce_only_opens_a_position_when_it_fires() -> None:
    core = exchange_at()
    placed(core, stop(SELL, "1", "95", is_reduce_only=False))

    moved(core, 94.0)

    assert core.holdings[BTC].qty == -1


def test_margin_is_looked_at_when_it_fires() -> None:
    core = exchange_at()
    core.set_leverage(BTC, 1, NOON)
    order = placed(core, stop(SELL, "500", "95", is_reduce_only=False))

    moved(core, 94.0)

    assert (core.orders[order.id].status, core.orders[order.id].why) == (
        Status.REJECTED,
        Why.NO_MARGIN,
    )


def test_a_trigger_can_be_refused_for_a_test() -> None:
    core = exchange_at()
    long_of(core)
    core.refuse_next_trigger(Why.NO_MARGIN)
    order = placed(core, stop(SELL, "1", "95"))

    moved(core, 94.0)

    assert core.orders[order.id].status is Status.REJECTED
    assert BTC in core.holdings


def test_a_trigger_by_the_last_price_waits_for_it() -> None:
    core = exchange_at()
    long_of(core)
    order = placed(core, stop(SELL, "1", "95", is_by_mark=False))

    moved(core, 96.0, low=90.0)
    assert core.orders[order.id].is_working

    moved(core, 95.0)

    assert core.holdings == {}


def test_whatever_is_held_is_closed_without_a_quantity() -> None:
    core = exchange_at()
    long_of(core, "2")
    asked = stop(SELL, "0", "95", is_reduce_only=False, closes_position=True)
    placed(core, asked)
    assert core.place(asked, NOON) is Why.CLOSE_EXISTS
    long_of(core, "1")

    moved(core, 94.0)

    assert core.holdings == {}


def test_a_take_profit_fires_on_the_other_side() -> None:
    core = exchange_at()
    long_of(core)
    placed(core, stop(SELL, "1", "105", is_take_profit=True))

    moved(core, 104.0)
    assert BTC in core.holdings

    moved(core, 106.0)

    assert core.holdings == {}


# --- attached stops


def test_an_attached_stop_comes_with_the_first_fill_and_goes_with_the_position() -> None:
    core = exchange_at()
    placed(core, market(BUY, "1", stop_loss=Decimal(95)))
    (attached,) = core.open_orders(BTC, conditional=True, at=NOON)
    assert (attached.asked.origin, attached.asked.qty) == (Origin.ATTACHED, Decimal(1))

    long_of(core, "1")
    (grown,) = core.open_orders(BTC, conditional=True, at=NOON)
    assert grown.asked.qty == 2

    placed(core, market(SELL, "2", is_reduce_only=True))

    assert core.orders[attached.id].status is Status.CANCELED


def test_an_attached_stop_closes_the_whole_position() -> None:
    core = exchange_at()
    placed(core, market(BUY, "1", stop_loss=Decimal(95)))
    long_of(core, "1")

    moved(core, 94.0)

    assert core.holdings == {}
    assert core.trades[-1].qty == 2


def test_the_stop_of_a_second_entry_replaces_the_first() -> None:
    core = exchange_at()
    placed(core, market(BUY, "1", stop_loss=Decimal(95)))
    placed(core, market(BUY, "1", stop_loss=Decimal(96)))

    (attached,) = core.open_orders(BTC, conditional=True, at=NOON)

    assert (attached.asked.trigger_price, attached.asked.qty) == (Decimal(96), Decimal(2))


# --- the account


def test_e16_a_position_whose_margin_is_used_up_is_closed_by_the_exchange() -> None:
    core = exchange_at()
    core.set_margin_mode(BTC, "isolated", NOON)
    core.set_leverage(BTC, 10, NOON)
    long_of(core)
    placed(core, limit(SELL, "1", "105", is_reduce_only=True))

    moved(core, 89.0)

    last = core.trades[-1]
    assert (last.origin, last.client_id[:10]) == (Origin.LIQUIDATION, "autoclose-")
    assert core.holdings == {}
    assert core.open_orders(BTC, conditional=None, at=Millis(LATER)) == []
    margin = Decimal("100.1") / 10
    assert abs(core.balance_usd - (BALANCE - margin)) < Decimal("0.2")


def test_a_stop_before_the_liquidation_saves_the_rest() -> None:
    core = exchange_at()
    core.set_margin_mode(BTC, "isolated", NOON)
    core.set_leverage(BTC, 10, NOON)
    long_of(core)
    placed(core, stop(SELL, "1", "95"))

    moved(core, 80.0, low=80.0, high=100.0)

    assert [row.origin for row in core.trades] == [Origin.CLIENT, Origin.TRIGGER]


def test_e41_funding_is_settled_when_its_time_has_come() -> None:
    core = exchange_at()
    long_of(core)
    funding = Funding(symbol=BTC, rate=0.001, next_at=Millis(LATER))
    core.on_market(FundingRead(at=NOON, funding=funding))
    core.take_happenings()

    moved(core, 100.0)
    moved(core, 100.0)

    assert [row.usd for row in core.incomes if row.kind == "funding"] == [Decimal("-0.1")]
    told = core.take_happenings()
    assert [row.reason for row in told if isinstance(row, HoldingChanged)] == ["funding"]


def test_a_trade_is_told_after_the_account_that_it_changed() -> None:
    core = exchange_at()
    long_of(core)

    told = core.take_happenings()

    assert [type(row) for row in told] == [OrderChanged, HoldingChanged, OrderChanged]
    last = told[-1]
    assert isinstance(last, OrderChanged)
    assert last.trade == core.trades[0]


def test_resting_entries_bind_margin() -> None:
    core = exchange_at()
    core.set_leverage(BTC, 1, NOON)
    placed(core, limit(BUY, "99", "100"))

    assert core.available_usd() == Decimal(100)
    assert core.place(limit(BUY, "2", "99"), NOON) is Why.NO_MARGIN


def test_a_conditional_limit_order_rests_after_it_has_fired() -> None:
    core = exchange_at()
    long_of(core)
    placed(core, stop(SELL, "1", "95", price=Decimal("94.9")))

    moved(core, 90.0)

    (resting,) = core.open_orders(BTC, conditional=False, at=Millis(LATER))
    assert (resting.asked.kind, resting.asked.price) == (OrderKind.LIMIT, Decimal("94.9"))
