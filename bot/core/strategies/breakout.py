"""S3, the breakout: go with a break that the price has accepted.

A broken long cluster is sold, a broken short cluster bought. The stop lies back across the band,
the target before the next cluster on the way; where there is none, nothing is invented. The
evidence found so far is against this strategy, so by default it trades on paper alone.
"""

from collections.abc import Iterator

from bot.core.strategies.base import (
    About,
    Candidate,
    Proposal,
    View,
    ahead_pct,
    beyond,
    doubt_break,
    guard,
    newest,
    recent,
    refuse,
)
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind
from bot.model.primitives import PositionSide
from bot.model.signal import Refusal, Rule, Strategy


def propose(view: View) -> Iterator[Proposal]:
    """Look at the breaks that were accepted lately."""
    settings = view.settings.strategies.breakout
    if refused := guard(view, Strategy.BREAKOUT, is_enabled=settings.enabled):
        yield refused
        return
    if settings.paper_only and view.settings.is_live:
        yield refuse(view, About(Strategy.BREAKOUT), Rule.PAPER_ONLY)
        return
    found = False
    for side in PositionSide:
        for event in recent(view, ClusterEventKind.BREAK_ACCEPTED, side.opposite):
            found = True
            yield _with_the_break(view, side, event)
    if not found:
        yield _no_break(view)


def _no_break(view: View) -> Refusal:
    accepted = ClusterEventKind.BREAK_ACCEPTED
    last = [event.at for side in PositionSide if (event := newest(view, accepted, side))]
    age_s = (view.at - max(last)) / 1000 if last else None
    limit = view.common.event_age_max_s
    return refuse(view, About(Strategy.BREAKOUT), Rule.NO_BREAK, saw=age_s, limit=limit)


def _with_the_break(view: View, side: PositionSide, event: ClusterEvent) -> Proposal:
    about = About(Strategy.BREAKOUT, side, event.cluster)
    if refused := (
        doubt_break(view, about, event)
        or _disputed(view, about, event)
        or _chasing(view, about)
        or _too_volatile(view, about)
    ):
        return refused
    entry, target = view.touch(side), _target(view, side)
    if target is None:
        return refuse(view, about, Rule.NO_TARGET, saw=0, limit=1, numbers={"entry": entry})
    return Candidate(
        strategy=Strategy.BREAKOUT,
        side=side,
        cluster=event.cluster,
        entry=entry,
        # Back across the whole band: the edge that the price met first.
        stop=beyond(event.cluster.near, -view.common.stop_buffer_pct, side),
        target=target,
        thesis="after the break of",
        time_stop_s=view.settings.strategies.breakout.time_stop_s,
    )


def _disputed(view: View, about: About, event: ClusterEvent) -> Refusal | None:
    """Another level broke later in the same price step, or this one has been reclaimed lately."""
    if not event.is_only_break:
        return refuse(view, about, Rule.NOT_LAST_BREAK)
    window_s = view.settings.strategies.breakout.opposite_break_s
    for other in reversed(view.events):
        ago_s = (view.at - other.at) / 1000
        if ago_s > window_s:
            break
        if _is_opposite(other, event):
            return refuse(view, about, Rule.OPPOSITE_BREAK, saw=ago_s, limit=window_s)
    return None


def _is_opposite(other: ClusterEvent, event: ClusterEvent) -> bool:
    """The same level was crossed the other way: reclaimed, or broken as a cluster of that side."""
    if not _is_family(other.cluster, event.cluster):
        return False
    if other.cluster.side is event.cluster.side:
        return other.kind is ClusterEventKind.BREAK_SWEPT
    return other.kind in {ClusterEventKind.BROKEN, ClusterEventKind.BREAK_ACCEPTED}


def _is_family(one: Cluster, other: Cluster) -> bool:
    """The same track, its parent, its child or a sibling."""
    mine = {one.id, one.parent_id} - {None}
    return bool(mine & {other.id, other.parent_id})


def _chasing(view: View, about: About) -> Refusal | None:
    side, cluster = about.side, about.cluster
    assert side is not None, "a break is followed to a side"
    assert cluster is not None, "something broke"
    level = cluster.level if cluster.broken_level is None else cluster.broken_level
    entry, limit = view.touch(side), view.settings.strategies.breakout.chase_max_pct
    if (past_pct := ahead_pct(level, entry, side)) > limit:
        numbers = {"entry": entry, "broken_level": level}
        return refuse(view, about, Rule.CHASING, saw=past_pct, limit=limit, numbers=numbers)
    return None


def _too_volatile(view: View, about: About) -> Refusal | None:
    """A minute far outside its own measure; one that is not known cannot be called calm."""
    assert view.atr_1m_pct is not None, "the guard has asked for it"
    limit = view.settings.strategies.breakout.volatility_max_atr * view.atr_1m_pct
    moved = view.last_minute_return_pct
    if moved is None or abs(moved) > limit:
        saw = None if moved is None else abs(moved)
        return refuse(view, about, Rule.TOO_VOLATILE, saw=saw, limit=limit)
    return None


def _target(view: View, side: PositionSide) -> float | None:
    """Just before the next cluster in the direction of the break; never an invented one."""
    entry = view.touch(side)
    for cluster in view.trusted(side.opposite):
        if ahead_pct(entry, cluster.near, side) > 0:
            return beyond(cluster.near, -view.common.target_buffer_pct, side)
    return None
