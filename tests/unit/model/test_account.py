"""The strictest cause decides how far the bot may go."""

from bot.model.account import Hold, HoldCause, OperatingState, Operation
from bot.model.primitives import Millis


def hold(cause: HoldCause, state: OperatingState) -> Hold:
    return Hold(cause=cause, state=state, since=Millis(0))


def test_without_a_cause_the_bot_trades() -> None:
    assert OperatingState.TRADING is Operation().state


def test_the_strictest_cause_decides_and_the_milder_stays_known() -> None:
    operation = Operation(
        holds=(
            hold(HoldCause.CRASH_LOOP, OperatingState.PROTECT),
            hold(HoldCause.OPERATOR, OperatingState.HOLD),
        )
    )

    assert OperatingState.PROTECT is operation.state
    assert len(operation.holds) == 2
