"""What readings, prices and time mean: clusters live, brackets are exited, entries are proposed."""

from collections.abc import Callable

from msgspec.structs import replace

from bot.core import manager, operation, selector
from bot.core.draft import Draft
from bot.core.state import REFUSAL_EPISODES_MAX, State, SymbolState
from bot.core.strategies import exits
from bot.core.tracker.changes import Changes
from bot.model.account import HoldCause
from bot.model.cluster import ClusterEventKind
from bot.model.events import (
    CandleClosed,
    FundingRead,
    HeatmapFailed,
    HeatmapRead,
    MarketHalted,
    OpenInterestRead,
    PriceMoved,
    StatsRead,
)
from bot.model.facts import ClusterChanged, ClusterEventHappened, GateChanged, Refused
from bot.model.primitives import ClusterId, Millis
from bot.model.signal import Refusal

TRADED_EVENTS = frozenset({ClusterEventKind.BREAK_ACCEPTED, ClusterEventKind.BREAK_SWEPT})
"""What strategies act on at once, without waiting for the next reading."""


def on_heatmap(state: State, draft: Draft, event: HeatmapRead | HeatmapFailed | StatsRead) -> None:
    """Work a reply of the provider in."""
    match event:
        case HeatmapRead():
            _on_reading(state, draft, event)
        case HeatmapFailed():
            if symbol := state.symbols.get(event.symbol):
                _keep(draft, symbol, symbol.tracker.on_failure(event))
        case StatsRead(stats=stats):
            for symbol in state.symbols.values():
                symbol.interest.on_stats(stats.open_interest.get(symbol.symbol), event.at)
    _watch_freshness(state, draft)


def on_market(
    state: State,
    draft: Draft,
    event: PriceMoved | CandleClosed | OpenInterestRead | FundingRead | MarketHalted,
) -> None:
    """Work a fact of the market in."""
    match event:
        case PriceMoved():
            _on_price(state, draft, event)
        case CandleClosed(candle=candle):
            if symbol := state.symbols.get(candle.symbol):
                symbol.bars.on_candle(candle)
        case OpenInterestRead():
            if symbol := state.symbols.get(event.symbol):
                symbol.interest.on_open_interest(event)
        case FundingRead(funding=funding):
            if symbol := state.symbols.get(funding.symbol):
                symbol.funding = funding
        case MarketHalted(is_halted=is_halted):
            if symbol := state.symbols.get(event.symbol):
                symbol.is_halted = is_halted
                changes = symbol.tracker.on_halt(is_halted=is_halted, at=draft.at)
                _keep(draft, symbol, changes)


def on_time(state: State, draft: Draft) -> None:
    """Run the timers of the clusters, and the exits that only need time."""
    for symbol in state.symbols.values():
        _keep(draft, symbol, symbol.tracker.on_time(draft.at))
    for symbol_name in sorted({bracket.symbol for bracket in state.brackets.values()}):
        _exit(state, draft, state.symbols.get(symbol_name))
    _watch_freshness(state, draft)


def next_due_at(state: State) -> Millis | None:
    """The earliest instant at which silence or age changes a cluster."""
    dues = (symbol.tracker.next_due_at() for symbol in state.symbols.values())
    return min((due for due in dues if due is not None), default=None)


def _on_reading(state: State, draft: Draft, event: HeatmapRead) -> None:
    symbol = state.symbols.get(event.reading.symbol)
    if symbol is None:
        return
    changes = symbol.tracker.on_reading(
        event,
        symbol.price.mark if symbol.price is not None else None,
        _new_ids(state),
        is_floating=state.gate.gate.is_floating,
        atr_1m_pct=symbol.bars.atr_1m_pct,
    )
    _keep(draft, symbol, changes)
    if changes.sample is not None:
        before = state.gate.gate
        after = state.gate.observe(symbol.symbol, draft.at, changes.sample)
        if after is not None:
            is_switch = (before.is_open, before.is_floating) != (after.is_open, after.is_floating)
            draft.add(
                GateChanged(provider=state.settings.provider, gate=after, is_switch=is_switch)
            )
    if changes.is_reading_good:
        _exit(state, draft, symbol)
        _enter(state, draft, symbol)


def _on_price(state: State, draft: Draft, event: PriceMoved) -> None:
    symbol = state.symbols.get(event.symbol)
    if symbol is None:
        return
    symbol.price = event
    changes = symbol.tracker.on_price(event)
    _keep(draft, symbol, changes)
    manager.on_price(state, draft, event.symbol, draft.at)
    if changes.events:
        _exit(state, draft, symbol)
    if any(happened.kind in TRADED_EVENTS for happened in changes.events):
        _enter(state, draft, symbol)


def _keep(draft: Draft, symbol: SymbolState, changes: Changes) -> None:
    """Write what changed in a symbol's clusters, and remember it for the strategies."""
    for cluster in changes.clusters:
        draft.add(ClusterChanged(cluster=cluster))
    for happened in changes.events:
        symbol.recent_events.append(happened)
        draft.add(ClusterEventHappened(event=happened))
    for note in changes.notes:
        draft.note("warning", "heatmap.doubted", note, symbol.symbol)


def _exit(state: State, draft: Draft, symbol: SymbolState | None) -> None:
    """Close the brackets whose strategy says so."""
    if symbol is None or symbol.price is None:
        return
    held = [row for row in state.brackets.values() if row.symbol == symbol.symbol]
    for bracket in held:
        signal = bracket.signal
        closed_by = exits.exit_reason(
            bracket,
            symbol.tracker.get(signal.cluster_id) if signal is not None else None,
            symbol.recent_events,
            mark=symbol.price.mark,
            at=draft.at,
            settings=state.settings,
        )
        if closed_by is not None:
            manager.close_bracket(state, draft, bracket.id, closed_by)


def _enter(state: State, draft: Draft, symbol: SymbolState) -> None:
    """Let the strategies propose, and put the winner before the risk gate."""
    view = selector.view_of(state, symbol.symbol, draft.at)
    selection = selector.select(view)
    for refusal in selection.refusals:
        draft.add(Refused(refusal=_episode(symbol, refusal)))
    signal = selection.signal
    if signal is None:
        return
    manager.on_signal(state, draft, signal, draft.at)
    if signal.id in state.signals_used:
        symbol.note_backed(
            signal.cluster_id,
            signal.position_side,
            draft.at,
            keep_s=state.settings.strategies.common.same_cluster_s,
        )


def _episode(symbol: SymbolState, refusal: Refusal) -> Refusal:
    """The refusal as a row: the same one again adds to its count and brings its newest numbers."""
    key = (
        refusal.strategy,
        refusal.position_side or "",
        str(refusal.cluster_id),
        str(refusal.cluster_gen),
        refusal.rule,
    )
    known = symbol.refusals.pop(key, None)
    if known is not None:
        refusal = replace(refusal, first_at=known.first_at, count=known.count + 1)
    elif len(symbol.refusals) >= REFUSAL_EPISODES_MAX:
        symbol.refusals.pop(next(iter(symbol.refusals)))
    symbol.refusals[key] = refusal
    return refusal


def _watch_freshness(state: State, draft: Draft) -> None:
    """HOLD while no symbol has a fresh reading; it ends by itself when one has."""
    settings = state.settings
    patience_ms = max(settings.tracker.stale_after_s, 2.5 * settings.poll_period_s) * 1000
    is_past_start = draft.at - state.started_at > patience_ms
    trackers = [row.tracker for row in state.symbols.values()]
    if is_past_start and trackers and not any(row.is_fresh(draft.at) for row in trackers):
        operation.hold_for(state, draft, HoldCause.HEATMAP_STALE, trackers[0].staleness(draft.at))
    else:
        operation.end_hold(state, draft, HoldCause.HEATMAP_STALE)
    for symbol in sorted({bracket.symbol for bracket in state.brackets.values()}):
        _watch_resting(state, draft, state.symbols.get(symbol))


def _watch_resting(state: State, draft: Draft, symbol: SymbolState | None) -> None:
    """Cancel the entries that rest on clusters nobody has seen for too long."""
    if symbol is None or symbol.tracker.is_fresh(draft.at):
        return
    last = symbol.tracker.last_good_at
    after_ms = int(state.settings.tracker.cancel_resting_after_s * 1000)
    if last is not None and draft.at - last >= after_ms:
        manager.cancel_entries(state, draft, symbol.symbol, symbol.tracker.staleness(draft.at))


def _new_ids(state: State) -> Callable[[], ClusterId]:
    def new_id() -> ClusterId:
        found = state.next_cluster_id
        state.next_cluster_id = ClusterId(found + 1)
        return found

    return new_id
