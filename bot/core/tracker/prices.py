"""One price step over all clusters of a symbol: touches, breaks, and what became of breaks.

Breaks of one window are told nearest first. Only the last of them may signal, and none where both
sides broke in it, because their order is unknown; the same holds for what becomes of them later.
"""

from bot.core.tracker import lifecycle
from bot.core.tracker.changes import Changes
from bot.core.tracker.lifecycle import PriceStep
from bot.core.tracker.tracks import Tracks
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState
from bot.model.primitives import PositionSide
from bot.model.settings import TrackerSettings


def apply_price(
    tracks: Tracks, step: PriceStep, settings: TrackerSettings, changes: Changes
) -> None:
    """Work one price step through; what changes goes into `changes`."""
    happened: list[tuple[Cluster, ClusterEventKind]] = []
    for cluster in sorted(tracks.pending.values(), key=_nearness):
        _keep(tracks, changes, cluster, lifecycle.settled(cluster, step, settings), happened)
    if tracks.is_reached(step):
        for cluster in sorted(tracks.live.values(), key=_nearness):
            level_then = tracks.level_then(cluster, step)
            outcome = lifecycle.priced(cluster, step, settings, level_then)
            _keep(tracks, changes, cluster, outcome, happened)
        _cross_expired(tracks, step, settings, changes)
    changes.events.extend(_told(tracks, step, kind, cluster) for cluster, kind in happened)
    tracks.close_window()


def _keep(
    tracks: Tracks,
    changes: Changes,
    before: Cluster,
    outcome: lifecycle.Outcome,
    happened: list[tuple[Cluster, ClusterEventKind]],
) -> None:
    after, kind = outcome
    if after != before:
        tracks.put(after)
        changes.put(after)
    if kind is not None:
        happened.append((after, kind))


def _cross_expired(
    tracks: Tracks, step: PriceStep, settings: TrackerSettings, changes: Changes
) -> None:
    for cluster in list(tracks.ended.values()):
        if lifecycle.can_revive(cluster, step.at, settings):
            after = lifecycle.crossed(cluster, step, settings)
            if after is not cluster:
                tracks.put(after)
                changes.put(after)


def _nearness(cluster: Cluster) -> tuple[float, int]:
    """Ascending: the order in which a price that comes from the origin side meets the levels."""
    level = cluster.level if cluster.broken_level is None else cluster.broken_level
    return (level if cluster.side is PositionSide.SHORT else -level), cluster.id


def _told(
    tracks: Tracks, step: PriceStep, kind: ClusterEventKind, cluster: Cluster
) -> ClusterEvent:
    if cluster.state is not ClusterState.BROKEN:
        return ClusterEvent(kind=kind, at=step.at, cluster=cluster, price=step.mark)
    beside = tracks.broken_beside(cluster)
    here = _nearness(cluster)
    return ClusterEvent(
        kind=kind,
        at=step.at,
        cluster=cluster,
        price=step.mark,
        is_only_break=all(
            other.side is not cluster.side or _nearness(other) < here for other in beside
        ),
        is_two_sided=any(other.side is not cluster.side for other in beside),
    )
