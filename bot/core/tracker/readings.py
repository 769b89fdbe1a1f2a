"""One good reading over all clusters of a symbol: who is still there, who is new, who is back."""

from collections.abc import Callable, Sequence
from math import inf, log
from typing import Final, NamedTuple

import msgspec

from bot.core.tracker import lifecycle, matching
from bot.core.tracker.changes import Changes
from bot.core.tracker.lifecycle import Outcome, Sighting
from bot.core.tracker.matching import Spot
from bot.core.tracker.rows import Sifted
from bot.core.tracker.tracks import Tracks
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState
from bot.model.heatmap import Row
from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol
from bot.model.settings import TrackerSettings

QUERY_DISTANCE_MAX_PCT: Final = 50.0
"""How wide the provider is asked: a cluster farther away could not have been shown."""
QUERY_STRENGTH_MIN: Final = 0.0
COMPARABLE_DISTANCE: Final = 0.9
"""Within this share of the widest distance a cluster must have been shown."""
COMPARABLE_STRENGTH: Final = 1.1
"""From this multiple of the smallest strength on a cluster must have been shown."""
REWRITE_AFTER_MS: Final = 25_000
"""A track that is seen unchanged is written again only after this time, so that a restart knows
when it was last seen to about half a minute."""


class Poll(NamedTuple):
    """What is known when a good reading is worked in."""

    symbol: Symbol
    sighting: Sighting
    rows: Sifted
    mark: float
    price: float
    """The provider's own price."""
    price_before: float
    """The same at the reading before."""
    tolerance_bps: float
    is_halted: bool
    new_id: Callable[[], ClusterId]
    settings: TrackerSettings


def apply_reading(tracks: Tracks, poll: Poll, changes: Changes) -> None:
    """Work a good reading in; what changes goes into `changes`."""
    for side in PositionSide:
        rows = poll.rows.of(side)
        live = sorted((c for c in tracks.live.values() if c.side is side), key=_place)
        pairs = _pairs(live, rows, poll)
        matched_rows = {j for _, j in pairs}
        row_of = dict(pairs)
        for i, cluster in enumerate(live):
            if i in row_of:
                _see(tracks, cluster, rows[row_of[i]], poll, changes)
            elif not poll.is_halted and is_comparable(cluster, poll.mark):
                _miss(tracks, cluster, poll, changes)
        strangers = [row for j, row in enumerate(rows) if j not in matched_rows]
        if strangers:
            _receive(tracks, side, strangers, poll, changes)


def is_comparable(
    cluster: Cluster,
    mark: float,
    *,
    distance_max_pct: float = QUERY_DISTANCE_MAX_PCT,
    strength_min: float = QUERY_STRENGTH_MIN,
) -> bool:
    """The reading could have shown the cluster, so that its absence means something.

    Not one beyond the edge of the query, nor one too weak for it, nor one that the price stands at
    or slightly beyond: rows on the wrong side of the price are ignored.
    """
    return (
        abs(cluster.distance_pct(mark)) <= COMPARABLE_DISTANCE * distance_max_pct
        and cluster.strength >= COMPARABLE_STRENGTH * strength_min
        and lifecycle.beyond_bps(cluster.side, cluster.level, mark) < 0
    )


def _place(cluster: Cluster) -> tuple[float, float, int]:
    return cluster.level, cluster.leverage_tier or 0.0, cluster.id


def _pairs(live: Sequence[Cluster], rows: Sequence[Row], poll: Poll) -> list[tuple[int, int]]:
    if not poll.sighting.is_floating:
        return _pairs_by_level(live, rows, poll)
    olds = [matching.floating_spot(c.level, c.leverage_tier, poll.price_before) for c in live]
    news = [matching.floating_spot(r.level, r.leverage_tier, poll.price) for r in rows]
    old_order = sorted(range(len(olds)), key=olds.__getitem__)
    new_order = sorted(range(len(news)), key=news.__getitem__)
    pairs = matching.align(
        [olds[i] for i in old_order],
        [news[j] for j in new_order],
        reach=log(matching.FLOATING_TIER_RATIO),
        cost=matching.floating_cost,
    )
    return [(old_order[i], new_order[j]) for i, j in pairs]


def _pairs_by_level(
    tracks: Sequence[Cluster],
    rows: Sequence[Row],
    poll: Poll,
) -> list[tuple[int, int]]:
    cost = matching.level_cost(poll.tolerance_bps, poll.settings.tier_ratio_max)
    olds: list[Spot] = [matching.level_spot(c.level, c.leverage_tier) for c in tracks]
    news: list[Spot] = [matching.level_spot(r.level, r.leverage_tier) for r in rows]
    return matching.align(olds, news, reach=poll.tolerance_bps / 1e4, cost=cost)


def _see(
    tracks: Tracks,
    cluster: Cluster,
    row: Row,
    poll: Poll,
    changes: Changes,
) -> None:
    sighting = poll.sighting
    if (
        lifecycle.is_unchanged(cluster, row, sighting)
        and sighting.at - cluster.last_seen_at < REWRITE_AFTER_MS
    ):
        count, _ = tracks.unwritten.get(cluster.id, (0, sighting.at))
        tracks.unwritten[cluster.id] = (count + 1, sighting.at)
        return
    if cluster.id in tracks.unwritten:
        count, _ = tracks.unwritten.pop(cluster.id)
        sighting = sighting._replace(seen=1 + count)
    after, kind = lifecycle.matched(cluster, row, sighting, poll.settings)
    tracks.follow(after, sighting.at)
    changes.put(after)
    _tell(changes, kind, after, sighting.at)


def _miss(tracks: Tracks, cluster: Cluster, poll: Poll, changes: Changes) -> None:
    at = poll.sighting.at
    if cluster.id in tracks.unwritten:
        count, seen_at = tracks.unwritten.pop(cluster.id)
        cluster = msgspec.structs.replace(cluster, seen=cluster.seen + count, last_seen_at=seen_at)
    after, kind = lifecycle.missed(cluster, poll.sighting, poll.settings)
    tracks.follow(after, at)
    changes.put(after)
    _tell(changes, kind, after, at)


def _receive(
    tracks: Tracks,
    side: PositionSide,
    strangers: list[Row],
    poll: Poll,
    changes: Changes,
) -> None:
    """Rows that no live track explains: ghosts of a break, the next generation, revived, or new."""
    broken = _recently_broken(tracks, side, poll)
    parents = [_parent(broken, row, poll) for row in strangers]
    free = [row for row, parent in zip(strangers, parents, strict=True) if parent is None]
    back = _back(tracks, side, free, poll)
    for j, row in enumerate(free):
        if j in back:
            outcome = lifecycle.revived(back[j], row, poll.sighting, poll.settings)
        else:
            outcome = _born(row, poll), ClusterEventKind.NEW
        _file(tracks, changes, outcome, poll)
    for row, parent in zip(strangers, parents, strict=True):
        if parent is not None and not _is_ghost(row, poll):
            outcome = _born(row, poll, parent), ClusterEventKind.REFORMED
            _file(tracks, changes, outcome, poll)


def _back(
    tracks: Tracks, side: PositionSide, rows: Sequence[Row], poll: Poll
) -> dict[int, Cluster]:
    """Which of the rows are expired tracks that are back, by the row's index."""
    expired = [
        cluster
        for cluster in tracks.ended.values()
        if cluster.side is side and lifecycle.can_revive(cluster, poll.sighting.at, poll.settings)
    ]
    expired.sort(key=_place)
    return {j: expired[i] for i, j in _pairs_by_level(expired, rows, poll)}


def _born(row: Row, poll: Poll, parent: Cluster | None = None) -> Cluster:
    return lifecycle.born(
        row, poll.sighting, cluster_id=poll.new_id(), symbol=poll.symbol, parent=parent
    )


def _recently_broken(tracks: Tracks, side: PositionSide, poll: Poll) -> list[tuple[Spot, Cluster]]:
    """Breaks whose level may still re-form, with where it was, the newest first."""
    since = poll.sighting.at - poll.settings.reform_within_s * 1000
    broken = [
        cluster
        for cluster in (*tracks.pending.values(), *tracks.ended.values())
        if cluster.state is ClusterState.BROKEN
        and cluster.side is side
        and (cluster.broken_at or 0) >= since
    ]
    broken.sort(key=lambda cluster: (cluster.broken_at or 0, cluster.id), reverse=True)
    return [(matching.level_spot(c.broken_level or c.level, c.leverage_tier), c) for c in broken]


def _parent(broken: list[tuple[Spot, Cluster]], row: Row, poll: Poll) -> Cluster | None:
    """The newest break that the row lies on."""
    if not broken:
        return None
    cost = matching.level_cost(poll.tolerance_bps, poll.settings.tier_ratio_max)
    here = matching.level_spot(row.level, row.leverage_tier)
    return next((cluster for there, cluster in broken if cost(there, here) < inf), None)


def _is_ghost(row: Row, poll: Poll) -> bool:
    """The price still stands at the level that it broke: the provider is only late to drop it."""
    distance_bps = -lifecycle.beyond_bps(row.side, row.level, poll.mark)
    return distance_bps < poll.settings.reform_distance_bps


def _file(tracks: Tracks, changes: Changes, outcome: Outcome, poll: Poll) -> None:
    cluster, kind = outcome
    tracks.put(cluster)
    changes.put(cluster)
    _tell(changes, kind, cluster, poll.sighting.at)


def _tell(changes: Changes, kind: ClusterEventKind | None, cluster: Cluster, at: Millis) -> None:
    if kind is not None:
        changes.events.append(ClusterEvent(kind=kind, at=at, cluster=cluster))
