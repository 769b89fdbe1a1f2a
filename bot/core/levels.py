"""The nearest clusters each side of the price: what the guide calls support and resistance."""

from collections.abc import Iterable

from bot.model.cluster import Cluster, ClusterState
from bot.model.primitives import PositionSide
from bot.model.settings import CommonSettings
from bot.model.signal import Levels

LEVELS_MAX = 3
"""Levels a side."""

_TRUSTED = frozenset({ClusterState.ACTIVE, ClusterState.TOUCHED})


def nearest_levels(clusters: Iterable[Cluster], price: float, settings: CommonSettings) -> Levels:
    """Pick three levels each side, nearest first; an empty side is an empty tuple.

    Support is a long cluster strictly below `price`, resistance a short one strictly above; only
    active ones that are strong and near enough count. The order of `clusters` does not matter.
    """
    support: set[float] = set()
    resistance: set[float] = set()
    for cluster in clusters:
        if cluster.state not in _TRUSTED or cluster.strength < settings.strength_min:
            continue
        away_pct = cluster.distance_pct(price)
        if abs(away_pct) > settings.distance_max_pct:
            continue
        if cluster.side is PositionSide.LONG and away_pct < 0:
            support.add(cluster.level)
        elif cluster.side is PositionSide.SHORT and away_pct > 0:
            resistance.add(cluster.level)
    return Levels(
        support=tuple(sorted(support, reverse=True)[:LEVELS_MAX]),
        resistance=tuple(sorted(resistance)[:LEVELS_MAX]),
    )
