"""What a strategy may see, what it may propose, and the rules that all of them share.

A strategy is a function from a View to candidates and refusals. It never decides alone: `judge`
puts every candidate through one gate, and the selector arbitrates. Everything here is written for
both sides at once, with `side.sign` as the only difference, so that neither side is favoured.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple, TypeAlias

import msgspec

from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState, ProviderGate
from bot.model.instrument import Instrument
from bot.model.market import Candle
from bot.model.primitives import ClusterId, Millis, PositionSide, SignalId, Symbol
from bot.model.settings import CommonSettings, CoreSettings
from bot.model.signal import EntryStyle, Refusal, Rule, Strategy

NEAREST_MAX = 8
"""Clusters a side that a strategy looks at, nearest first: the work of a cycle is bounded."""
RECENT_MS = 60_000
"""An event older than this is history: what is missing then is an event, not a fresh one."""

_TRUSTED = frozenset({ClusterState.ACTIVE, ClusterState.TOUCHED})


class View(msgspec.Struct, frozen=True, kw_only=True):
    """All that a strategy may see of one symbol at one instant. Unknown figures are None."""

    symbol: Symbol
    at: Millis
    settings: CoreSettings
    instrument: Instrument
    mark: float = math.nan
    bid: float = math.nan
    ask: float = math.nan
    clusters: tuple[Cluster, ...] = ()
    """The live ones."""
    tradable: AbstractSet[ClusterId] = frozenset()
    """Those of the live ones that the tracker lets an entry rest on."""
    is_fresh: bool = False
    """A good reading is young enough."""
    is_warming: bool = False
    """The local engine explains too little of the open interest yet."""
    is_halted: bool = False
    reading_age_s: float | None = None
    atr_1m_pct: float | None = None
    atr_15m_pct: float | None = None
    last_minute_return_pct: float | None = None
    candles: Sequence[Candle] = ()
    """The newest bars, for confirmation."""
    interest_term: float = 1.0
    """The open-interest term of the size."""
    total_oi_usd: float | None = None
    long_short_ratio: float | None = None
    fundings_at: tuple[Millis, ...] = ()
    """The settlements before and after."""
    events: Sequence[ClusterEvent] = ()
    """The newest last."""
    backed: Mapping[ClusterId, tuple[PositionSide, Millis]] = {}
    """Which side each cluster last backed with a signal, and when."""
    signals_used: AbstractSet[SignalId] = frozenset()
    gate: ProviderGate = ProviderGate()
    longs: tuple[Cluster, ...] = ()
    """Live long clusters, highest level first; filled in from `clusters`."""
    shorts: tuple[Cluster, ...] = ()
    """Live short clusters, lowest level first; filled in from `clusters`."""

    def __post_init__(self) -> None:
        # Sorted here and not by whoever built the list: each source sorts in its own way.
        # Of two at one level the older comes first on either side.
        live = [cluster for cluster in self.clusters if cluster.is_live]
        shorts = tuple(sorted((c for c in live if c.side is PositionSide.SHORT), key=_upward))
        longs = tuple(sorted((c for c in live if c.side is PositionSide.LONG), key=_downward))
        msgspec.structs.force_setattr(self, "shorts", shorts)
        msgspec.structs.force_setattr(self, "longs", longs)

    @property
    def common(self) -> CommonSettings:
        """What every candidate must satisfy."""
        return self.settings.strategies.common

    @property
    def spread_pct(self) -> float:
        """Ask minus bid in percent of mid."""
        return (self.ask - self.bid) / (self.ask + self.bid) * 200.0

    @property
    def stop_min_pct(self) -> float:
        """The distance below which a stop sits in the noise, in percent of the entry."""
        common = self.common
        return max(
            common.stop_min_pct,
            common.stop_min_spreads * self.spread_pct,
            common.stop_min_atr * (self.atr_1m_pct or 0.0),
        )

    def touch(self, side: PositionSide) -> float:
        """The price an order that takes would open `side` at: the best ask or bid."""
        return self.ask if side is PositionSide.LONG else self.bid

    def of(self, side: PositionSide) -> tuple[Cluster, ...]:
        """The live clusters whose positions are `side`, in the order a price meets them."""
        return self.longs if side is PositionSide.LONG else self.shorts

    def trusted(self, side: PositionSide) -> Iterator[Cluster]:
        """Those of them that are more than candidates."""
        return (cluster for cluster in self.of(side) if cluster.state in _TRUSTED)


class About(NamedTuple):
    """Whom and what a candidate or a refusal is about."""

    strategy: Strategy
    side: PositionSide | None = None
    cluster: Cluster | None = None


class Candidate(NamedTuple):
    """A proposal before the gate. Prices are raw: the gate rounds them."""

    strategy: Strategy
    side: PositionSide
    cluster: Cluster
    entry: float
    stop: float
    target: float | None
    """None: no cluster bounds it, so it is `target_risks` times the loss at the stop."""
    thesis: str
    """Between "<strategy> LONG" and the level."""
    style: EntryStyle = EntryStyle.IOC
    target_risks: float = 2.0
    time_stop_s: float | None = None
    next_level: float | None = None
    """The level that would bound the target if this cluster were not there."""

    @property
    def about(self) -> About:
        """Whom and what it is about."""
        return About(self.strategy, self.side, self.cluster)


Proposal: TypeAlias = Candidate | Refusal


def _upward(cluster: Cluster) -> tuple[float, int]:
    return cluster.level, cluster.id


def _downward(cluster: Cluster) -> tuple[float, int]:
    return -cluster.level, cluster.id


def refuse(
    view: View,
    about: About,
    rule: Rule,
    *,
    saw: float | None = None,
    limit: float | None = None,
    numbers: Mapping[str, float | None] | None = None,
) -> Refusal:
    """Say no, with the rule and the numbers; what is not a finite number is left out."""
    cluster = about.cluster
    return Refusal(
        symbol=view.symbol,
        strategy=about.strategy,
        rule=rule,
        position_side=about.side,
        cluster_id=cluster.id if cluster else None,
        cluster_gen=cluster.gen if cluster else 1,
        cluster_level=cluster.level if cluster else None,
        saw=_finite(saw),
        limit=_finite(limit),
        numbers={
            name: number
            for name, number in (numbers or {}).items()
            if number is not None and math.isfinite(number)
        },
        first_at=view.at,
        at=view.at,
    )


def guard(view: View, strategy: Strategy, *, is_enabled: bool) -> Refusal | None:
    """Refuse a whole strategy on a symbol: nothing about any one cluster can mend these."""
    about = About(strategy)
    if not is_enabled:
        return refuse(view, about, Rule.STRATEGY_OFF)
    if not has_price(view):
        numbers = {"bid": view.bid, "ask": view.ask, "mark": view.mark}
        return refuse(view, about, Rule.NOT_FINITE, saw=view.mark, numbers=numbers)
    return _input_guard(view, about) or _market_guard(view, about)


def has_price(view: View) -> bool:
    """Mark, bid and ask are finite, positive and not crossed."""
    prices = (view.mark, view.bid, view.ask)
    return all(math.isfinite(p) and p > 0 for p in prices) and view.bid <= view.ask


def _input_guard(view: View, about: About) -> Refusal | None:
    if view.is_halted:
        return refuse(view, about, Rule.NOT_TRADING)
    if not view.is_fresh:
        limit = view.settings.tracker.stale_after_s
        return refuse(view, about, Rule.STALE, saw=view.reading_age_s, limit=limit)
    if view.is_warming or view.atr_1m_pct is None or view.atr_15m_pct is None:
        known = {"atr_1m_pct": view.atr_1m_pct, "atr_15m_pct": view.atr_15m_pct}
        return refuse(view, about, Rule.WARMING, numbers=known)
    return None


def _market_guard(view: View, about: About) -> Refusal | None:
    if unstable := _unstable_provider(view, about):
        return unstable
    limit = view.common.spread_max_bps
    if (spread_bps := view.spread_pct * 100.0) > limit:
        return refuse(view, about, Rule.SPREAD_TOO_WIDE, saw=spread_bps, limit=limit)
    guard_s = view.common.funding_guard_s
    for settled_at in view.fundings_at:
        if abs(away_s := (settled_at - view.at) / 1000) <= guard_s:
            return refuse(view, about, Rule.NEAR_FUNDING, saw=away_s, limit=guard_s)
    return None


def _unstable_provider(view: View, about: About) -> Refusal | None:
    """On paper the strategies run and carry the mark; real money needs levels that stand still."""
    settings, gate = view.settings, view.gate
    if not settings.is_live or settings.allow_unstable_provider:
        return None
    if gate.is_open and not gate.is_floating:
        return None
    return refuse(
        view,
        about,
        Rule.UNSTABLE_PROVIDER,
        saw=gate.stability,
        limit=settings.tracker.gate_enter,
        numbers={"samples": gate.samples, "samples_min": settings.tracker.gate_samples_min},
    )


def doubt_live(view: View, about: About) -> Refusal | None:
    """Doubt a live cluster that an entry would rest on: weak, untried, missing or young."""
    cluster, common = about.cluster, view.common
    assert cluster is not None, "only a cluster can be doubted"
    if cluster.strength < common.strength_min:
        limit = common.strength_min
        return refuse(view, about, Rule.TOO_WEAK, saw=cluster.strength, limit=limit)
    if cluster.absent or cluster.rematches_due:
        due = {"rematches_due": float(cluster.rematches_due)}
        return refuse(view, about, Rule.ABSENT, saw=cluster.absent, limit=0, numbers=due)
    age_s = (view.at - cluster.first_seen_at) / 1000
    if cluster.state not in _TRUSTED or cluster.id not in view.tradable:
        tracker = view.settings.tracker
        numbers = {"age_s": age_s, "age_min_s": tracker.active_after_s}
        limit = tracker.active_after_polls
        if cluster.gen > 1:
            limit = tracker.active_after_polls_reformed
        return refuse(view, about, Rule.NOT_ACTIVE, saw=cluster.seen, limit=limit, numbers=numbers)
    return _doubt_age(view, about, age_s)


def doubt_break(view: View, about: About, event: ClusterEvent) -> Refusal | None:
    """Doubt what became of a break: too old, found late, of a weak or young cluster, unordered."""
    cluster, common = event.cluster, view.common
    event_age_s = (view.at - event.at) / 1000
    if event_age_s > common.event_age_max_s:
        limit = common.event_age_max_s
        return refuse(view, about, Rule.EVENT_TOO_OLD, saw=event_age_s, limit=limit)
    if cluster.is_recovery or cluster.is_low_confidence or cluster.active_at is None:
        recovery = {"is_recovery": float(cluster.is_recovery)}
        return refuse(view, about, Rule.LOW_CONFIDENCE, numbers=recovery)
    if event.is_two_sided:
        return refuse(view, about, Rule.TWO_SIDED_BREAK)
    if cluster.strength < common.strength_min:
        limit = common.strength_min
        return refuse(view, about, Rule.TOO_WEAK, saw=cluster.strength, limit=limit)
    broken_at = event.at if cluster.broken_at is None else cluster.broken_at
    return _doubt_age(view, about, (broken_at - cluster.first_seen_at) / 1000)


def _doubt_age(view: View, about: About, age_s: float) -> Refusal | None:
    if age_s < view.common.age_min_s:
        return refuse(view, about, Rule.TOO_YOUNG, saw=age_s, limit=view.common.age_min_s)
    return None


def newest(view: View, kind: ClusterEventKind, side: PositionSide) -> ClusterEvent | None:
    """The newest event of a kind that happened to a cluster of `side`."""
    for event in reversed(view.events):
        if event.kind is kind and event.cluster.side is side:
            return event
    return None


def recent(view: View, kind: ClusterEventKind, side: PositionSide) -> list[ClusterEvent]:
    """The events of a kind to clusters of `side` within a minute, newest first, boundedly many."""
    found: list[ClusterEvent] = []
    for event in reversed(view.events):
        if view.at - event.at > RECENT_MS or len(found) == NEAREST_MAX:
            break
        if event.kind is kind and event.cluster.side is side:
            found.append(event)
    return found


def farther(one: float, other: float, side: PositionSide) -> float:
    """Of two stops the one farther behind a position of `side`."""
    return min(one, other) if side is PositionSide.LONG else max(one, other)


def beyond(price: float, pct: float, side: PositionSide) -> float:
    """A price moved by `pct` percent in the direction that pays `side`."""
    return price * (1.0 + side.sign * pct / 100.0)


def ahead_pct(from_price: float, to_price: float, side: PositionSide) -> float:
    """How far `to_price` lies in the direction that pays `side`, in percent of `from_price`."""
    return side.sign * (to_price - from_price) / from_price * 100.0


def _finite(number: float | None) -> float | None:
    return number if number is not None and math.isfinite(number) else None
