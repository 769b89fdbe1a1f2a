"""Quotes: what is believed, and what of it is told."""

import pytest

from bot.market.publicdata import Tick
from bot.market.quotes import Quotes
from bot.model.events import PriceMoved
from bot.model.primitives import Millis, Symbol

BTC = Symbol("BTC/USDT:USDT")
START = 1_767_225_600_000


def at(seconds: float) -> Millis:
    return Millis(START + round(seconds * 1000))


def tick(
    seconds: float, mark: float | None = 100.0, bid: float | None = None, ask: float | None = None
) -> Tick:
    return Tick(symbol=BTC, stamped_at=at(seconds), mark=mark, bid=bid, ask=ask)


def quoted(*marks: tuple[float, float]) -> Quotes:
    quotes = Quotes([BTC])
    for seconds, mark in marks:
        quotes.take(tick(seconds, mark, mark - 0.1, mark + 0.1), at(seconds))
    return quotes


def told(quotes: Quotes, seconds: float) -> PriceMoved:
    event = quotes.tell(BTC, at(seconds))
    assert event is not None
    return event


def test_a_price_is_told_with_its_range_since_it_was_told_last() -> None:
    quotes = quoted((0, 100.0))
    told(quotes, 0)
    for seconds, mark in ((1, 103.0), (2, 98.0), (3, 101.0)):
        quotes.take(tick(seconds, mark), at(seconds))
    event = told(quotes, 3)

    assert (101.0, 103.0, 98.0) == (event.mark, event.high, event.low)
    assert (at(0), at(3)) == (event.since_at, event.at)
    assert event.is_complete


def test_the_range_has_both_its_ends() -> None:
    quotes = quoted((0, 100.0))
    told(quotes, 0)
    quotes.take(tick(1, 103.0), at(1))
    event = told(quotes, 1)

    assert (103.0, 100.0) == (event.high, event.low)


def test_the_first_price_has_no_past() -> None:
    event = told(quoted((0, 100.0)), 0)

    assert (at(0), 100.0, 100.0) == (event.since_at, event.high, event.low)
    assert event.is_complete


def test_nothing_is_told_before_mark_and_book_are_known() -> None:
    quotes = Quotes([BTC])
    quotes.take(tick(0, 100.0), at(0))

    assert quotes.tell(BTC, at(0)) is None

    quotes.take(tick(0, None, 99.0, None), at(0))

    assert quotes.tell(BTC, at(0)) is None

    quotes.take(tick(0, None, None, 101.0), at(0))

    assert (99.0, 101.0, 100.0) == (
        told(quotes, 0).bid,
        told(quotes, 0).ask,
        told(quotes, 0).last,
    )


def test_i22_a_late_mark_is_no_price() -> None:
    quotes = quoted((0, 100.0))

    assert not quotes.take(tick(1, 105.0), at(7))
    assert 1 == quotes.dropped["late mark"]
    assert at(0) == quotes.marked_at(BTC)


def test_on_a_fast_clock_a_reply_ages_while_it_travels() -> None:
    assert Quotes([BTC], speed=60.0).take(tick(1), at(30))
    assert not Quotes([BTC], speed=60.0).take(tick(1), at(32))


def test_i22_a_mark_older_than_the_newest_is_dropped() -> None:
    quotes = quoted((2, 100.0))

    assert not quotes.take(tick(1, 105.0), at(2.5))
    assert 100.0 == told(quotes, 3).high


def test_a_book_older_than_the_newest_is_dropped() -> None:
    quotes = quoted((2, 100.0))
    quotes.take(tick(1, None, 90.0, 91.0), at(2.5))

    assert 1 == quotes.dropped["late book"]
    assert 99.9 == told(quotes, 3).bid


@pytest.mark.parametrize("mark", [0.0, -1.0, float("nan"), float("inf")])
def test_a_mark_that_is_no_price_is_dropped(mark: float) -> None:
    quotes = quoted((0, 100.0))

    assert not quotes.take(tick(1, mark), at(1))
    assert 1 == quotes.dropped["absurd mark"]


def test_a_mark_from_the_future_is_dropped() -> None:
    assert not Quotes([BTC]).take(tick(60, 100.0), at(0))


@pytest.mark.parametrize(("bid", "ask"), [(101.0, 100.0), (0.0, 100.0), (10.0, 11.0)])
def test_a_crossed_or_strange_book_is_dropped(bid: float, ask: float) -> None:
    quotes = quoted((0, 100.0))
    quotes.take(tick(1, None, bid, ask), at(1))

    assert 1 == quotes.dropped["absurd book"]
    assert (99.9, 100.1) == (told(quotes, 1).bid, told(quotes, 1).ask)


def test_a_lonely_jump_is_no_price() -> None:
    quotes = quoted((0, 100.0))

    assert not quotes.take(tick(1, 50.0), at(1))
    assert quotes.take(tick(2, 100.2), at(2))

    event = told(quotes, 2)

    assert (100.2, 100.0) == (event.high, event.low)


def test_a_jump_that_is_confirmed_is_a_price() -> None:
    quotes = quoted((0, 100.0))

    assert not quotes.take(tick(1, 80.0), at(1))
    assert quotes.take(tick(2, 80.5), at(2))
    assert 80.5 == told(quotes, 2).mark


def test_after_a_long_silence_any_price_is_believed() -> None:
    quotes = quoted((0, 100.0))

    assert quotes.take(tick(61, 50.0), at(61))


def test_a_window_with_a_hole_is_not_complete() -> None:
    quotes = quoted((0, 100.0))
    told(quotes, 0)
    quotes.take(tick(16, 101.0), at(16))

    assert not told(quotes, 16).is_complete

    quotes.take(tick(17, 101.0), at(17))

    assert told(quotes, 17).is_complete


def test_a_minute_begins_with_the_mark_that_was_in_force() -> None:
    quotes = quoted((59, 105.0), (61, 100.0), (63, 101.0))

    assert (105.0, 100.0) == quotes.seen_in(BTC, at(60))
    assert quotes.seen_in(BTC, at(120)) is None


def test_old_minutes_are_forgotten() -> None:
    quotes = quoted(*[(60.0 * minute, 100.0) for minute in range(20)])

    assert quotes.seen_in(BTC, at(0)) is None
    assert quotes.seen_in(BTC, at(19 * 60)) is not None


def test_a_range_that_became_known_afterwards_is_told_from_its_beginning() -> None:
    quotes = quoted((0, 100.0), (62, 100.0))
    told(quotes, 62)
    quotes.widen(BTC, 107.0, 99.0, at(0))
    event = told(quotes, 63)

    assert (107.0, 99.0, at(0)) == (event.high, event.low, event.since_at)
    assert at(63) == told(quotes, 64).since_at


def test_a_range_from_while_the_bot_was_away_is_doubtful() -> None:
    quotes = quoted((1, 100.0))
    quotes.widen(BTC, 107.0, 99.0, at(0), is_doubtful=True)

    assert not told(quotes, 2).is_complete


def test_depth_goes_with_the_price_until_it_is_unknown() -> None:
    quotes = quoted((0, 100.0))
    quotes.set_depth(BTC, 5_000.0)

    assert 5_000.0 == told(quotes, 0).depth_usd

    quotes.set_depth(BTC, None)

    assert told(quotes, 1).depth_usd is None


def test_other_symbols_are_none_of_ours() -> None:
    quotes = Quotes([BTC])
    other = Tick(symbol=Symbol("ETH/USDT:USDT"), stamped_at=at(0), mark=1.0)

    assert not quotes.take(other, at(0))


def test_the_last_price_is_the_exchanges_where_it_tells_one() -> None:
    quotes = quoted((0, 100.0))
    quotes.take(Tick(symbol=BTC, stamped_at=at(1), last=100.05), at(1))

    assert 100.05 == told(quotes, 1).last
