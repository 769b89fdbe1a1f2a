"""When the venue is read whole: regularly, sooner on doubt, never twice at a time."""

from typing import Final

from msgspec.structs import replace

from bot.core.draft import Draft
from bot.core.state import State
from bot.model.primitives import Millis

GAP_MS: Final = 500
"""At least, between two readings."""
GIVE_UP_MS: Final = 10_000
"""A reading that has not answered by then is asked for again."""
ALONE_MS: Final = 3_600_000
"""The regular period where nobody but the bot touches the venue."""
ALONE_IDLE_MS: Final = 86_400_000
WRITTEN_MS: Final = 2_000
"""From a write on, until the venue is read for it where that is not regular anyway."""
OVERLAP_MS: Final = 120_000
"""Fills are asked for from so long before the cursor: some are shown late."""


def fetch_if_due(state: State, draft: Draft) -> None:
    """Ask for the account where that is due."""
    due = next_due_at(state)
    if due is None or draft.at < due:
        return
    desk = state.desk
    desk.fetch_asked_at = desk.fetched_at = draft.at
    desk.fetch_due_at = None
    draft.fetch_account(fills_since(state, draft.at))


def next_due_at(state: State) -> Millis | None:
    """When the account is to be read next."""
    desk = state.desk
    if desk.fetched_at is None:
        return desk.fetch_due_at
    if desk.fetch_asked_at is not None:
        return Millis(desk.fetch_asked_at + GIVE_UP_MS)
    due = desk.fetched_at + period_ms(state)
    if state.settings.is_alone and state.placed_at and state.placed_at[-1] >= desk.fetched_at:
        due = min(due, state.placed_at[-1] + WRITTEN_MS)
    if desk.fetch_due_at is not None:
        due = min(due, max(desk.fetch_due_at, desk.fetched_at + GAP_MS))
    return Millis(due)


def period_ms(state: State) -> int:
    """The regular period: short while orders or positions are alive."""
    if not state.brackets and not state.desk.live():
        return idle_ms(state)
    settings = state.settings.orders
    if state.settings.is_alone:
        return ALONE_MS
    return int(min(settings.reconcile_orders_s, settings.reconcile_positions_s) * 1000)


def idle_ms(state: State) -> int:
    """The regular period while there is neither an order nor a position."""
    if state.settings.is_alone:
        return ALONE_IDLE_MS
    return int(state.settings.orders.reconcile_idle_s * 1000)


def failed(state: State, draft: Draft) -> None:
    """A reading got no answer: it proves nothing, and is asked for again soon."""
    state.desk.fetch_asked_at = None
    state.desk.want_account(Millis(draft.at + GAP_MS * 4))


def fills_since(state: State, at: Millis) -> Millis:
    """From when on fills are asked for."""
    cursor = state.account.fills_cursor if state.account is not None else at
    return Millis(max(cursor - OVERLAP_MS, 0))


def restart_clocks(state: State, draft: Draft) -> None:
    """After a restart the deadlines of protection count from now: the venue is read first."""
    for bracket in list(state.brackets.values()):
        if bracket.unprotected_since is not None or bracket.beyond_stop_at is not None:
            since = draft.at if bracket.unprotected_since is not None else None
            draft.put_bracket(replace(bracket, unprotected_since=since, beyond_stop_at=None))
