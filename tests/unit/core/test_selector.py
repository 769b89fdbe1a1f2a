"""Selection: every strategy is asked, one signal leads, and the view reads the state."""

import math
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from bot.core.selector import STRATEGIES, score, select, view_of
from bot.core.state import State
from bot.core.strategies.base import View
from bot.model.events import PriceMoved
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, SignalId
from bot.model.settings import HuntSettings, LevelsSettings, StrategySettings
from bot.model.signal import Rule, Strategy
from bot.model.snapshot import Snapshot, SymbolSnapshot
from tests.fakes.views import (
    BTC,
    INSTRUMENT,
    LONG,
    NOW,
    SHORT,
    a_view,
    ago,
    long_at,
    settings_with,
    short_at,
    swept,
)


def _rules(view: View) -> set[Rule]:
    return {refusal.rule for refusal in select(view).refusals}


def test_nothing_to_look_at_is_refused_by_every_strategy() -> None:
    selection = select(a_view())

    assert selection.signal is None
    assert {Strategy.HUNT, Strategy.LEVELS, Strategy.BREAKOUT} == {
        refusal.strategy for refusal in selection.refusals
    }
    assert {Rule.NO_LEVEL, Rule.NO_BREAK} == _rules(a_view())


def test_every_strategy_is_one_line() -> None:
    assert len(STRATEGIES) == len(Strategy)


def test_a_switched_off_strategy_leaves_the_others_running() -> None:
    strategies = StrategySettings(
        hunt=HuntSettings(enabled=False), levels=LevelsSettings(enabled=False)
    )
    view = a_view(short_at(101_000.0), settings=settings_with(strategies))

    assert {Rule.STRATEGY_OFF, Rule.NO_BREAK} == _rules(view)


def test_guide_06_a_tie_is_no_trade_and_a_clear_lead_is() -> None:
    """Row 6: symmetric scoring; the lead must be 1.25 or more."""
    tie = a_view(short_at(101_500.0), long_at(98_500.0))
    close = a_view(short_at(101_500.0, strength=0.99), long_at(98_500.0, strength=0.8))
    clear = a_view(short_at(101_500.0, strength=1.0), long_at(98_500.0, strength=0.79))

    for view in (tie, close):
        selection = select(view)
        refused = [r for r in selection.refusals if r.rule is Rule.NO_LEAD]
        assert selection.signal is None
        assert {LONG, SHORT} == {refusal.position_side for refusal in refused}
        assert all(refusal.saw is not None and refusal.saw < 1.25 for refusal in refused)
        assert all(refusal.limit == 1.25 for refusal in refused)
        assert all(refusal.numbers["rr_net"] > 1.5 for refusal in refused)
        assert all(refusal.cluster_id is not None for refusal in refused)
    won = select(clear).signal
    assert won is not None
    assert won.position_side is LONG


def test_the_best_score_of_one_side_wins() -> None:
    event = swept(LONG, 99_950.0, extreme=99_400.0)
    signal = select(a_view(short_at(101_500.0), events=[event])).signal

    assert signal is not None
    assert signal.strategy is Strategy.HUNT
    assert score(signal) == pytest.approx(signal.risk_reward * 0.8)


def test_a_used_signal_makes_room_for_the_next_best() -> None:
    far, near = short_at(101_800.0), short_at(101_200.0)
    first = select(a_view(near, far)).signal
    assert first is not None
    second = select(a_view(near, far, signals_used=frozenset({first.id}))).signal

    assert second is not None
    assert {near.id, far.id} == {first.cluster_id, second.cluster_id}


def test_the_same_view_gives_the_same_selection() -> None:
    view = a_view(short_at(101_000.0), long_at(99_500.0, notional_usd=1.0))

    assert select(view) == select(msgspec.structs.replace(view))


def _state(**symbol_fields: Any) -> State:
    snapshot = Snapshot(
        at=ago(10),
        symbols=(SymbolSnapshot(symbol=BTC, **symbol_fields),),
        signals_used=(SignalId("used"),),
    )
    return State(settings=settings_with(), instruments={BTC: INSTRUMENT}, snapshot=snapshot)


def _price() -> PriceMoved:
    return PriceMoved(
        at=NOW,
        symbol=BTC,
        mark=100_000.0,
        bid=99_999.9,
        ask=100_000.1,
        last=100_000.0,
        high=100_000.0,
        low=100_000.0,
        since_at=ago(1),
    )


def test_without_a_price_the_view_holds_none_and_nothing_is_proposed() -> None:
    view = view_of(_state(), BTC, NOW)

    assert math.isnan(view.mark)
    assert not view.is_fresh
    assert {Rule.NOT_FINITE} == _rules(view)


def test_the_view_reads_all_that_is_known_of_a_symbol() -> None:
    cluster = short_at(101_000.0)
    candles = tuple(
        Candle(
            symbol=BTC,
            open_at=Millis(NOW - (20 - n) * 60_000),
            timeframe_ms=60_000,
            open=100_000.0,
            high=100_050.0,
            low=99_950.0,
            close=100_000.0,
            volume=10.0,
        )
        for n in range(20)
    )
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOW + 3_600_000))
    state = _state(clusters=(cluster,), last_reading_at=ago(2), candles=candles, funding=funding)
    known = state.symbols[BTC]
    known.price = _price()
    known.recent_events.append(swept(LONG, 99_900.0, extreme=99_800.0))
    known.backed[cluster.id] = (LONG, ago(5))
    view = view_of(state, BTC, NOW)

    assert (100_000.0, 99_999.9, 100_000.1) == (view.mark, view.bid, view.ask)
    assert (cluster,) == view.shorts
    assert view.atr_1m_pct == pytest.approx(0.1)
    assert view.atr_15m_pct is not None
    assert (Millis(NOW - 25_200_000), Millis(NOW + 3_600_000)) == view.fundings_at
    assert len(view.candles) == 20
    assert len(view.events) == 1
    assert SignalId("used") in view.signals_used
    assert view.backed[cluster.id] == (LONG, ago(5))
    assert view.instrument.tick_size == Decimal("0.1")
    assert view.interest_term == 1.0
