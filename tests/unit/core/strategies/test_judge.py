"""The one gate: its order, its rounding, and the numbers of each refusal."""

import math
from decimal import Decimal
from typing import Any

import pytest

from bot.core.strategies.base import Candidate, View
from bot.core.strategies.judge import exact, judge
from bot.model.cluster import ProviderGate
from bot.model.market import Candle
from bot.model.primitives import Millis
from bot.model.settings import CommonSettings, ConfirmSettings, StrategySettings
from bot.model.signal import Levels, Refusal, Rule, Signal, Strategy
from tests.fakes.views import BTC, LONG, NOW, SHORT, a_view, ago, long_at, settings_with, short_at

_D = Decimal
_CLUSTER = short_at(101_000.0)


def _candidate(**fields: Any) -> Candidate:
    known: dict[str, Any] = {
        "strategy": Strategy.HUNT,
        "side": LONG,
        "cluster": _CLUSTER,
        "entry": 100_000.0,
        "stop": 99_700.0,
        "target": 101_000.0,
        "thesis": "toward the short cluster at",
    }
    return Candidate(**(known | fields))


def _refusal(view: View | None = None, **fields: Any) -> Refusal:
    verdict = judge(view or a_view(_CLUSTER), _candidate(**fields))
    assert isinstance(verdict, Refusal)
    return verdict


def _signal(view: View | None = None, **fields: Any) -> Signal:
    verdict = judge(view or a_view(_CLUSTER), _candidate(**fields))
    assert isinstance(verdict, Signal)
    return verdict


@pytest.mark.parametrize("price", [math.nan, math.inf, -1.0, 0.0])
@pytest.mark.parametrize("leg", ["entry", "stop", "target"])
def test_what_is_no_positive_number_is_refused_first(leg: str, price: float) -> None:
    prices: dict[str, Any] = {leg: price}

    assert _refusal(**prices).rule is Rule.NOT_FINITE


def test_a_stop_that_rounds_to_nothing_is_refused() -> None:
    assert _refusal(stop=0.05).rule is Rule.NOT_FINITE


def test_guide_02_ordering_is_judged_before_the_ratio() -> None:
    """Row 2: the formula praises a stop above the entry, so it is not asked."""
    refusal = _refusal(stop=100_010.0)

    assert (Rule.OUT_OF_ORDER, 100_010.0, 100_000.0) == (refusal.rule, refusal.saw, refusal.limit)
    assert {"entry", "stop", "target"} == set(refusal.numbers)


def test_order_is_strict_after_rounding() -> None:
    assert _refusal(stop=100_000.0).rule is Rule.OUT_OF_ORDER
    assert _refusal(target=100_000.04).rule is Rule.OUT_OF_ORDER
    assert _refusal(side=SHORT, stop=100_300.0, target=100_001.0).rule is Rule.OUT_OF_ORDER


def test_distances_are_judged_before_the_ratio() -> None:
    cases: dict[Rule, tuple[dict[str, Any], float, float]] = {
        Rule.TARGET_TOO_NEAR: ({"target": 100_269.0, "stop": 99_700.0}, 0.269, 0.27),
        Rule.STOP_TOO_NEAR: ({"stop": 99_851.0}, 0.149, 0.15),
        Rule.STOP_TOO_FAR: ({"stop": 98_799.0}, 1.201, 1.2),
    }
    for rule, (fields, saw, limit) in cases.items():
        refusal = _refusal(**fields)
        assert rule is refusal.rule
        assert refusal.saw == pytest.approx(saw)
        assert refusal.limit == pytest.approx(limit)
        assert refusal.numbers["rr_net"] != 0


def test_too_little_pay_tells_what_would_be_enough() -> None:
    refusal = _refusal(stop=99_400.0)

    assert refusal.rule is Rule.PAYS_TOO_LITTLE
    assert refusal.saw == pytest.approx(0.91 / 0.7396, rel=0.01)
    needed_target = _signal(stop=99_400.0, target=refusal.numbers["target_needed"] + 0.2)
    needed_stop = _signal(stop=refusal.numbers["stop_needed"] + 0.2)
    assert needed_target.risk_reward == pytest.approx(1.5, abs=0.001)
    assert needed_stop.risk_reward == pytest.approx(1.5, abs=0.001)
    assert {"win_per_unit", "loss_per_unit", "rr_gross", "break_even", "stop_min_pct"} <= set(
        refusal.numbers
    )


def test_rounding_goes_toward_the_worse_ratio_and_the_stop_away() -> None:
    long = _signal(entry=100_000.03, stop=99_700.06, target=100_999.97)
    short = _signal(side=SHORT, entry=100_000.03, stop=100_300.06, target=99_000.03)

    assert (_D("100000.1"), _D("99700.0"), _D("100999.9")) == (
        long.entry_price,
        long.stop_price,
        long.target_price,
    )
    assert (_D("100000.0"), _D("100300.1"), _D("99000.1")) == (
        short.entry_price,
        short.stop_price,
        short.target_price,
    )


def test_guide_17_a_stop_within_a_band_moves_beyond_its_far_edge() -> None:
    """Row 17: never in a cluster, whichever its side or state; and then the ratio is asked."""
    band = long_at(99_700.0, low=99_690.0, high=99_710.0)
    behind = long_at(99_590.0, low=99_585.0, high=99_595.0)
    signal = _signal(a_view(_CLUSTER, band), target=101_500.0)
    twice = _signal(a_view(_CLUSTER, band, behind), target=101_500.0)

    assert _D("99590.3") == signal.stop_price
    assert exact(99_585.0) * _D("0.999") > twice.stop_price
    assert _refusal(a_view(_CLUSTER, band), target=100_700.0).rule is Rule.PAYS_TOO_LITTLE


def test_without_a_buffer_the_stop_still_leaves_the_band() -> None:
    common = CommonSettings(stop_buffer_pct=0.0)
    settings = settings_with(StrategySettings(common=common))
    long = _signal(a_view(_CLUSTER, long_at(99_700.0), settings=settings))
    short = _signal(
        a_view(_CLUSTER, short_at(100_300.0), settings=settings),
        side=SHORT,
        stop=100_300.0,
        target=99_000.0,
    )

    assert _D("99699.9") == long.stop_price
    assert _D("100300.1") == short.stop_price


def test_a_signal_acts_once() -> None:
    once = _signal()
    refusal = _refusal(a_view(_CLUSTER, signals_used=frozenset({once.id})))

    assert refusal.rule is Rule.ALREADY_USED
    again = _candidate(cluster=short_at(101_000.0, gen=2))
    assert isinstance(judge(a_view(_CLUSTER, signals_used=frozenset({once.id})), again), Signal)


def test_guide_12_a_cluster_backs_one_side_at_a_time() -> None:
    """Row 12: the guide trades both ways from one level."""
    refusal = _refusal(a_view(_CLUSTER, backed={_CLUSTER.id: (SHORT, ago(30))}))

    assert (Rule.CLUSTER_BACKED_OTHER_SIDE, 30.0, 600.0) == (
        refusal.rule,
        refusal.saw,
        refusal.limit,
    )
    assert _signal(a_view(_CLUSTER, backed={_CLUSTER.id: (LONG, ago(30))}))


def test_confirmation_is_asked_last_and_only_where_it_is_on() -> None:
    settings = settings_with(StrategySettings(confirm=ConfirmSettings(enabled=True)))
    rising = [
        Candle(
            symbol=BTC,
            open_at=Millis(n * 60_000),
            timeframe_ms=60_000,
            open=price,
            high=price + 40,
            low=price - 40,
            close=price,
            volume=1.0,
        )
        for n in range(99)
        for price in [99_000 + 10 * n + 40 * (-1) ** n]
    ]
    unknown = _refusal(a_view(_CLUSTER, settings=settings))
    falling = _refusal(
        a_view(_CLUSTER, settings=settings, candles=rising),
        side=SHORT,
        stop=100_300.0,
        target=99_000.0,
    )

    assert (Rule.NOT_CONFIRMED, None) == (unknown.rule, unknown.saw)
    assert falling.rule is Rule.NOT_CONFIRMED
    assert {"ta_ema", "ta_rsi", "ta_atr_pct"} <= set(falling.numbers)
    assert _signal(a_view(_CLUSTER, settings=settings, candles=rising))


def test_guide_04_the_record_is_complete_and_says_one_strength() -> None:
    """Row 4: confidence 0.75 in the record, strength 0.85 in its reason. Here it is one figure."""
    view = a_view(
        _CLUSTER,
        long_at(99_000.0),
        total_oi_usd=5e9,
        long_short_ratio=1.3,
        interest_term=0.8,
        mark=100_000.5,
    )
    signal = _signal(view, time_stop_s=60)

    assert _D("100000.5") == signal.current_price
    assert signal.strength == _CLUSTER.strength
    assert f"strength {signal.strength:.2f}" in signal.reason
    assert (5e9, 1.3, 60_000, NOW) == (
        signal.total_oi_usd,
        signal.long_short_ratio,
        signal.time_stop_ms,
        signal.at,
    )
    assert Levels(support=(99_000.0,), resistance=(101_000.0,)) == signal.levels
    assert signal.size_multiplier == pytest.approx(0.8 * 0.9)
    assert signal.risk_reward == pytest.approx(
        float(signal.win_per_unit_usd / signal.loss_per_unit_usd)
    )
    assert signal.risk_reward_gross == pytest.approx(1000 / 300)
    assert signal.break_even_probability == pytest.approx(1 / (1 + signal.risk_reward))


def test_guide_24_a_reason_promises_nothing() -> None:
    """Row 24: nobody knows where liquidations will occur; the sentence says what it would take."""
    reason = _signal().reason

    assert reason == (
        "hunt LONG toward the short cluster at 101,000.0; 4.0 M USD (high here), strength 0.80 "
        "(very strong), followed for 10 min; pays 2.07 for 1 risked after costs, "
        "breaks even at 33 of 100"
    )


def test_what_rests_on_floating_levels_carries_the_mark() -> None:
    assert not _signal().is_floating
    assert _signal(cluster=short_at(101_000.0, is_floating=True)).is_floating
    assert _signal(a_view(_CLUSTER, gate=ProviderGate(is_floating=True))).is_floating


def test_decimals_are_what_floats_are_written_as() -> None:
    assert exact(97_420.1) == _D("97420.1")
