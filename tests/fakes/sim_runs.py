"""One story lived under all checks, and what was decided in it."""

from collections.abc import Callable
from pathlib import Path

from msgspec import Struct

from bot.model.account import HoldCause
from bot.model.bracket import Bracket, ClosedBy
from bot.model.events import Event
from bot.model.facts import BracketChanged, Decision, OperationChanged, OrderChanged
from bot.model.order import Leg, Order, OrderRequest
from tests.fakes.sim_bot import Life, Plan
from tests.fakes.sim_checks import Checks, is_settled
from tests.fakes.sim_crash import FAULTY_MS, Files, laid_out, room, template, watched


class Decided(Struct, frozen=True, kw_only=True):
    """One decision, at its second of the script."""

    second: float
    event: Event
    decision: Decision


class Story:
    """A life, told by its decisions."""

    def __init__(
        self,
        plan: Plan,
        *,
        seconds: float,
        until: Callable[[Life], bool] = lambda _: False,
        checks: Checks | None = None,
        files: Files | None = None,
        number: int = 2,
        is_orderly: bool = False,
    ) -> None:
        self.plan = plan
        self.checks = checks or Checks(protected_within_ms=FAULTY_MS)
        self.decided: list[Decided] = []
        with room() as folder:
            start = laid_out(template() if files is None else files, Path(folder) / "data")
            self.life = Life(start, plan, number=number)
            self.life.tell = self._note
            watched(self.life, self.checks, seconds=seconds, until=until, is_orderly=is_orderly)

    @property
    def entries(self) -> list[OrderRequest]:
        """Entry orders that left, over all lives of the world."""
        return [row for row in self.plan.outside.sent if row.leg is Leg.ENTRY]

    @property
    def brackets(self) -> list[Bracket]:
        """The newest row of each bracket that changed."""
        rows = {
            fact.bracket.id: fact.bracket
            for row in self.decided
            for fact in row.decision.facts
            if isinstance(fact, BracketChanged)
        }
        return list(rows.values())

    @property
    def closed_by(self) -> list[ClosedBy | None]:
        """Why each bracket was closed, None where it is not."""
        return [row.closed_by for row in self.brackets]

    def orders(self, from_s: float, to_s: float) -> list[Order]:
        """Rows of orders as they were changed within a span."""
        return [
            fact.order
            for row in self.decided
            if from_s <= row.second < to_s
            for fact in row.decision.facts
            if isinstance(fact, OrderChanged)
        ]

    def held(self, cause: HoldCause) -> list[float]:
        """The seconds at which a hold of a cause began and ended."""
        turns: list[float] = []
        for row in self.decided:
            for fact in row.decision.facts:
                if isinstance(fact, OperationChanged):
                    is_held = any(hold.cause is cause for hold in fact.operation.holds)
                    if is_held != bool(len(turns) % 2):
                        turns.append(row.second)
        return turns

    def _note(self, life: Life, event: Event, decision: Decision) -> None:
        self.decided.append(Decided(second=life.second, event=event, decision=decision))


def settled_after(second: float) -> Callable[[Life], bool]:
    """All is settled, and it is so late."""
    return lambda life: life.second >= second and is_settled(life)
