"""Faults of an exchange as a whole, and of what it says of the account, lived by the whole bot."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bot.errors import AccessError
from bot.gateway.http import HttpReply
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import ClosedBy
from bot.model.events import FundingRead, InstrumentsChanged
from bot.model.market import Funding
from bot.model.order import Leg
from bot.model.primitives import ZERO, Millis
from tests.fakes.live_stage import (
    POSITIONS,
    TRADES,
    Stage,
    late,
    loop_ms,
    lost,
    page,
    rows_of,
    says,
)
from tests.fakes.live_world import EXCHANGES
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life
from tests.fakes.sim_checks import Checks
from tests.fakes.sim_market import T0
from tests.fakes.sim_runs import Story
from tests.fakes.sim_scenarios import DOWN, UP

BINANCE, BYBIT = EXCHANGES
Reply = Callable[[HttpReply], HttpReply]
both = pytest.mark.parametrize("exchange", EXCHANGES)


def strict() -> Checks:
    return Checks(protected_within_ms=3_000)


def states(story: Story) -> list[OperatingState]:
    """The operating states that were gone through, from second 3 on."""
    found: list[OperatingState] = []
    for row in story.decided:
        for fact in row.decision.facts:
            operation = getattr(fact, "operation", None)
            if operation is not None and row.second > 3.0:
                state = operation.state_of(BTC)
                if not found or found[-1] is not state:
                    found.append(state)
    return found


# --- what it says of the account


@both
def test_e9_positions_that_are_empty_once_change_nothing(exchange: str) -> None:
    stage = Stage(exchange)
    stage.fails(
        path=POSITIONS[exchange],
        times=1 + (exchange == BYBIT),
        since_s=9.0,
        is_done=True,
        reply=rows_of(lambda _: []),
    )
    story = stage.plays(35.0, checks=strict())

    assert 1 == len(stage.names(Leg.STOP))
    assert [None] == story.closed_by
    assert stage.world.stop_qty() == stage.world.position() > 0


@both
def test_e43_fills_that_are_told_twice_are_booked_once(exchange: str) -> None:
    stage = Stage(exchange, path=UP)
    stage.fails(path=TRADES[exchange], times=1e9, is_done=True, reply=rows_of(_twice))
    story = stage.plays(25.0)

    assert [ClosedBy.TARGET] == story.closed_by
    assert len(stage.core.trades) == len(story.life.state.fills_seen)


def _twice(rows: list[Any]) -> Sequence[Any]:
    return [*rows, *rows]


@both
def test_e43_fills_that_come_late_are_waited_for(exchange: str) -> None:
    """For half a minute the list of trades is empty; what orders report counts meanwhile."""
    stage = Stage(exchange, path=UP)
    stage.fails(
        path=TRADES[exchange], times=1e9, until_s=30.0, is_done=True, reply=rows_of(lambda _: [])
    )
    story = stage.plays(60.0, checks=strict())

    assert [ClosedBy.TARGET] == story.closed_by
    assert len(stage.core.trades) == len(story.life.state.fills_seen)


@both
def test_e44_fills_that_the_exchange_has_forgotten_end_in_its_own_position(exchange: str) -> None:
    """Its list of trades stays empty for ever."""

    class Forgotten(Checks):
        def finish(self, life: Any, *, is_settled: bool = True) -> None:
            del life, is_settled  # Fills and fees are not the exchange's: it has none.

    stage = Stage(exchange, path=UP)
    stage.fails(path=TRADES[exchange], times=1e9, is_done=True, reply=rows_of(lambda _: []))
    story = stage.plays(150.0, checks=Forgotten())

    assert {} == story.life.state.brackets
    assert ZERO == stage.world.position()
    assert [] == stage.world.resting()


@both
def test_e52_an_older_answer_does_not_undo_a_newer_one(exchange: str) -> None:
    """Asked while the position was there; it comes when a newer reading has said that it is not."""
    stage = Stage(exchange)
    stage.fails(path=POSITIONS[exchange], since_s=9.0, is_done=True, reply=late(0.9))
    stage.by_hand(12.0)
    story = stage.plays(40.0)

    assert [ClosedBy.EXTERNAL] == story.closed_by
    assert 1 == len(stage.sent(Leg.ENTRY))


# --- settings that somebody has changed


@pytest.mark.parametrize(
    ("exchange", "what"),
    [
        (BINANCE, "leverage"),
        (BINANCE, "margin mode"),
        (BINANCE, "hedge mode"),
        # Bybit lets nobody change to hedge mode while something is held.
        (BYBIT, "leverage"),
        (BYBIT, "margin mode"),
    ],
)
def test_e26_e27_e28_a_changed_setting_holds_entries_and_keeps_the_stop(
    exchange: str, what: str
) -> None:
    stage = Stage(exchange)

    def change(_: Millis) -> None:
        match what:
            case "leverage":
                stage.core.leverages[BTC] = 20
            case "margin mode":
                stage.core.margin_modes[BTC] = stage.core.account_margin_mode = "cross"
            case _:
                stage.core.is_hedge = True

    stage.at(4.0, change)
    story = stage.plays(30.0, checks=strict())
    holds = {row.cause for row in story.life.state.operation.holds}

    assert OperatingState.HOLD is story.life.state.operation.state_of(BTC)
    assert HoldCause.ACCOUNT_CHANGED in holds
    assert stage.world.stop_qty() == stage.world.position() > 0
    assert not [row for row in stage.heard if "leverage" in row.path or "margin" in row.path]


@both
def test_e28_in_hedge_mode_nothing_is_opened(exchange: str) -> None:
    stage = Stage(exchange)
    stage.core.is_hedge = True
    story = stage.plays(20.0)

    assert [] == stage.asked("place", Leg.ENTRY)
    assert OperatingState.HOLD is story.life.state.operation.state


# --- it does not answer


@pytest.mark.parametrize(
    ("exchange", "reply"),
    [
        (BINANCE, says(-1016, status=503)),
        (BINANCE, page(503)),
        (BYBIT, says(10019)),
        (BYBIT, page(502)),
    ],
)
def test_e32_maintenance_protects_and_ends_with_a_whole_reading(
    exchange: str, reply: Reply
) -> None:
    stage = Stage(exchange)
    stage.fails(times=1e9, since_s=4.0, until_s=60.0, reply=reply)
    story = stage.plays(90.0)

    assert [OperatingState.PROTECT, OperatingState.TRADING] == states(story)
    assert 1 == len(stage.names(Leg.STOP))
    assert stage.world.stop_qty() == stage.world.position() > 0


@both
def test_e48_p27_in_an_outage_no_order_is_dropped(exchange: str) -> None:
    """Two minutes in which no name is resolved and no reply comes back."""
    stage = Stage(exchange)
    stage.fails(times=1e9, since_s=4.0, until_s=124.0, reply=lost)
    story = stage.plays(160.0)
    ours = {row.request.client_id for row in story.life.state.orders.values() if not row.is_final}

    assert [OperatingState.PROTECT, OperatingState.TRADING] == states(story)
    assert ours == {row.client_id for row in stage.world.resting()}
    assert stage.world.stop_qty() == stage.world.position() > 0


@both
def test_e48_what_happened_in_an_outage_is_booked_after_it(exchange: str) -> None:
    """The stop fires while nothing can be asked."""
    stage = Stage(exchange, path=DOWN)
    stage.fails(times=1e9, since_s=4.0, until_s=64.0, reply=lost)
    story = stage.plays(100.0)

    assert [ClosedBy.STOP] == story.closed_by
    assert [] == stage.world.resting()


# --- too many requests


def test_e34_a_429_with_a_time_is_waited_out_and_the_stop_goes_first() -> None:
    stage = Stage()
    told = says(-1003, status=429, headers={"retry-after": "2"})
    stage.fails("place", "stop", reply=told)
    stage.plays(10.0, checks=Checks(protected_within_ms=5_000))
    first, second = stage.asked("place", Leg.STOP)[:2]
    # What had left before the answer came is heard all the same.
    between = [row for row in stage.heard if first.at + 100 < row.at < second.at]

    assert 2_000 <= second.at - first.at < 2_500
    assert [] == between


def test_e35_during_a_ban_nothing_is_asked_and_the_stop_rests() -> None:
    stage = Stage()

    def ban(at: Millis) -> None:
        stage.world.dialect.door.banned_until = Millis(at + 60_000)

    stage.at(8.0, ban)
    story = stage.plays(100.0, checks=strict())
    first = min(row.at for row in stage.heard if row.at > T0 + 8_000)
    hammered = [row for row in stage.heard if first < row.at < T0 + 68_000]

    assert len(hammered) <= 8  # What left before the first word of the ban came back.
    assert max((row.at for row in hammered), default=first) - first < 500
    assert OperatingState.PROTECT in states(story)
    assert OperatingState.TRADING is states(story)[-1]


def test_e36_what_another_program_has_used_leaves_room_for_protection() -> None:
    """The weight of the address is all but gone; queries wait, the stop does not."""
    stage = Stage()

    def use(at: Millis) -> None:
        stage.world.dialect.door.use(2_300, at)  # type: ignore[union-attr]

    stage.fails("place", "entry", is_done=True, before=use)
    stage.plays(80.0, checks=strict())

    assert stage.world.dialect.door._weights.used < 2_400  # type: ignore[union-attr]
    assert Millis(0) == stage.world.dialect.door.banned_until


# --- clocks


@both
def test_e37_a_clock_that_has_drifted_apart_is_set_and_the_stop_goes_again(exchange: str) -> None:
    """The exchange is six seconds on by the time the stop arrives: outside of its window."""
    stage = Stage(exchange)
    stage.ahead_ms = lambda: 6_000 if stage.sent(Leg.STOP) else 0
    # Market time jumps with it: a second without a stop looks like seven.
    stage.plays(40.0, checks=Checks(protected_within_ms=8_000))

    stops = [row for row in stage.world.resting() if row.order.is_conditional]

    assert 1 == len(stops)
    assert stage.world.stop_qty() == stage.world.position() > 0


@both
def test_e51_a_jump_of_its_clock_holds_entries_until_it_is_steady(exchange: str) -> None:
    stage = Stage(exchange)
    stage.ahead_ms = lambda: 5_000 if loop_ms() > 8_000 else 0
    story = stage.plays(90.0, checks=strict())
    turns = story.held(HoldCause.CLOCK_SKEW)

    assert 2 == len(turns)
    assert stage.world.stop_qty() == stage.world.position() > 0


# --- the contract, the wallet, the key


@both
def test_e38_with_a_new_grid_the_stop_is_made_anew(exchange: str) -> None:
    """The tick grows to 10 between the entry and the stop; the market tells it a second later."""
    stage = Stage(exchange)

    def regrid(_: Millis) -> None:
        stage.core.instruments[BTC] = replace(
            stage.core.instruments[BTC], tick_size=Decimal(10), lot_size=Decimal("0.001")
        )

    stage.fails("place", "stop", is_done=True, before=regrid)

    def tell(at: Millis) -> InstrumentsChanged:
        return InstrumentsChanged(at=at, instruments=(stage.core.instruments[BTC],))

    stage.at(2.0, tell)
    stage.plays(20.0, checks=Checks(protected_within_ms=15_000))

    assert stage.world.stop_qty() == stage.world.position()
    assert len(stage.names(Leg.STOP)) > 1


@both
def test_e41_funding_that_is_settled_is_in_the_books(exchange: str) -> None:
    stage = Stage(exchange)
    funding = Funding(symbol=BTC, rate=0.0005, next_at=Millis(T0 + 20_000))

    async def tell(life: Life) -> None:
        await life.clock.sleep(3.0)
        event = FundingRead(at=life.clock.now(), funding=funding)
        stage.core.on_market(event)
        life.venue.on_market(event)

    stage.tasks.append(tell)
    story = stage.plays(60.0, checks=strict())
    account = story.life.state.account
    paid = [row.usd for row in stage.core.incomes if row.kind == "funding"]

    assert 1 == len(paid)
    assert account is not None
    assert paid[0] == account.funding_usd


@both
def test_e45_a_revoked_key_ends_the_run_with_77_and_leaves_the_stop(exchange: str) -> None:
    stage = Stage(exchange)

    def revoke(_: Millis) -> None:
        key = stage.world.dialect.door.key
        setattr(key, "is_revoked" if exchange == BINANCE else "is_expired", True)

    stage.at(4.0, revoke)
    with pytest.raises(AccessError) as caught:
        stage.plays(120.0)

    assert 77 == caught.value.exit_code
    assert stage.world.stop_qty() == stage.world.position() > 0
