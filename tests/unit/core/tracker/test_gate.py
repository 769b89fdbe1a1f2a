"""The provider gate: samples at 60 s, a rolling hour, switches with hysteresis."""

from math import inf

import msgspec

from bot.core.tracker.changes import Sample
from bot.core.tracker.gate import Gate
from bot.model.cluster import ProviderGate
from bot.model.primitives import Millis, Symbol
from tests.fakes.tracking import BTC, START, some_settings

HOUR_S = 3600
LEVELS = tuple(110.0 + i for i in range(20))
OTHER = tuple(210.0 + i for i in range(20))


def a_gate(gate: ProviderGate | None = None, *, poll_period_s: float = 5.0) -> Gate:
    return Gate(settings=some_settings(poll_period_s=poll_period_s), gate=gate or ProviderGate())


class Feed:
    """Observes good readings of one symbol, one after the other."""

    def __init__(self, gate: Gate, symbol: Symbol = BTC) -> None:
        self.gate = gate
        self.symbol = symbol
        self.at_s = 0.0
        self.told: list[ProviderGate] = []

    def polls(
        self,
        shorts: tuple[float, ...],
        *,
        count: int = 1,
        every_s: float = 5.0,
        price: float = 100.0,
        high: float = 100.0,
        longs: tuple[float, ...] = (),
    ) -> "Feed":
        for _ in range(count):
            self.at_s += every_s
            at = Millis(START + int(self.at_s * 1000))
            sample = Sample(
                at=at, price=price, longs=longs, shorts=shorts, high=high, low=min(price, 100.0)
            )
            told = self.gate.observe(self.symbol, at, sample)
            if told is not None:
                self.told.append(told)
        return self

    @property
    def newest(self) -> ProviderGate:
        return self.gate.gate


def test_levels_that_stay_give_a_stability_of_one() -> None:
    feed = Feed(a_gate()).polls(LEVELS, count=40, longs=(90.0,))

    assert (1.0, 1.0) == (feed.newest.stability, feed.newest.scaled_stability)
    assert 200 <= feed.newest.samples
    assert not feed.newest.is_floating


def test_levels_that_ride_on_the_price_survive_only_when_scaled() -> None:
    feed = Feed(a_gate())
    price = 100.0
    for _ in range(60):
        price *= 1.001
        riding = tuple(level * price / 100.0 for level in LEVELS)
        feed.polls(riding, price=price, high=price)

    assert (0.0, 1.0, True) == (
        feed.newest.stability,
        feed.newest.scaled_stability,
        feed.newest.is_floating,
    )


def test_crossed_levels_do_not_count() -> None:
    feed = Feed(a_gate()).polls(LEVELS).polls(LEVELS, high=119.5, count=11)
    counted = feed.polls(LEVELS[10:]).newest.samples

    assert 10 == counted
    assert 1.0 == feed.newest.stability


def test_crossed_long_levels_do_not_count_either() -> None:
    feed = Feed(a_gate()).polls((), longs=(90.0, 95.0)).polls((), price=94.0, count=11)

    assert 1 == feed.polls((), longs=(90.0,)).newest.samples


def test_a_sample_is_taken_at_60_s_give_or_take_2_and_a_half() -> None:
    early = Feed(a_gate()).polls(LEVELS).polls(LEVELS, every_s=57.4)
    good = Feed(a_gate()).polls(LEVELS).polls(LEVELS, every_s=57.5)
    late = Feed(a_gate()).polls(LEVELS).polls(LEVELS, every_s=62.6)

    assert [0, 20, 0] == [feed.newest.samples for feed in (early, good, late)]


def test_where_polls_are_minutes_apart_the_next_one_is_the_sample() -> None:
    feed = Feed(a_gate(poll_period_s=300.0)).polls(LEVELS, count=3, every_s=300.0)
    gap = Feed(a_gate(poll_period_s=300.0)).polls(LEVELS).polls(LEVELS, every_s=361.0)

    assert 40 == feed.newest.samples
    assert 0 == gap.newest.samples


def test_the_gate_is_pooled_over_symbols() -> None:
    gate = a_gate()
    one, other = Feed(gate), Feed(gate, Symbol("ETH/USDT:USDT"))
    for _ in range(30):
        one.polls(LEVELS)
        other.polls(OTHER)
    # What was told may be a minute old; both symbols are in it.
    assert 20 * 17 < gate.gate.samples <= 2 * 20 * 18


def test_the_first_hour_is_paper_only_and_then_the_gate_opens() -> None:
    feed = Feed(a_gate()).polls(LEVELS, count=HOUR_S // 5)
    early = feed.newest.is_open
    feed.polls(LEVELS)

    assert not early
    assert feed.newest.is_open


def test_between_leave_and_enter_the_verdict_stays() -> None:
    middling = (*LEVELS[:15], *OTHER[:5])
    mixed = (*LEVELS[:15], *(x + 30 for x in OTHER[:5]))
    kept, stabilities = [], []
    for is_open, is_floating in ((True, False), (False, True)):
        feed = Feed(a_gate(ProviderGate(is_open=is_open, is_floating=is_floating)))
        for _ in range(30):
            feed.polls(middling, count=12).polls(mixed, count=12)
        kept.append((feed.newest.is_open, feed.newest.is_floating))
        stabilities.append(feed.newest.stability or 0.0)

    assert all(0.7 <= stability < 0.8 for stability in stabilities)
    assert [(True, False), (False, True)] == kept


def test_an_open_gate_closes_and_floats_below_0_7_and_a_steady_feed_brings_it_back() -> None:
    feed = Feed(a_gate(ProviderGate(samples=500, stability=0.9, is_open=True)))
    for i in range(60):
        feed.polls(tuple(level + i for level in OTHER))
    fallen = feed.newest
    for _ in range(12):
        feed.polls(LEVELS, count=60)
    back = feed.newest

    assert (False, True) == (fallen.is_open, fallen.is_floating)
    assert (True, False) == (back.is_open, back.is_floating)


def test_a_verdict_is_kept_over_a_restart_and_can_give_way() -> None:
    before = ProviderGate(samples=9000, stability=0.95, scaled_stability=0.95, is_open=True)
    feed = Feed(a_gate(before)).polls(LEVELS, count=2)
    loaded = feed.newest
    feed.polls(LEVELS, count=11, every_s=5.0)
    for i in range(40):
        feed.polls(tuple(level + i for level in OTHER))

    assert (True, 9000) == (loaded.is_open, loaded.samples)
    assert not feed.newest.is_open


def test_an_hour_without_samples_keeps_the_verdict() -> None:
    feed = Feed(a_gate()).polls(LEVELS, count=40)
    before = feed.newest
    feed.polls(LEVELS, every_s=2 * HOUR_S)

    assert before == feed.newest


def test_old_samples_leave_the_window() -> None:
    feed = Feed(a_gate()).polls(LEVELS, count=2000)

    assert HOUR_S // 5 * 20 >= feed.newest.samples > HOUR_S // 5 * 19


def test_figures_are_told_once_a_minute_and_a_switch_at_once() -> None:
    feed = Feed(a_gate()).polls(LEVELS, count=120)

    assert len(feed.told) <= 1 + 1 + 120 * 5 // 60
    assert feed.told[-1] == feed.newest


def test_a_clock_set_back_starts_the_waiting_anew() -> None:
    feed = Feed(a_gate()).polls(LEVELS, count=40)
    feed.at_s -= 2 * HOUR_S
    feed.polls(LEVELS, count=40)

    assert 1.0 == feed.newest.stability
    assert feed.newest.samples < inf


def test_the_first_observation_is_told_so_that_the_hour_is_not_forgotten() -> None:
    feed = Feed(a_gate()).polls(LEVELS)
    again = Feed(a_gate(msgspec.structs.replace(feed.newest))).polls(LEVELS)

    assert [Millis(START + 5000)] == [told.first_at for told in feed.told]
    assert feed.newest.first_at == again.newest.first_at
