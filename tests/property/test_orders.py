"""Reports and fills of one order, in any order and any number of times, give one state."""

from decimal import Decimal
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.core import orders
from bot.model.order import FINAL_STATUSES, Fill, Leg, Order, OrderReport, OrderStatus
from bot.model.primitives import Millis
from tests.fakes.answers import fill_of, report_of, venue_id
from tests.fakes.contracts import NOON
from tests.fakes.playbook import a_bot, signal

LOT = Decimal("0.001")


def an_order(qty: int) -> Order:
    bot = a_bot()
    bot.gets(signal())
    order = bot.order(Leg.ENTRY)
    return replace(order, request=replace(order.request, qty=qty * LOT))


ORDER = an_order(1)
"""Built once: hypothesis only changes its quantity."""


@st.composite
def histories(draw: st.DrawFn) -> tuple[Order, list[Fill | OrderReport | str]]:
    """What a venue truly does with an order, told by its fills, its reports and its answer."""
    parts = draw(st.lists(st.integers(1, 500), min_size=0, max_size=5))
    rest = draw(st.integers(0, 500)) if parts else draw(st.integers(1, 500))
    request = replace(ORDER.request, qty=(sum(parts) + rest) * LOT)
    order = replace(ORDER, request=request)
    told: list[Fill | OrderReport | str] = ["accepted"]
    for number, (part, total) in enumerate(zip(parts, accumulate(parts), strict=True)):
        at = Millis(NOON + number)
        told.append(fill_of(order, str(part * LOT), at, name=f"t{number}"))
        status = OrderStatus.OPEN if total * LOT < request.qty else OrderStatus.FILLED
        told.append(report_of(order, status, at, filled_qty=str(total * LOT)))
    if rest:
        filled = str(sum(parts) * LOT)
        told.append(report_of(order, OrderStatus.CANCELED, Millis(NOON + 99), filled_qty=filled))
    return order, told


def folded(order: Order, told: list[Fill | OrderReport | str]) -> Order:
    """Fold as the manager does: a fill only the first time its id is seen."""
    seen: set[str] = set()
    for step, item in enumerate(told):
        at = Millis(NOON + step)
        before = order
        if isinstance(item, Fill):
            if item.id not in seen:
                seen.add(item.id)
                order = orders.filled(order, item, at=at)
        elif isinstance(item, OrderReport):
            order = orders.reported(order, item, at=at)
        else:
            order = orders.accepted(order, venue_id=venue_id(order), venue_at=NOON, at=at)
        assert order.filled_qty >= before.filled_qty, "the filled quantity only grows"
        if before.is_final:
            assert order.is_final, "a final status is final"
    return order


def essence(order: Order) -> tuple[object, ...]:
    """All but the instants at which this run happened to hear of it."""
    return (
        order.status,
        order.venue_id,
        order.filled_qty,
        order.booked_qty,
        order.booked_usd,
        order.fee_usd,
        order.average_price,
    )


@given(histories(), st.randoms(use_true_random=False), st.integers(0, 3))
def test_i6_any_permutation_and_repetition_gives_the_same_order(
    history: tuple[Order, list[Fill | OrderReport | str]], chance: object, repeats: int
) -> None:
    order, told = history
    straight = folded(order, told)
    mixed = told * (repeats + 1)
    chance.shuffle(mixed)  # type: ignore[attr-defined]  # hypothesis gives a Random

    assert essence(straight) == essence(folded(order, mixed))
    assert straight.status in FINAL_STATUSES
    assert straight.booked_qty == straight.filled_qty


@given(histories(), st.data())
def test_i6_a_report_that_stands_in_for_lost_fills_is_never_below_them(
    history: tuple[Order, list[Fill | OrderReport | str]], data: st.DataObject
) -> None:
    order, told = history
    kept = [item for item in told if not isinstance(item, Fill) or data.draw(st.booleans())]
    result = folded(order, kept)

    assert result.filled_qty >= result.booked_qty
    assert result.unbooked_qty == result.filled_qty - result.booked_qty
