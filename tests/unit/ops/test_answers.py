"""The verbs of the control socket, on a state and an inbox of our own."""

import asyncio
from typing import Any

import msgspec
import pytest

from bot.clock import LoopClock, run_virtual
from bot.core.state import State
from bot.core.step import step
from bot.errors import UsageError
from bot.model.events import Event, FlattenAsked, HoldAsked, ResumeAsked
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.ops.answers import PATIENCE_S, Answers
from tests.fakes.rows import T0, a_bracket, a_price, a_reading, an_account
from tests.fakes.views import BTC, INSTRUMENT


class Desk:
    """A state whose inbox is worked off a moment later, as the loop does it."""

    def __init__(self, *, is_deaf: bool = False, trouble: str = "", **snapshot: Any) -> None:
        self._trouble = trouble
        self.state = State(
            settings=CoreSettings(instance="test", symbols=(BTC,)),
            instruments={BTC: INSTRUMENT},
            snapshot=Snapshot(at=T0, account=an_account(), **snapshot),
        )
        self.events: list[Event] = []
        self._is_deaf = is_deaf

    def emit(self, event: Event) -> None:
        self.events.append(event)
        if not self._is_deaf:
            asyncio.get_running_loop().call_later(0.1, step, self.state, event)

    def ask(self, **request: Any) -> Any:
        async def answer() -> tuple[Any, float]:
            loop = asyncio.get_running_loop()
            answers = Answers(
                self.state,
                LoopClock(start_at=T0),
                self.emit,
                account="an account",
                trouble=lambda: self._trouble,
            )
            found = await answers.answer(request)
            return found, loop.time()

        found, self.took_s = run_virtual(answer())
        msgspec.json.encode(found)
        return found


def test_status_is_the_document() -> None:
    found = Desk().ask(verb="status")

    assert ("TRADING", "an account") == (found["state"], found["account"])


def test_p10_a_disk_that_does_not_write_is_said_by_status() -> None:
    """The state stands still meanwhile, and would say TRADING."""
    found = Desk(trouble="The disk is full. Free some space.").ask(verb="status")

    assert ("PROTECT", "The disk is full. Free some space.") == (found["state"], found["reason"])
    assert ["store_trouble"] == [hold["cause"] for hold in found["holds"]]


def test_hold_is_answered_once_the_state_has_changed() -> None:
    desk = Desk()

    found = desk.ask(verb="hold", reason="by hand")

    assert [HoldAsked(at=T0, reason="by hand")] == desk.events
    assert ("HOLD", "by hand") == (found["state"], found["reason"])
    assert 0.1 <= desk.took_s < 0.2


def test_resume_ends_what_waits_for_the_operator() -> None:
    desk = Desk()
    desk.ask(verb="hold")

    found = desk.ask(verb="resume")

    assert isinstance(desk.events[-1], ResumeAsked)
    assert "TRADING" == found["state"]


def test_flatten_is_heard_even_on_hold_and_flat_waits_for_the_end() -> None:
    desk = Desk()
    desk.ask(verb="hold")

    found = desk.ask(verb="flatten", reason="enough")
    desk.ask(verb="flat")

    assert isinstance(desk.events[-1], FlattenAsked)
    assert "FLATTEN" == found["state"]
    assert desk.took_s == pytest.approx(PATIENCE_S, abs=0.1)


def test_an_answer_does_not_wait_for_ever() -> None:
    desk = Desk(is_deaf=True)

    found = desk.ask(verb="hold")

    assert "TRADING" == found["state"]
    assert desk.took_s == pytest.approx(PATIENCE_S, abs=0.1)


def test_a_look_before_the_first_price_says_so() -> None:
    found = Desk().ask(verb="look", symbol=BTC)

    assert found["price"] is None
    assert found["spread_pct"] is None
    assert {"support": [], "resistance": []} == found["levels"]
    assert found["staleness"]
    assert found["position"] is None


def test_a_look_shows_clusters_refusals_and_the_position() -> None:
    desk = Desk(brackets=(a_bracket(),))
    step(desk.state, a_price(T0))
    for number in range(3):
        event = a_reading(Millis(T0 + number * 10), rows=3)
        step(desk.state, msgspec.structs.replace(event, sequence=number))

    found = desk.ask(verb="look", symbol=BTC)

    assert 3 == len(found["clusters"])
    assert "b1" == found["position"]["bracket"]
    assert found["refusals"]
    assert {"rule", "saw", "limit", "numbers"} <= {*found["refusals"][0]}
    assert "" == found["staleness"]


@pytest.mark.parametrize("request_", [{"verb": "dance"}, {}, {"verb": "look", "symbol": "X"}])
def test_what_is_no_verb_or_no_symbol_is_a_usage_error(request_: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        Desk().ask(**request_)
