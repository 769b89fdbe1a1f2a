"""The life of one cluster as pure transitions: a price step, a reading, time.

  from                     condition                                   to
  -                        a row that matches nothing                  CANDIDATE
  CANDIDATE                seen 3 times (6 re-formed) and 15 s old     ACTIVE
  CANDIDATE                absent twice in a row                       EXPIRED dropped
  ACTIVE                   extreme within 5 bps, or < 2 bps through    TOUCHED
  TOUCHED                  price 15 bps away again                     ACTIVE
  live                     extreme through by >= 2 bps                 BROKEN pending
  BROKEN pending           beyond by >= 2 bps for 10 s on end          accepted
  BROKEN pending           back by >= 5 bps                            swept
  BROKEN pending           neither in 60 s                             undecided
  live                     absent >= 6 times and >= 45 s               EXPIRED expired
  live                     72 h old                                    EXPIRED aged_out
  EXPIRED expired          back within 10 min, not crossed             as it was

Each function makes at most one transition. A cluster that expired and whose level the price then
crossed carries `broken_at`: it can no longer be revived.
"""

from typing import Final, NamedTuple, TypeAlias

import msgspec

from bot.model.cluster import Cluster, ClusterEventKind, ClusterState, Ending
from bot.model.heatmap import Row
from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol
from bot.model.settings import TrackerSettings

Outcome: TypeAlias = tuple[Cluster, ClusterEventKind | None]
"""A cluster as it is afterwards, and what happened to it, if anything did."""

TOUCHES_KEPT: Final = 8
_BPS_DIGITS: Final = 6
"""Rounding that makes `exactly at the threshold` mean what it says."""

_SETTLED: Final = {
    Ending.ACCEPTED: ClusterEventKind.BREAK_ACCEPTED,
    Ending.SWEPT: ClusterEventKind.BREAK_SWEPT,
    Ending.UNDECIDED: ClusterEventKind.BREAK_UNDECIDED,
}
_GONE: Final = {
    Ending.EXPIRED: ClusterEventKind.EXPIRED,
    Ending.DROPPED: ClusterEventKind.DROPPED,
    Ending.AGED_OUT: ClusterEventKind.AGED_OUT,
}


class PriceStep(NamedTuple):
    """Where the mark is, and where it has been since the step before."""

    at: Millis
    mark: float
    high: float
    low: float
    since_at: Millis
    is_recovery: bool = False
    is_doubtful: bool = False
    """Part of the window has no price data."""
    is_first: bool = False
    """The first of this run: a hold must be proved anew."""

    def extreme(self, side: PositionSide) -> float:
        """The price that went farthest towards and through the levels of a side."""
        return self.high if side is PositionSide.SHORT else self.low

    def retreat(self, side: PositionSide) -> float:
        """The price that stayed farthest on the origin side of the levels of a side."""
        return self.low if side is PositionSide.SHORT else self.high


class Sighting(NamedTuple):
    """What all rows of one reading share."""

    at: Millis
    age_at: Millis
    """The instant that ages are measured to: it stands still while the market is halted."""
    is_floating: bool
    seen: int = 1
    """Sightings to count: this one, and those that were not worth a row."""


def beyond_bps(side: PositionSide, level: float, price: float) -> float:
    """How far a price is through a level, in bps of the level; negative on the origin side."""
    away = price - level if side is PositionSide.SHORT else level - price
    return round(away / level * 1e4, _BPS_DIGITS)


def born(
    row: Row,
    sighting: Sighting,
    *,
    cluster_id: ClusterId,
    symbol: Symbol,
    parent: Cluster | None = None,
) -> Cluster:
    """A new CANDIDATE; with a parent, the next generation of a level that had been broken."""
    return Cluster(
        id=cluster_id,
        symbol=symbol,
        side=row.side,
        gen=parent.gen + 1 if parent else 1,
        parent_id=parent.id if parent else None,
        anchor_level=row.level,
        level=row.level,
        low=row.low,
        high=row.high,
        leverage_tier=row.leverage_tier,
        notional_usd=row.notional_usd,
        strength=row.strength,
        first_seen_at=sighting.at,
        last_seen_at=sighting.at,
        is_floating=sighting.is_floating,
    )


def is_unchanged(cluster: Cluster, row: Row, sighting: Sighting) -> bool:
    """A sighting that tells nothing but that a settled track is still there."""
    return (
        cluster.level == row.level
        and cluster.notional_usd == row.notional_usd
        and cluster.strength == row.strength
        and cluster.low == row.low
        and cluster.high == row.high
        and cluster.absent == 0
        and cluster.rematches_due == 0
        and cluster.state is not ClusterState.CANDIDATE
        and cluster.is_floating is sighting.is_floating
        and (row.leverage_tier is None or cluster.leverage_tier == row.leverage_tier)
    )


def matched(cluster: Cluster, row: Row, sighting: Sighting, settings: TrackerSettings) -> Outcome:
    """A live track was reported: it follows the row, and a candidate may become ACTIVE."""
    after = _followed(cluster, row, sighting)
    if (
        after.state is ClusterState.CANDIDATE
        and after.seen >= _polls_needed(after, settings)
        and sighting.age_at - after.first_seen_at >= settings.active_after_s * 1000
    ):
        active = msgspec.structs.replace(after, state=ClusterState.ACTIVE, active_at=sighting.at)
        return active, ClusterEventKind.ACTIVE
    return after, None


def missed(cluster: Cluster, sighting: Sighting, settings: TrackerSettings) -> Outcome:
    """A comparable good poll did not report a live track."""
    after = msgspec.structs.replace(cluster, absent=cluster.absent + 1)
    if after.state is ClusterState.CANDIDATE:
        if after.absent >= settings.drop_after_absences:
            return gone(after, sighting.at, Ending.DROPPED)
    elif (
        after.absent >= settings.expire_after_absences
        and sighting.at - after.last_seen_at >= settings.expire_after_s * 1000
    ):
        return gone(after, sighting.at, Ending.EXPIRED)
    return after, None


def gone(cluster: Cluster, at: Millis, ending: Ending) -> tuple[Cluster, ClusterEventKind]:
    """End a live track that was not broken."""
    assert cluster.is_live, "only a live track can expire"
    after = msgspec.structs.replace(cluster, state=ClusterState.EXPIRED, ending=ending, ended_at=at)
    return after, _GONE[ending]


def revived(cluster: Cluster, row: Row, sighting: Sighting, settings: TrackerSettings) -> Outcome:
    """An expired track is back under its own id, ACTIVE if it was."""
    assert can_revive(cluster, sighting.at, settings), "only a recently expired track comes back"
    after = msgspec.structs.replace(
        _followed(cluster, row, sighting),
        state=ClusterState.CANDIDATE if cluster.active_at is None else ClusterState.ACTIVE,
        ending=Ending.NONE,
        ended_at=None,
    )
    return after, ClusterEventKind.REVIVED


def can_revive(cluster: Cluster, at: Millis, settings: TrackerSettings) -> bool:
    """Expired, not dropped nor aged out, within 10 minutes, and the price has not crossed."""
    return (
        cluster.ending is Ending.EXPIRED
        and cluster.broken_at is None
        and cluster.ended_at is not None
        and at - cluster.ended_at <= settings.revive_within_s * 1000
    )


def priced(
    cluster: Cluster, step: PriceStep, settings: TrackerSettings, level_then: float | None
) -> Outcome:
    """Judge a live track by a price step.

    `level_then` is its level when the window opened: the whole range counts against it, and the
    last price against the newest level. None: it was not known then, so only the last price counts.
    """
    through, level, extreme = _reach(cluster, step, level_then)
    if through >= settings.break_bps:
        return _broken(cluster, step, settings, level=level, extreme=extreme)
    if cluster.state is ClusterState.ACTIVE and through >= -settings.touch_bps:
        touched_at = (*cluster.touched_at[1 - TOUCHES_KEPT :], step.at)
        after = msgspec.structs.replace(
            cluster,
            state=ClusterState.TOUCHED,
            touches=cluster.touches + 1,
            touched_at=touched_at,
        )
        return after, ClusterEventKind.TOUCHED
    if (
        cluster.state is ClusterState.TOUCHED
        and -beyond_bps(cluster.side, cluster.level, step.mark) >= settings.untouch_bps
    ):
        after = msgspec.structs.replace(
            cluster, state=ClusterState.ACTIVE, rejections=cluster.rejections + 1
        )
        return after, ClusterEventKind.UNTOUCHED
    return cluster, None


def crossed(cluster: Cluster, step: PriceStep, settings: TrackerSettings) -> Cluster:
    """Mark an expired track whose level the price has crossed since: it will not be revived."""
    through = beyond_bps(cluster.side, cluster.level, step.extreme(cluster.side))
    if through < settings.break_bps:
        return cluster
    return msgspec.structs.replace(cluster, broken_at=step.at, broken_level=cluster.level)


def settled(cluster: Cluster, step: PriceStep, settings: TrackerSettings) -> Outcome:
    """Judge a pending break: accepted, then swept, then undecided, or still pending."""
    level, since = cluster.broken_level, cluster.beyond_since_at
    assert level is not None, "a broken cluster knows the level that broke"
    assert cluster.broken_at is not None, "a broken cluster knows when it broke"
    side = cluster.side
    is_beyond = beyond_bps(side, level, step.mark) >= settings.break_bps
    is_interrupted = beyond_bps(side, level, step.retreat(side)) < settings.break_bps
    if not is_beyond or step.is_recovery:
        since = None
    elif since is None or is_interrupted or step.is_first or step.is_doubtful:
        since = step.at
    ending = Ending.PENDING
    if since is not None and step.at - since >= settings.accept_after_s * 1000:
        ending = Ending.ACCEPTED
    elif -beyond_bps(side, level, step.mark) >= settings.reclaim_bps:
        ending = Ending.SWEPT
    elif step.at - cluster.broken_at > settings.undecided_after_s * 1000:
        ending = Ending.UNDECIDED
    is_late = step.is_recovery and ending is not Ending.PENDING
    after = msgspec.structs.replace(
        cluster,
        ending=ending,
        beyond_since_at=since,
        sweep_extreme=_farther(side, cluster.sweep_extreme, step.extreme(side)),
        # A settlement found while catching up happened nobody knows when.
        is_low_confidence=cluster.is_low_confidence or step.is_doubtful or is_late,
        is_recovery=cluster.is_recovery or is_late,
        ended_at=None if ending is Ending.PENDING else step.at,
    )
    return after, _SETTLED.get(ending)


def abandoned(cluster: Cluster, at: Millis) -> tuple[Cluster, ClusterEventKind]:
    """A pending break can no longer be judged, because prices mean something else now."""
    assert cluster.ending is Ending.PENDING, "only a pending break is undecided"
    after = msgspec.structs.replace(
        cluster,
        ending=Ending.UNDECIDED,
        beyond_since_at=None,
        is_low_confidence=True,
        ended_at=at,
    )
    return after, ClusterEventKind.BREAK_UNDECIDED


def delayed(cluster: Cluster, by_ms: int) -> Cluster:
    """The cluster as if it had been first seen later: its age stood still for so long."""
    first_seen_at = Millis(cluster.first_seen_at + by_ms)
    return msgspec.structs.replace(
        cluster,
        first_seen_at=first_seen_at,
        last_seen_at=max(cluster.last_seen_at, first_seen_at),
    )


def rebased(cluster: Cluster, now: Millis) -> Cluster:
    """The cluster with no instant later than now, for a clock that was set back."""

    def cut(at: Millis | None) -> Millis | None:
        return None if at is None else min(at, now)

    return msgspec.structs.replace(
        cluster,
        first_seen_at=min(cluster.first_seen_at, now),
        last_seen_at=min(cluster.last_seen_at, now),
        active_at=cut(cluster.active_at),
        touched_at=tuple(min(at, now) for at in cluster.touched_at),
        broken_at=cut(cluster.broken_at),
        beyond_since_at=cut(cluster.beyond_since_at),
        ended_at=cut(cluster.ended_at),
    )


def _followed(cluster: Cluster, row: Row, sighting: Sighting) -> Cluster:
    return msgspec.structs.replace(
        cluster,
        level=row.level,
        low=row.low,
        high=row.high,
        leverage_tier=row.leverage_tier or cluster.leverage_tier,
        notional_usd=row.notional_usd,
        strength=row.strength,
        last_seen_at=sighting.at,
        seen=cluster.seen + sighting.seen,
        absent=0,
        rematches_due=max(cluster.rematches_due - 1, 0),
        is_floating=sighting.is_floating,
    )


def _polls_needed(cluster: Cluster, settings: TrackerSettings) -> int:
    return settings.active_after_polls if cluster.gen == 1 else settings.active_after_polls_reformed


def _reach(
    cluster: Cluster, step: PriceStep, level_then: float | None
) -> tuple[float, float, float]:
    """(bps through, the level it is through, the price that is): of range and last, the farther."""
    side = cluster.side
    by_mark = beyond_bps(side, cluster.level, step.mark)
    if level_then is None:
        return by_mark, cluster.level, step.mark
    extreme = step.extreme(side)
    by_range = beyond_bps(side, level_then, extreme)
    if by_range >= by_mark:
        return by_range, level_then, extreme
    return by_mark, cluster.level, step.mark


def _broken(
    cluster: Cluster, step: PriceStep, settings: TrackerSettings, *, level: float, extreme: float
) -> Outcome:
    is_beyond = beyond_bps(cluster.side, level, step.mark) >= settings.break_bps
    after = msgspec.structs.replace(
        cluster,
        state=ClusterState.BROKEN,
        ending=Ending.PENDING,
        broken_at=step.at,
        broken_level=level,
        beyond_since_at=step.at if is_beyond and not step.is_recovery else None,
        sweep_extreme=extreme,
        is_recovery=step.is_recovery,
        is_low_confidence=step.is_recovery
        or step.is_doubtful
        or cluster.absent > 0
        or cluster.rematches_due > 0
        or cluster.state is ClusterState.CANDIDATE
        or step.at - cluster.first_seen_at < settings.active_after_s * 1000,
    )
    return after, ClusterEventKind.BROKEN


def _farther(side: PositionSide, known: float | None, price: float) -> float:
    if known is None:
        return price
    return max(known, price) if side is PositionSide.SHORT else min(known, price)
