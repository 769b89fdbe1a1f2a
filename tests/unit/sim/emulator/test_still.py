"""A market that stands still until it is moved."""

import asyncio
from decimal import Decimal

from bot.clock import LoopClock, run_virtual
from bot.model.events import CandleClosed, Event, FundingRead, OpenInterestRead, PriceMoved
from bot.sim.emulator.still import FINE_MS, FIVE_MS, MINUTE_MS, StillMarket
from tests.fakes.worlds import BTC, ETH, START


def a_market() -> StillMarket:
    return StillMarket(
        (BTC, ETH),
        start_at=START,
        history_days=1,
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
    )


def played(market: StillMarket, seconds: float, **moves: float) -> list[Event]:
    """What it tells; `moves` are marks of BTC after so many seconds: s10=97000."""
    events: list[Event] = []

    async def story() -> None:
        clock = LoopClock(start_at=START)
        market.keep_time(clock)
        async with asyncio.TaskGroup() as tasks:
            playing = tasks.create_task(market.run(events.append))
            for name, mark in moves.items():
                await clock.sleep(float(name[1:]) - (clock.now() - START) / 1_000)
                market.move(BTC, mark)
            await clock.sleep(seconds - (clock.now() - START) / 1_000 + 0.01)
            playing.cancel()

    run_virtual(story())
    return events


def test_every_second_each_price_is_told_and_stays() -> None:
    events = [event for event in played(a_market(), 5.0) if isinstance(event, PriceMoved)]

    assert [START + 1_000 * (n // 2 + 1) for n in range(10)] == [event.at for event in events]
    assert {97_412.0} == {event.mark for event in events if event.symbol == BTC}
    assert {3_398.2} == {event.mark for event in events if event.symbol == ETH}
    assert all(event.bid < event.mark < event.ask or event.bid < event.ask for event in events)


def test_a_move_is_told_at_once_with_its_range_and_stays() -> None:
    events = [
        event
        for event in played(a_market(), 4.0, s2=97_000.04)
        if isinstance(event, PriceMoved) and event.symbol == BTC
    ]
    jump = next(event for event in events if event.mark == 97_000.0)

    assert START + 2_000 == jump.at
    assert (97_000.0, 97_412.0) == (jump.low, jump.high)
    assert 97_000.0 == events[-1].mark


def test_a_minutes_bar_holds_where_the_price_has_been() -> None:
    events = played(a_market(), 121.0, s10=98_000.0, s20=97_500.0)
    first, second = [
        event.candle
        for event in events
        if isinstance(event, CandleClosed) and event.candle.symbol == BTC
    ]

    assert (97_412.0, 98_000.0, 97_412.0, 97_500.0) == (
        first.open,
        first.high,
        first.low,
        first.close,
    )
    assert {97_500.0} == {second.open, second.high, second.low, second.close}


def test_open_interest_and_funding_are_told_every_five_minutes() -> None:
    events = played(a_market(), 301.0)
    interests = [event for event in events if isinstance(event, OpenInterestRead)]
    fundings = [event for event in events if isinstance(event, FundingRead)]

    assert [BTC, ETH] == [event.symbol for event in interests]
    assert {0.0} == {event.funding.rate for event in fundings}
    assert all(event.funding.next_at > START for event in fundings)


def test_the_past_is_level_without_gaps_and_fine_at_its_end() -> None:
    past = a_market().history(BTC)
    ends = [candle.close_at for candle in past.candles]
    fine = [candle for candle in past.candles if candle.timeframe_ms == MINUTE_MS]

    assert all(
        a.close_at == b.open_at for a, b in zip(past.candles, past.candles[1:], strict=False)
    )
    assert START == ends[-1]
    assert START - 86_400_000 == past.candles[0].open_at
    assert FINE_MS // MINUTE_MS == len(fine)
    assert {97_412.0} == {candle.close for candle in past.candles}
    assert START == past.open_interest[-1][0]
    assert {FIVE_MS} == {
        b[0] - a[0] for a, b in zip(past.open_interest, past.open_interest[1:], strict=False)
    }


def test_there_are_prices_from_the_start() -> None:
    market = a_market()
    found = [
        (event.symbol, event.mark) for event in market.first() if isinstance(event, PriceMoved)
    ]

    assert [(BTC, 97_412.0), (ETH, 3_398.2)] == found
    assert {START} == {event.at for event in market.first()}
    assert {BTC, ETH} == set(market.instruments)
