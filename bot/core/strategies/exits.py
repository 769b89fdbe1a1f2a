"""When a position is closed although neither its stop nor its target was reached.

  any strategy   its time is up                                              TIME
  any strategy   a level whose break goes against it broke and stayed so     CLUSTER_BREAK
  levels         the very cluster it rests on broke and stayed so            CLUSTER_BREAK
  hunt           its target cluster is gone and little is left to win        THESIS_GONE

A break of a hunt's own target is not in the table: the target lies before it and was reached by
definition; whoever holds the order checks the fill. A position is closed, never turned round.
"""

from collections.abc import Iterable

from bot.model.bracket import Bracket, ClosedBy
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState, Ending
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.signal import Signal, Strategy


def exit_reason(
    bracket: Bracket,
    cluster: Cluster | None,
    events: Iterable[ClusterEvent],
    *,
    mark: float,
    at: Millis,
    settings: CoreSettings,
) -> ClosedBy | None:
    """Say why an open position should be closed at market now, or None.

    `cluster` is what the signal rests on, as it is now (None: no longer known), `events` are the
    symbol's recent ones. An adopted position has no signal and therefore no such rules.
    """
    signal = bracket.signal
    if signal is None:
        return None
    since = bracket.opened_at if bracket.first_fill_at is None else bracket.first_fill_at
    if signal.time_stop_ms is not None and at - since >= signal.time_stop_ms:
        return ClosedBy.TIME
    if _is_broken_against(signal, cluster, events, since, at, settings):
        return ClosedBy.CLUSTER_BREAK
    if signal.strategy is Strategy.HUNT and _is_gone(cluster):
        left = rr_left(bracket, mark)
        if left is not None and left < settings.strategies.hunt.thesis_gone_rr_min:
            return ClosedBy.THESIS_GONE
    return None


def rr_left(bracket: Bracket, mark: float) -> float | None:
    """Gross reward over risk from here: (T - mark) / (mark - S) for a long.

    None without a stop or a target, or at and beyond the stop, whose business it is then.
    """
    if bracket.stop_price is None or bracket.target_price is None:
        return None
    sign = bracket.position_side.sign
    risk = sign * (mark - float(bracket.stop_price))
    return sign * (float(bracket.target_price) - mark) / risk if risk > 0 else None


def _is_gone(cluster: Cluster | None) -> bool:
    return cluster is None or cluster.state is ClusterState.EXPIRED


def _is_broken_against(
    signal: Signal,
    cluster: Cluster | None,
    events: Iterable[ClusterEvent],
    since: Millis,
    at: Millis,
    settings: CoreSettings,
) -> bool:
    if (
        signal.strategy is Strategy.LEVELS
        and cluster is not None
        and cluster.ending is Ending.ACCEPTED
    ):
        return True
    breakout = settings.strategies.breakout
    is_running = breakout.enabled and not (breakout.paper_only and settings.is_live)
    if not (is_running and breakout.closes_opposite):
        return False
    oldest = max(since, at - round(settings.strategies.common.event_age_max_s * 1000))
    return any(_opposes(event, signal, oldest, settings) for event in events)


def _opposes(event: ClusterEvent, signal: Signal, oldest: int, settings: CoreSettings) -> bool:
    """An accepted break, certain, young and strong: of a long cluster it goes against longs."""
    cluster = event.cluster
    return (
        event.kind is ClusterEventKind.BREAK_ACCEPTED
        and event.at >= oldest
        and cluster.side is signal.position_side
        and cluster.strength >= settings.strategies.common.strength_min
        and not (event.is_two_sided or cluster.is_low_confidence or cluster.is_recovery)
    )
