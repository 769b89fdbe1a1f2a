"""A decision is what one event led to."""

from bot.model.account import Operation
from bot.model.commands import FetchAccount
from bot.model.facts import Decision, OperationChanged
from bot.model.primitives import Millis, Symbol


def test_a_decision_without_facts_and_commands_is_empty() -> None:
    assert Decision().is_empty


def test_a_fact_or_a_command_makes_it_count() -> None:
    assert not Decision(facts=(OperationChanged(operation=Operation()),)).is_empty
    fetch = FetchAccount(symbol=Symbol(""), fills_since=Millis(0))
    assert not Decision(commands=(fetch,)).is_empty
