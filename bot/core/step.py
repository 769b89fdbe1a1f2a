"""The whole decision: `step(state, event)` changes the state and says what to record and to do.

Pure apart from the State it is given: no await, no clock, no randomness. The order within one
event is fixed: facts of the market first, then what they mean for clusters, then exits of open
brackets, then entries, then the risk of the account.
"""

from typing import assert_never

from msgspec.structs import replace

from bot.core import feeds, manager, operation, reconcile
from bot.core.draft import Draft
from bot.core.state import State
from bot.model.events import (
    AccountRead,
    CancelRejected,
    CandleClosed,
    Event,
    FlattenAsked,
    FundingPaid,
    FundingRead,
    HeatmapFailed,
    HeatmapRead,
    HoldAsked,
    InstrumentsChanged,
    MarketHalted,
    OpenInterestRead,
    OrderAccepted,
    OrderFilled,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    PriceMoved,
    QueryFailed,
    ResumeAsked,
    SettingsChanged,
    Started,
    StatsRead,
    StopAsked,
    Ticked,
    TroubleSeen,
)
from bot.model.facts import Decision
from bot.model.primitives import Millis


def step(state: State, event: Event) -> Decision:
    """Decide what one event leads to; an event that comes late counts as `counted` says."""
    event = counted(state, event)
    state.at = event.at
    draft = Draft(state, state.at)
    _dispatch(state, draft, event)
    return draft.decision()


def counted(state: State, event: Event) -> Event:
    """The event at the time that it counts for.

    Time in the core never runs backwards: what comes late counts as of now, so a busy moment in
    which a price waited behind a reading is no step of the clock.
    """
    return event if event.at >= state.at else replace(event, at=state.at)


def next_due_at(state: State) -> Millis | None:
    """The earliest instant at which time alone changes something; None: not before an event."""
    dues = [manager.next_due_at(state), feeds.next_due_at(state)]
    return min((due for due in dues if due is not None), default=None)


def _dispatch(state: State, draft: Draft, event: Event) -> None:
    match event:
        case HeatmapRead() | HeatmapFailed() | StatsRead():
            feeds.on_heatmap(state, draft, event)
        case PriceMoved() | CandleClosed() | OpenInterestRead() | FundingRead() | MarketHalted():
            feeds.on_market(state, draft, event)
        case Ticked():
            feeds.on_time(state, draft)
            manager.on_time(state, draft, draft.at)
        case (
            OrderAccepted()
            | OrderRejected()
            | OrderNotProcessed()
            | OrderOutcomeUnknown()
            | OrderUpdated()
            | OrderMissing()
            | QueryFailed()
            | CancelRejected()
            | OrderFilled()
        ):
            manager.on_order_event(state, draft, event)
        case AccountRead():
            reconcile.on_account(state, draft, event)
        case FundingPaid():
            manager.on_funding(state, draft, event)
        case _:
            _on_operator(state, draft, event)


def _on_operator(
    state: State,
    draft: Draft,
    event: Started
    | StopAsked
    | HoldAsked
    | ResumeAsked
    | FlattenAsked
    | TroubleSeen
    | SettingsChanged
    | InstrumentsChanged,
) -> None:
    match event:
        case Started():
            state.started_at = draft.at
            manager.on_start(state, draft, draft.at)
        case StopAsked():
            manager.on_stop(state, draft, draft.at)
        case HoldAsked():
            operation.on_hold(state, draft, event)
        case ResumeAsked():
            operation.on_resume(state, draft, event)
        case FlattenAsked():
            operation.on_flatten(state, draft, event)
        case TroubleSeen():
            operation.on_trouble(state, draft, event)
        case SettingsChanged(settings=settings):
            state.settings = settings
        case InstrumentsChanged(instruments=instruments):
            # In place: the venue rounds by the same table.
            state.instruments.update({row.symbol: row for row in instruments})
            for known in state.symbols.values():
                known.instrument = state.instruments[known.symbol]
        case _:
            assert_never(event)
