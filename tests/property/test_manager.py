"""The order manager against a stateful exchange that loses, delays, repeats and reorders."""

from collections.abc import Callable
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core import exposure
from bot.model.account import HoldCause
from bot.model.events import Event, FlattenAsked, HoldAsked, ResumeAsked
from bot.model.order import FINAL_STATUSES, OrderStatus
from bot.model.primitives import Side
from bot.model.signal import EntryStyle
from tests.fakes.answers import reads
from tests.fakes.contracts import BTC
from tests.fakes.exchange import Fault
from tests.fakes.playbook import signal
from tests.fakes.trading import Trading

LEGS = st.sampled_from(["entry", "stop", "target", "exit"])
FAULTS = st.sampled_from(list(Fault))
MARKS = st.sampled_from(["985", "989", "992", "999", "1000", "1003", "1012", "1019", "1021"])
HANDS = st.sampled_from([(Side.SELL, "1"), (Side.BUY, "1"), (Side.SELL, "4.545")])

ACTIONS = st.one_of(
    st.tuples(st.just("fail"), LEGS, FAULTS),
    st.tuples(st.just("move"), MARKS),
    st.tuples(st.just("wait"), st.integers(50, 9_000)),
    st.tuples(st.just("signal"), st.sampled_from(list(EntryStyle))),
    st.tuples(st.just("crash"), st.integers(0, 3)),
    st.tuples(st.just("down"), st.integers(500, 12_000)),
    st.tuples(st.just("liquidity"), st.sampled_from([None, "0.7", "2"])),
    st.tuples(st.just("mute"), st.booleans()),
    st.tuples(st.just("empty"), st.integers(1, 2)),
    st.tuples(st.just("cancel")),
    st.tuples(st.just("hand"), HANDS),
    st.tuples(st.just("slow"), st.integers(0, 1_500)),
)


class Story:
    """What happened to one bot, one action after the other."""

    def __init__(self) -> None:
        self.world = Trading()
        self.signals = 0

    def act(self, action: tuple[object, ...]) -> None:
        world = self.world
        match action:
            case ("move", str() as mark):
                world.move(mark)
            case ("wait", int() as ms):
                world.run(ms)
            case ("signal", EntryStyle() as style):
                self._signal(style)
            case ("crash", int() as after):
                world.crash(after_sending=after)
                world.start()
            case ("down", int() as ms):
                world.exchange.is_down = True
                world.run(ms)
                world.exchange.is_down = False
            case ("cancel",):
                for request in world.exchange.open_orders()[:1]:
                    world.exchange.cancel_by_hand(request.client_id, world.at)
                world.settle()
            case ("hand", (Side() as side, str() as qty)):
                world.exchange.trade_by_hand(BTC, side, Decimal(qty), world.at)
                world.settle()
            case _:
                self._disturb(action)

    def _disturb(self, action: tuple[object, ...]) -> None:
        """Change how the exchange behaves from now on."""
        world = self.world
        match action:
            case ("fail", str() as leg, Fault() as fault):
                world.exchange.fail_next(fault, leg=leg)
            case ("liquidity", most):
                world.exchange.liquidity = None if most is None else Decimal(str(most))
            case ("mute", bool() as is_mute):
                world.exchange.is_streaming = not is_mute
            case ("empty", int() as times):
                world.exchange.empty_positions = times
            case ("slow", int() as ms):
                world.exchange.shows_after_ms = ms
            case _:
                raise AssertionError(action)

    def _signal(self, style: EntryStyle) -> None:
        world = self.world
        self.signals += 1
        mark = str(world.exchange.marks[BTC])
        entry = Decimal(mark)
        world.bot.gets(
            signal(
                entry=f"{entry}",
                stop=f"{entry - 10}",
                target=f"{entry + 20}",
                style=style,
                name=f"s{self.signals}",
            )
        )
        world.settle()

    def calms_down(self, ms: int = 150_000) -> None:
        """The faults end; whatever was lost is found."""
        exchange = self.world.exchange
        exchange.is_down = False
        exchange.is_streaming = True
        exchange.empty_positions = 0
        exchange.shows_after_ms = 0
        exchange.liquidity = None
        exchange.clear_faults()
        self.world.run(ms)


@settings(max_examples=150, deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=14))
def test_after_any_faults_every_position_is_protected_and_the_books_agree(
    actions: list[tuple[object, ...]],
) -> None:
    """Safety holds after every decision (see Trading.check); this is what comes of it at last."""
    story = Story()
    story.act(("signal", EntryStyle.IOC))
    for action in actions:
        story.act(action)
    story.calms_down()
    world = story.world
    state = world.bot.state

    assert world.exchange.positions.get(BTC, 0) == exposure.books_qty(state, BTC)
    assert not state.desk.doubts
    assert len(world.exchange.open_orders("stop")) <= len(state.brackets)
    if not any(action[0] == "hand" for action in actions):
        # Nobody interfered, so every position is known to be ours and by which fills.
        assert [] == [key for key in world.bot.ledger.fills if "adopted" in key or "gone" in key]
    for bracket in state.brackets.values():
        covered = sum(row.qty for row in world.exchange.open_orders("stop"))
        assert covered >= exposure.held_qty(state, bracket)
    if not state.brackets:
        assert not [row for row in world.exchange.open_orders() if row.is_reduce_only]


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=10))
def test_flatten_ends_flat_whatever_happened(actions: list[tuple[object, ...]]) -> None:
    story = Story()
    story.act(("signal", EntryStyle.IOC))
    for action in actions:
        story.act(action)
    story.world.bot.sees(FlattenAsked(at=story.world.at))
    story.world.settle()
    story.calms_down()
    state = story.world.bot.state

    assert not state.brackets
    assert not story.world.exchange.open_orders()
    assert [HoldCause.OPERATOR] == [
        hold.cause for hold in state.operation.holds if hold.needs_operator
    ]
    foreign = state.account.foreign.get(BTC, Decimal(0)) if state.account else Decimal(0)
    assert story.world.exchange.positions.get(BTC, Decimal(0)) == foreign


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_reordered_and_repeated_answers_end_in_the_same_state(
    actions: list[tuple[object, ...]], chance: object
) -> None:
    """What the venue tells unasked may come twice and in any order."""
    calm = [a for a in actions if a[0] in {"move", "wait", "liquidity"}]

    def outcome(reorder: Callable[[list[Event]], list[Event]]) -> tuple[object, ...]:
        story = Story()
        story.world.reorder = reorder
        story.act(("signal", EntryStyle.IOC))
        for action in calm:
            story.act(action)
        story.calms_down(30_000)
        bot = story.world.bot
        rows = sorted(
            (row.id, row.status, row.entered_qty, row.exited_qty, row.fees_usd, row.closed_by)
            for row in bot.ledger.brackets.values()
        )
        balance = bot.state.account.balance_usd if bot.state.account else None
        return tuple(rows), balance, sorted(bot.ledger.fills)

    def shuffled(events: list[Event]) -> list[Event]:
        repeated = [*events, *[e for e in events if type(e).__name__ in _UNASKED]]
        chance.shuffle(repeated)  # type: ignore[attr-defined]  # hypothesis gives a Random
        return repeated

    assert outcome(list)[0] == outcome(shuffled)[0]


_UNASKED = {"OrderFilled", "OrderUpdated"}


@settings(max_examples=60, deadline=None)
@given(st.lists(ACTIONS, min_size=1, max_size=10))
def test_reconcile_is_idempotent(actions: list[tuple[object, ...]]) -> None:
    """The same snapshot a second time changes no row and commands nothing but questions."""
    story = Story()
    story.act(("signal", EntryStyle.IOC))
    for action in actions:
        story.act(action)
    story.calms_down()
    bot = story.world.bot
    bot.takes()
    event = reads(bot, str(story.world.exchange.positions.get(BTC, Decimal(0))))
    bot.sees(event)
    orders, brackets = dict(bot.ledger.orders), dict(bot.ledger.brackets)
    account, fills = bot.state.account, set(bot.state.fills_seen)
    bot.takes()
    bot.sees(event)

    assert orders == bot.ledger.orders
    assert brackets == bot.ledger.brackets
    assert account == bot.state.account
    assert fills == bot.state.fills_seen
    assert [] == [said for said in bot.does() if said.startswith(("place", "cancel"))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(LEGS, FAULTS), max_size=4), st.integers(1_000, 60_000))
def test_under_a_total_outage_no_order_ends(faults: list[tuple[str, Fault]], ms: int) -> None:
    """I4: no answer is not "not found"."""
    story = Story()
    for leg, fault in faults:
        story.act(("fail", leg, fault))
    story.world.exchange.is_down = True
    before = dict(story.world.bot.ledger.orders)
    story.act(("signal", EntryStyle.IOC))
    unproved = {Fault.REJECTED, Fault.NOT_PROCESSED}
    is_answered = any(fault in unproved for _, fault in faults)
    story.world.run(ms)
    after = story.world.bot.ledger.orders

    if not is_answered:
        assert not [
            row
            for name, row in after.items()
            if row.status in FINAL_STATUSES and name not in before
        ]


@settings(max_examples=40, deadline=None)
@given(st.sampled_from([Fault.LOST_REPLY, Fault.LOST_REQUEST, Fault.LATE_REQUEST]))
def test_while_an_entry_is_unknown_nothing_more_is_opened(fault: Fault) -> None:
    """I12, with every way in which an answer can be lost."""
    story = Story()
    story.act(("fail", "entry", fault))
    story.world.exchange.is_streaming = False
    story.world.bot.gets(signal())
    for event in story.world._act():
        story.world.bot.sees(event)
    unknown = [r for r in story.world.bot.state.orders.values() if r.status is OrderStatus.UNKNOWN]
    story.world.bot.takes()
    story.world.bot.gets(signal(name="another"))

    assert len(unknown) == 1
    assert [] == [said for said in story.world.bot.does() if said.startswith("place")]


def test_hold_and_resume_may_come_at_any_time() -> None:
    story = Story()
    story.act(("signal", EntryStyle.POST_ONLY))
    story.world.bot.sees(HoldAsked(at=story.world.at))
    story.world.run(2_000)
    story.world.bot.sees(ResumeAsked(at=story.world.at))

    assert HoldCause.OPERATOR not in story.world.bot.holds()
