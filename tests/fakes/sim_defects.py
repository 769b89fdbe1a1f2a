"""Deliberate defects, one a context manager: what the suite must catch if it has teeth.

Each puts something wrong in the place of something right and takes it away again.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import Any, Final

from msgspec.structs import replace

from bot.core import (
    booking,
    draft,
    exits,
    exposure,
    manager,
    operation,
    orders,
    placing,
    protect,
    reconcile,
    resolve,
    risk,
)
from bot.core.draft import Draft
from bot.core.state import State
from bot.core.tracker.freshness import Freshness
from bot.core.tracker.tracks import Tracks
from bot.engine.inbox import Inbox
from bot.engine.loop import Loop
from bot.model.bracket import Bracket
from bot.model.events import Event, HeatmapRead
from bot.model.order import Fill, Leg, Order, OrderKind, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import Millis, Qty
from bot.model.signal import Refusal, Signal
from tests.fakes.replacing import replaced


@contextmanager
def act_before_record() -> Iterator[None]:
    """Commands leave before the transaction that holds them."""
    right = Loop.commit

    async def commit(loop: Loop) -> None:
        for _, decision in loop._unrecorded:
            for command in decision.commands:
                loop._hands.submit(command)
        loop._unrecorded = [
            (event, replace(decision, commands=())) for event, decision in loop._unrecorded
        ]
        await right(loop)

    with replaced(Loop, "commit", commit):
        yield


@contextmanager
def new_id_on_retry() -> Iterator[None]:
    """An entry whose outcome is lost is sent again under another id."""
    right = resolve.doubt

    def doubt(state: State, made: Draft, order: Order, reason: str, until: Millis) -> None:
        right(state, made, order, reason, until)
        request = order.request
        if request.leg is Leg.ENTRY and request.attempt == 1:
            placing.place(
                state,
                made,
                state.brackets[request.bracket_id],
                leg=Leg.ENTRY,
                kind=OrderKind.LIMIT,
                qty=request.qty,
                price=request.price,
                time_in_force=TimeInForce.IOC,
            )

    with replaced(resolve, "doubt", doubt), replaced(placing, "is_in_doubt", lambda *_: False):
        yield


@contextmanager
def target_before_stop() -> Iterator[None]:
    """The target rests although no stop has been confirmed."""
    right = exits.advance_target

    def advance_target(state: State, made: Draft, bracket: Bracket) -> None:
        as_if = replace(bracket, unprotected_since=None, stop_confirmed_at=made.at)
        right(state, made, as_if)

    with replaced(exits, "advance_target", advance_target):
        yield


@contextmanager
def stop_for_half() -> Iterator[None]:
    """The stop protects half of the position."""
    right = placing.place

    def place(state: State, made: Draft, bracket: Bracket, **order: Any) -> Bracket:
        if order["leg"] is Leg.STOP:
            order["qty"] = state.instruments[bracket.symbol].qty_down(order["qty"] / 2)
        return right(state, made, bracket, **order)

    with replaced(placing, "place", place):
        yield


@contextmanager
def rejected_after_one_not_found() -> Iterator[None]:
    """The first "no such order" is taken for a proof."""

    def missing(order: Order, *, asked_at: Millis, grace_ms: int, at: Millis) -> Order:
        del asked_at, grace_ms
        is_asked = order.status is OrderStatus.UNKNOWN
        return orders.proved_absent(order, at=at) if is_asked else order

    with replaced(orders, "missing", missing):
        yield


@contextmanager
def old_stop_canceled_first() -> Iterator[None]:
    """A stop that must grow is canceled before the new one is there."""
    right = protect._place

    def place(state: State, made: Draft, bracket: Bracket) -> None:
        for stop in exposure.live_of(state, bracket.id, Leg.STOP):
            placing.cancel(made, stop)
        right(state, made, bracket)

    with replaced(protect, "_place", place):
        yield


@contextmanager
def fills_counted_twice() -> Iterator[None]:
    """Every report of a fill is booked as a new one."""
    numbers = count()

    def fill_key(fill: Fill) -> str:
        return f"{fill.symbol}|{fill.id}|{next(numbers)}"

    with ExitStack() as stack:
        for module in (booking, draft, reconcile):
            stack.enter_context(replaced(module, "fill_key", fill_key))
        yield


@contextmanager
def stop_opens_positions() -> Iterator[None]:
    """The stop is not reduce-only."""

    def request(**fields: Any) -> OrderRequest:
        fields["is_reduce_only"] &= fields["leg"] is not Leg.STOP
        return OrderRequest(**fields)

    with replaced(placing, "OrderRequest", request):
        yield


@contextmanager
def intended_forgotten() -> Iterator[None]:
    """A restart takes what may have left for what never did."""
    right = manager.on_start

    def on_start(state: State, made: Draft, at: Millis) -> None:
        for order in list(state.orders.values()):
            if order.status is OrderStatus.INTENDED:
                made.put_order(orders.rejected(order, code="", reason="forgotten", at=at))
        right(state, made, at)

    with replaced(manager, "on_start", on_start):
        yield


@contextmanager
def stale_readings_traded() -> Iterator[None]:
    """Every reading is good, whatever its price and age."""
    with (
        replaced(Freshness, "is_fresh", lambda *_: True),
        replaced(Freshness, "judge", lambda *_, **__: ""),
    ):
        yield


@contextmanager
def reading_before_price() -> Iterator[None]:
    """A break is judged with the levels of the reading that came with it."""
    right = Inbox.take

    async def take(inbox: Inbox, most: int) -> list[Event]:
        taken = await right(inbox, most)
        return sorted(taken, key=lambda event: not isinstance(event, HeatmapRead))

    with (
        replaced(Inbox, "take", take),
        replaced(Tracks, "level_then", lambda _, cluster, __: cluster.level),
    ):
        yield


@contextmanager
def signals_forgotten() -> Iterator[None]:
    """A signal may act again."""
    right = Draft.raise_signal

    def raise_signal(made: Draft, signal: Signal, denied: Refusal | None) -> None:
        right(made, signal, denied)
        made._state.signals_used.clear()

    begin = State.__init__

    def init(state: State, **fields: Any) -> None:
        begin(state, **fields)
        state.signals_used.clear()

    with replaced(Draft, "raise_signal", raise_signal), replaced(State, "__init__", init):
        yield


def _without(check: str) -> Any:
    return tuple(row for row in risk._CHECKS if row.__name__ != check)


@contextmanager
def cool_down_ignored() -> Iterator[None]:
    """The next trade follows at once."""
    with replaced(risk, "_CHECKS", _without("_check_pace")):
        yield


@contextmanager
def holds_ignored() -> Iterator[None]:
    """An operating state keeps nobody from an entry."""
    with (
        replaced(risk, "_CHECKS", _without("_check_trading")),
        replaced(operation, "may_work", lambda _: True),
    ):
        yield


@contextmanager
def day_loss_ignored() -> Iterator[None]:
    """Losses have no consequence."""
    with replaced(operation, "check_limits", lambda *_: None):
        yield


@contextmanager
def orphans_left() -> Iterator[None]:
    """Stops and targets of a flat position stay where they are."""
    right = exits.finish

    def finish(state: State, made: Draft, bracket: Bracket) -> None:
        with replaced(placing, "cancel", lambda *_: None):
            right(state, made, bracket)

    with replaced(exits, "finish", finish):
        yield


@contextmanager
def memory_only() -> Iterator[None]:
    """Changes of a bracket are kept in memory and not written."""

    def put_bracket(made: Draft, bracket: Bracket) -> None:
        if bracket.status in draft.ENDED:
            made._state.brackets.pop(bracket.id, None)
        else:
            made._state.brackets[bracket.id] = bracket

    with replaced(Draft, "put_bracket", put_bracket):
        yield


@contextmanager
def missed_fills_ignored() -> Iterator[None]:
    """Fills that came while nobody listened are not looked for."""
    with replaced(reconcile, "_take_fills", lambda *_: None):
        yield


@contextmanager
def too_much() -> Iterator[None]:
    """Ten times the size that the risk allows."""
    right = placing.place

    def place(state: State, made: Draft, bracket: Bracket, **order: Any) -> Bracket:
        if order["leg"] is Leg.ENTRY:
            order["qty"] = Qty(order["qty"] * 10)
        return right(state, made, bracket, **order)

    with replaced(placing, "place", place):
        yield


@contextmanager
def reconcile_skipped() -> Iterator[None]:
    """A start trades at once, without a look at the venue."""
    right = manager.on_start

    def on_start(state: State, made: Draft, at: Millis) -> None:
        with replaced(operation, "hold_for", lambda *_, **__: None):
            right(state, made, at)

    with (
        replaced(manager, "on_start", on_start),
        replaced(resolve, "doubt", lambda *_: None),
    ):
        yield


DEFECTS: Final[tuple[Callable[[], Any], ...]] = (
    act_before_record,
    new_id_on_retry,
    target_before_stop,
    stop_for_half,
    rejected_after_one_not_found,
    old_stop_canceled_first,
    fills_counted_twice,
    stop_opens_positions,
    intended_forgotten,
    stale_readings_traded,
    reading_before_price,
    signals_forgotten,
    cool_down_ignored,
    holds_ignored,
    day_loss_ignored,
    orphans_left,
    memory_only,
    missed_fills_ignored,
    too_much,
    reconcile_skipped,
)
