"""The live venue: commands become calls, outcomes become events, and writes outlive their waiters.

What every venue must do stands in tests/contract; here is what only this one does.
"""

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.gateway.connection import CANCEL, ENTRY, PROTECT, QUERY
from bot.gateway.failures import GatewayError, Verdict
from bot.model.account import HoldCause
from bot.model.commands import CancelForeign, CancelOrder, QueryOrder
from bot.model.events import (
    CancelRejected,
    OrderAccepted,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    QueryFailed,
)
from bot.model.order import Leg, OrderKind
from bot.model.primitives import ClientOrderId, Millis, Price, Side, VenueOrderId
from tests.fakes.live_api import no_answer, not_sent, refused
from tests.fakes.live_port import Bench, play
from tests.fakes.paper import BTC, stop

# --- writes


def test_i3_an_entry_that_rests_is_accepted_and_one_that_filled_says_so() -> None:
    async def act(bench: Bench) -> None:
        rest = await bench.place(
            replace(bench.entry("rest"), price=Price(Decimal(99_000)), kind=OrderKind.LIMIT)
        )
        filled = await bench.place(bench.entry())

        assert isinstance(rest, OrderAccepted)
        assert isinstance(filled, OrderUpdated)
        assert Decimal("0.1") == filled.report.filled_qty

    play(act)


def test_requests_go_in_the_lane_of_their_leg_with_what_is_left_of_their_window() -> None:
    async def act(bench: Bench) -> None:
        bench.holds()
        bench.api.placed.clear()
        await bench.place(bench.entry())
        await bench.exit()
        asked = replace(stop("s", Side.SELL, "0.1", "90000"), leg=Leg.STOP)
        await bench.place(replace(asked, valid_until=Millis(bench.clock.now() + 700)))
        name = ClientOrderId("s")
        await bench.venue.execute(CancelOrder(symbol=BTC, client_id=name, is_trigger=True))
        await bench.venue.execute(QueryOrder(symbol=BTC, client_id=name, is_trigger=True))

        assert [(ENTRY, 5_000), (PROTECT, 5_000), (PROTECT, 700)] == [
            (lane, window_ms) for _, lane, window_ms in bench.api.placed
        ]
        assert [("cancel", CANCEL), ("query", QUERY)] == bench.api.lanes[-2:]

    play(act)


def test_nothing_is_sent_after_its_time() -> None:
    async def act(bench: Bench) -> None:
        asked = bench.closing()
        await bench.clock.sleep(5)
        bench.api.placed.clear()
        answer = await bench.place(asked)

        assert isinstance(answer, OrderNotProcessed)
        assert [] == bench.api.placed

    play(act)


@pytest.mark.parametrize("error", [no_answer(), refused("-1007", Verdict.UNKNOWN)])
def test_e1_an_answer_that_proves_nothing_is_unknown_until_the_window_ends(
    error: GatewayError,
) -> None:
    async def act(bench: Bench) -> None:
        asked = bench.entry()
        bench.api.fail("place", error, is_carried_out=True, after_s=4)
        answer = await bench.place(asked)

        assert isinstance(answer, OrderOutcomeUnknown)
        assert asked.valid_until == answer.unsettled_until
        assert Decimal("0.1") == bench.world.position()

    play(act)


@pytest.mark.parametrize("error", [KeyError("BTC"), AttributeError("x"), RecursionError()])
def test_e8_whatever_breaks_around_a_write_is_unknown(error: Exception) -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", error)

        assert isinstance(await bench.place(bench.entry()), OrderOutcomeUnknown)

    play(act)


def test_e6_turned_away_for_load_it_comes_back_ever_later() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", refused("-1008"), times=5)
        waits = []
        for _ in range(5):
            answer = await bench.exit()
            assert isinstance(answer, OrderNotProcessed)
            waits.append(answer.retry_at - answer.at)
        bench.holds()
        assert isinstance(await bench.exit(), OrderUpdated)
        bench.api.fail("place", not_sent())
        answer = await bench.exit()
        assert isinstance(answer, OrderNotProcessed)

        assert [500, 1_000, 2_000, 4_000, 4_000, 500] == [*waits, answer.retry_at - answer.at]

    play(act)


def test_e34_the_exchanges_own_time_to_come_back_counts() -> None:
    async def act(bench: Bench) -> None:
        told = Millis(bench.clock.now() + 7_000)
        bench.api.fail("place", refused("-1003", retry_at=told))
        answer = await bench.exit()
        bench.limiter.blocked_until = Millis(bench.clock.now() + 9_000)
        bench.api.fail("place", not_sent())
        blocked = await bench.exit()

        assert isinstance(answer, OrderNotProcessed)
        assert isinstance(blocked, OrderNotProcessed)
        assert told == answer.retry_at
        assert bench.limiter.blocked_until == blocked.retry_at

    play(act)


def test_e34_a_time_to_come_back_that_is_not_ahead_tells_nothing() -> None:
    """Bybit's replies carry the present instant, where it is not their limit that is reached."""

    async def act(bench: Bench) -> None:
        waits = []
        for _ in range(3):
            bench.api.fail("place", refused("-1008", retry_at=bench.clock.now()))
            answer = await bench.exit()
            assert isinstance(answer, OrderNotProcessed)
            waits.append(answer.retry_at - answer.at)

        assert [500, 1_000, 2_000] == waits

    play(act)


def test_a_firewall_does_not_keep_a_stop_away_for_minutes() -> None:
    """It says nothing of when; only orders that protect or close are sent again at all."""

    async def act(bench: Bench) -> None:
        far = Millis(bench.clock.now() + 300_000)
        error = refused("http:403", Verdict.RATE, retry_at=far, status=403)
        bench.api.fail("place", error)
        answer = await bench.exit()

        assert isinstance(answer, OrderNotProcessed)
        assert 500 == answer.retry_at - answer.at

    play(act)


def test_e37_a_refusal_for_lateness_looks_at_the_clock_and_goes_again_once() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", refused("-1021"), times=2)
        before = bench.api.syncs
        first, second = await bench.exit(), await bench.exit()

        assert before + 2 <= bench.api.syncs
        assert isinstance(first, OrderNotProcessed)
        assert isinstance(second, OrderNotProcessed)
        assert first.at == first.retry_at
        assert second.at < second.retry_at

    play(act)


def test_e38_a_refusal_by_the_contracts_filters_has_the_markets_read_again() -> None:
    async def act(bench: Bench) -> None:
        for code in ("-1111", "-4164", "10001", "-2019"):
            bench.api.fail("place", refused(code))
            assert isinstance(await bench.place(bench.entry()), OrderRejected)

    assert 3 == play(act).reloads


def test_e33_no_entry_leaves_before_it_is_proved_that_a_stop_could_follow() -> None:
    async def act(bench: Bench) -> None:
        answer = await bench.place(bench.entry())
        bench.holds()
        leaving = await bench.exit()

        assert isinstance(answer, OrderRejected)
        assert HoldCause.STOPS_REFUSED == answer.code
        assert isinstance(leaving, OrderUpdated)
        assert [Leg.EXIT] == [row.leg for row, _, _ in bench.api.placed]

    play(act, is_running=False)


def test_e13_a_cancel_of_what_is_not_open_is_refused_and_proves_nothing() -> None:
    async def act(bench: Bench) -> None:
        gone = await bench.venue.execute(CancelOrder(symbol=BTC, client_id=ClientOrderId("x")))
        bench.api.fail("cancel", no_answer())
        unheard = await bench.venue.execute(CancelOrder(symbol=BTC, client_id=ClientOrderId("x")))

        assert isinstance(gone, CancelRejected)
        assert "-2011" == gone.code
        assert isinstance(unheard, QueryFailed)

    play(act)


def test_i16_an_order_that_no_row_explains_is_canceled_by_the_venues_id() -> None:
    async def act(bench: Bench) -> None:
        await bench.place(
            replace(bench.entry("rest"), price=Price(Decimal(99_000)), kind=OrderKind.LIMIT)
        )
        venue_id = VenueOrderId(bench.world.rows[-1].venue_id)
        answer = await bench.venue.execute(CancelForeign(symbol=BTC, venue_id=venue_id))

        assert isinstance(answer, OrderUpdated)
        assert [] == bench.world.open_orders()

    play(act)


def test_a_write_goes_on_when_nobody_waits_for_it_and_stop_waits() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", no_answer(), is_carried_out=True, after_s=3)
        waiting = asyncio.get_running_loop().create_task(bench.place(bench.entry("late")))
        await bench.clock.sleep(0.5)
        waiting.cancel()
        await asyncio.wait((waiting,))
        began = bench.clock.now()
        await bench.venue.stop()

        assert waiting.cancelled()
        assert 2_000 <= bench.clock.now() - began <= 4_000
        assert Decimal("0.1") == bench.world.position()
        assert ["late"] == [r.client_id for r in bench.told if isinstance(r, OrderOutcomeUnknown)]

    play(act)


def test_stop_does_not_wait_for_ever() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", no_answer(), after_s=600)
        waiting = asyncio.get_running_loop().create_task(bench.place(bench.entry()))
        await bench.clock.sleep(0.5)
        began = bench.clock.now()
        await bench.venue.stop()

        assert 10_000 == bench.clock.now() - began
        waiting.cancel()
        await asyncio.wait((waiting,))

    play(act)


# --- questions


def test_i4_a_successful_not_found_says_when_it_was_asked_and_a_failure_proves_nothing() -> None:
    async def act(bench: Bench) -> None:
        asked_at = bench.clock.now()
        query = QueryOrder(symbol=BTC, client_id=ClientOrderId("never"))
        missing = await bench.venue.execute(query)
        bench.api.fail("query", no_answer())
        failed = await bench.venue.execute(query)

        assert isinstance(missing, OrderMissing)
        assert asked_at == missing.asked_at < missing.at
        assert isinstance(failed, QueryFailed)

    play(act)


def test_a_write_touches_its_symbol_for_as_long_as_it_may_still_arrive() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", no_answer())
        await bench.place(bench.entry())
        seen = []
        for pause_s in (4, 4, 0):
            await bench.clock.sleep(pause_s)
            await bench.fetch()
            seen.append(list(bench.api.touched[-1]))

        assert [[BTC], [BTC], []] == seen

    play(act)
