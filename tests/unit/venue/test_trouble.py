"""What calls in a row say of the exchange; each episode is told once and ended once."""

from bot.gateway.failures import GatewayError, Verdict
from bot.model.account import HoldCause
from bot.model.events import Event, TroubleSeen
from bot.model.primitives import Millis
from bot.venue.trouble import Troubles
from tests.fakes.live_api import no_answer, not_sent, refused
from tests.fakes.paper import BTC
from tests.fakes.recordings import JumpingClock

ERRORS, SKEW, CHANGED = HoldCause.VENUE_ERRORS, HoldCause.CLOCK_SKEW, HoldCause.ACCOUNT_CHANGED


class FastClock(JumpingClock):
    """A clock that can be told how fast it runs."""

    rate = 1.0

    @property
    def speed(self) -> float:
        return self.rate


class Bench:
    """Troubles on a clock that moves when it is told to."""

    def __init__(self) -> None:
        self.clock = FastClock(1_000_000)
        self.events: list[Event] = []
        self.troubles = Troubles(clock=self.clock)
        self.troubles.emit = self.events.append

    def passes(self, seconds: float) -> None:
        self.clock._now += round(seconds * 1000)

    def fails(self, error: GatewayError, *, times: int = 1, every_s: float = 0.0) -> None:
        for number in range(times):
            if number:
                self.passes(every_s)
            self.troubles.failed(error, is_write=False)

    def told(self) -> list[str]:
        """`cause` where it began, `-cause` where it ended."""
        rows = [row for row in self.events if isinstance(row, TroubleSeen)]
        return [f"{'-' if row.is_over else ''}{row.cause}" for row in rows]


def test_five_failures_in_a_row_over_five_seconds_mean_that_the_venue_is_out() -> None:
    few, quick, out = Bench(), Bench(), Bench()
    few.fails(no_answer(), times=4, every_s=10)
    quick.fails(not_sent(), times=9, every_s=0.5)
    out.fails(no_answer(), times=5, every_s=1.25)

    assert [] == few.told()
    assert [] == quick.told()
    assert [ERRORS] == out.told()


def test_an_answer_between_failures_begins_the_row_anew_also_one_that_says_no() -> None:
    for verdict in (Verdict.REJECTED, Verdict.NOT_FOUND, Verdict.DUPLICATE, Verdict.ALREADY_SO):
        bench = Bench()
        bench.fails(no_answer(), times=4, every_s=5)
        bench.fails(refused("-1", verdict))
        bench.fails(no_answer(), times=4, every_s=5)

        assert [] == bench.told()


def test_only_a_good_reading_of_the_account_ends_it() -> None:
    bench = Bench()
    bench.fails(no_answer(), times=8, every_s=2)
    bench.troubles.answered(is_write=False)
    before = bench.told()
    bench.troubles.account_read()
    bench.troubles.account_read()

    assert [ERRORS] == before
    assert [ERRORS, f"-{ERRORS}"] == bench.told()


def test_e32_one_word_of_maintenance_is_enough() -> None:
    for code in ("-1016", "10019"):
        bench = Bench()
        bench.fails(refused(code, Verdict.BUSY))

        assert [ERRORS] == bench.told()


def test_e35_a_ban_is_enough_and_a_full_budget_of_our_own_is_none() -> None:
    banned, limited, short = Bench(), Bench(), Bench()
    later = Millis(banned.clock.now() + 120_000)
    banned.fails(refused("http:418", Verdict.RATE, retry_at=later, status=418))
    limited.fails(refused("limiter", Verdict.RATE, retry_at=later, status=0))
    soon = Millis(short.clock.now() + 2_000)
    short.fails(refused("http:429", Verdict.RATE, retry_at=soon, status=429))

    assert [ERRORS] == banned.told()
    assert [] == limited.told()
    assert [] == short.told()


def test_e45_three_refusals_of_the_key_over_ten_seconds_lock_out() -> None:
    quick, slow = Bench(), Bench()
    quick.fails(refused("-2015"), times=5, every_s=1)
    slow.fails(refused("-2015"), times=2, every_s=30)
    before = slow.troubles.locked_out.is_set()
    slow.fails(refused("-2015"))

    assert [ERRORS] == slow.told()
    assert not before
    assert not quick.troubles.locked_out.is_set()
    assert slow.troubles.locked_out.is_set()
    assert "-2015" in slow.troubles.denial


def test_e45_a_key_that_may_still_read_is_lost_all_the_same() -> None:
    bench = Bench()
    for _ in range(3):
        bench.troubles.failed(refused("-2015"), is_write=True)
        bench.troubles.answered(is_write=False)
        bench.troubles.account_read()
        bench.passes(6)

    assert [ERRORS] == bench.told()
    assert bench.troubles.locked_out.is_set()


def test_an_accepted_write_ends_what_a_refused_one_began() -> None:
    bench = Bench()
    bench.troubles.failed(refused("-2015"), is_write=True)
    was_denied = bench.troubles.is_write_denied
    bench.troubles.answered(is_write=True)

    assert was_denied
    assert not bench.troubles.is_write_denied
    assert [ERRORS, f"-{ERRORS}"] == bench.told()


def test_e31_an_exchange_that_takes_reduce_only_orders_alone_is_no_bad_key() -> None:
    bench = Bench()
    bench.fails(refused("-4400"), times=5, every_s=10)

    assert [] == bench.told()
    assert not bench.troubles.locked_out.is_set()


def test_e51_a_jump_of_the_exchanges_clock_holds_until_two_looks_agree() -> None:
    bench = Bench()
    for off_by_ms in (900, -1_001, 20, 1_500, -30):
        bench.troubles.clock_read(off_by_ms)
    before = (bench.told(), bench.troubles.is_clock_doubted)
    bench.troubles.clock_read(5)

    assert ([SKEW], True) == before
    assert [SKEW, f"-{SKEW}"] == bench.told()
    assert not bench.troubles.is_clock_doubted


def test_e51_a_faster_exchange_may_jump_by_as_much_more() -> None:
    bench = Bench()
    bench.clock.rate = 20.0
    bench.troubles.clock_read(15_000)
    before = bench.told()
    bench.troubles.clock_read(25_000)

    assert [] == before
    assert [SKEW] == bench.told()


def test_a_refusal_for_lateness_asks_for_a_look_at_the_clock() -> None:
    bench = Bench()
    bench.fails(refused("-1021"))

    assert bench.troubles.clock_refused.is_set()
    assert [] == bench.told()


def test_an_episode_is_told_once_for_each_symbol() -> None:
    bench = Bench()
    for detail in ("one thing", "another"):
        bench.troubles.tell(CHANGED, detail, BTC)
        bench.troubles.tell(CHANGED, detail)
    bench.troubles.tell_over(CHANGED, BTC)
    bench.troubles.tell_over(CHANGED, BTC)
    rows = [row for row in bench.events if isinstance(row, TroubleSeen)]

    assert [(BTC, False), (None, False), (BTC, True)] == [(r.symbol, r.is_over) for r in rows]
    assert ["one thing", "one thing", ""] == [row.detail for row in rows]
    assert bench.troubles.is_told(CHANGED)
    assert not bench.troubles.is_told(CHANGED, BTC)
