"""Whatever the market looks like, nothing crooked leaves the selector, and nothing breaks it."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.selector import Selection, select
from bot.core.strategies.base import View
from bot.model.cluster import Cluster, ClusterEvent, ClusterState
from bot.model.primitives import ClusterId, Millis, PositionSide
from bot.model.settings import LevelsSettings, StrategySettings
from bot.model.signal import Refusal, Rule, Signal
from tests.fakes.views import (
    LONG,
    NOW,
    SHORT,
    a_cluster,
    a_view,
    accepted,
    ago,
    mirrored,
    settings_with,
    swept,
)

_PRICE = 100_000.0
_MODES = [
    settings_with(StrategySettings(levels=LevelsSettings(mode=mode)))
    for mode in ("sweep_reclaim", "pre_touch")
]

_CALM: dict[str, Any] = {"fundings_at": (Millis(NOW + 10**7),), "reading_age_s": 3.0}
_TROUBLE: list[dict[str, Any]] = [
    {"atr_15m_pct": None},
    {"atr_1m_pct": None},
    {"last_minute_return_pct": None},
    {"fundings_at": (NOW,)},
    {"is_fresh": False, "reading_age_s": None},
]


# The mirror keeps differences of prices, while thresholds are shares of them: on a lattice that
# keeps clear of every threshold and of ties, without bands where stops go, both sides see the same.
_LATTICE_BPS = [
    bps for bps in range(-3, 290, 4) if not (56 < bps < 64 or 96 < bps < 114 or 196 < bps < 204)
]
_STOPS_END_BPS = 130
_EVENTS_BPS = [bps for bps in range(-30, 31, 4) if bps]


@st.composite
def clusters(draw: st.DrawFn, id_: int, bps: int, *, is_on_lattice: bool) -> Cluster:
    side = draw(st.sampled_from(PositionSide))
    level = _PRICE * (1 - side.sign * bps / 10_000)
    is_thin = is_on_lattice and bps < _STOPS_END_BPS
    width = 0.0 if is_thin else draw(st.sampled_from([0.0, 0.0, 12.3, 80.0]))
    return a_cluster(
        side,
        level,
        id_,
        low=level - width,
        high=level + width,
        strength=draw(st.sampled_from([0.3, 0.5, 0.71, 0.9, 0.95, 1.0])),
        notional_usd=draw(st.sampled_from([1e3, 2e5, 1e6, 9e7])),
        state=draw(
            st.sampled_from(
                [
                    ClusterState.ACTIVE,
                    ClusterState.ACTIVE,
                    ClusterState.TOUCHED,
                    ClusterState.CANDIDATE,
                ]
            )
        ),
        absent=draw(st.sampled_from([0, 0, 0, 0, 0, 2])),
        rejections=draw(st.sampled_from([0, 0, 1, 2])),
        first_seen_at=ago(draw(st.sampled_from([30, 61, 600, 5_000]))),
    )


@st.composite
def events(draw: st.DrawFn, id_: int, bps: int) -> ClusterEvent:
    side = draw(st.sampled_from(PositionSide))
    level = _PRICE * (1 + bps / 10_000)
    fields: dict[str, Any] = {
        "id_": ClusterId(id_),
        "event_at": ago(draw(st.sampled_from([0, 3, 14, 16, 70]))),
        "is_two_sided": draw(st.sampled_from([False] * 5 + [True])),
        "is_only_break": draw(st.sampled_from([True] * 5 + [False])),
        "is_recovery": draw(st.sampled_from([False] * 5 + [True])),
        "strength": draw(st.sampled_from([0.4, 0.8, 0.9])),
    }
    if draw(st.booleans()):
        extreme = level * (1 - side.sign * draw(st.integers(1, 40)) / 10_000)
        return swept(side, level, extreme=extreme, **fields)
    return accepted(side, level, **fields)


@st.composite
def views(draw: st.DrawFn, *, is_on_lattice: bool = False) -> View:
    """Mostly markets that pass the guards, so that the rules behind them are reached."""
    levels_bps = _LATTICE_BPS if is_on_lattice else range(-5, 301)
    away = draw(st.lists(st.sampled_from(levels_bps), max_size=8, unique=is_on_lattice))
    moved = draw(st.lists(st.sampled_from(_EVENTS_BPS), max_size=3, unique=True))
    half_spread = draw(st.sampled_from([0.0, 0.05, 5.0, 60.0]))
    trouble = draw(st.sampled_from([{}] * 9 + _TROUBLE))
    return a_view(
        *(draw(clusters(n + 1, at, is_on_lattice=is_on_lattice)) for n, at in enumerate(away)),
        bid=_PRICE - half_spread,
        ask=_PRICE + half_spread,
        events=[draw(events(100 + n, at)) for n, at in enumerate(moved)],
        settings=draw(st.sampled_from(_MODES)),
        **_CALM
        | {
            "atr_15m_pct": draw(st.sampled_from([0.05, 0.2, 0.4, 1.5])),
            "atr_1m_pct": draw(st.sampled_from([0.01, 0.05, 0.1, 0.6])),
            "last_minute_return_pct": draw(st.sampled_from([0.0, -0.02, 3.0])),
        }
        | trouble,
    )


def _check(view: View, signal: Signal) -> None:
    entry, stop, target = signal.entry_price, signal.stop_price, signal.target_price
    if signal.position_side is LONG:
        assert 0 < stop < entry < target
    else:
        assert 0 < target < entry < stop
    assert signal.risk_reward >= view.settings.risk.min_net_rr
    assert signal.loss_per_unit_usd > 0
    assert signal.win_per_unit_usd > 0
    for cluster in view.clusters:
        assert not cluster.low <= float(stop) <= cluster.high
    for price in (entry, stop, target):
        assert price % view.instrument.tick_size == 0
    stop_pct = float(abs(entry - stop) / entry) * 100
    assert view.stop_min_pct <= stop_pct <= view.common.stop_max_pct
    assert 0 < signal.size_multiplier <= 1


@settings(max_examples=600, deadline=None)
@given(views())
def test_no_crooked_signal_ever_leaves_the_selector(view: View) -> None:
    """Stop, entry and target in order, the net ratio at least the limit, no stop in a band."""
    selection = select(view)

    if selection.signal is not None:
        _check(view, selection.signal)
    assert selection == select(view)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(PositionSide),
    st.lists(st.tuples(st.integers(10, 60), st.floats(0, 60), st.booleans()), max_size=6),
)
def test_a_stop_leaves_every_band_it_falls_into(
    side: PositionSide, bands: list[tuple[int, float, bool]]
) -> None:
    """Small clusters behind the entry, of either side, live in every way, overlapping."""
    around = [
        a_cluster(
            side if is_own else side.opposite,
            level := _PRICE * (1 - side.sign * bps / 10_000),
            n + 2,
            low=level - width,
            high=level + width,
            notional_usd=1e3,
            state=ClusterState.CANDIDATE if width > 50 else ClusterState.TOUCHED,
        )
        for n, (bps, width, is_own) in enumerate(bands)
    ]
    target = a_cluster(side.opposite, _PRICE * (1 + side.sign * 0.019), 1, notional_usd=9e9)
    view = a_view(target, *around)
    signal = select(view).signal

    if signal is not None:
        _check(view, signal)
        assert signal.position_side is side


@settings(max_examples=300, deadline=None)
@given(views())
def test_every_refusal_names_what_it_saw_in_numbers_that_exist(view: View) -> None:
    for refusal in select(view).refusals:
        assert all(number == number for number in refusal.numbers.values())  # noqa: PLR0124
        assert refusal.at == view.at
        if refusal.rule is Rule.PAYS_TOO_LITTLE:
            assert refusal.saw is not None
            assert refusal.limit is not None
            assert refusal.saw < refusal.limit


def _is_close_call(refusal: Refusal) -> bool:
    """The mirror keeps differences of prices, but fees and percentages are shares of them."""
    if refusal.saw is None or not refusal.limit:
        return False
    return abs(refusal.saw / refusal.limit - 1) < 0.02


def _shape(selection: Selection) -> dict[tuple[Any, ...], int]:
    counts: dict[tuple[Any, ...], int] = {}
    for refusal in selection.refusals:
        side = refusal.position_side
        key = (refusal.strategy, refusal.rule, side, refusal.cluster_id)
        counts[key] = counts.get(key, 0) + 1
    return counts


def _turned(shape: dict[tuple[Any, ...], int]) -> dict[tuple[Any, ...], int]:
    return {
        (strategy, rule, None if side is None else side.opposite, cluster): count
        for (strategy, rule, side, cluster), count in shape.items()
    }


@settings(max_examples=600, deadline=None)
@given(views(is_on_lattice=True))
def test_guide_06_a_market_upside_down_gives_the_opposite_signal(view: View) -> None:
    """Row 6: no side is favoured. Long and short are one rule with another sign."""
    here, there = select(view), select(mirrored(view, _PRICE))
    if any(map(_is_close_call, (*here.refusals, *there.refusals))):
        return

    assert (here.signal is None) == (there.signal is None)
    assert _shape(here) == _turned(_shape(there))
    if here.signal is None or there.signal is None:
        return
    assert here.signal.position_side is there.signal.position_side.opposite
    assert here.signal.strategy is there.signal.strategy
    assert here.signal.cluster_id == there.signal.cluster_id
    for name in ("entry_price", "stop_price", "target_price"):
        price, image = getattr(here.signal, name), getattr(there.signal, name)
        assert abs(float(price) + float(image) - 2 * _PRICE) < 20.0


def test_a_view_of_nothing_is_refused_and_never_raises() -> None:
    """No clusters, no events, no statistics, no volatility, no spread."""
    empty = View(
        symbol=a_view().symbol, at=NOW, settings=settings_with(), instrument=a_view().instrument
    )

    assert select(empty).signal is None
    assert select(a_view()).signal is None
    assert {SHORT, LONG, None} >= {r.position_side for r in select(a_view()).refusals}
