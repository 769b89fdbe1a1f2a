"""Freshness: stale, refused, frozen, silent."""

from bot.core.tracker.freshness import Freshness
from bot.model.heatmap import Reading, ReadingFailure
from bot.model.primitives import Millis
from tests.fakes.tracking import BTC, START, some_settings

UNSUPPORTED = ReadingFailure(kind="unsupported", reason="unknown symbol")


def later(seconds: float) -> Millis:
    return Millis(START + int(seconds * 1000))


def a_reading(price: float = 100.0, *, key: str = "", server_age_s: float | None = None) -> Reading:
    return Reading(symbol=BTC, price=price, rows=(), content_key=key, server_age_s=server_age_s)


def fresh(*, poll_period_s: float = 5.0) -> Freshness:
    return Freshness(some_settings(poll_period_s=poll_period_s), START)


def test_a_price_within_0_3_percent_is_good_beyond_is_stale_and_beyond_5_is_refused() -> None:
    judged = [fresh().judge(a_reading(p), START, 100.0) for p in (100.3, 100.31, 105.0, 105.1)]

    assert "" == judged[0]
    assert judged[1].startswith("stale: the reading's price 100.31 is 0.31 %")
    assert judged[2].startswith("stale")
    assert judged[3].startswith("refused: the reading's price 105.1 is 5.1 %")


def test_a_reading_before_any_exchange_price_is_not_good() -> None:
    assert "no exchange price" in fresh().judge(a_reading(), START, None)


def test_an_answer_that_was_old_when_it_arrived_is_stale() -> None:
    assert "" == fresh().judge(a_reading(server_age_s=20.0), START, 100.0)
    assert "21 s old" in fresh().judge(a_reading(server_age_s=21.0), START, 100.0)


def test_unchanged_content_is_frozen_only_while_the_exchange_moves() -> None:
    quiet, moving = fresh(), fresh()
    for it, price in ((quiet, 100.09), (moving, 100.11)):
        it.judge(a_reading(key="a"), START, 100.0)
        it.saw_price(price, 100.0)

    assert "" == quiet.judge(a_reading(key="a"), later(60.0), 100.1)
    assert "" == moving.judge(a_reading(key="a"), later(30.0), 100.1)
    assert "stale: the reading has not changed for 31 s" in moving.judge(
        a_reading(key="a"), later(31.0), 100.1
    )
    assert "" == moving.judge(a_reading(key="b"), later(36.0), 100.1)
    assert "" == moving.judge(a_reading(key="b"), later(70.0), 100.1)


def test_content_first_seen_before_any_price_has_not_moved_yet() -> None:
    it = fresh()
    it.judge(a_reading(key="a"), START, None)

    assert "" == it.judge(a_reading(key="a"), later(60.0), 100.0)


def test_nothing_is_fresh_after_20_s_or_two_and_a_half_periods() -> None:
    short, slow = fresh(), fresh(poll_period_s=300.0)

    assert (True, False) == (short.is_fresh(later(20.0)), short.is_fresh(later(20.1)))
    assert (True, False) == (slow.is_fresh(later(750.0)), slow.is_fresh(later(750.1)))


def test_staleness_says_since_when_and_why() -> None:
    it = fresh()
    it.fail(ReadingFailure(kind="timeout", reason="no answer within 3 s"), later(5.0))

    assert "" == it.staleness(later(20.0))
    assert "no good reading for 34 s: no answer within 3 s" == it.staleness(later(34.0))
    assert "no good reading yet" == Freshness(some_settings(), None).staleness(START)


def test_tracks_must_be_matched_anew_after_10_minutes_and_are_lost_after_6_hours() -> None:
    it, slow, new = fresh(), fresh(poll_period_s=300.0), Freshness(some_settings(), None)

    assert (False, True) == (it.needs_rematch(later(600.0)), it.needs_rematch(later(600.1)))
    assert (False, True) == (slow.needs_rematch(later(750.0)), slow.needs_rematch(later(750.1)))
    assert (False, True) == (it.is_lost(later(21_600.0)), it.is_lost(later(21_600.1)))
    assert (False, False) == (new.needs_rematch(START), new.is_lost(START))


def test_only_an_unbroken_row_of_unsupported_answers_means_not_carried() -> None:
    it = fresh()
    row = [it.fail(UNSUPPORTED, later(s)) for s in (0.0, 599.9, 600.0)]
    it.reject("stale: whatever")
    again = it.fail(UNSUPPORTED, later(605.0))
    it.fail(ReadingFailure(kind="timeout", reason="slow"), later(610.0))

    assert [False, False, True] == row
    assert not again
    assert not it.fail(UNSUPPORTED, later(1300.0))


def test_a_good_reading_ends_every_problem() -> None:
    it = fresh()
    it.fail(UNSUPPORTED, later(1.0))
    it.accept(later(5.0))

    assert ("", later(5.0)) == (it.problem, it.last_good_at)
    assert not it.fail(UNSUPPORTED, later(700.0))


def test_a_clock_set_back_leaves_nothing_in_the_future() -> None:
    it, new = fresh(), Freshness(some_settings(), None)
    it.judge(a_reading(key="a"), START, 100.0)
    it.fail(UNSUPPORTED, START)
    for one in (it, new):
        one.set_back(later(-3600.0))

    assert later(-3600.0) == it.last_good_at
    assert it.fail(UNSUPPORTED, later(-3000.0))
    assert new.last_good_at is None
