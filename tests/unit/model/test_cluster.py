"""A cluster's edges and distance are told from the side it stands on."""

import pytest

from bot.model.cluster import Cluster, ClusterState
from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol


def cluster(side: PositionSide, state: ClusterState = ClusterState.ACTIVE) -> Cluster:
    return Cluster(
        id=ClusterId(1),
        symbol=Symbol("BTC/USDT:USDT"),
        side=side,
        state=state,
        anchor_level=100.0,
        level=100.0,
        low=99.0,
        high=101.0,
        notional_usd=1e6,
        strength=0.7,
        first_seen_at=Millis(0),
        last_seen_at=Millis(0),
    )


def test_the_near_edge_is_the_one_that_price_meets_first() -> None:
    above, below = cluster(PositionSide.SHORT), cluster(PositionSide.LONG)

    assert (99.0, 101.0) == (above.near, above.far)
    assert (101.0, 99.0) == (below.near, below.far)


def test_distance_is_signed() -> None:
    assert cluster(PositionSide.LONG).distance_pct(80.0) == pytest.approx(25.0)
    assert cluster(PositionSide.LONG).distance_pct(125.0) == pytest.approx(-20.0)


@pytest.mark.parametrize(
    ("state", "is_live"),
    [
        (ClusterState.CANDIDATE, True),
        (ClusterState.ACTIVE, True),
        (ClusterState.TOUCHED, True),
        (ClusterState.BROKEN, False),
        (ClusterState.EXPIRED, False),
    ],
)
def test_broken_and_expired_are_the_ends(state: ClusterState, is_live: bool) -> None:  # noqa: FBT001
    assert is_live is cluster(PositionSide.LONG, state).is_live
