"""S3, the breakout: with an accepted break, never chasing, never with an invented target."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bot.core.selector import select
from bot.core.strategies import breakout
from bot.core.strategies.base import Candidate, View
from bot.model.cluster import ClusterEvent, ClusterEventKind
from bot.model.primitives import ClusterId
from bot.model.settings import BreakoutSettings, StrategySettings
from bot.model.signal import Refusal, Rule, Strategy
from tests.fakes.views import (
    LONG,
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

_D = Decimal
_NEXT = long_at(99_000.0)


def _proposals(*events: ClusterEvent, view: View | None = None) -> list[Candidate | Refusal]:
    return list(breakout.propose(view or a_view(_NEXT, short_at(101_000.0), events=events)))


def _refusal(*events: ClusterEvent, view: View | None = None) -> Refusal:
    [refusal] = _proposals(*events, view=view)
    assert isinstance(refusal, Refusal)
    return refusal


def test_a_broken_long_cluster_is_sold_toward_the_next() -> None:
    event = accepted(LONG, 100_050.0, low=100_020.0, high=100_080.0)
    view = a_view(_NEXT, events=[event], settings=tuned("hunt", enabled=False))
    signal = select(view).signal

    assert signal is not None
    assert (Strategy.BREAKOUT, SHORT) == (signal.strategy, signal.position_side)
    assert _D("100180.1") == signal.stop_price
    assert _D("99049.5") == signal.target_price
    assert not signal.is_target_invented


def test_a_broken_short_cluster_is_bought_toward_the_next() -> None:
    event = accepted(SHORT, 99_950.0, low=99_920.0, high=99_980.0)
    [candidate] = _proposals(event)

    assert isinstance(candidate, Candidate)
    assert candidate.side is LONG
    assert candidate.stop == pytest.approx(99_920 * 0.999)
    assert candidate.target == pytest.approx(101_000 * 0.9995)


def test_guide_11_a_break_is_an_accepted_event_and_not_a_missing_row() -> None:
    """Row 11: `cluster.active == False` is not in the API; a cluster that vanished is no break."""
    gone = msgspec.structs.replace(accepted(LONG, 100_050.0), kind=ClusterEventKind.EXPIRED)
    broken = msgspec.structs.replace(accepted(LONG, 100_050.0), kind=ClusterEventKind.BROKEN)

    assert _refusal(gone).rule is Rule.NO_BREAK
    assert _refusal(broken).rule is Rule.NO_BREAK
    assert isinstance(_proposals(accepted(LONG, 100_050.0))[0], Candidate)


def test_without_a_break_the_age_of_the_last_is_told() -> None:
    none, old = _refusal(), _refusal(accepted(LONG, 100_050.0, event_at=ago(2_520)))

    assert (Rule.NO_BREAK, None, 15.0) == (none.rule, none.saw, none.limit)
    assert (Rule.NO_BREAK, 2_520.0, 15.0) == (old.rule, old.saw, old.limit)


def test_no_target_is_invented() -> None:
    refusal = _refusal(view=a_view(events=[accepted(LONG, 100_050.0)]))

    assert refusal.rule is Rule.NO_TARGET


def test_a_cluster_that_is_behind_the_price_is_no_target() -> None:
    refusal = _refusal(view=a_view(long_at(100_010.0), events=[accepted(LONG, 100_050.0)]))

    assert refusal.rule is Rule.NO_TARGET


def test_breaks_that_cannot_be_relied_on_are_refused() -> None:
    cases: dict[Rule, dict[str, Any]] = {
        Rule.EVENT_TOO_OLD: {"event_at": ago(15.1)},
        Rule.LOW_CONFIDENCE: {"is_low_confidence": True},
        Rule.NOT_LAST_BREAK: {"is_only_break": False},
        Rule.TWO_SIDED_BREAK: {"is_two_sided": True},
        Rule.TOO_WEAK: {"strength": 0.49},
        Rule.TOO_YOUNG: {"first_seen_at": ago(79.9)},
    }
    for rule, fields in cases.items():
        assert _refusal(accepted(LONG, 100_050.0, **fields)).rule is rule
    assert _refusal(accepted(LONG, 100_050.0, is_recovery=True)).numbers == {"is_recovery": 1.0}
    assert _refusal(accepted(LONG, 100_050.0, active_at=None)).rule is Rule.LOW_CONFIDENCE


def test_a_price_that_ran_away_is_not_chased() -> None:
    refusal = _refusal(accepted(LONG, 100_302.0))

    assert (Rule.CHASING, 0.3) == (refusal.rule, refusal.limit)
    assert refusal.saw == pytest.approx(0.301, abs=0.001)
    assert isinstance(_proposals(accepted(LONG, 100_300.0))[0], Candidate)


def test_a_level_that_moved_after_it_broke_is_measured_where_it_broke() -> None:
    assert _refusal(accepted(LONG, 100_050.0, broken_level=100_400.0)).rule is Rule.CHASING
    assert isinstance(_proposals(accepted(LONG, 100_050.0, broken_level=None))[0], Candidate)


def test_a_minute_outside_its_measure_is_left_to_others() -> None:
    event = accepted(LONG, 100_050.0)
    for moved, saw in ((-0.16, 0.16), (0.16, 0.16), (None, None)):
        view = a_view(_NEXT, events=[event], last_minute_return_pct=moved)
        refusal = _refusal(view=view)
        assert (Rule.TOO_VOLATILE, saw) == (refusal.rule, refusal.saw)
        assert refusal.limit == pytest.approx(0.15)


def test_an_opposite_break_of_the_same_level_within_ten_minutes_refuses() -> None:
    parent, sibling = ClusterId(7), ClusterId(9)
    event = accepted(LONG, 100_050.0, id_=8, parent_id=parent)

    def with_earlier(**fields: Any) -> Candidate | Refusal:
        known: dict[str, Any] = {"event_at": ago(599), "id_": parent, "extreme": 99_990.0}
        return _proposals(swept(LONG, 100_050.0, **(known | fields)), event)[0]

    refusal = with_earlier()
    assert isinstance(refusal, Refusal)
    assert (Rule.OPPOSITE_BREAK, 599.0, 600.0) == (refusal.rule, refusal.saw, refusal.limit)
    assert isinstance(with_earlier(id_=sibling, parent_id=parent), Refusal)
    assert isinstance(with_earlier(event_at=ago(601)), Candidate)
    assert isinstance(with_earlier(id_=sibling), Candidate)
    other_side = accepted(SHORT, 100_050.0, id_=7, event_at=ago(300))
    assert isinstance(_proposals(other_side, event)[0], Refusal)


def test_real_money_is_kept_out_by_default() -> None:
    live = settings_with(mode="live", allow_unstable_provider=True)
    free = StrategySettings(breakout=BreakoutSettings(paper_only=False))
    allowed = settings_with(free, mode="live", allow_unstable_provider=True)
    event = accepted(LONG, 100_050.0)

    assert _refusal(view=a_view(_NEXT, events=[event], settings=live)).rule is Rule.PAPER_ONLY
    [candidate] = _proposals(view=a_view(_NEXT, events=[event], settings=allowed))
    assert isinstance(candidate, Candidate)


def test_breakouts_that_are_off_say_so_once() -> None:
    off = a_view(events=[accepted(LONG, 100_050.0)], settings=tuned("breakout", enabled=False))

    assert _refusal(view=off).rule is Rule.STRATEGY_OFF
