"""How far the bot may go: holds are entered by themselves and by command, and persist.

TRADING -> HOLD (no new entries, exits managed) -> PROTECT (stops kept, reconcile) -> FLATTEN.
Each hold has one cause; the strictest decides. A hold with a symbol concerns that symbol alone.
Protection and cancels always pass.
"""

from collections.abc import Callable
from typing import Final

from bot.core import accounting
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.account import Hold, HoldCause, OperatingState, Operation
from bot.model.events import FlattenAsked, HoldAsked, ResumeAsked, TroubleSeen
from bot.model.primitives import Millis, Symbol, Usd

_TROUBLE_STATES: Final = {
    HoldCause.VENUE_ERRORS: OperatingState.PROTECT,
    HoldCause.STORE_TROUBLE: OperatingState.PROTECT,
    HoldCause.LEDGER_REPAIRED: OperatingState.PROTECT,
    HoldCause.CRASH_LOOP: OperatingState.PROTECT,
}
"""What trouble asks for; every other cause asks for HOLD."""
_NEEDS_OPERATOR: Final = frozenset(
    {
        HoldCause.OPERATOR,
        HoldCause.DRAWDOWN,
        HoldCause.ACCOUNT_CHANGED,
        HoldCause.OTHER_INSTANCE,
        HoldCause.CRASH_LOOP,
        HoldCause.LEDGER_REPAIRED,
    }
)
_OF_ONE_RUN: Final = frozenset(
    {
        HoldCause.TASK_FAILED,
        HoldCause.STORE_TROUBLE,
        HoldCause.VENUE_ERRORS,
        HoldCause.CLOCK_SKEW,
        HoldCause.PRICE_STALE,
        HoldCause.WARMING_UP,
        HoldCause.STOPS_REFUSED,
    }
)
"""Told by an adapter, which alone tells of the end: they do not outlive the adapter's run."""
_SEVERITIES: Final = {
    OperatingState.HOLD: "warning",
    OperatingState.PROTECT: "error",
    OperatingState.FLATTEN: "critical",
}


def on_start(state: State, draft: Draft) -> None:
    """Let go of what only the run before could have ended; what lasts is told anew."""
    _drop(state, draft, lambda hold: hold.cause in _OF_ONE_RUN)


# --- by command


def on_hold(state: State, draft: Draft, event: HoldAsked) -> None:
    """No new entries until `resume`; a flatten that is under way goes on, and ends in the same."""
    if is_flattening(state):
        return
    hold_for(state, draft, HoldCause.OPERATOR, event.reason or "asked for by the operator")


def on_flatten(state: State, draft: Draft, event: FlattenAsked) -> None:
    """Close everything; once that is verified the account stays on HOLD until `resume`."""
    detail = event.reason or "asked for by the operator"
    _drop(state, draft, lambda hold: hold.cause is HoldCause.OPERATOR)
    hold_for(state, draft, HoldCause.OPERATOR, detail, to=OperatingState.FLATTEN)
    draft.note("warning", "operator.flattened", f"Everything is being closed: {detail}.")
    state.desk.want_account(draft.at)


def on_resume(state: State, draft: Draft, event: ResumeAsked) -> None:
    """End every hold that waits for the operator; the drawdown counts from here again."""
    del event
    account = state.account
    if account is not None and _has(state, HoldCause.DRAWDOWN, None):
        peak = accounting.equity_usd(state)
        draft.put_account(accounting.with_peak(account, peak))
    ended = [hold.cause.value for hold in state.operation.holds if hold.needs_operator]
    _drop(state, draft, lambda hold: hold.needs_operator)
    # What still is as it should not be is told again with the next reading.
    state.desk.want_account(draft.at)
    rest = ", ".join(hold.cause.value for hold in state.operation.holds)
    text = f"Resumed after {', '.join(ended)}." if ended else "There was nothing to resume from."
    if rest:
        text += f" Entries still wait for: {rest}."
    draft.note("info", "operator.resumed", text)


def on_trouble(state: State, draft: Draft, event: TroubleSeen) -> None:
    """An adapter saw trouble begin or end."""
    cause = HoldCause(event.cause)
    if cause is HoldCause.CLOCK_JUMPED:
        # What was believed before the jump is checked against the venue before anything else;
        # a reading newer than the jump ends the hold.
        state.desk.want_account(draft.at)
        if event.is_over:
            return
    if event.is_over:
        end_hold(state, draft, cause, symbol=event.symbol)
    else:
        to = _TROUBLE_STATES.get(cause, OperatingState.HOLD)
        hold_for(state, draft, cause, event.detail, to=to, symbol=event.symbol)


# --- by themselves


def hold_for(
    state: State,
    draft: Draft,
    cause: HoldCause,
    detail: str,
    *,
    to: OperatingState = OperatingState.HOLD,
    until: Millis | None = None,
    symbol: Symbol | None = None,
) -> None:
    """Enter a hold; while one of the same cause and strictness stands nothing changes."""
    standing = next(
        (h for h in state.operation.holds if (h.cause, h.symbol) == (cause, symbol)), None
    )
    if standing is not None and standing.state is to and standing.until == until:
        return
    hold = Hold(
        cause=cause,
        state=to,
        since=draft.at,
        until=until,
        needs_operator=cause in _NEEDS_OPERATOR,
        detail=detail,
        symbol=symbol,
    )
    others = tuple(h for h in state.operation.holds if (h.cause, h.symbol) != (cause, symbol))
    draft.put_operation(Operation(holds=(*others, hold)))
    where = f" on {symbol}" if symbol else ""
    text = f"{to.value}{where} because of {cause.value}: {detail}"
    draft.note(_SEVERITIES.get(to, "warning"), "operator.held", text, symbol)


def end_hold(state: State, draft: Draft, cause: HoldCause, *, symbol: Symbol | None = None) -> None:
    """End a hold whose cause has ended; one that waits for the operator goes on."""
    if _has(state, cause, symbol):
        _drop(
            state,
            draft,
            lambda h: (h.cause, h.symbol) == (cause, symbol) and not h.needs_operator,
        )


def on_time(state: State, draft: Draft) -> None:
    """End what ends by itself."""
    due = [h for h in state.operation.holds if h.until is not None and h.until <= draft.at]
    if not due:
        return
    if any(hold.cause is HoldCause.LOSING_STREAK for hold in due) and state.account is not None:
        draft.put_account(accounting.with_losses(state.account, 0))
    _drop(state, draft, lambda hold: hold in due)


def next_due_at(state: State) -> Millis | None:
    """The earliest instant at which a hold ends by itself."""
    return min((h.until for h in state.operation.holds if h.until is not None), default=None)


def check_limits(state: State, draft: Draft) -> None:
    """Enter the holds that losses ask for: the day's, the drawdown's, the losing streak's."""
    accounting.roll_day(state, draft, draft.at)  # Yesterday's loss must not hold today.
    account = state.account
    if account is None:
        return
    limits = state.settings.risk
    equity = accounting.equity_usd(state)
    lost_pct = _lost_pct(account.day_start_equity_usd, equity)
    if lost_pct >= limits.day_loss_pct:
        detail = (
            f"{lost_pct:.2f} % of the day's equity is lost; the limit is {limits.day_loss_pct} %"
        )
        until = accounting.next_midnight(draft.at)
        _limit(state, draft, HoldCause.DAY_LOSS, detail, until)
    down_pct = _lost_pct(account.equity_peak_usd, equity)
    if down_pct >= limits.drawdown_pct:
        detail = f"equity is {down_pct:.2f} % below its peak; the limit is {limits.drawdown_pct} %"
        _limit(state, draft, HoldCause.DRAWDOWN, detail, None)
    if account.losses_in_a_row >= limits.losses_in_a_row:
        detail = f"{account.losses_in_a_row} losses in a row"
        until = Millis(draft.at + int(limits.losing_streak_hold_s * 1000))
        _limit(state, draft, HoldCause.LOSING_STREAK, detail, until)


def may_enter(state: State, symbol: Symbol) -> bool:
    """Whether exposure may grow on a symbol."""
    return state.operation.state_of(symbol) is OperatingState.TRADING


def may_work(state: State) -> bool:
    """Whether an entry that rests may go on resting.

    A stale heatmap alone leaves it for a while: it has a cause and a time limit of its own.
    """
    return all(
        hold.symbol is not None or hold.cause is HoldCause.HEATMAP_STALE
        for hold in state.operation.holds
    )


def may_exit(state: State) -> bool:
    """Whether targets and the strategies' exits are managed; stops always are."""
    return state.operation.state not in {OperatingState.PROTECT, OperatingState.STOPPED}


def is_flattening(state: State) -> bool:
    """Whether everything is to be closed."""
    return state.operation.state is OperatingState.FLATTEN


def flattened(state: State, draft: Draft) -> None:
    """Nothing is left at the venue: HOLD until the operator resumes."""
    _drop(state, draft, lambda hold: hold.state is OperatingState.FLATTEN)
    hold_for(state, draft, HoldCause.OPERATOR, "everything was closed and the venue is flat")
    draft.note("warning", "operator.flattened", "Flat: the venue has no position of ours left.")


def _limit(state: State, draft: Draft, cause: HoldCause, detail: str, until: Millis | None) -> None:
    """Enter a hold once: what triggered it goes on being true and must not prolong it."""
    if _has(state, cause, None):
        return
    hold_for(state, draft, cause, detail, until=until)
    draft.note("error", "account.loss_limit_reached", f"No new entries: {detail}.")


def _lost_pct(reference: Usd, equity: Usd) -> float:
    return float((reference - equity) / reference * 100) if reference > 0 else 0.0


def _has(state: State, cause: HoldCause, symbol: Symbol | None) -> bool:
    return any((h.cause, h.symbol) == (cause, symbol) for h in state.operation.holds)


def _drop(state: State, draft: Draft, is_over: Callable[[Hold], bool]) -> None:
    draft.put_operation(Operation(holds=tuple(h for h in state.operation.holds if not is_over(h))))
