"""One exchange as a client meets it: taken, refused, copied."""

from decimal import Decimal

import pytest

from bot.model.events import MarketHalted, PriceMoved
from bot.model.order import TimeInForce
from bot.model.primitives import Millis, Side, Symbol
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import NewOrder, OrderChanged, Origin, Status, Why
from tests.fakes.contracts import BALANCE, BTC, NOON
from tests.fakes.emu_market import exchange_at, limit, market, placed, price_event, stop

BUY, SELL = Side.BUY, Side.SELL
LATER = Millis(NOON + 60_000)


def test_a_market_order_fills_at_once_and_pays_its_fee() -> None:
    core = exchange_at()

    order = placed(core, market(BUY, "1", client_id="a"))

    assert (order.status, order.average_price) == (Status.FILLED, Decimal("100.1"))
    assert core.holdings[BTC].qty == Decimal(1)
    assert core.balance_usd == BALANCE - Decimal("100.1") * Decimal("0.0005")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (limit(BUY, "1", "90.05"), Why.BAD_PRICE),
        (limit(BUY, "1.0001", "90"), Why.BAD_QTY),
        (market(BUY, "2000"), Why.BAD_QTY),
        (limit(BUY, "0.01", "90"), Why.NOTIONAL_TOO_SMALL),
        (market(BUY, "999"), None),
        (limit(BUY, "1", "106"), Why.PRICE_TOO_FAR),
        (limit(BUY, "1", "100.1", time_in_force=TimeInForce.POST_ONLY), Why.WOULD_TAKE),
        (stop(SELL, "1", "100"), Why.WOULD_TRIGGER),
        (stop(SELL, "1", "101", is_take_profit=True), None),
        (stop(SELL, "1", "99", is_take_profit=True), Why.WOULD_TRIGGER),
        (market(SELL, "1", is_reduce_only=True), Why.NOTHING_TO_REDUCE),
        (stop(SELL, "1", "99"), None),
        (market(BUY, "1", is_hedged=True), Why.WRONG_POSITION_SIDE),
    ],
)
def test_what_is_refused_at_placement(asked: NewOrder, why: Why | None) -> None:
    core = exchange_at()
    core.balance_usd = Decimal(1_000_000)

    answer = core.place(asked, NOON)

    assert (answer if isinstance(answer, Why) else None) is why


def test_leverage_decides_what_can_be_opened() -> None:
    core = exchange_at()
    core.set_leverage(BTC, 2, NOON)

    assert core.place(market(BUY, "201"), NOON) is Why.NO_MARGIN

    core.set_leverage(BTC, 50, NOON)

    placed(core, market(BUY, "201"))


def test_a_client_id_is_unique_among_open_orders_of_its_kind_only() -> None:
    core = exchange_at()
    first = placed(core, limit(BUY, "1", "90", client_id="a"))

    assert core.place(limit(BUY, "1", "90", client_id="a"), NOON) is Why.DUPLICATE_ID
    placed(core, stop(SELL, "1", "80", client_id="a"))

    core.cancel(first, NOON)
    second = placed(core, limit(BUY, "1", "91", client_id="a"))

    assert core.find(client_id="a", conditional=False, at=NOON) == second


def test_e10_a_new_order_is_not_found_before_the_exchange_has_caught_up() -> None:
    core = exchange_at()
    core.shows_after_ms = 1000
    order = placed(core, stop(SELL, "1", "80", client_id="a"))

    assert core.find(client_id="a", conditional=True, at=Millis(NOON + 999)) is None
    assert core.open_orders(BTC, conditional=True, at=NOON) == []
    assert core.find(client_id="a", conditional=True, at=Millis(NOON + 1000)) == order


def test_the_201st_conditional_order_is_refused() -> None:
    core = exchange_at()
    for _ in range(200):
        placed(core, stop(SELL, "1", "80"))

    assert core.place(stop(SELL, "1", "80"), NOON) is Why.TOO_MANY_STOPS
    placed(core, limit(BUY, "1", "80"))


def test_e31_an_account_that_may_only_reduce_opens_nothing() -> None:
    core = exchange_at()
    placed(core, market(BUY, "1"))
    core.is_reduce_only_mode = True

    assert core.place(market(BUY, "1"), NOON) is Why.REDUCE_ONLY_MODE
    placed(core, market(SELL, "1", is_reduce_only=True))


def test_a_halted_or_unknown_market_takes_nothing() -> None:
    core = exchange_at()
    core.on_market(MarketHalted(at=NOON, symbol=BTC, is_halted=True))

    assert core.place(market(BUY, "1"), NOON) is Why.HALTED
    unknown = NewOrder(
        symbol=Symbol("X/USDT:USDT"), side=BUY, kind=market(BUY, "1").kind, qty=Decimal(1)
    )
    assert core.place(unknown, NOON) is Why.UNKNOWN_SYMBOL


def test_a_refusal_can_be_asked_for() -> None:
    core = exchange_at()
    core.refuse_next(Why.NO_MARGIN, conditional=True, times=1)

    placed(core, market(BUY, "1"))
    assert core.place(stop(SELL, "1", "80"), NOON) is Why.NO_MARGIN
    placed(core, stop(SELL, "1", "80"))


def test_a_fork_lives_on_its_own() -> None:
    core = exchange_at()
    placed(core, stop(SELL, "1", "95", client_id="a"))
    placed(core, market(BUY, "1"))
    twin = core.fork()
    version = core.version

    twin.on_market(price_event(94.0, LATER))
    twin.set_leverage(BTC, 3, LATER)

    assert twin.holdings == {}
    assert BTC in core.holdings
    assert core.version == version < twin.version
    assert core.leverages[BTC] == 20
    assert len(core.trades) == 1
    core.on_market(price_event(94.0, LATER))
    assert core.trades == twin.trades


def test_settings_do_not_change_under_positions_and_orders() -> None:
    core = exchange_at()
    assert core.set_margin_mode(BTC, "isolated", NOON) is None
    placed(core, limit(BUY, "1", "90"))

    assert core.set_margin_mode(BTC, "cross", NOON) is Why.HAS_ORDERS
    assert core.set_hedge(is_hedge=True) is Why.HAS_ORDERS

    placed(core, market(BUY, "1"))

    assert core.set_margin_mode(BTC, "cross", NOON) is Why.HAS_POSITION
    assert core.set_leverage(BTC, 10, NOON) is Why.LEVERAGE_CUT
    assert core.set_leverage(BTC, 51, NOON) is Why.LEVERAGE_TOO_HIGH


def test_e17_what_the_owner_does_by_hand_is_told() -> None:
    core = exchange_at()
    placed(core, market(BUY, "1"))
    placed(core, stop(SELL, "1", "95", client_id="a"))
    core.take_happenings()

    core.trade_by_hand(BTC, SELL, Decimal(1), LATER)
    core.cancel_by_hand("a", LATER)

    told = [row.order for row in core.take_happenings() if isinstance(row, OrderChanged)]
    assert [row.status for row in told] == [Status.NEW, Status.FILLED, Status.CANCELED]
    assert core.trades[-1].origin is Origin.MANUAL
    assert core.holdings == {}


def test_the_same_orders_make_the_same_exchange() -> None:
    def run() -> Emulator:
        core = exchange_at()
        placed(core, market(BUY, "1"))
        placed(core, limit(SELL, "1", "101", is_reduce_only=True))
        core.on_market(price_event(102.0, LATER))
        return core

    one, two = run(), run()

    assert one.trades == two.trades
    assert one.take_happenings() == two.take_happenings()
    assert isinstance(one.prices[BTC], PriceMoved)
