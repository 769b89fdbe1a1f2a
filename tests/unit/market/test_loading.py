"""The past: which bars are fetched, and what is made of them."""

from collections.abc import Callable

import pytest

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import NoAnswerError
from bot.market.attempts import Attempts
from bot.market.loading import BAR_MS, Loading, Past, Spans, is_sound, joint, marked, spans
from bot.market.publicdata import DAY_MS, HOUR_MS, MINUTE_MS, OI_DELAY_MS
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol
from tests.fakes.engine_market import START_AT, a_bar
from tests.fakes.market_public import BTC, ETH, START, PublicExchange, minute_of

UNTIL = minute_of(START)


def loaded(
    wanted: Spans, prepare: Callable[[PublicExchange], None] = lambda _exchange: None
) -> dict[Symbol, Past]:
    async def story() -> dict[Symbol, Past]:
        clock = LoopClock(start_at=START)
        exchange = PublicExchange(clock)
        prepare(exchange)
        loading = Loading(exchange, clock, Attempts(clock))
        return await loading.load([BTC, ETH], wanted, lambda _share, _what: None)

    return run_virtual(story())


def test_volatility_needs_ten_hours_of_minutes() -> None:
    wanted = spans(now=START, resume_at=None, heatmap_days=0)

    assert wanted.coarse_from == wanted.fine_from == UNTIL - 600 * MINUTE_MS
    assert UNTIL == wanted.until
    assert wanted.gap_from is None
    assert HOUR_MS == wanted.oi_step_ms


def test_minutes_begin_where_a_bar_of_five_ends() -> None:
    wanted = spans(now=Millis(START + 3 * MINUTE_MS), resume_at=None, heatmap_days=7)

    assert 0 == wanted.fine_from % BAR_MS
    assert 0 == wanted.coarse_from % BAR_MS


def test_a_heatmap_needs_days_of_bars_and_of_open_interest() -> None:
    wanted = spans(now=START, resume_at=None, heatmap_days=7)

    assert UNTIL - 7 * DAY_MS == wanted.coarse_from == wanted.oi_from
    assert BAR_MS == wanted.oi_step_ms


def test_a_gap_is_covered_as_far_back_as_it_began() -> None:
    resume_at = Millis(START - 2 * DAY_MS)
    wanted = spans(now=START, resume_at=resume_at, heatmap_days=0)

    assert resume_at == wanted.gap_from
    assert wanted.coarse_from <= resume_at < wanted.coarse_from + BAR_MS


def test_a_gap_of_a_year_is_covered_for_a_month() -> None:
    wanted = spans(now=START, resume_at=Millis(START - 365 * DAY_MS), heatmap_days=0)

    assert UNTIL - 30 * DAY_MS == wanted.coarse_from


def test_bars_of_five_minutes_come_first_and_do_not_overlap() -> None:
    past = loaded(spans(now=START, resume_at=None, heatmap_days=1))[BTC]
    ends = [bar.close_at for bar in past.candles]

    assert ends[:-1] == [bar.open_at for bar in past.candles[1:]]
    assert UNTIL == ends[-1]
    assert (BAR_MS, MINUTE_MS) == (past.candles[0].timeframe_ms, past.candles[-1].timeframe_ms)
    assert 168 + 600 == len(past.candles)


def test_past_open_interest_was_known_five_minutes_after_its_stamp() -> None:
    past = loaded(spans(now=START, resume_at=None, heatmap_days=1))[BTC]

    assert UNTIL - DAY_MS + OI_DELAY_MS == past.open_interest[0][0]
    assert past.open_interest[-1][0] <= UNTIL


def test_in_the_gap_the_marks_extremes_count() -> None:
    resume_at = Millis(UNTIL - 10 * MINUTE_MS)
    minute = Millis(UNTIL - 5 * MINUTE_MS)

    def wick(exchange: PublicExchange) -> None:
        exchange.wicks[BTC, minute] = (120.0, 80.0)

    candles = loaded(spans(now=START, resume_at=resume_at, heatmap_days=0), wick)[BTC].candles
    bar = next(bar for bar in candles if bar.open_at == minute)

    assert (120.0, 80.0, 1.0) == (bar.high, bar.low, bar.volume)


def test_what_cannot_be_had_is_left_out() -> None:
    def fail(exchange: PublicExchange) -> None:
        exchange.errors[f"candles {BTC}"] = KeyError("closeTime")
        exchange.errors["open_interest_past"] = NoAnswerError("not kept")
        exchange.errors[f"tiers {ETH}"] = NoAnswerError("gone")

    pasts = loaded(spans(now=START, resume_at=None, heatmap_days=0), fail)

    assert () == tuple(pasts[BTC].candles)
    assert 600 == len(pasts[ETH].candles)
    assert [1, 0] == [len(pasts[symbol].tiers) for symbol in (BTC, ETH)]
    assert () == tuple(pasts[ETH].open_interest)


def test_where_minutes_do_not_reach_back_bars_of_five_stand_in() -> None:
    listed_at = Millis(UNTIL - 200 * MINUTE_MS + MINUTE_MS)

    def begin(exchange: PublicExchange) -> None:
        exchange.minutes_from = listed_at

    candles = loaded(spans(now=START, resume_at=None, heatmap_days=0), begin)[BTC].candles
    ends = [bar.close_at for bar in candles]

    assert ends[:-1] == [bar.open_at for bar in candles[1:]]
    assert UNTIL - 600 * MINUTE_MS == candles[0].open_at
    assert 195 == sum(bar.timeframe_ms == MINUTE_MS for bar in candles)


def minutes(*indices: int) -> list[Candle]:
    return [a_bar(index, (1.0, 1.0, 1.0, 1.0), timeframe_ms=MINUTE_MS) for index in indices]


def test_a_few_missing_minutes_are_no_reason_to_do_without_the_others() -> None:
    fine = minutes(*[index for index in range(100) if index % 12])

    assert START_AT == joint(fine, Millis(START_AT), Millis(START_AT + 100 * MINUTE_MS))


def test_of_sparse_minutes_only_the_last_unbroken_ones_count() -> None:
    fine = minutes(*range(0, 60, 5), *range(63, 100))
    end = Millis(START_AT + 100 * MINUTE_MS)

    assert START_AT + 65 * MINUTE_MS == joint(fine, Millis(START_AT), end)
    assert end == joint([], Millis(START_AT), end)


def test_a_call_that_fails_once_is_tried_again() -> None:
    async def story() -> int:
        clock = LoopClock(start_at=START)
        exchange = PublicExchange(clock, [BTC])
        exchange.errors["candles"] = NoAnswerError("gone")
        clock_of_the_world = clock._loop
        clock_of_the_world.call_later(0.5, exchange.errors.clear)
        loading = Loading(exchange, clock, Attempts(clock))
        wanted = spans(now=START, resume_at=None, heatmap_days=0)
        return len((await loading.load([BTC], wanted, lambda *_: None))[BTC].candles)

    assert 600 == run_virtual(story())


def test_progress_is_told_to_the_end() -> None:
    shares: list[float] = []

    async def story() -> None:
        clock = LoopClock(start_at=START)
        loading = Loading(PublicExchange(clock), clock, Attempts(clock))
        wanted = spans(now=START, resume_at=None, heatmap_days=0)
        await loading.load([BTC, ETH], wanted, lambda share, _what: shares.append(share))

    run_virtual(story())

    assert sorted(shares) == shares
    assert 1.0 == shares[-1]


@pytest.mark.parametrize(
    "prices", [(0.0, 1.0, 0.0, 1.0), (2.0, 1.0, 1.0, 1.0), (1.0, 2.0, 1.5, 1.5)]
)
def test_a_bar_that_cannot_have_been_is_not_sound(
    prices: tuple[float, float, float, float],
) -> None:
    assert not is_sound(a_bar(0, prices))
    assert is_sound(a_bar(0, (1.0, 2.0, 0.5, 1.5)))


def test_volume_stays_that_of_the_trades() -> None:
    bars = [a_bar(0, (1.0, 2.0, 1.0, 2.0), 7.0), a_bar(1, (1.0, 2.0, 1.0, 2.0), 8.0)]
    found = marked(bars, [a_bar(1, (1.5, 9.0, 0.5, 3.0))])

    assert bars[0] == found[0]
    assert (9.0, 0.5, 8.0) == (found[1].high, found[1].low, found[1].volume)
