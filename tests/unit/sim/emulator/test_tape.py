"""What an emulated exchange remembers of its markets."""

from bot.model.events import CandleClosed, FundingRead, MarketHalted, OpenInterestRead
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.sim.emulator.tape import Tape
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_market import price_event

HOUR = 3_600_000
MINUTE = 60_000


def candle(minute: int, *, close: float = 101.0, bought: float | None = 1.0) -> Candle:
    return Candle(
        symbol=BTC,
        open_at=Millis(NOON + minute * MINUTE),
        timeframe_ms=MINUTE,
        open=100.0,
        high=102.0 + minute,
        low=99.0 - minute,
        close=close,
        volume=2.0,
        taker_buy_volume=bought,
    )


def closed(tape: Tape, row: Candle) -> None:
    tape.on_market(CandleClosed(at=row.close_at, candle=row))


def funding(hours: int) -> FundingRead:
    row = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + hours * HOUR), interval_ms=HOUR)
    return FundingRead(at=NOON, funding=row)


def test_minutes_are_joined_to_longer_bars() -> None:
    tape = Tape()
    for minute in range(7):
        closed(tape, candle(minute, close=101.0 + minute))

    bars = tape.bars(BTC, 5 * MINUTE, at=Millis(NOON + 7 * MINUTE), start=NOON)

    assert [bar.open_at - NOON for bar in bars] == [0, 5 * MINUTE]
    first = bars[0]
    assert (first.open, first.high, first.low, first.close) == (100.0, 106.0, 95.0, 105.0)
    assert (first.volume, first.taker_buy_volume) == (10.0, 5.0)


def test_bars_begin_with_the_one_that_has_the_start() -> None:
    tape = Tape()
    for minute in range(10):
        closed(tape, candle(minute))

    bars = tape.bars(BTC, 5 * MINUTE, at=NOON, start=Millis(NOON + 6 * MINUTE))

    assert [bar.open_at - NOON for bar in bars] == [5 * MINUTE]


def test_the_minute_that_has_not_ended_is_the_last_bar() -> None:
    tape = Tape()
    closed(tape, candle(0))
    tape.on_market(price_event(100.0, NOON + MINUTE))
    tape.on_market(price_event(103.0, NOON + MINUTE + 2000, low=99.0, high=104.0))

    bars = tape.bars(BTC, MINUTE, at=Millis(NOON + MINUTE + 2000), start=NOON)

    assert len(bars) == 2
    forming = bars[-1]
    assert (forming.open, forming.high, forming.low, forming.close) == (100.0, 104.0, 99.0, 103.0)

    closed(tape, candle(1))
    assert len(tape.bars(BTC, MINUTE, at=Millis(NOON + 2 * MINUTE), start=NOON)) == 2


def test_a_bar_of_which_nothing_is_known_about_the_buyers_says_so() -> None:
    tape = Tape()
    closed(tape, candle(0, bought=None))
    closed(tape, candle(1))

    assert tape.bars(BTC, 5 * MINUTE, at=NOON, start=NOON)[0].taker_buy_volume is None


def test_a_settlement_is_due_once_and_needs_a_price() -> None:
    tape = Tape()
    tape.on_market(funding(1))
    due_at = Millis(NOON + HOUR)
    assert tape.take_due_funding(BTC, due_at) is None

    tape.on_market(price_event(100.0, due_at))
    settled = tape.take_due_funding(BTC, due_at)

    assert settled is not None
    assert (settled.at, settled.rate, settled.mark) == (due_at, 0.0001, 100.0)
    assert tape.take_due_funding(BTC, due_at) is None
    assert tape.fundings[BTC].next_at == NOON + 2 * HOUR
    assert tape.settled[BTC] == [settled]


def test_news_of_a_settlement_that_has_passed_is_none() -> None:
    tape = Tape()
    tape.on_market(funding(1))
    tape.on_market(price_event(100.0))
    tape.take_due_funding(BTC, Millis(NOON + HOUR))

    tape.on_market(funding(1))

    assert tape.fundings[BTC].next_at == NOON + 2 * HOUR


def test_halts_and_open_interest_are_kept() -> None:
    tape = Tape()
    tape.on_market(OpenInterestRead(at=NOON, symbol=BTC, oi=5.0, stamped_at=NOON))
    tape.on_market(MarketHalted(at=NOON, symbol=BTC, is_halted=True))
    assert (tape.open_interest[BTC], tape.halted) == ([(NOON, 5.0)], {BTC})

    tape.on_market(MarketHalted(at=NOON, symbol=BTC, is_halted=False))

    assert tape.halted == set()


def test_a_copy_changes_nothing_of_the_first() -> None:
    tape = Tape()
    closed(tape, candle(0))
    twin = tape.copy()

    closed(twin, candle(1))
    twin.on_market(price_event(100.0))

    assert len(tape.candles[BTC]) == 1
    assert tape.prices == {}
