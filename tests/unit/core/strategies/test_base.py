"""What strategies share: the view's order, the guards, and what a refusal carries."""

import math
from typing import Any

import pytest

from bot.core.strategies.base import (
    NEAREST_MAX,
    About,
    ahead_pct,
    beyond,
    doubt_live,
    farther,
    guard,
    newest,
    recent,
    refuse,
)
from bot.model.cluster import ClusterEventKind, ClusterState, ProviderGate
from bot.model.primitives import Millis
from bot.model.signal import Refusal, Rule, Strategy
from tests.fakes.views import (
    LONG,
    NOW,
    SHORT,
    a_view,
    accepted,
    ago,
    long_at,
    settings_with,
    short_at,
)


def _guarded(**fields: Any) -> Refusal | None:
    return guard(a_view(**fields), Strategy.HUNT, is_enabled=True)


def _rule(**fields: Any) -> Rule | None:
    refusal = _guarded(**fields)
    return None if refusal is None else refusal.rule


def test_guide_28_the_view_sorts_by_itself() -> None:
    """Row 28: each source sorts its lists in its own way."""
    a, b, c, d = long_at(98.0), long_at(99.0), short_at(101.0), short_at(102.0)
    gone = long_at(99.5, state=ClusterState.BROKEN)
    view = a_view(d, a, gone, c, b, price=100.0)

    assert (b, a) == view.longs
    assert (c, d) == view.shorts
    assert view.longs == view.of(LONG)
    assert view.shorts == view.of(SHORT)


def test_the_price_of_a_taking_order_is_the_far_side_of_the_book() -> None:
    view = a_view(bid=99.0, ask=101.0, mark=100.0)

    assert (101.0, 99.0) == (view.touch(LONG), view.touch(SHORT))
    assert view.spread_pct == pytest.approx(2.0)


def test_the_smallest_stop_listens_to_spread_and_volatility() -> None:
    assert a_view().stop_min_pct == 0.15
    assert a_view(atr_1m_pct=0.5).stop_min_pct == 0.25
    assert a_view(atr_1m_pct=None).stop_min_pct == 0.15
    assert a_view(bid=99_950.0, ask=100_050.0).stop_min_pct == pytest.approx(0.3)


def test_a_calm_fresh_market_is_not_guarded() -> None:
    assert _rule() is None


@pytest.mark.parametrize(
    "prices",
    [
        {"mark": math.nan},
        {"bid": 0.0},
        {"ask": math.inf},
        {"mark": -1.0},
        {"bid": 100_001.0, "ask": 100_000.0},
    ],
)
def test_a_doubtful_price_is_no_price(prices: dict[str, float]) -> None:
    refusal = _guarded(**prices)

    assert refusal is not None
    assert refusal.rule is Rule.NOT_FINITE
    assert all(math.isfinite(number) for number in refusal.numbers.values())


def test_stale_warming_and_halted_inputs_are_guarded_with_figures() -> None:
    stale = _guarded(is_fresh=False, reading_age_s=33.0)

    assert stale is not None
    assert (Rule.STALE, 33.0, 20.0) == (stale.rule, stale.saw, stale.limit)
    assert _rule(is_fresh=False, reading_age_s=None) is Rule.STALE
    assert _rule(is_warming=True) is Rule.WARMING
    assert _rule(atr_1m_pct=None) is Rule.WARMING
    assert _rule(atr_15m_pct=None) is Rule.WARMING
    assert _rule(is_halted=True) is Rule.NOT_TRADING


def test_a_wide_spread_is_guarded() -> None:
    wide = _guarded(bid=99_970.0, ask=100_030.0)

    assert wide is not None
    assert (Rule.SPREAD_TOO_WIDE, 5.0) == (wide.rule, wide.limit)
    assert wide.saw == pytest.approx(6.0)
    assert _rule(bid=99_976.0, ask=100_024.0) is None


@pytest.mark.parametrize(
    ("away_s", "rule"),
    [(60, Rule.NEAR_FUNDING), (-60, Rule.NEAR_FUNDING), (61, None), (-61, None)],
)
def test_a_minute_either_side_of_funding_is_guarded(away_s: int, rule: Rule | None) -> None:
    assert _rule(fundings_at=(Millis(NOW + away_s * 1000),)) is rule


def test_levels_that_ride_on_the_price_are_for_paper_alone() -> None:
    floating = ProviderGate(samples=300, stability=0.42, is_floating=True)
    steady = ProviderGate(samples=300, stability=0.97, is_open=True)
    live = settings_with(mode="live")
    allowed = settings_with(mode="live", allow_unstable_provider=True)
    refusal = _guarded(gate=floating, settings=live)

    assert refusal is not None
    assert (Rule.UNSTABLE_PROVIDER, 0.42, 0.8) == (refusal.rule, refusal.saw, refusal.limit)
    assert {"samples": 300, "samples_min": 200} == refusal.numbers
    assert _rule(gate=ProviderGate(), settings=live) is Rule.UNSTABLE_PROVIDER
    assert _rule(gate=steady, settings=live) is None
    assert _rule(gate=floating, settings=allowed) is None
    assert _rule(gate=floating) is None


def test_rematches_due_after_a_silence_are_told() -> None:
    cluster = long_at(99_000.0, rematches_due=2)
    refusal = doubt_live(a_view(cluster), About(Strategy.HUNT, SHORT, cluster))

    assert refusal is not None
    assert (Rule.ABSENT, 2.0) == (refusal.rule, refusal.numbers["rematches_due"])


def test_what_the_tracker_holds_back_is_not_active() -> None:
    cluster = long_at(99_000.0, gen=2, seen=4)
    view = a_view(cluster, tradable=frozenset())
    refusal = doubt_live(view, About(Strategy.HUNT, SHORT, cluster))

    assert refusal is not None
    assert (Rule.NOT_ACTIVE, 4, 6) == (refusal.rule, refusal.saw, refusal.limit)
    assert {"age_s": 600.0, "age_min_s": 15.0} == refusal.numbers


def test_a_refusal_names_its_cluster_and_holds_finite_numbers_only() -> None:
    cluster = short_at(101_000.0, 5, gen=3)
    numbers = {"entry": 1.0, "nothing": None, "nan": math.nan}
    refusal = refuse(
        a_view(),
        About(Strategy.HUNT, LONG, cluster),
        Rule.TOO_FAR,
        saw=math.inf,
        limit=2.0,
        numbers=numbers,
    )

    assert (5, 3, 101_000.0) == (refusal.cluster_id, refusal.cluster_gen, refusal.cluster_level)
    assert (None, 2.0) == (refusal.saw, refusal.limit)
    assert {"entry": 1.0} == refusal.numbers
    assert (NOW, NOW, 1) == (refusal.first_at, refusal.at, refusal.count)


def test_events_are_found_newest_first_and_boundedly_many() -> None:
    kind = ClusterEventKind.BREAK_ACCEPTED
    old = accepted(LONG, 1.0, event_at=ago(61))
    other = accepted(SHORT, 2.0)
    young = [accepted(LONG, 10.0 + n, event_at=ago(60 - n)) for n in range(12)]
    view = a_view(events=[old, other, *young])

    assert young[::-1][:NEAREST_MAX] == recent(view, kind, LONG)
    assert young[-1] == newest(view, kind, LONG)
    assert old == newest(a_view(events=[old]), kind, LONG)
    assert newest(a_view(), kind, LONG) is None
    assert recent(a_view(events=[old]), kind, LONG) == []


def test_directions_are_those_that_pay() -> None:
    assert (102.0, 98.0) == (beyond(100.0, 2, LONG), beyond(100.0, 2, SHORT))
    assert (2.0, -2.0) == (ahead_pct(100.0, 102.0, LONG), ahead_pct(100.0, 102.0, SHORT))
    assert (1.0, 2.0) == (farther(1.0, 2.0, LONG), farther(1.0, 2.0, SHORT))
