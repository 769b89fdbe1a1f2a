"""S1, the liquidation hunt: ride toward a cluster and be out before it.

Long to a short cluster above, short to a long cluster below, mirrored. The target lies just before
the cluster's near edge, so that it fills before the cascade; the stop lies below the structure
behind the entry or one ATR of a quarter hour away, whichever is farther.
"""

from collections.abc import Iterator
from itertools import islice, pairwise
from typing import NamedTuple

from bot.core.strategies.base import (
    NEAREST_MAX,
    About,
    Candidate,
    Proposal,
    View,
    ahead_pct,
    beyond,
    doubt_live,
    farther,
    guard,
    refuse,
)
from bot.model.cluster import Cluster
from bot.model.primitives import PositionSide
from bot.model.signal import Refusal, Rule, Strategy

NEAREST_PCT = 0.01
"""On the price itself a pull by distance has no measure; nearer than this counts as this."""


class Pull(NamedTuple):
    """A cluster on the other side of the price."""

    away_pct: float
    usd_a_pct: float
    """Its notional over its distance."""
    level: float


def propose(view: View) -> Iterator[Proposal]:
    """Look at each near cluster on either side."""
    if refused := guard(view, Strategy.HUNT, is_enabled=view.settings.strategies.hunt.enabled):
        yield refused
        return
    for side in PositionSide:
        yield from _one_side(view, side)


def _one_side(view: View, side: PositionSide) -> Iterator[Proposal]:
    entry = view.touch(side)
    reach_pct = view.common.distance_max_pct
    near = [
        cluster
        for cluster in view.of(side.opposite)
        if ahead_pct(entry, cluster.level, side) <= reach_pct
    ]
    if not near:
        numbers = {"entry": entry, "reach_pct": reach_pct}
        yield refuse(view, About(Strategy.HUNT, side), Rule.NO_LEVEL, limit=1, numbers=numbers)
        return
    pulls = _pulls(view, side)
    for cluster, following in pairwise((*islice(near, NEAREST_MAX), None)):
        assert cluster is not None, "only the end is followed by nothing"
        about = About(Strategy.HUNT, side, cluster)
        yield (
            _misplaced(view, about)
            or doubt_live(view, about)
            or _contested(view, about, pulls)
            or _toward(view, side, cluster, following)
        )


def _pulls(view: View, side: PositionSide) -> list[Pull]:
    """What draws the price the other way, nearest first: worked out once for all targets."""
    entry, found = view.touch(side), []
    reach_pct = view.settings.strategies.hunt.distance_max_pct
    a_pct = -side.sign * entry / 100.0
    for other in view.trusted(side):
        away_pct = (other.level - entry) / a_pct
        if away_pct >= reach_pct:
            break
        found.append(Pull(away_pct, other.notional_usd / max(away_pct, NEAREST_PCT), other.level))
    return found


def _toward(
    view: View, side: PositionSide, cluster: Cluster, following: Cluster | None
) -> Candidate:
    return Candidate(
        strategy=Strategy.HUNT,
        side=side,
        cluster=cluster,
        entry=view.touch(side),
        stop=_stop(view, side),
        target=beyond(cluster.near, -view.common.target_buffer_pct, side),
        thesis=f"toward the {cluster.side.value} cluster at",
        time_stop_s=view.settings.strategies.hunt.time_stop_s,
        next_level=None if following is None else following.level,
    )


def _misplaced(view: View, about: About) -> Refusal | None:
    """The price is through already, or the level is not at a distance that can pay."""
    settings, side, cluster = view.settings.strategies.hunt, about.side, about.cluster
    assert side is not None, "a hunt has a side"
    assert cluster is not None, "a hunt has a target"
    entry = view.touch(side)
    away_pct = ahead_pct(entry, cluster.level, side)
    numbers = {"entry": entry, "distance_pct": away_pct}
    if ahead_pct(entry, cluster.near, side) <= 0:
        return refuse(
            view, about, Rule.PRICE_THROUGH, saw=entry, limit=cluster.near, numbers=numbers
        )
    rule, limit = Rule.TOO_NEAR, settings.distance_min_pct
    if away_pct >= limit:
        rule, limit = Rule.TOO_FAR, settings.distance_max_pct
        if away_pct <= limit:
            return None
    return refuse(view, about, rule, saw=away_pct, limit=limit, numbers=numbers)


def _contested(view: View, about: About, pulls: list[Pull]) -> Refusal | None:
    """The price has turned away here before, or a cluster on the other side pulls harder."""
    settings, side, cluster = view.settings.strategies.hunt, about.side, about.cluster
    assert side is not None, "a hunt has a side"
    assert cluster is not None, "a hunt has a target"
    if cluster.rejections > settings.rejections_max:
        limit = settings.rejections_max
        return refuse(view, about, Rule.REJECTED_TWICE, saw=cluster.rejections, limit=limit)
    entry = view.touch(side)
    away_pct = ahead_pct(entry, cluster.level, side)
    limit_usd = cluster.notional_usd / away_pct * settings.opposite_share_max
    for other_pct, pull_usd, level in pulls:
        if other_pct >= away_pct:
            break
        if pull_usd > limit_usd:
            numbers = {"opposite_level": level, "distance_pct": away_pct, "entry": entry}
            return refuse(
                view, about, Rule.OPPOSITE_NEARER, saw=pull_usd, limit=limit_usd, numbers=numbers
            )
    return None


def _stop(view: View, side: PositionSide) -> float:
    """One ATR of a quarter hour behind the entry, or behind the structure where that is farther.

    Structure beyond the largest stop does not count: the ATR stop stands then.
    """
    assert view.atr_15m_pct is not None, "the guard has asked for it"
    entry = view.touch(side)
    stop_atr = view.settings.strategies.hunt.stop_atr
    stop = beyond(entry, -stop_atr * view.atr_15m_pct, side)
    for structure in view.trusted(side):
        if ahead_pct(entry, structure.far, side) >= 0:
            continue
        behind = beyond(structure.far, -view.common.stop_buffer_pct, side)
        if -ahead_pct(entry, behind, side) <= view.common.stop_max_pct:
            return farther(stop, behind, side)
        break
    return stop
