"""A journal goes through the core again, run by run, and every decision is compared."""

from collections.abc import Sequence
from decimal import Decimal

import msgspec
import pytest

from bot.core.state import State
from bot.core.step import step
from bot.engine.replay import replay
from bot.errors import DataError
from bot.model.commands import FetchAccount
from bot.model.events import (
    Event,
    HoldAsked,
    InstrumentsChanged,
    PriceMoved,
    ResumeAsked,
    Started,
    Ticked,
)
from bot.model.facts import Decision
from bot.model.primitives import Millis, Symbol
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.store import journal
from bot.store.journal import Entry, digest_of
from tests.fakes.rows import T0, a_price, a_reading
from tests.fakes.views import BTC, INSTRUMENT

SETTINGS = CoreSettings(instance="test", symbols=(BTC,))


def started(at: Millis = T0, **changes: object) -> Started:
    event = Started(
        at=at,
        snapshot=Snapshot(at=at),
        settings_digest="",
        settings=SETTINGS,
        instruments=(INSTRUMENT,),
    )
    return msgspec.structs.replace(event, **changes)


def a_run(at: Millis = T0) -> list[Event]:
    prices: list[Event] = [a_price(Millis(at + 1000 * n), mark=89_175.1 + n) for n in range(5)]
    readings: list[Event] = [
        msgspec.structs.replace(a_reading(Millis(at + 5_500 + 5_000 * n)), sequence=n)
        for n in range(5)
    ]
    rest: list[Event] = [
        Ticked(at=Millis(at + 30_000)),
        HoldAsked(at=Millis(at + 31_000), reason="by hand"),
        ResumeAsked(at=Millis(at + 32_000)),
    ]
    return [started(at), *prices, *readings, *rest]


def recorded(events: Sequence[Event]) -> list[Entry]:
    """What a run would have journaled, through the journal's own bytes."""
    state: State | None = None
    entries: list[tuple[Event, Decision]] = []
    for event in events:
        if isinstance(event, Started):
            assert event.settings is not None
            instruments = {row.symbol: row for row in event.instruments}
            state = State(settings=event.settings, instruments=instruments, snapshot=event.snapshot)
        assert state is not None
        entries.append((event, step(state, event)))
    batch = journal.pack(entries, journal.Memory())
    assert batch is not None
    return journal.unpack(1, batch.body, journal.Memory())


def test_a_run_comes_out_as_it_was_byte_for_byte() -> None:
    entries = recorded(a_run())

    outcome = replay(entries, digest_of=digest_of)

    assert outcome.difference is None
    assert (1, len(entries), 0) == (outcome.runs, outcome.events, outcome.skipped)
    assert outcome.commands > 0
    assert any(entry.digest for entry in entries)


def test_a_contract_that_changed_while_running_changes_in_the_replay_too() -> None:
    """What is decided after it is rounded by the new steps."""
    changed = msgspec.structs.replace(INSTRUMENT, tick_size=Decimal("0.5"))
    events = a_run()
    events.insert(3, InstrumentsChanged(at=Millis(T0 + 2_000), instruments=(changed,)))
    entries = recorded(events)
    steps: list[Decimal] = []

    def watched(state: State, event: Event) -> Decision:
        decision = step(state, event)
        steps.append(state.symbols[BTC].instrument.tick_size)
        return decision

    outcome = replay(entries, digest_of=digest_of, decide=watched)

    assert outcome.difference is None
    assert [INSTRUMENT.tick_size] * 3 + [changed.tick_size] * (len(entries) - 3) == steps


def test_several_runs_in_one_journal_each_begin_anew() -> None:
    entries = [*recorded(a_run()), *recorded(a_run(Millis(T0 + 100_000)))]

    outcome = replay(entries, digest_of=digest_of)

    assert outcome.difference is None
    assert 2 == outcome.runs


def test_what_is_left_of_a_pruned_run_is_skipped() -> None:
    first, second = recorded(a_run()), recorded(a_run(Millis(T0 + 100_000)))

    outcome = replay([*first[4:], *second], digest_of=digest_of)

    assert outcome.difference is None
    assert (1, len(first) - 4) == (outcome.runs, outcome.skipped)


def test_the_first_command_that_differs_is_named() -> None:
    entries = recorded(a_run())
    other = FetchAccount(symbol=Symbol(""), fills_since=Millis(7))
    wrong = msgspec.structs.replace(entries[3], commands=(other,), seq=42)

    outcome = replay([*entries[:3], wrong, *entries[4:]], digest_of=digest_of)
    found = outcome.difference

    assert found is not None
    assert (42, "PriceMoved", "commands") == (found.seq, found.event, found.what)
    assert '"fills_since":7' in found.expected
    assert 4 == outcome.events


def test_facts_that_differ_are_named_by_digest_and_kind() -> None:
    entries = recorded(a_run())
    index = next(i for i, entry in enumerate(entries) if isinstance(entry.event, HoldAsked))
    wrong = msgspec.structs.replace(entries[index], digest="0" * 16)

    outcome = replay([*entries[:index], wrong], digest_of=digest_of)
    found = outcome.difference

    assert found is not None
    assert ("facts", "0" * 16) == (found.what, found.expected)
    assert "1 OperationChanged" in found.got


def test_a_core_that_decides_otherwise_is_caught() -> None:
    """Teeth: the comparison sees a defect in the core."""

    def forgetful(state: State, event: Event) -> Decision:
        decision = step(state, event)
        return Decision() if isinstance(event, PriceMoved) else decision

    def silent(state: State, event: Event) -> Decision:
        step(state, event)
        return Decision()

    entries = recorded(a_run())

    assert replay(entries, digest_of=digest_of, decide=silent).difference is not None
    kept = replay(entries, digest_of=digest_of, decide=forgetful).difference
    assert kept is None or kept.event == "PriceMoved"


def test_progress_is_reported_row_by_row() -> None:
    rows: list[int] = []

    replay(recorded(a_run()), digest_of=digest_of, report=rows.append)

    assert {1} == set(rows)


def test_a_run_recorded_without_settings_is_said_plainly() -> None:
    event = msgspec.structs.replace(started(), settings=None)
    entry = Entry(seq=3, event=event, commands=(), digest="")

    with pytest.raises(DataError, match="without its settings") as caught:
        replay([entry], digest_of=digest_of)

    assert "journal row 3" == caught.value.where
