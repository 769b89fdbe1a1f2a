"""The clusters of one symbol that still matter, filed by what may yet happen to them.

Live ones; pending breaks; and the ended ones that may still be revived or re-form. Dropped
candidates are forgotten at once. `is_reached` answers in constant time whether a price
step can change any but the pending ones.
"""

from collections.abc import Iterable
from math import inf
from typing import Final

from bot.core.tracker import lifecycle
from bot.core.tracker.lifecycle import PriceStep
from bot.model.cluster import LIVE_STATES, Cluster, ClusterState, Ending
from bot.model.primitives import ClusterId, Millis, PositionSide
from bot.model.settings import TrackerSettings

_SLACK: Final = 1e-9
"""A threshold reached but for rounding is looked at closely rather than passed over."""


class Tracks:
    """Clusters by id and by what may become of them."""

    __slots__ = (
        "_level_then",
        "_settings",
        "_trip_high",
        "_trip_low",
        "_trips_known",
        "ended",
        "live",
        "moved_at",
        "pending",
        "unwritten",
    )

    def __init__(self, settings: TrackerSettings, clusters: Iterable[Cluster]) -> None:
        self._settings = settings
        self.live: dict[ClusterId, Cluster] = {}
        self.pending: dict[ClusterId, Cluster] = {}
        self.ended: dict[ClusterId, Cluster] = {}
        """Broken or expired within the time that they may still matter."""
        self.unwritten: dict[ClusterId, tuple[int, Millis]] = {}
        """Sightings of unchanged tracks that were not worth a row: how many, and the newest."""
        self.moved_at: Millis | None = None
        """When levels first moved after the last price step."""
        self._level_then: dict[ClusterId, float] = {}
        """The level at the last price step of those that have moved since."""
        self._trips_known = False
        self._trip_high = inf
        self._trip_low = 0.0
        for cluster in clusters:
            self.put(cluster)

    def put(self, cluster: Cluster) -> None:
        """File a cluster under what may become of it next."""
        self._trips_known = False
        self.live.pop(cluster.id, None)
        self.pending.pop(cluster.id, None)
        self.ended.pop(cluster.id, None)
        if cluster.state in LIVE_STATES:
            self.live[cluster.id] = cluster
            return
        self.unwritten.pop(cluster.id, None)
        if cluster.ending is Ending.PENDING:
            self.pending[cluster.id] = cluster
        elif cluster.ending is not Ending.DROPPED:
            self.ended[cluster.id] = cluster

    def follow(self, cluster: Cluster, at: Millis) -> None:
        """File a live track that a reading has moved, and keep where it was for the next price."""
        before = self.live[cluster.id]
        if before.level != cluster.level:
            self._level_then.setdefault(cluster.id, before.level)
            self.moved_at = at if self.moved_at is None else self.moved_at
            self._trips_known = False
        if cluster.is_live and cluster.state is before.state:
            self.live[cluster.id] = cluster
        else:
            self.put(cluster)

    def get(self, cluster_id: ClusterId) -> Cluster | None:
        """A cluster that still matters."""
        return (
            self.live.get(cluster_id) or self.pending.get(cluster_id) or self.ended.get(cluster_id)
        )

    def all(self) -> list[Cluster]:
        """Live, then pending, then ended."""
        return [*self.live.values(), *self.pending.values(), *self.ended.values()]

    def forget(self, at: Millis) -> None:
        """Let go of what can neither be revived nor re-form any more."""
        keep_ms = max(self._settings.revive_within_s, self._settings.reform_within_s) * 1000
        old = [c.id for c in self.ended.values() if at - (c.ended_at or at) > keep_ms]
        for cluster_id in old:
            del self.ended[cluster_id]

    def broken_beside(self, cluster: Cluster) -> list[Cluster]:
        """The other clusters that broke in the same window."""
        broken = (*self.pending.values(), *self.ended.values())
        return [
            other
            for other in broken
            if other.broken_at == cluster.broken_at
            and other.id != cluster.id
            and other.state is ClusterState.BROKEN
        ]

    def level_then(self, cluster: Cluster, step: PriceStep) -> float | None:
        """The level that the whole range of a step counts against; None: only the last price does.

        It is the level when the window opened. A track born within the window has none; after a
        pause neither has a track that was seen well within it (its candle may predate the track).
        """
        known_from = cluster.first_seen_at
        if step.is_recovery:
            known_from = Millis(
                max(known_from, cluster.last_seen_at - int(self._settings.price_hole_s * 1000))
            )
        if known_from > step.since_at:
            return None
        if self.moved_at is None or self.moved_at <= step.since_at:
            return cluster.level
        return self._level_then.get(cluster.id, cluster.level)

    def is_reached(self, step: PriceStep) -> bool:
        """The step may reach a threshold of a cluster that is not pending."""
        if not self._trips_known:
            self._find_trips()
        return step.low <= self._trip_low or step.high >= self._trip_high

    def close_window(self) -> None:
        """A price step has been worked through: from here on levels are as they are."""
        if self._level_then:
            self._level_then.clear()
            self._trips_known = False
        self.moved_at = None

    def _find_trips(self) -> None:
        """The nearest prices above and below at which something happens."""
        settings = self._settings
        touch = -settings.touch_bps / 1e4
        through = settings.break_bps / 1e4
        leave = settings.untouch_bps / 1e4
        high, low = inf, 0.0

        def watch(side: PositionSide, level: float, share: float) -> None:
            nonlocal high, low
            if side is PositionSide.SHORT:
                high = min(high, level * (1 + share))
            else:
                low = max(low, level * (1 - share))

        for cluster in self.live.values():
            share = touch if cluster.state is ClusterState.ACTIVE else through
            watch(cluster.side, cluster.level, share)
            if cluster.id in self._level_then:
                watch(cluster.side, self._level_then[cluster.id], share)
            if cluster.state is ClusterState.TOUCHED:
                watch(cluster.side.opposite, cluster.level, leave)
        for cluster in self.ended.values():
            if lifecycle.can_revive(cluster, cluster.ended_at or Millis(0), settings):
                watch(cluster.side, cluster.level, through)
        self._trip_high, self._trip_low = high * (1 - _SLACK), low * (1 + _SLACK)
        self._trips_known = True
