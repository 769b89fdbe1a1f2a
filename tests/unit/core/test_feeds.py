"""Readings, prices and time: clusters live, holds come and go, candidates are proposed."""

from typing import Any

from bot.core.state import REFUSAL_EPISODES_MAX
from bot.core.step import step
from bot.model.account import HoldCause
from bot.model.cluster import ClusterEventKind
from bot.model.events import (
    CandleClosed,
    FundingRead,
    HeatmapFailed,
    HeatmapRead,
    OpenInterestRead,
    StatsRead,
    Ticked,
)
from bot.model.facts import (
    ClusterChanged,
    ClusterEventHappened,
    Decision,
    GateChanged,
    Noted,
    Refused,
    SignalRaised,
)
from bot.model.heatmap import OpenInterest, Reading, ReadingFailure, Row, Stats
from bot.model.market import Candle, Funding
from bot.model.order import Leg
from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol
from bot.model.settings import OrderSettings, TrackerSettings
from bot.model.signal import EntryStyle, Refusal, Rule, Strategy
from tests.fakes.answers import accepted, price
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.playbook import Bot, a_bot, settings, signal
from tests.fakes.tracking import a_row

ROWS = (a_row(1_005.0), a_row(1_010.0), a_row(995.0, PositionSide.LONG))


def reading(
    at: int, *rows: Row, mark: float = 1_000.0, symbol: Symbol = BTC, **fields: Any
) -> HeatmapRead:
    """A reply that came at `at`."""
    read = Reading(symbol=symbol, price=mark, rows=rows, content_key=str(at), **fields)
    return HeatmapRead(at=Millis(at), reading=read, asked_at=Millis(at), sequence=at)


def reads(bot: Bot, *rows: Row, after_ms: int = 5_000, mark: float = 1_000.0) -> Decision:
    bot.at = Millis(bot.at + after_ms)
    return step(bot.state, reading(bot.at, *rows, mark=mark))


def grown(bot: Bot, *rows: Row) -> Decision:
    """Read the same rows for a minute, until their clusters are active; the last decision."""
    for _ in range(11):
        reads(bot, *rows)
    return reads(bot, *rows)


def kinds(decision: Decision) -> list[ClusterEventKind]:
    return [f.event.kind for f in decision.facts if isinstance(f, ClusterEventHappened)]


def refusals(decision: Decision) -> list[Refusal]:
    return [fact.refusal for fact in decision.facts if isinstance(fact, Refused)]


def test_rows_become_clusters_numbered_by_the_ledgers_sequence() -> None:
    bot = a_bot()
    bot.state.next_cluster_id = ClusterId(41)
    decision = reads(bot, *ROWS)
    written = [fact.cluster.id for fact in decision.facts if isinstance(fact, ClusterChanged)]

    assert [41, 42, 43] == sorted(written)
    assert ClusterId(44) == bot.state.next_cluster_id
    assert [ClusterEventKind.NEW] * 3 == kinds(decision)
    assert 3 == len(bot.state.symbols[BTC].recent_events), "strategies remember it"


def test_a_good_reading_asks_the_strategies_and_a_doubtful_one_does_not() -> None:
    bot = a_bot()

    assert refusals(grown(bot, *ROWS))
    assert not refusals(reads(bot, *ROWS, mark=1_004.0))
    assert bot.state.symbols[BTC].tracker.staleness(Millis(bot.at + 60_000))


def test_what_is_read_of_a_symbol_that_is_not_traded_changes_nothing() -> None:
    bot, sol = a_bot(), Symbol("SOL/USDT:USDT")
    at = Millis(bot.at + 1)

    for event in (
        reading(at, *ROWS, symbol=sol),
        price("1000", at, sol),
        OpenInterestRead(at=at, symbol=sol, oi=1.0, stamped_at=at),
    ):
        assert step(bot.state, event).is_empty


def test_a_failed_poll_is_silence_and_no_cluster_changes() -> None:
    bot = a_bot()
    grown(bot, *ROWS)
    failure = ReadingFailure(kind="unreachable", reason="nobody answers")
    at = Millis(bot.at + 5_000)
    decision = step(bot.state, HeatmapFailed(at=at, symbol=BTC, failure=failure, sequence=int(at)))

    assert decision.is_empty
    assert "nobody answers" in bot.state.symbols[BTC].tracker.staleness(Millis(at + 60_000))


def test_market_data_reaches_what_lives_on_it() -> None:
    bot = a_bot()
    symbol, at = bot.state.symbols[BTC], Millis(bot.at + 1)
    candle = Candle(
        symbol=BTC,
        open_at=Millis(NOON - 60_000),
        timeframe_ms=60_000,
        open=1.0,
        high=2.0,
        low=1.0,
        close=2.0,
        volume=3.0,
    )
    funding = Funding(symbol=BTC, rate=0.0001, next_at=at)
    bot.sees(
        CandleClosed(at=at, candle=candle),
        FundingRead(at=at, funding=funding),
        OpenInterestRead(at=at, symbol=BTC, oi=7.0, stamped_at=at),
    )

    assert (candle.close_at, funding) == (symbol.bars.last_at, symbol.funding)
    assert 7_000.0 == symbol.interest.total_usd(at, 1_000.0)


def test_statistics_reach_every_symbol_that_they_name() -> None:
    bot, at = a_bot(), Millis(NOON + 5_000)
    named = OpenInterest(total_oi_usd=5e8, long_short_ratio=1.5)
    bot.sees(StatsRead(at=at, stats=Stats(open_interest={BTC: named})))

    assert 1.5 == bot.state.symbols[BTC].interest.long_short_ratio(at)
    assert bot.state.symbols[ETH].interest.long_short_ratio(at) is None


def test_a_break_that_is_accepted_is_traded_without_waiting_for_a_reading() -> None:
    bot = a_bot()
    grown(bot, *ROWS)
    seen: list[tuple[list[ClusterEventKind], bool]] = []
    for mark in ("1006", "1006.5", "1007", "1007.5"):
        bot.at = Millis(bot.at + 4_000)
        decision = step(bot.state, price(mark, bot.at))
        is_asked = any(isinstance(fact, Refused | SignalRaised) for fact in decision.facts)
        seen.append((kinds(decision), is_asked))

    assert ([ClusterEventKind.BROKEN], False) == seen[0]
    assert ([ClusterEventKind.BREAK_ACCEPTED], True) == seen[-1]


def test_the_gate_is_told_when_it_has_judged() -> None:
    bot = a_bot()
    told = [
        fact for _ in range(30) for fact in reads(bot, *ROWS).facts if isinstance(fact, GateChanged)
    ]

    assert told
    assert bot.state.gate.gate == told[-1].gate
    assert 1.0 == told[-1].gate.stability


def test_a_refusal_again_is_the_same_episode_with_its_newest_numbers() -> None:
    bot = a_bot()
    first = refusals(grown(bot, *ROWS))
    again = refusals(reads(bot, *ROWS))
    known = {(r.strategy, r.position_side, r.cluster_id, r.rule): r for r in first}
    pairs = [
        (known[key], row)
        for row in again
        if (key := (row.strategy, row.position_side, row.cluster_id, row.rule)) in known
    ]

    assert pairs
    for before, after in pairs:
        assert (before.count + 1, before.first_at) == (after.count, after.first_at)
        assert before.at < after.at


def test_refusals_that_are_remembered_are_bounded() -> None:
    """A provider that invents levels must not fill the memory."""
    bot = a_bot()
    symbol = bot.state.symbols[BTC]
    for number in range(REFUSAL_EPISODES_MAX):
        key = ("hunt", "long", str(number), "1", Rule.TOO_FAR)
        symbol.refusals[key] = Refusal(
            symbol=BTC, strategy=Strategy.HUNT, rule=Rule.TOO_FAR, first_at=NOON, at=NOON
        )
    grown(bot, *ROWS)

    assert REFUSAL_EPISODES_MAX == len(symbol.refusals)
    assert ("hunt", "long", "0", "1", Rule.TOO_FAR) not in symbol.refusals


def test_a_doubt_about_the_heatmap_is_told_to_a_person() -> None:
    bot = a_bot()
    bad = tuple(a_row(1_000.0 + number) for number in range(1, 80))
    decision = reads(bot, *bad)

    assert ["heatmap.doubted"] == [f.name for f in decision.facts if isinstance(f, Noted)]


def test_entries_are_held_while_no_symbol_has_a_fresh_reading() -> None:
    bot = a_bot()
    reads(bot, *ROWS)
    bot.sees(Ticked(at=Millis(bot.at + 19_000)))

    assert HoldCause.HEATMAP_STALE not in bot.holds()

    bot.sees(Ticked(at=Millis(bot.at + 2_000)))

    assert HoldCause.HEATMAP_STALE in bot.holds()

    reads(bot, *ROWS)

    assert HoldCause.HEATMAP_STALE not in bot.holds()


def test_a_start_has_time_to_read_before_it_is_held() -> None:
    bot = a_bot()
    bot.sees(Ticked(at=Millis(NOON + 19_000)))

    assert [] == bot.holds()

    bot.sees(Ticked(at=Millis(NOON + 25_000)))

    assert [HoldCause.HEATMAP_STALE] == bot.holds()


def test_an_entry_that_rests_is_canceled_once_its_clusters_are_out_of_sight() -> None:
    """The level that it waits for may be long gone."""
    bot = a_bot(
        core=settings(
            tracker=TrackerSettings(cancel_resting_after_s=40.0),
            orders=OrderSettings(entry_timeout_s=600.0),
        )
    )
    reads(bot, *ROWS)
    seen_at = bot.at
    bot.price("1000").gets(signal(style=EntryStyle.POST_ONLY)).sees(accepted(bot, Leg.ENTRY))
    bot.takes()
    bot.sees(Ticked(at=Millis(seen_at + 39_999)))
    before = bot.does()
    bot.sees(Ticked(at=Millis(seen_at + 40_000)))

    assert "cancel entry#1" not in before
    assert "cancel entry#1" in bot.does()
