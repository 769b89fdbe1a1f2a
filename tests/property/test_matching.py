"""Whatever is asked in whatever order, the paper exchange keeps its sums and never flatters."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.events import Event, OrderFilled
from bot.model.order import Fill, OrderRequest, TimeInForce
from bot.model.primitives import Millis, Side, Usd
from bot.model.wiring import PaperSettings
from bot.venue.books import PaperOrder, PaperState, decode, encode
from bot.venue.exchange import Exchange
from tests.fakes.paper import BTC, NOW, instrument, price, request

START_USD = Decimal(1_000_000)
SIDES = st.sampled_from(list(Side))
QTYS = st.integers(1, 40).map(lambda lots: str(Decimal(lots) / 10))
PRICES = st.integers(900, 1100).map(lambda ticks: str(Decimal(ticks) / 10))
MARKS = st.integers(930, 1070).map(lambda ticks: ticks / 10)


@st.composite
def requests(draw: st.DrawFn) -> OrderRequest:
    kind = draw(st.sampled_from(["market", "limit", "stop"]))
    return request(
        draw(st.sampled_from(["a", "b", "c", "d", "e", "f"])),
        draw(SIDES),
        draw(QTYS),
        limit=draw(PRICES) if kind == "limit" else None,
        trigger=draw(PRICES) if kind == "stop" else None,
        time_in_force=draw(st.sampled_from(list(TimeInForce))),
        is_reduce_only=draw(st.booleans()),
    )


@st.composite
def moves(draw: st.DrawFn) -> tuple[float, float, float, float]:
    mark, other = draw(MARKS), draw(MARKS)
    depth = draw(st.sampled_from([500.0, 20_000.0, 1_000_000.0]))
    return mark, max(mark, other), min(mark, other), depth


STEPS = st.lists(st.one_of(requests(), moves()), min_size=1, max_size=40)
Step = OrderRequest | tuple[float, float, float, float]


def an_exchange() -> Exchange:
    exchange = Exchange(
        settings=PaperSettings(),
        instruments={BTC: instrument()},
        state=PaperState(balance_usd=Usd(START_USD)),
    )
    exchange.on_price(price(100.0))
    return exchange


def act(exchange: Exchange, step: Step, at: int) -> list[Event]:
    if isinstance(step, OrderRequest):
        is_trigger = step.trigger_price is not None
        if exchange.find_open(step.client_id, is_trigger=is_trigger) is None:
            exchange.place(step, Millis(at))
    else:
        mark, high, low, depth = step
        moved = price(mark, high=high, low=low, depth_usd=depth, at=at, spread=0.2)
        exchange.on_price(moved)
    return exchange.take_facts()


def signed(exchange: Exchange) -> Decimal:
    held = exchange.wallet.holdings.get(BTC)
    return Decimal(0) if held is None else held.signed_qty


def fills_of(facts: list[Event]) -> list[Fill]:
    return [row.fill for row in facts if isinstance(row, OrderFilled)]


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_fills_explain_position_and_balance(steps: list[Step]) -> None:
    exchange = an_exchange()
    qty, cash = Decimal(0), START_USD
    seen: set[str] = set()
    for number, step in enumerate(steps):
        for fill in fills_of(act(exchange, step, NOW + number)):
            qty += fill.qty * fill.side.sign
            cash -= fill.qty * fill.price * fill.side.sign + fill.fee_usd
            assert fill.fee_usd > 0
            assert fill.id not in seen
            seen.add(fill.id)
        held = exchange.wallet.holdings.get(BTC)
        cost = Decimal(0) if held is None else held.signed_qty * held.entry_price
        assert qty == signed(exchange)
        assert abs(cash + cost - exchange.wallet.balance_usd) < Decimal("1e-12")


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_reduce_only_never_opens_or_turns(steps: list[Step]) -> None:
    exchange = an_exchange()
    by_venue_id: dict[str | None, OrderRequest] = {}
    for number, step in enumerate(steps):
        before = signed(exchange)
        facts = act(exchange, step, NOW + number)
        state = exchange.state(Millis(NOW))
        by_venue_id |= {row.venue_id: row.request for row in (*state.orders, *state.ended)}
        for fill in fills_of(facts):
            after = before + fill.qty * fill.side.sign
            asked = by_venue_id.get(fill.venue_order_id)
            if asked is None or asked.is_reduce_only:
                assert abs(after) < abs(before)
                assert before * after >= 0
            before = after


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_no_fill_is_better_than_its_limit_or_trigger(steps: list[Step]) -> None:
    exchange = an_exchange()
    by_venue_id: dict[str | None, OrderRequest] = {}
    for number, step in enumerate(steps):
        facts = act(exchange, step, NOW + number)
        state = exchange.state(Millis(NOW))
        by_venue_id |= {row.venue_id: row.request for row in (*state.orders, *state.ended)}
        for fill in fills_of(facts):
            asked = by_venue_id.get(fill.venue_order_id)
            if asked is None:
                continue
            assert fill.price % instrument().tick_size == 0
            sign = asked.side.sign
            if asked.price is not None:
                assert (asked.price - fill.price) * sign >= 0
                assert not fill.is_maker or fill.price == asked.price
            if asked.trigger_price is not None:
                assert (fill.price - asked.trigger_price) * sign >= 0


@settings(max_examples=100, deadline=None)
@given(side=SIDES, mark=MARKS, span=st.integers(50, 60))
def test_a_range_over_both_stop_and_target_is_a_loss(side: Side, mark: float, span: int) -> None:
    exchange = an_exchange()
    sign = side.sign
    stop_at, target_at = Decimal(100 - 3 * sign), Decimal(100 + 3 * sign)
    out = side.opposite
    exchange.place(request("entry", side, "1"), NOW)
    exchange.place(request("stop", out, "1", trigger=str(stop_at), is_reduce_only=True), NOW)
    exchange.place(request("target", out, "1", limit=str(target_at), is_reduce_only=True), NOW)
    exchange.take_facts()
    reach = span / 10
    exchange.on_price(price(mark, high=max(mark, 100 + reach), low=min(mark, 100 - reach)))
    (fill,) = fills_of(exchange.take_facts())

    assert fill.client_id == "stop"
    assert exchange.wallet.balance_usd < START_USD


@settings(max_examples=60, deadline=None)
@given(steps=STEPS, cut=st.integers(0, 40))
def test_a_restart_at_any_point_changes_nothing(steps: list[Step], cut: int) -> None:
    whole, torn = an_exchange(), an_exchange()
    for number, step in enumerate(steps):
        if number == cut:
            document = encode(torn.state(Millis(NOW)))
            torn = Exchange(
                settings=PaperSettings(),
                instruments={BTC: instrument()},
                state=decode(document),
            )
            again = price(100.0, at=NOW + number)
            for one in (whole, torn):
                one.on_price(again)
        at = NOW + number
        assert act(whole, step, at) == act(torn, step, at)

    assert whole.state(Millis(NOW)) == torn.state(Millis(NOW))


def test_the_steps_do_reach_every_kind_of_end() -> None:
    """Guards the properties above against drawing nothing that trades."""
    exchange = an_exchange()
    placed = exchange.place(request("a", Side.BUY, "1"), NOW)

    assert isinstance(placed, PaperOrder)
    assert placed.filled_qty == 1
