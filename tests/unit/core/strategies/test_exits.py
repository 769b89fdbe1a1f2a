"""When a position is closed that reached neither stop nor target."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bot.core.selector import select
from bot.core.strategies.exits import exit_reason, rr_left
from bot.model.bracket import Bracket, BracketStatus, ClosedBy
from bot.model.cluster import Cluster, ClusterEvent, ClusterState, Ending
from bot.model.primitives import BracketId, Millis, PositionSide, Price, Qty, Usd
from bot.model.settings import CoreSettings
from bot.model.signal import Strategy
from tests.fakes.views import (
    BTC,
    LONG,
    NOW,
    SHORT,
    a_view,
    accepted,
    ago,
    long_at,
    settings_with,
    short_at,
    swept,
    tuned,
)

_TARGET = short_at(101_000.0)


def _bracket(strategy: Strategy = Strategy.HUNT, **fields: Any) -> Bracket:
    signal = select(a_view(_TARGET)).signal
    assert signal is not None
    known: dict[str, Any] = {
        "id": BracketId("b"),
        "symbol": BTC,
        "position_side": LONG,
        "signal": msgspec.structs.replace(signal, strategy=strategy),
        "status": BracketStatus.OPEN,
        "qty": Qty(Decimal(1)),
        "stop_price": signal.stop_price,
        "target_price": signal.target_price,
        "risk_usd": Usd(Decimal(50)),
        "opened_at": ago(70),
        "first_fill_at": ago(60),
    }
    return Bracket(**(known | fields))


def _reason(
    bracket: Bracket | None = None,
    cluster: Cluster | None = _TARGET,
    *events: ClusterEvent,
    mark: float = 100_100.0,
    at: Millis = NOW,
    settings: CoreSettings | None = None,
) -> ClosedBy | None:
    return exit_reason(
        bracket or _bracket(),
        cluster,
        events,
        mark=mark,
        at=at,
        settings=settings or settings_with(),
    )


def test_a_position_that_does_well_is_left_alone() -> None:
    assert _reason() is None


def test_an_adopted_position_has_no_such_rules() -> None:
    assert _reason(_bracket(signal=None), None) is None


def test_time_runs_from_the_first_fill() -> None:
    hour = 3_600_000

    assert _reason(at=Millis(NOW - 60_000 + hour - 1)) is None
    assert _reason(at=Millis(NOW - 60_000 + hour)) is ClosedBy.TIME
    unfilled = _bracket(first_fill_at=None)
    assert _reason(unfilled, at=Millis(NOW - 70_000 + hour)) is ClosedBy.TIME


def test_without_a_time_stop_a_position_may_stay() -> None:
    signal = _bracket().signal
    assert signal is not None
    patient = _bracket(signal=msgspec.structs.replace(signal, time_stop_ms=None))

    assert _reason(patient, at=Millis(NOW + 10**9)) is None


@pytest.mark.parametrize("gone", [short_at(101_000.0, state=ClusterState.EXPIRED), None])
def test_case_54_a_hunt_whose_target_is_gone_ends_where_little_is_left(
    gone: Cluster | None,
) -> None:
    """Stop 99,800, target 100,949.5: at 100,700 0.277 is left for 1, at 100,680 0.306."""
    assert _reason(cluster=gone, mark=100_700.0) is ClosedBy.THESIS_GONE
    assert _reason(cluster=gone, mark=100_680.0) is None
    assert _reason(cluster=_TARGET, mark=100_700.0) is None
    assert _reason(_bracket(Strategy.LEVELS), gone, mark=100_700.0) is None


def test_at_the_stop_it_is_the_stops_business() -> None:
    assert rr_left(_bracket(), 99_800.0) is None
    assert rr_left(_bracket(), 99_000.0) is None
    assert rr_left(_bracket(stop_price=None), 100_000.0) is None
    assert rr_left(_bracket(target_price=None), 100_000.0) is None
    assert _reason(cluster=None, mark=99_700.0) is None


def test_what_is_left_mirrors_for_a_short() -> None:
    short = _bracket(
        position_side=SHORT,
        stop_price=Price(Decimal(101)),
        target_price=Price(Decimal(98)),
    )

    assert rr_left(short, 100.0) == pytest.approx(2.0)


@pytest.mark.parametrize("side", PositionSide)
def test_guide_07_an_accepted_break_against_a_position_closes_it(side: PositionSide) -> None:
    """Row 7: "exit on break" and "enter on break" are one event; it closes what it goes against."""
    signal = _bracket().signal
    assert signal is not None
    turned = msgspec.structs.replace(signal, position_side=side)
    bracket = _bracket(signal=turned, position_side=side)

    assert _reason(bracket, _TARGET, accepted(side, 100_050.0)) is ClosedBy.CLUSTER_BREAK
    assert _reason(bracket, _TARGET, accepted(side.opposite, 100_050.0)) is None


def test_breaks_that_are_old_doubtful_or_weak_close_nothing() -> None:
    for fields in (
        {"event_at": ago(16)},
        {"is_low_confidence": True},
        {"is_recovery": True},
        {"is_two_sided": True},
        {"strength": 0.4},
    ):
        assert _reason(None, _TARGET, accepted(LONG, 100_050.0, **fields)) is None
    assert _reason(None, _TARGET, swept(LONG, 100_050.0, extreme=99_900.0)) is None
    just_opened = _bracket(first_fill_at=ago(1))
    assert _reason(just_opened, _TARGET, accepted(LONG, 100_050.0)) is None


def test_breaks_close_only_where_breakouts_run() -> None:
    event = accepted(LONG, 100_050.0)

    for settings in (
        tuned("breakout", enabled=False),
        tuned("breakout", closes_opposite=False),
        settings_with(mode="live"),
    ):
        assert _reason(None, _TARGET, event, settings=settings) is None


def test_a_level_that_broke_and_stayed_broken_ends_its_trade() -> None:
    held = long_at(99_900.0)
    broken = long_at(99_900.0, state=ClusterState.BROKEN, ending=Ending.ACCEPTED)
    swept_again = long_at(99_900.0, state=ClusterState.BROKEN, ending=Ending.SWEPT)
    bracket = _bracket(Strategy.LEVELS)

    assert _reason(bracket, broken) is ClosedBy.CLUSTER_BREAK
    assert _reason(bracket, held) is None
    assert _reason(bracket, swept_again) is None
    assert _reason(bracket, None) is None
    assert _reason(_bracket(), broken) is None
