"""Whatever is asked of the emulated exchange, its books agree with each other."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.events import FundingRead
from bot.model.market import Funding
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import ZERO, Millis, Side
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import NewOrder, Order, Origin
from tests.fakes.contracts import BALANCE, BTC, NOON
from tests.fakes.emu_market import exchange_at, price_event

SIDES = st.sampled_from(Side)
QTYS = st.integers(1, 30).map(lambda tenths: Decimal(tenths) / 10)
PRICES = st.integers(960, 1040).map(lambda ticks: Decimal(ticks) / 10)


@st.composite
def orders(draw: st.DrawFn) -> NewOrder:
    kind = draw(st.sampled_from(OrderKind))
    is_conditional = kind is OrderKind.STOP_MARKET
    return NewOrder(
        symbol=BTC,
        side=draw(SIDES),
        kind=kind,
        qty=draw(QTYS),
        price=draw(PRICES) if kind is OrderKind.LIMIT else None,
        trigger_price=draw(PRICES) if is_conditional else None,
        time_in_force=draw(st.sampled_from(TimeInForce)),
        is_reduce_only=draw(st.booleans()),
        is_take_profit=is_conditional and draw(st.booleans()),
        is_by_mark=draw(st.booleans()),
        stop_loss=None if is_conditional else draw(st.none() | PRICES),
    )


MARKS = st.integers(960, 1040).map(lambda ticks: ticks / 10) | st.sampled_from([60.0, 140.0])
MOVES = st.tuples(MARKS, st.floats(0, 5), st.floats(0, 5))
STEPS = st.lists(
    st.one_of(
        orders(),
        orders(),
        MOVES,
        st.sampled_from(["cancel", "by hand", "isolated", "part", "whole", "fork"]),
    ),
    min_size=20,
    max_size=40,
)


def apply(
    core: Emulator, step: NewOrder | tuple[float, float, float] | str, at: Millis
) -> Emulator:
    match step:
        case NewOrder():
            before = core.holdings.get(BTC)
            core.place(step, at)
            after = core.holdings.get(BTC)
            if step.is_reduce_only and before is not None and after is not None:
                assert before.qty * after.qty > 0
                assert abs(after.qty) <= abs(before.qty)
        case (price, down, up):
            mark = round(price, 1)
            low, high = round(max(price - down, 1.0), 1), round(price + up, 1)
            core.on_market(price_event(mark, at, low=low, high=high, depth_usd=500.0))
        case "cancel":
            for order in core.open_orders(None, conditional=None, at=at)[:1]:
                core.cancel(order, at)
        case "by hand":
            core.trade_by_hand(BTC, Side.SELL, Decimal("0.5"), at)
        case "isolated":
            core.set_margin_mode(BTC, "isolated", at)
        case "part":
            core.partial_usd = Decimal(60)
        case "whole":
            core.partial_usd = None
        case _:
            return core.fork()
    return core


@settings(max_examples=150, deadline=None)
@given(steps=STEPS)
def test_the_books_of_the_emulated_exchange_agree(steps: list[NewOrder | str]) -> None:
    core = exchange_at()
    for number, step in enumerate(steps):
        at = Millis(NOON + number * 1000)
        funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(at + 500), interval_ms=1000)
        core.on_market(FundingRead(at=at, funding=funding))
        core = apply(core, step, at)
        check(core)


def check(core: Emulator) -> None:
    held = core.holdings.get(BTC)
    traded = sum((row.qty * row.side.sign for row in core.trades), ZERO)
    assert traded == (ZERO if held is None else held.qty)

    realized = sum((row.realized_usd for row in core.trades), ZERO)
    fees = sum((row.fee_usd for row in core.trades), ZERO)
    funding = sum((row.usd for row in core.incomes if row.kind == "funding"), ZERO)
    assert core.balance_usd == BALANCE + realized - fees + funding

    for order in core.orders.values():
        check_order(core, order)
    for row in core.open_orders(BTC, conditional=None, at=Millis(2**62)):
        if row.asked.is_reduce_only and (not row.is_conditional or is_attached(row)):
            assert held is not None
            assert held.qty * row.asked.side.sign < 0


def check_order(core: Emulator, order: Order) -> None:
    own = [row for row in core.trades if row.order_id == order.id]
    assert sum((row.qty for row in own), ZERO) == order.filled_qty <= order.asked.qty
    if order.asked.price is not None:
        sign = order.asked.side.sign
        assert all((order.asked.price - row.price) * sign >= 0 for row in own)
    if order.child_id is not None:
        assert core.orders[order.child_id].parent_id == order.id


def is_attached(order: Order) -> bool:
    return order.asked.origin is Origin.ATTACHED


@settings(max_examples=30, deadline=None)
@given(steps=STEPS, more=STEPS)
def test_a_fork_does_what_the_first_would_have_done(
    steps: list[NewOrder | str], more: list[NewOrder | str]
) -> None:
    core = exchange_at()
    for number, step in enumerate(steps):
        core = apply(core, step, Millis(NOON + number * 1000))
    twin = core.fork()

    for number, step in enumerate(more):
        at = Millis(NOON + (len(steps) + number) * 1000)
        core, twin = apply(core, step, at), apply(twin, step, at)

    assert core.trades == twin.trades
    assert core.orders == twin.orders
    assert core.version == twin.version
