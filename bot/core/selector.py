"""One signal a symbol a cycle at most: every strategy proposes, one gate judges, the best leads.

Candidates of both sides compete. The best needs a clear lead over the best opposite one, or there
is no trade; a tie is no trade. A new strategy is one file and one line in `STRATEGIES`.
"""

import math
from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

import msgspec

from bot.core.state import State
from bot.core.strategies import breakout, hunt, levels
from bot.core.strategies.base import About, Proposal, View, refuse
from bot.core.strategies.judge import judge
from bot.model.primitives import Millis, Symbol
from bot.model.signal import Refusal, Rule, Signal

STRATEGIES: Final[tuple[Callable[[View], Iterable[Proposal]], ...]] = (
    hunt.propose,
    levels.propose,
    breakout.propose,
)


class Selection(NamedTuple):
    """What came of one look at one symbol."""

    signal: Signal | None
    refusals: tuple[Refusal, ...]


def view_of(state: State, symbol: Symbol, at: Millis) -> View:
    """Gather what strategies may see of a symbol at `at`; without a price they see none."""
    known, settings = state.symbols[symbol], state.settings
    tracker, bars, price = known.tracker, known.bars, known.price
    interest, funding = known.interest, known.funding
    clusters = tuple(tracker.live())
    good_at = tracker.last_good_at
    return View(
        symbol=symbol,
        at=at,
        settings=settings,
        instrument=known.instrument,
        clusters=clusters,
        tradable=frozenset(c.id for c in clusters if tracker.is_tradable(c, at)),
        is_fresh=tracker.is_fresh(at),
        is_warming=tracker.is_warming,
        is_halted=known.is_halted,
        reading_age_s=None if good_at is None else (at - good_at) / 1000,
        atr_1m_pct=bars.atr_1m_pct,
        atr_15m_pct=bars.atr_15m_pct,
        last_minute_return_pct=bars.last_minute_return_pct,
        candles=bars.candles,
        interest_term=interest.multiplier(at, settings.strategies.size),
        total_oi_usd=None if price is None else interest.total_usd(at, price.mark),
        long_short_ratio=interest.long_short_ratio(at),
        fundings_at=() if funding is None else (funding.last_at, funding.next_at),
        events=known.recent_events,
        backed=known.backed,
        signals_used=state.signals_used,
        gate=state.gate.gate,
        mark=math.nan if price is None else price.mark,
        bid=math.nan if price is None else price.bid,
        ask=math.nan if price is None else price.ask,
    )


def select(view: View) -> Selection:
    """Give the one signal that leads, if any, and every refusal with its numbers.

    Pure and deterministic: the same view gives the same selection. Positions are the risk gate's.
    """
    refusals: list[Refusal] = []
    signals: list[Signal] = []
    for propose in STRATEGIES:
        for proposal in propose(view):
            verdict = proposal if isinstance(proposal, Refusal) else judge(view, proposal)
            if isinstance(verdict, Refusal):
                refusals.append(verdict)
            else:
                signals.append(verdict)
    signal = max(signals, key=score, default=None)
    if signal is not None and (unled := _without_lead(view, signal, signals)):
        return Selection(None, (*refusals, *unled))
    return Selection(signal, tuple(refusals))


def score(signal: Signal) -> float:
    """What candidates are compared by: net risk/reward times strength, for both sides alike."""
    return signal.risk_reward * signal.strength


def _without_lead(view: View, leader: Signal, signals: list[Signal]) -> tuple[Refusal, ...]:
    """Refuse both the leader and the best opposite candidate where they are too close to call."""
    rivals = [rival for rival in signals if rival.position_side is not leader.position_side]
    rival = max(rivals, key=score, default=None)
    limit = view.common.lead_min
    if rival is None or score(leader) >= limit * score(rival):
        return ()
    lead = score(leader) / score(rival)
    return tuple(_no_lead(view, signal, lead, limit) for signal in (leader, rival))


def _no_lead(view: View, signal: Signal, lead: float, limit: float) -> Refusal:
    numbers = {
        "entry": float(signal.entry_price),
        "stop": float(signal.stop_price),
        "target": float(signal.target_price),
        "win_per_unit": float(signal.win_per_unit_usd),
        "loss_per_unit": float(signal.loss_per_unit_usd),
        "rr_net": signal.risk_reward,
        "rr_gross": signal.risk_reward_gross,
        "break_even": signal.break_even_probability,
        "score": score(signal),
    }
    about = About(signal.strategy, signal.position_side)
    return msgspec.structs.replace(
        refuse(view, about, Rule.NO_LEAD, saw=lead, limit=limit, numbers=numbers),
        cluster_id=signal.cluster_id,
        cluster_gen=signal.cluster_gen,
        cluster_level=signal.cluster_level,
    )
