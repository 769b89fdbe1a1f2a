"""Files played back: order, pessimism, and nothing before it was known."""

import asyncio
from pathlib import Path

import pytest

from bot.clock import LoopClock, run_virtual
from bot.market.recorded import RecordedMarket
from bot.model.events import (
    CandleClosed,
    Event,
    FundingRead,
    OpenInterestRead,
    PriceMoved,
)
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import RecordedSettings
from tests.fakes.recordings import MIN5, T0, JumpingClock, a_folder, the_settings

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
DATA = Path(__file__).parents[3] / ".." / "shared" / "data"


def a_market(
    folder: Path, settings: RecordedSettings, symbols: tuple[Symbol, ...] = (BTC,)
) -> RecordedMarket:
    return RecordedMarket(
        settings=settings, symbols=symbols, folder=folder, taker_fee_bps=5.0, maker_fee_bps=2.0
    )


def play(market: RecordedMarket, *, resume_at: int | None = None) -> list[Event]:
    told: list[Event] = []

    async def main() -> None:
        resume = None if resume_at is None else Millis(resume_at)
        await market.prepare(resume, lambda _share, _what: None)
        market.keep_time(JumpingClock(market.start_at()))
        await market.run(told.append)

    asyncio.run(main())
    return told


def story(events: list[Event]) -> list[tuple[int, str]]:
    return [((row.at - T0) // 1000, type(row).__name__) for row in events]


def prices(events: list[Event]) -> list[PriceMoved]:
    return [row for row in events if isinstance(row, PriceMoved)]


def test_one_bar_is_told_as_open_then_close_with_its_range_then_candle(tmp_path: Path) -> None:
    told = play(a_market(a_folder(tmp_path), the_settings(end="2025-12-01T00:05:00Z")))

    assert [
        (0, "FundingRead"),
        (0, "PriceMoved"),
        (300, "PriceMoved"),
        (300, "OpenInterestRead"),
        (300, "CandleClosed"),
    ] == story(told)
    opened, closed = prices(told)
    assert (100.0, 100.0, 100.0) == (opened.mark, opened.high, opened.low)
    assert (101.0, 101.5, 99.5) == (closed.mark, closed.high, closed.low)
    assert T0 == closed.since_at


def test_at_a_settlement_the_true_rate_comes_before_the_price_and_the_next_one_after(
    tmp_path: Path,
) -> None:
    """The venue charges with that rate; nobody knew it a moment before."""
    told = [
        row
        for row in play(a_market(a_folder(tmp_path), the_settings(end="2025-12-01T00:15:00Z")))
        if row.at == T0 + 600_000
    ]

    assert [
        FundingRead,
        PriceMoved,
        OpenInterestRead,
        CandleClosed,
        FundingRead,
        PriceMoved,
    ] == [type(row) for row in told]
    rates = [row.funding for row in told if isinstance(row, FundingRead)]
    assert [T0 + 600_000, T0 + 600_000 + 28_800_000] == [row.next_at for row in rates]


def test_open_interest_is_told_five_minutes_after_its_stamp(tmp_path: Path) -> None:
    told = play(a_market(a_folder(tmp_path), the_settings()))
    known = [row for row in told if isinstance(row, OpenInterestRead)]

    assert [MIN5] * 5 == [row.at - row.stamped_at for row in known]
    assert [1000.0 + k for k in range(5)] == [row.oi for row in known]


def test_a_hole_is_marked_where_it_ends(tmp_path: Path) -> None:
    told = prices(play(a_market(a_folder(tmp_path, missing=(2, 3)), the_settings())))
    holes = [row for row in told if not row.is_complete]

    assert [(T0 + 4 * MIN5, T0 + 2 * MIN5)] == [(row.at, row.since_at) for row in holes]


def test_bid_and_ask_lie_on_the_grid_around_the_mark(tmp_path: Path) -> None:
    first = prices(play(a_market(a_folder(tmp_path), the_settings())))[0]

    assert (99.9, 100.0, 100.1) == (first.bid, first.mark, first.ask)
    assert first.depth_usd == 50_000.0


def test_symbols_are_merged_by_time_and_the_order_is_always_the_same(tmp_path: Path) -> None:
    a_folder(tmp_path)
    a_folder(tmp_path, "ETHUSDT", scale=0.1)
    told = [play(a_market(tmp_path, the_settings(), (BTC, ETH))) for _ in range(2)]

    assert told[0] == told[1]
    assert sorted(row.at for row in told[0]) == [row.at for row in told[0]]
    firsts = [row.symbol for row in prices(told[0])[:4]]
    assert [BTC, ETH, BTC, ETH] == firsts


def test_history_ends_where_the_story_begins(tmp_path: Path) -> None:
    market = a_market(a_folder(tmp_path), the_settings(start="2025-12-01T00:10:00Z"))
    told = play(market)
    past = market.history(BTC)

    assert T0 + 600_000 == market.start_at()
    assert [T0, T0 + MIN5] == [row.open_at for row in past.candles]
    assert [T0 + MIN5, T0 + 2 * MIN5] == [at for at, _ in past.open_interest]
    assert past.funding is not None
    assert past.funding.rate == 0.0001
    opened = [row.candle.open_at for row in told if isinstance(row, CandleClosed)]
    assert [T0 + k * MIN5 for k in (2, 3, 4)] == opened


def test_nothing_older_than_the_ledger_is_told_again(tmp_path: Path) -> None:
    whole = play(a_market(a_folder(tmp_path), the_settings()))
    resume_at = T0 + MIN5 + 1000
    rest = play(a_market(tmp_path, the_settings()), resume_at=resume_at)

    assert [row for row in whole if row.at > resume_at] == rest[1:]
    assert isinstance(rest[0], FundingRead)


def test_a_recording_that_was_played_to_its_end_ends_at_once(tmp_path: Path) -> None:
    market = a_market(a_folder(tmp_path), the_settings())
    told = play(market, resume_at=T0 + 5 * MIN5)

    assert T0 + 5 * MIN5 == market.end_at()
    assert [FundingRead] == [type(row) for row in told]


def test_the_clock_reaches_each_instant_before_it_is_told(tmp_path: Path) -> None:
    market = a_market(a_folder(tmp_path), the_settings())

    async def main() -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        await market.prepare(None, lambda _share, _what: None)
        clock = LoopClock(start_at=market.start_at())
        market.keep_time(clock)
        await market.run(lambda event: seen.append((event.at, clock.now())))
        return seen

    seen = run_virtual(main())

    assert [at for at, _ in seen] == [now for _, now in seen]


def test_progress_is_reported_file_by_file(tmp_path: Path) -> None:
    market = a_market(a_folder(tmp_path), the_settings())
    shares: list[float] = []
    asyncio.run(market.prepare(None, lambda share, _what: shares.append(share)))

    assert [0.0, 1.0] == shares


def test_real_files_of_two_coins_play_to_their_end() -> None:
    if not DATA.exists():
        pytest.skip("the recorded data pack is not beside the repository")
    settings = RecordedSettings(start="2025-12-01T00:05:00Z", end="2025-12-08")
    market = a_market(DATA, settings, (BTC, ETH))
    told = play(market)
    closed = [row for row in told if isinstance(row, CandleClosed)]
    ticks = {str(row.tick_size) for row in market.instruments.values()}
    lots = {str(row.lot_size) for row in market.instruments.values()}

    assert len(closed) == 2 * (7 * 288 - 1)
    assert {"0.1", "0.01"} == ticks
    assert {"0.001"} == lots
    assert len(market.history(BTC).candles) == 7 * 288
    assert all(row.is_complete for row in prices(told))
    assert market.instruments[BTC].tier_at(1000.0).maintenance_rate == 0.004
