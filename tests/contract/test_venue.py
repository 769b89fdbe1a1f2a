"""What the engine relies on from every venue, paper or live; one suite, many factories.

A factory gives a venue with one symbol, a way to move its mark, and what it told unasked.
"""

from collections.abc import Awaitable, Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.clock import run_virtual
from bot.core import ids
from bot.model.account import VenueSnapshot
from bot.model.commands import CancelOrder, FetchAccount, PlaceOrder, QueryOrder
from bot.model.events import (
    AccountRead,
    CancelRejected,
    Event,
    OrderAccepted,
    OrderFilled,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
)
from bot.model.order import Fill, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import ClientOrderId, Millis, Side, Symbol
from tests.fakes.live_bench import BybitBench, LiveBench
from tests.fakes.paper import BTC, NOW, ioc, request, stop, target
from tests.fakes.venue_bench import Bench, PaperBench

D = Decimal


FACTORIES: list[Callable[[], Bench]] = [PaperBench, LiveBench, BybitBench]
Case = Callable[[Bench], Awaitable[None]]
Play = Callable[[Case], None]


@pytest.fixture(params=FACTORIES, ids=lambda factory: str(factory.__name__))
def play(request: pytest.FixtureRequest) -> Play:
    """Run a case on a started venue whose mark is 100."""
    factory: Callable[[], Bench] = request.param

    def run(case: Case) -> None:
        async def main() -> None:
            bench = factory()
            await bench.venue.start(bench.told.append)
            bench.move(100.0)
            await bench.ready()
            await case(bench)
            await bench.venue.stop()

        run_virtual(main())

    return run


def named(name: str) -> ClientOrderId:
    """A name as the bot makes them: venues know ours by their form."""
    return ClientOrderId(ids.derive("contract", name))


async def place(bench: Bench, asked: OrderRequest) -> Event:
    asked = replace(asked, client_id=named(asked.client_id))
    return await bench.venue.execute(PlaceOrder(symbol=asked.symbol, request=asked))


async def query(bench: Bench, name: str, *, is_trigger: bool = False) -> Event:
    client_id = named(name)
    return await bench.venue.execute(
        QueryOrder(symbol=BTC, client_id=client_id, is_trigger=is_trigger)
    )


async def cancel(bench: Bench, name: str, *, is_trigger: bool = False) -> Event:
    client_id = named(name)
    return await bench.venue.execute(
        CancelOrder(symbol=BTC, client_id=client_id, is_trigger=is_trigger)
    )


async def fetch(bench: Bench, since: int = NOW) -> VenueSnapshot:
    command = FetchAccount(symbol=Symbol(""), fills_since=Millis(since))
    answer = await bench.venue.execute(command)
    assert isinstance(answer, AccountRead)
    return answer.snapshot


async def a_long(bench: Bench, qty: str = "1") -> None:
    await place(bench, ioc("entry", Side.BUY, qty, "101"))


def fills(bench: Bench) -> list[Fill]:
    """Every trade that was told, as it was told first."""
    found: dict[str, Fill] = {}
    for row in bench.told:
        if isinstance(row, OrderFilled):
            found.setdefault(row.fill.id, row.fill)
        elif isinstance(row, AccountRead):
            for fill in row.snapshot.fills:
                found.setdefault(fill.id, fill)
    return list(found.values())


def status(answer: Event) -> OrderStatus:
    assert isinstance(answer, OrderUpdated), answer
    return answer.report.status


def is_refused(bench: Bench, answer: Event, expected: str) -> bool:
    """Whether it was refused with a code, in the venue's own words."""
    assert isinstance(answer, OrderRejected | CancelRejected), answer
    return answer.code in bench.codes.get(expected, (expected,))


def test_i3_success_means_that_an_id_came_back(play: Play) -> None:
    async def case(bench: Bench) -> None:
        answer = await place(bench, request("rest", Side.BUY, limit="99"))

        assert isinstance(answer, OrderAccepted)
        assert answer.client_id == named("rest")
        assert answer.venue_id

    play(case)


def test_i4_a_successful_not_found_says_when_it_was_asked(play: Play) -> None:
    async def case(bench: Bench) -> None:
        asked_at = bench.now()
        answer = await query(bench, "never")

        assert isinstance(answer, OrderMissing)
        assert asked_at == answer.asked_at

    play(case)


def test_e7_a_second_open_order_of_one_name_is_not_called_rejected(play: Play) -> None:
    """A duplicate id means that the order exists: the opposite of what a rejection proves."""

    async def case(bench: Bench) -> None:
        await place(bench, request("twice", Side.BUY, limit="99"))
        answer = await place(bench, request("twice", Side.BUY, limit="99"))

        assert isinstance(answer, OrderOutcomeUnknown)
        assert len((await fetch(bench)).orders) == 1

    play(case)


def test_i6_fills_have_ids_of_their_own_and_come_again_in_the_snapshot(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)
        await place(bench, request("exit", Side.SELL, "1", is_reduce_only=True))
        told = {row.id: row for row in fills(bench)}
        asked = {row.id: row for row in (await fetch(bench)).fills}

        assert len(told) == 2
        assert told == asked

    play(case)


def test_i7_fills_explain_the_position(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench, "0.7")
        await place(bench, request("part", Side.SELL, "0.2", is_reduce_only=True))
        (position,) = (await fetch(bench)).positions
        booked = sum((row.qty * row.side.sign for row in fills(bench)), D(0))

        assert booked == position.qty * position.position_side.sign == D("0.5")

    play(case)


def test_i13_a_stop_rests_and_fires_on_the_mark(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)
        accepted = await place(bench, stop("stop", Side.SELL, "1", "98"))
        bench.move(98.1)
        before = len(fills(bench))
        bench.move(97.9, high=98.1, low=97.9)
        after = await query(bench, "stop", is_trigger=True)

        assert isinstance(accepted, OrderAccepted)
        assert before == 1
        assert status(after) is OrderStatus.FILLED
        assert fills(bench)[-1].price <= D(98)
        assert (await fetch(bench)).positions == ()

    play(case)


def test_e14_a_stop_that_would_trigger_at_once_is_rejected(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)

        assert is_refused(bench, await place(bench, stop("stop", Side.SELL, "1", "100")), "-2021")

    play(case)


def test_i14_reduce_only_without_a_position_is_rejected(play: Play) -> None:
    async def case(bench: Bench) -> None:
        assert is_refused(bench, await place(bench, target("t", Side.SELL, "1", "103")), "-2022")

    play(case)


def test_i14_reduce_only_never_turns_a_position(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)
        await place(bench, request("exit", Side.SELL, "3", is_reduce_only=True))

        assert (await fetch(bench)).positions == ()
        assert [D(1), D(1)] == [row.qty for row in fills(bench)]

    play(case)


def test_i15_two_stops_may_rest_while_one_replaces_the_other(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)
        await place(bench, stop("old", Side.SELL, "1", "97"))
        await place(bench, stop("new", Side.SELL, "1", "98"))
        answer = await cancel(bench, "old", is_trigger=True)

        assert status(answer) is OrderStatus.CANCELED
        assert [named("new")] == [row.client_id for row in (await fetch(bench)).orders]

    play(case)


def test_e11_an_ioc_takes_what_there_is_and_ends(play: Play) -> None:
    async def case(bench: Bench) -> None:
        answer = await place(bench, ioc("big", Side.BUY, "900", "100.1"))

        assert status(answer) is OrderStatus.CANCELED
        assert isinstance(answer, OrderUpdated)
        assert D(0) < answer.report.filled_qty < D(900)
        assert all(row.price <= D("100.1") for row in fills(bench))

    play(case)


def test_e13_cancel_of_an_unknown_order_is_refused(play: Play) -> None:
    async def case(bench: Bench) -> None:
        assert is_refused(bench, await cancel(bench, "never"), "-2011")

    play(case)


def test_e13_cancel_of_a_filled_order_is_refused_and_the_query_tells_why(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)

        assert is_refused(bench, await cancel(bench, "entry"), "-2011")
        assert status(await query(bench, "entry")) is OrderStatus.FILLED

    play(case)


def test_stops_live_in_a_service_of_their_own(play: Play) -> None:
    """Whoever looks for a stop among the ordinary orders finds nothing, and must not conclude."""

    async def case(bench: Bench) -> None:
        await a_long(bench)
        await place(bench, stop("stop", Side.SELL, "1", "98"))

        if bench.stops_are_apart:
            assert isinstance(await query(bench, "stop"), OrderMissing)
            assert is_refused(bench, await cancel(bench, "stop"), "-2011")
        assert status(await query(bench, "stop", is_trigger=True)) is OrderStatus.OPEN

    play(case)


def test_a_request_that_arrives_too_late_is_rejected(play: Play) -> None:
    async def case(bench: Bench) -> None:
        late = request("late", Side.BUY, "1", valid_until=bench.now() + 49)
        in_time = request("in time", Side.BUY, "1", valid_until=bench.now() + 1000)

        answer = await place(bench, late)

        # Or not sent at all: that it would come too late can be known before.
        assert isinstance(answer, OrderRejected | OrderNotProcessed)
        assert status(await place(bench, in_time)) is OrderStatus.FILLED

    play(case)


def test_post_only_never_takes(play: Play) -> None:
    async def case(bench: Bench) -> None:
        asked = request("maker", Side.BUY, "1", limit="100.1", time_in_force=TimeInForce.POST_ONLY)

        answer = await place(bench, asked)
        await bench.settle()

        if bench.codes.get("-5022", ("-5022",)):
            assert is_refused(bench, answer, "-5022")
        else:
            ended = status(await query(bench, "maker"))
            assert ended in {OrderStatus.CANCELED, OrderStatus.REJECTED}
        assert fills(bench) == []

    play(case)


@pytest.mark.parametrize(
    ("qty", "limit", "expected"),
    [
        ("0.0005", "99", "-1111"),
        ("1", "99.05", "-1111"),
        ("2000", "99", "-4005"),
        ("0.001", "99", "-4164"),
        ("500", "99", ""),
        ("999", "101", "-2019"),
    ],
)
def test_the_grid_the_limits_and_the_margin_hold(
    play: Play, qty: str, limit: str, expected: str
) -> None:
    async def case(bench: Bench) -> None:
        bench.move(102.0)
        answer = await place(bench, request("x", Side.BUY, qty, limit=limit))

        assert isinstance(answer, OrderRejected) is bool(expected)
        assert not expected or is_refused(bench, answer, expected)

    play(case)


def test_i11_a_snapshot_is_dated_by_its_question(play: Play) -> None:
    async def case(bench: Bench) -> None:
        asked_at = bench.now()
        snapshot = await fetch(bench)

        assert asked_at == snapshot.at
        assert (BTC,) == snapshot.symbols

    play(case)


def test_the_balance_is_realized_profit_and_fees(play: Play) -> None:
    async def case(bench: Bench) -> None:
        before = (await fetch(bench)).balance_usd
        await a_long(bench)
        await place(bench, request("exit", Side.SELL, "1", is_reduce_only=True))
        entry, leave = fills(bench)
        after = (await fetch(bench)).balance_usd

        assert after - before == leave.price - entry.price - entry.fee_usd - leave.fee_usd

    play(case)


def test_e16_a_liquidation_is_flagged_and_nobodys_order(play: Play) -> None:
    async def case(bench: Bench) -> None:
        await a_long(bench)
        (position,) = (await fetch(bench)).positions
        assert position.liquidation_price is not None
        bench.move(float(position.liquidation_price) - 0.1)
        await bench.settle()

        assert fills(bench)[-1].is_liquidation
        assert fills(bench)[-1].client_id is None
        assert (await fetch(bench)).positions == ()

    play(case)
