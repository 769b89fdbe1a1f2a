"""Replay: a journal goes through the core again, and every decision must come out as it was.

A run begins with Started, which carries all it started from; so any stretch of a journal can be
replayed from the first Started in it. Commands are compared byte for byte, facts by their digest.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import msgspec

from bot.core.state import State
from bot.core.step import step
from bot.errors import DataError
from bot.model.commands import Command
from bot.model.events import Event, Started
from bot.model.facts import Decision, Fact
from bot.model.primitives import Millis, Value

Digest = Callable[[Sequence[Fact]], str]
Step = Callable[[State, Event], Decision]

_encode = msgspec.json.Encoder().encode


class Recorded(Protocol):
    """One line of a journal."""

    @property
    def seq(self) -> int:
        """The journal row that holds it."""
        ...

    @property
    def event(self) -> Event:
        """What happened."""
        ...

    @property
    def commands(self) -> tuple[Command, ...]:
        """What was decided then."""
        ...

    @property
    def digest(self) -> str:
        """Over the facts of that decision."""
        ...


class Difference(Value, frozen=True, kw_only=True):
    """The first decision that came out otherwise."""

    seq: int
    at: Millis
    event: str
    """The event's name."""
    what: str
    """commands | facts"""
    expected: str
    """As the journal has it."""
    got: str


class Outcome(Value, frozen=True, kw_only=True):
    """What a replay found."""

    runs: int = 0
    events: int = 0
    commands: int = 0
    skipped: int = 0
    """Events before the first Started: the run they belong to began in rows pruned since."""
    difference: Difference | None = None


def replay(
    entries: Iterable[Recorded],
    *,
    digest_of: Digest,
    report: Callable[[int], None] = lambda _: None,
    decide: Step = step,
) -> Outcome:
    """Step every event and compare, up to the first difference; `report(seq)` as it goes on.

    Raises:
        DataError: a run's beginning lacks what a replay needs.

    """
    runs = events = commands = skipped = 0
    state: State | None = None
    for entry in entries:
        if isinstance(entry.event, Started):
            state = _state_of(entry.event, entry.seq)
            runs += 1
        if state is None:
            skipped += 1
            continue
        decision = decide(state, entry.event)
        difference = _difference(entry, decision, digest_of)
        events += 1
        commands += len(decision.commands)
        if difference is not None:
            return Outcome(
                runs=runs,
                events=events,
                commands=commands,
                skipped=skipped,
                difference=difference,
            )
        report(entry.seq)
    return Outcome(runs=runs, events=events, commands=commands, skipped=skipped)


def _state_of(event: Started, seq: int) -> State:
    if event.settings is None:
        raise DataError(
            "This run was recorded without its settings and cannot be replayed.",
            where=f"journal row {seq}",
            remedy="Replay a journal that this version has written.",
        )
    return State(
        settings=event.settings,
        instruments={row.symbol: row for row in event.instruments},
        snapshot=event.snapshot,
    )


def _difference(entry: Recorded, decision: Decision, digest_of: Digest) -> Difference | None:
    what, expected, got = "commands", _text(entry.commands), _text(decision.commands)
    if expected == got:
        what, expected, got = "facts", entry.digest, digest_of(decision.facts)
    if expected == got:
        return None
    if what == "facts":
        got = f"{got} of {_named(decision.facts)}"
    return Difference(
        seq=entry.seq,
        at=entry.event.at,
        event=type(entry.event).__name__,
        what=what,
        expected=expected,
        got=got,
    )


def _text(commands: tuple[Command, ...]) -> str:
    return _encode(commands).decode()


def _named(facts: Sequence[Fact]) -> str:
    """`2 ClusterChanged, 1 Noted`: the journal keeps a digest of the facts and not the facts."""
    counts = Counter(type(fact).__name__ for fact in facts)
    return ", ".join(f"{count} {name}" for name, count in counts.items()) or "no facts"
