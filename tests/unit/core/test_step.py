"""One event in, one decision out, and time that only runs forward."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.core.step import counted, next_due_at, step
from bot.model.account import HoldCause, OperatingState
from bot.model.commands import FetchAccount
from bot.model.events import (
    Event,
    FlattenAsked,
    HoldAsked,
    InstrumentsChanged,
    MarketHalted,
    QueryFailed,
    ResumeAsked,
    SettingsChanged,
    Started,
    StatsRead,
    StopAsked,
    Ticked,
    TroubleSeen,
)
from bot.model.facts import BracketChanged, FillBooked, OrderChanged
from bot.model.heatmap import Stats
from bot.model.order import Leg
from bot.model.primitives import Millis
from bot.model.snapshot import Snapshot
from tests.fakes.answers import accepted, account, filled, price
from tests.fakes.contracts import BTC, NOON
from tests.fakes.playbook import a_bot, in_position, settings, signal


def test_an_event_that_comes_late_counts_as_of_now() -> None:
    bot = a_bot()
    step(bot.state, Ticked(at=Millis(NOON + 5_000)))
    step(bot.state, price("1001", Millis(NOON + 2_000)))

    assert NOON + 5_000 == bot.state.at
    seen = bot.state.symbols[BTC].price
    assert seen is not None
    assert NOON + 5_000 == seen.at


def test_an_event_in_time_counts_as_it_is() -> None:
    bot = a_bot()
    event = price("1001", Millis(NOON + 2_000))

    assert event is counted(bot.state, event)


def test_a_start_asks_the_venue_before_anything_else() -> None:
    bot = a_bot().restarts()
    decision = step(bot.state, Started(at=bot.at, snapshot=Snapshot(at=NOON), settings_digest=""))

    assert [FetchAccount] == [type(command) for command in decision.commands]
    assert OperatingState.PROTECT is bot.state.operation.state
    assert bot.at == bot.state.started_at


def test_an_account_reading_goes_to_reconciliation() -> None:
    bot = a_bot().restarts()
    bot.starts()

    assert [HoldCause.NOT_RECONCILED] == bot.holds()

    bot.sees(account(bot.at))

    assert [] == bot.holds()
    assert bot.at == bot.state.last_snapshot_at


def test_a_fill_moves_order_bracket_and_books_in_one_decision() -> None:
    """Whatever is recorded together cannot be torn apart by a kill."""
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY))
    decision = step(bot.state, filled(bot, Leg.ENTRY, "4.545"))
    kinds = {type(fact) for fact in decision.facts}

    assert {FillBooked, OrderChanged, BracketChanged} <= kinds
    assert decision.commands, "the stop leaves with the very decision that saw the fill"


@pytest.mark.parametrize(
    ("event", "states"),
    [
        (HoldAsked(at=NOON), [OperatingState.HOLD]),
        (FlattenAsked(at=NOON), [OperatingState.FLATTEN, OperatingState.HOLD]),
        (TroubleSeen(at=NOON, cause=HoldCause.TASK_FAILED, detail="x"), [OperatingState.HOLD]),
    ],
)
def test_what_an_operator_or_trouble_asks_changes_the_operating_state(
    event: Event, states: list[OperatingState]
) -> None:
    bot = a_bot()
    bot.sees(event)

    assert bot.state.operation.state in states


def test_resuming_ends_an_operators_hold() -> None:
    bot = a_bot()
    bot.sees(HoldAsked(at=bot.at), ResumeAsked(at=bot.at))

    assert OperatingState.TRADING is bot.state.operation.state


def test_stopping_leaves_stop_and_target_where_they_are() -> None:
    bot = in_position()
    bot.sees(StopAsked(at=bot.at))

    assert [] == bot.does()


def test_a_market_that_halts_is_known_to_the_symbol() -> None:
    bot = a_bot()
    bot.sees(MarketHalted(at=bot.at, symbol=BTC, is_halted=True))

    assert bot.state.symbols[BTC].is_halted
    assert bot.state.symbols[BTC].tracker.is_halted


def test_new_settings_count_from_the_next_event_on() -> None:
    bot = a_bot()
    changed = settings(instance="other")
    bot.sees(SettingsChanged(at=bot.at, settings=changed))

    assert changed is bot.state.settings


@pytest.mark.parametrize(
    "event",
    [
        Ticked(at=NOON),
        StatsRead(at=NOON, stats=Stats()),
        QueryFailed(at=NOON, client_id=None, reason="x"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_what_changes_nothing_leaves_nothing_to_record(event: Event) -> None:
    bot = a_bot()

    assert step(bot.state, event).is_empty


def test_e38_a_changed_contract_is_what_everybody_rounds_by() -> None:
    """Strategies look at the symbol, orders and the venue at the table."""
    bot = a_bot()
    table = bot.state.instruments
    changed = replace(table[BTC], tick_size=Decimal("0.5"))

    decision = step(bot.state, InstrumentsChanged(at=bot.at, instruments=(changed,)))

    assert decision.is_empty
    assert table is bot.state.instruments, "the venue holds the same table"
    assert changed == table[BTC]
    assert changed == bot.state.symbols[BTC].instrument


def test_the_next_timer_is_the_earliest_of_orders_and_clusters() -> None:
    """An idle bot reads its account again after a minute; a busy one sooner."""
    idle, busy = a_bot(), in_position()
    idle_due, busy_due = next_due_at(idle.state), next_due_at(busy.state)

    assert idle_due is not None
    assert busy_due is not None
    assert busy_due - busy.at < idle_due - idle.at <= 60_000
