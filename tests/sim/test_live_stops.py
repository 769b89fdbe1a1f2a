"""Faults of stops, lived by the whole bot on an emulated exchange in virtual time.

At Bybit a stop rides with the entry; where the case is about the stop that is placed, Binance
alone is the exchange, or the carried one is taken away.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.gateway.http import HttpReply
from bot.model.account import HoldCause
from bot.model.bracket import ClosedBy
from bot.model.events import Event, PriceMoved
from bot.model.order import Leg
from bot.model.primitives import ZERO, Millis
from bot.sim.emulator.state import Origin, Status, Why
from tests.fakes.live_stage import Stage, lost, rows_of, says
from tests.fakes.live_world import EXCHANGES
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import SETTINGS
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_market import BASE, T0, Script
from tests.fakes.sim_scenarios import DOWN

BINANCE, BYBIT = EXCHANGES
Reply = Callable[[HttpReply], HttpReply]
both = pytest.mark.parametrize("exchange", EXCHANGES)


def strict(seconds: float = 5.0) -> Checks:
    return Checks(protected_within_ms=int(seconds * 1000))


def test_e6_a_stop_turned_away_for_load_goes_again_under_its_own_id() -> None:
    stage = Stage()
    stage.fails("place", "stop", times=2, reply=says(-1008, status=503))
    stage.plays(6.0, checks=strict())

    assert 3 == len(stage.sent(Leg.STOP))
    assert 1 == len(stage.names(Leg.STOP))
    assert stage.world.stop_qty() == stage.world.position()


@both
@pytest.mark.parametrize("is_done", [True, False])
def test_e1_e2_a_stop_whose_answer_is_lost_leaves_one_stop(exchange: str, *, is_done: bool) -> None:
    stage = Stage(exchange)
    stage.fails("place", "stop", is_done=is_done, reply=lost)
    stage.plays(25.0, checks=strict())
    resting = [row for row in stage.world.resting() if row.order.is_conditional]

    assert stage.world.position() > 0
    assert 1 == len(resting)


def test_e14_a_price_that_runs_through_the_stop_before_it_arrives_closes_at_once() -> None:
    stage = Stage()
    stage.fails("place", "stop", is_done=True, before=stage.moves(98_000.0))
    story = stage.plays(8.0, checks=strict(2.0))

    assert [ClosedBy.UNPROTECTED] == story.closed_by
    assert 1 == len(stage.sent(Leg.STOP))
    assert ZERO == stage.world.position()


@pytest.mark.parametrize("why", [Why.TOO_MANY_STOPS, Why.NO_MARGIN])
def test_e15_e39_a_stop_that_is_refused_for_ever_closes_by_the_deadline(why: Why) -> None:
    stage = Stage()

    def refuse(_: Millis) -> None:
        stage.core.refuse_next(why, conditional=True, times=1_000)

    stage.fails("place", "entry", is_done=True, before=refuse)
    story = stage.plays(20.0)

    assert [ClosedBy.UNPROTECTED] == story.closed_by
    assert len(stage.sent(Leg.STOP)) > 3
    assert ZERO == stage.world.position()


def test_e15_while_the_stop_is_refused_the_software_stop_stands_in_for_it() -> None:
    stage = Stage(path=((0.0, BASE), (4.0, BASE), (6.0, 99_400.0)))
    stage.fails("place", "stop", times=1_000, reply=says(-4045))
    story = stage.plays(20.0)
    exits = stage.names(Leg.EXIT)
    lost_at = [float(row.price) for row in stage.core.trades if row.client_id in exits]

    assert [ClosedBy.STOP] == story.closed_by
    assert min(lost_at) > 99_300


@both
def test_e16_liquidated_before_the_stop_was_placed_is_recorded_as_that(exchange: str) -> None:
    stage = Stage(exchange)
    jump = stage.moves(70_000.0)

    def gap(at: Millis) -> None:
        # At Bybit the stop that came with the entry would have closed it: somebody took it away.
        stage.cancel_stops(at)
        jump(at)

    stage.fails("place", "stop", is_done=True, before=gap)
    story = stage.plays(25.0)

    assert [ClosedBy.LIQUIDATION] == story.closed_by
    assert ZERO == stage.world.position()
    assert Origin.LIQUIDATION in {row.origin for row in stage.core.trades}


@both
def test_e19_a_stop_canceled_by_hand_is_restored_at_the_next_reading(exchange: str) -> None:
    stage = Stage(exchange)
    stage.at(4.0, stage.cancel_stops)
    stage.plays(25.0, checks=strict(12.0))

    assert 2 == len(stage.names(Leg.STOP))
    assert stage.world.stop_qty() == stage.world.position() > 0


@both
def test_e20_what_a_triggered_stop_leaves_over_is_closed(exchange: str) -> None:
    """The market order behind the trigger finds too little and its rest expires."""
    stage = Stage(exchange, path=DOWN)

    def thin(_: Millis) -> Event | None:
        stage.core.partial_usd = Decimal(5_000)
        return None

    stage.at(4.0, thin)
    story = stage.plays(30.0)
    fired = [row for row in stage.core.orders.values() if row.asked.origin is Origin.TRIGGER]

    assert Status.EXPIRED in {row.status for row in fired}
    assert ZERO == stage.world.position()
    assert [ClosedBy.STOP] == story.closed_by


@both
def test_e20_a_stop_that_is_refused_in_the_moment_it_fires_is_no_protection(exchange: str) -> None:
    stage = Stage(exchange, path=DOWN)
    stage.core.refuse_next_trigger(Why.NO_MARGIN, times=2)
    story = stage.plays(30.0)

    assert ZERO == stage.world.position()
    assert [ClosedBy.UNPROTECTED] == story.closed_by


@both
def test_e23_a_stop_that_its_position_has_left_behind_opens_nothing(exchange: str) -> None:
    """Closed by hand, and before anybody has noticed the price falls through the old stop."""
    stage = Stage(exchange, path=((0.0, BASE), (5.0, BASE), (7.0, 99_000.0)))
    stage.by_hand(4.0)
    story = stage.plays(25.0)

    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()
    assert [ClosedBy.EXTERNAL] == story.closed_by


@pytest.mark.parametrize(("exchange", "reply"), [(BINANCE, says(-4120)), (BYBIT, says(110009))])
def test_e33_where_no_stop_can_be_placed_nothing_is_opened(exchange: str, reply: Reply) -> None:
    stage = Stage(exchange)
    stage.fails("place", times=1_000, reply=reply)
    story = stage.plays(20.0)

    assert [] == stage.asked("place", Leg.ENTRY)
    assert HoldCause.STOPS_REFUSED in {row.cause for row in story.life.state.operation.holds}


@both
def test_e41_the_liquidation_price_stays_beyond_the_stop(exchange: str) -> None:
    stage = Stage(exchange)
    stage.plays(5.0)
    stop = stage.sent(Leg.STOP)[0].trigger_price
    limit = stage.core.liquidation_price(BTC)

    assert stop is not None
    assert limit is not None
    assert (Decimal(repr(BASE)) - limit) / (Decimal(repr(BASE)) - stop) > Decimal("1.3")


@both
def test_e41_with_a_leverage_that_brings_liquidation_near_nothing_is_opened(exchange: str) -> None:
    """At 125 the position would be gone before its stop."""
    stage = Stage(exchange, settings=replace(SETTINGS, venue_leverage=125.0))
    stage.plays(5.0)

    assert [] == stage.sent(Leg.ENTRY)


@both
def test_e49_a_list_without_our_stop_ends_nothing(exchange: str) -> None:
    """Three readings in a row leave it out; asked by its id, it is there."""
    path = {BINANCE: "openAlgoOrders", BYBIT: "order/realtime"}[exchange]
    stage = Stage(exchange)

    def without(rows: list[dict[str, object]]) -> Sequence[object]:
        return [row for row in rows if len(rows) == 1 and exchange == BYBIT]

    stage.fails(
        path=path, times=1e9, since_s=3.0, until_s=40.0, is_done=True, reply=rows_of(without)
    )
    stage.plays(60.0, checks=strict())

    assert 1 == len(stage.names(Leg.STOP))
    assert stage.world.stop_qty() == stage.world.position() > 0


class Wick(Script):
    """The last price falls by 2 % for two seconds while the mark stands still."""

    def price(self, at: Millis, since: Millis) -> PriceMoved:
        price = super().price(at, since)
        return replace(price, last=98_000.0) if 4_000 <= at - T0 < 6_000 else price


@both
def test_e50_a_wick_of_the_last_price_fires_no_stop(exchange: str) -> None:
    stage = Stage(exchange)
    stage.script = Wick()
    stage.plays(20.0, checks=strict())

    assert stage.world.position() > 0
    assert stage.world.stop_qty() == stage.world.position()
