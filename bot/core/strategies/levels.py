"""S2, support and resistance: long where forced selling ends, short where forced buying does.

`sweep_reclaim` (the default) waits until the price went through the cluster and came back: what was
sold by force is gone, and partly comes back. `pre_touch` rests just before the cluster instead.
The stop lies beyond the far edge, and beyond the sweep's extreme; the target is the nearest cluster
on the other side, or twice the risk where there is none.
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
    doubt_live,
    farther,
    guard,
    newest,
    recent,
    refuse,
)
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind
from bot.model.primitives import PositionSide
from bot.model.signal import EntryStyle, Refusal, Rule, Strategy

HOUR_MS = 3_600_000


def propose(view: View) -> Iterator[Proposal]:
    """Look at what was swept lately, or at the nearest level, on either side."""
    settings = view.settings.strategies.levels
    if refused := guard(view, Strategy.LEVELS, is_enabled=settings.enabled):
        yield refused
        return
    for side in PositionSide:
        if settings.mode == "pre_touch":
            yield _before_touch(view, side)
        else:
            yield from _after_sweeps(view, side)


def _after_sweeps(view: View, side: PositionSide) -> Iterator[Proposal]:
    swept = recent(view, ClusterEventKind.BREAK_SWEPT, side)
    if not swept:
        yield _not_swept(view, side)
        return
    for event in swept:
        about = About(Strategy.LEVELS, side, event.cluster)
        yield (
            doubt_break(view, about, event)
            or _misplaced(view, about, entry=view.touch(side))
            or _crowded(view, about)
            or _reclaimed(view, side, event)
        )


def _not_swept(view: View, side: PositionSide) -> Refusal:
    cluster = _nearest(view, side)
    if cluster is None:
        return _no_level(view, side)
    last = newest(view, ClusterEventKind.BREAK_SWEPT, side)
    numbers = {
        "entry": view.touch(side),
        "last_sweep_age_s": None if last is None else (view.at - last.at) / 1000,
    }
    about = About(Strategy.LEVELS, side, cluster)
    return refuse(view, about, Rule.NOT_SWEPT, saw=0, limit=1, numbers=numbers)


def _reclaimed(view: View, side: PositionSide, event: ClusterEvent) -> Candidate:
    stop = beyond(event.cluster.far, -view.common.stop_buffer_pct, side)
    extreme = event.cluster.sweep_extreme
    if extreme is not None:
        past = extreme - side.sign * float(view.instrument.tick_size)
        stop = farther(stop, past, side)
    return _candidate(view, side, event.cluster, entry=view.touch(side), stop=stop)


def _before_touch(view: View, side: PositionSide) -> Proposal:
    cluster = _nearest(view, side)
    if cluster is None:
        return _no_level(view, side)
    about = About(Strategy.LEVELS, side, cluster)
    entry = beyond(cluster.near, view.settings.strategies.levels.pre_touch_pct, side)
    # A cluster without a band is thinner than the noise, and a stop just behind it sits in it.
    outside = beyond(cluster.far, -view.common.stop_buffer_pct, side)
    stop = farther(outside, beyond(entry, -view.stop_min_pct, side), side)
    return (
        _not_restable(view, about, entry)
        or doubt_live(view, about)
        or _crowded(view, about)
        or _candidate(view, side, cluster, entry=entry, stop=stop)
    )


def _candidate(
    view: View, side: PositionSide, cluster: Cluster, *, entry: float, stop: float
) -> Candidate:
    settings = view.settings.strategies.levels
    is_resting = settings.mode == "pre_touch"
    return Candidate(
        strategy=Strategy.LEVELS,
        side=side,
        cluster=cluster,
        entry=entry,
        stop=stop,
        target=_target(view, side, entry),
        thesis=f"before the {side.value} cluster at" if is_resting else "after the sweep of",
        style=EntryStyle.POST_ONLY if is_resting else EntryStyle.IOC,
        target_risks=settings.invented_target_risks,
        time_stop_s=settings.time_stop_s,
    )


def _target(view: View, side: PositionSide, entry: float) -> float | None:
    """Just before the nearest cluster on the other side, or None where there is none."""
    for cluster in view.trusted(side.opposite):
        if ahead_pct(entry, cluster.near, side) > 0:
            return beyond(cluster.near, -view.common.target_buffer_pct, side)
    return None


def _misplaced(view: View, about: About, *, entry: float) -> Refusal | None:
    """The price is back beyond the band, or has run away from it."""
    side, cluster = about.side, about.cluster
    assert side is not None, "a level is taken on a side"
    assert cluster is not None, "there is a level"
    if ahead_pct(cluster.far, entry, side) < 0:
        return refuse(view, about, Rule.BELOW_FAR_EDGE, saw=entry, limit=cluster.far)
    limit = view.settings.strategies.levels.entry_above_max_pct
    if (away_pct := ahead_pct(cluster.near, entry, side)) > limit:
        return refuse(view, about, Rule.TOO_FAR, saw=away_pct, limit=limit)
    return None


def _not_restable(view: View, about: About, entry: float) -> Refusal | None:
    """The limit would trade at once, or the price is too far for an order that rests for seconds.

    One signal acts once: an order placed far away would be canceled and the level used up.
    """
    side = about.side
    assert side is not None, "a level is taken on a side"
    taken_at = view.touch(side)
    away_pct = ahead_pct(entry, taken_at, side)
    if away_pct <= 0:
        return refuse(view, about, Rule.PRICE_THROUGH, saw=taken_at, limit=entry)
    limit = min(
        view.settings.strategies.levels.entry_above_max_pct, view.settings.risk.price_collar_pct
    )
    if away_pct > limit:
        return refuse(view, about, Rule.TOO_FAR, saw=away_pct, limit=limit)
    return None


def _crowded(view: View, about: About) -> Refusal | None:
    """The level wears out, or a larger one lies just beyond it and draws the price through."""
    settings, side, cluster = view.settings.strategies.levels, about.side, about.cluster
    assert side is not None, "a level is taken on a side"
    assert cluster is not None, "there is a level"
    touches = sum(1 for at in cluster.touched_at if view.at - at <= HOUR_MS)
    if touches > settings.touches_per_hour_max:
        limit = settings.touches_per_hour_max
        return refuse(view, about, Rule.TOO_MANY_TOUCHES, saw=touches, limit=limit)
    for other in view.trusted(side):
        behind_pct = -ahead_pct(cluster.level, other.level, side)
        if behind_pct > settings.cascade_within_pct:
            break
        if behind_pct > 0 and other.notional_usd > cluster.notional_usd:
            numbers = {"next_level": other.level, "behind_pct": behind_pct}
            return refuse(
                view,
                about,
                Rule.CASCADE_BELOW,
                saw=other.notional_usd,
                limit=cluster.notional_usd,
                numbers=numbers,
            )
    return None


def _nearest(view: View, side: PositionSide) -> Cluster | None:
    """The first level behind the price, within reach; not the farthest, and not one ahead of it."""
    entry = view.touch(side)
    for cluster in view.trusted(side):
        if ahead_pct(entry, cluster.level, side) <= 0:
            is_near = -ahead_pct(entry, cluster.level, side) <= view.common.distance_max_pct
            return cluster if is_near else None
    return None


def _no_level(view: View, side: PositionSide) -> Refusal:
    numbers = {"entry": view.touch(side), "reach_pct": view.common.distance_max_pct}
    about = About(Strategy.LEVELS, side)
    return refuse(view, about, Rule.NO_LEVEL, saw=0, limit=1, numbers=numbers)
