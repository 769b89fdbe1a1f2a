"""Cases 37 to 54 of the cluster lifecycle: riding levels, bad rows, clocks, restarts, halts."""

from math import inf, nan

import pytest

from bot.core.tracker.gate import Gate
from bot.model.cluster import ClusterEventKind, ClusterState, Ending, ProviderGate
from bot.model.heatmap import Row
from bot.model.primitives import ClusterId
from tests.fakes.tracking import BTC, LONG, SHORT, TrackedSymbol, a_row, some_settings

ROW = a_row(101.0)
KIND = ClusterEventKind
TIERS = (5.0, 10.0, 25.0, 50.0, 100.0)


def riding(price: float) -> list[Row]:
    """What the public provider sends: price x (1 +- 1/leverage)."""
    return [a_row(price * (1 + 1 / tier), SHORT, tier=tier) for tier in TIERS] + [
        a_row(price * (1 - 1 / tier), LONG, tier=tier) for tier in TIERS
    ]


def run_gate(it: TrackedSymbol, gate: Gate, rows_at: object, *, polls: int = 120) -> None:
    """Poll while the price walks up 4 bps a poll; `rows_at(price)` is what the provider says."""
    assert callable(rows_at)
    for _ in range(polls):
        it.price(it.mark * 1.0004)
        it.is_floating = gate.gate.is_floating
        changes = it.reads(*rows_at(it.mark), after_s=4.0)
        assert changes.sample is not None
        gate.observe(BTC, it.at, changes.sample)


def test_case_37_bad_rows_are_dropped_and_the_poll_is_still_good() -> None:
    it = TrackedSymbol()
    bad = [a_row(nan), a_row(inf), a_row(-1.0), a_row(0.0), a_row(101.0, strength=nan)]
    bad += [a_row(101.0, strength=-0.1), a_row(101.0, notional=nan), a_row(101.0, notional=-5.0)]
    changes = it.reads(*bad, a_row(102.0, notional=1.0), a_row(102.0, notional=2.0))

    assert changes.is_reading_good
    assert ["8 bad rows were dropped"] == changes.notes
    assert (102.0, 2.0) == (it.only().level, it.only().notional_usd)


def test_case_38_levels_that_ride_on_the_price_make_the_provider_floating() -> None:
    it = TrackedSymbol(price=100.0)
    gate = Gate(settings=it.settings, gate=ProviderGate())
    run_gate(it, gate, riding)
    verdict = gate.gate
    it.events.clear()
    ids = [c.id for c in it.tracker.live()]
    run_gate(it, gate, riding, polls=20)

    assert (True, False) == (verdict.is_floating, verdict.is_open)
    assert verdict.stability is not None
    assert verdict.scaled_stability is not None
    assert verdict.stability < 0.7 < verdict.scaled_stability
    assert all(c.is_floating for c in it.tracker.live())
    assert (ids, []) == ([c.id for c in it.tracker.live()], it.told())
    assert all(it.is_tradable(c) for c in it.tracker.live())


def test_case_39_anchored_levels_under_a_moving_price_are_not_flagged() -> None:
    fixed = [a_row(100.0 * (1 + i / 50)) for i in range(5, 15)]
    it = TrackedSymbol(price=100.0)
    gate = Gate(settings=it.settings, gate=ProviderGate())
    run_gate(it, gate, lambda _: fixed)

    assert 200 <= gate.gate.samples
    assert (1.0, False) == (gate.gate.stability, gate.gate.is_floating)


def test_case_40_a_cluster_older_than_72_h_ages_out_and_is_new_if_still_reported() -> None:
    it = TrackedSymbol()
    (old,) = it.grows(ROW)
    for _ in range(71):
        it.reads(ROW, after_s=3600.0)
    early = it.told()
    it.reads(ROW, after_s=3600.0)
    it.reads(ROW)

    assert [] == early
    assert [KIND.AGED_OUT, KIND.NEW] == it.told()
    assert old.id == it.events[0].cluster.id
    assert old.id != it.only().id


def test_case_40_time_alone_ages_out() -> None:
    it = TrackedSymbol()
    (old,) = it.grows(ROW)
    due = old.first_seen_at + 72 * 3_600_000 + 1
    for _ in range(71):
        it.reads(ROW, after_s=3600.0)
    it.waits((due - it.at - 1) / 1000)
    early = it.told()
    it.waits(0.001)

    assert [] == early
    assert [KIND.AGED_OUT] == it.told()


def test_case_41_a_price_that_sits_on_the_level_after_a_wick_is_undecided_at_60_s() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(101.0, high=101.1)
    for _ in range(60):
        it.price(101.0)
    early = it.told()
    it.price(101.0)

    assert [KIND.BROKEN] == early
    assert [KIND.BROKEN, KIND.BREAK_UNDECIDED] == it.told()


def a_pending_break() -> TrackedSymbol:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(101.1)
    it.price(101.1, after_s=9.0)

    assert [KIND.BROKEN] == it.told()
    return it


def test_case_42_after_a_restart_the_hold_must_be_proved_from_fresh_prices() -> None:
    it = a_pending_break().restarts(after_s=5.0)
    it.price(101.1, after_s=0.0, since_s=5.0)
    for _ in range(9):
        it.price(101.1)
    early = it.told()
    it.price(101.1)

    assert [] == early
    assert [KIND.BREAK_ACCEPTED] == it.told()
    assert not it.events[-1].cluster.is_low_confidence


def test_case_42_the_60_s_go_on_from_the_stored_time() -> None:
    it = a_pending_break().restarts(after_s=60.0)
    it.price(101.1, after_s=0.0, since_s=60.0, is_recovery=True)

    assert [KIND.BREAK_UNDECIDED] == it.told()
    assert it.events[-1].cluster.is_recovery


def test_case_42_without_prices_for_the_gap_the_break_has_low_confidence() -> None:
    it = a_pending_break().restarts(after_s=20.0)
    for _ in range(11):
        it.price(101.1)

    assert [KIND.BREAK_ACCEPTED] == it.told()
    assert it.events[-1].cluster.is_low_confidence


def test_case_43_the_same_events_give_the_same_keys() -> None:
    """What is replayed after a crash names the same (cluster, generation, kind)."""
    keys = []
    for _ in range(2):
        it = a_pending_break()
        it.price(101.1)
        keys.append([(e.cluster.id, e.cluster.gen, e.kind, e.at) for e in it.events])

    assert 2 == len(keys[0])
    assert keys[0] == keys[1]


def test_case_45_a_clock_that_is_set_back_makes_no_interval_negative() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    it.at -= 3_600_000  # type: ignore[assignment]
    changes = it.price(100.0)
    cluster = it.only()
    for _ in range(9):
        it.reads()

    assert ["the clock was set back by 3599.0 s"] == changes.notes
    assert cluster in changes.clusters
    assert cluster.last_seen_at <= it.at
    assert [KIND.EXPIRED] == it.told()


def test_case_45_a_step_back_of_less_than_a_second_is_the_same_moment() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    changes = it.price(100.0, after_s=-0.9)

    assert ([], []) == (changes.notes, it.told())
    assert it.is_tradable(it.only())


def test_case_46_a_break_in_a_hole_of_the_price_feed_has_low_confidence() -> None:
    it = TrackedSymbol(price=100.9)
    it.grows(ROW)
    it.price(100.9, high=101.1, after_s=30.0, is_complete=False)

    assert [KIND.BROKEN] == it.told()
    assert it.events[-1].cluster.is_low_confidence
    assert not it.events[-1].cluster.is_recovery


def test_case_46_a_window_that_does_not_reach_back_to_the_last_price_is_a_hole() -> None:
    for since_s, is_low in ((30.0, False), (14.0, True)):
        it = TrackedSymbol(price=100.9)
        it.grows(ROW)
        it.price(100.9, high=101.1, after_s=30.0, since_s=since_s)

        assert [is_low] == [e.cluster.is_low_confidence for e in it.events]


def test_case_47_a_bad_print_of_the_last_price_breaks_nothing_and_is_flagged_once() -> None:
    it = TrackedSymbol(price=100.0)
    it.grows(ROW)
    first = it.price(100.0, last=105.0)
    second = it.price(100.0, last=105.0)

    assert [] == it.told()
    assert 1 == len(first.notes)
    assert "bad print" in first.notes[0]
    assert [] == second.notes


def test_case_48_a_halted_market_freezes_tracks_and_blocks_entries() -> None:
    it = TrackedSymbol()
    (cluster,) = it.grows(ROW)
    age_ms = it.at - cluster.first_seen_at
    it.halts(is_halted=True, after_s=0.0)
    was_tradable = it.is_tradable(cluster)
    for _ in range(720):
        it.reads(after_s=360.0)
    frozen = it.only()
    it.reads(ROW)
    it.halts(is_halted=False, after_s=0.0)

    assert not was_tradable
    assert (0, []) == (frozen.absent, it.told())
    assert age_ms == it.at - it.only().first_seen_at
    assert it.is_tradable(it.only())


def test_case_49_a_rescaled_contract_expires_all_tracks_with_the_reason() -> None:
    it = a_pending_break()
    it.reads(a_row(102.0), a_row(99.0, LONG))
    it.events.clear()
    it.price(0.1011)

    assert [KIND.EXPIRED, KIND.EXPIRED, KIND.BREAK_UNDECIDED] == it.told()
    assert all("rescaled" in e.reason for e in it.events)
    assert [] == it.tracker.live()


def test_case_50_ten_minutes_of_400_mean_that_the_provider_does_not_carry_it() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(120):
        it.fails("unsupported")
    early = it.told()
    it.fails("unsupported")

    assert [] == early
    assert [KIND.EXPIRED] == it.told()
    assert "not carried by this provider" == it.events[-1].reason


def test_case_50_any_other_answer_breaks_the_row() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    for _ in range(100):
        it.fails("unsupported")
    it.fails("timeout")
    for _ in range(100):
        it.fails("unsupported")

    assert [] == it.told()


def test_case_51_of_300_rows_the_50_largest_a_side_are_kept() -> None:
    it = TrackedSymbol()
    rows = [a_row(101.0 + i / 5, notional=1e5 + i) for i in range(150)]
    rows += [a_row(99.0 - i / 5, LONG, notional=1e5 + i) for i in range(150)]
    changes = it.reads(*rows)

    assert 100 == len(it.tracker.live())
    assert 1e5 + 100 == min(c.notional_usd for c in it.tracker.live())
    assert ["the reply had 200 clusters too many; the largest of each side were kept"] == (
        changes.notes
    )


@pytest.mark.parametrize(("strength", "count"), [(1.0, 1), (1.01, 0), (80.0, 0)])
def test_case_52_a_strength_out_of_range_never_becomes_a_track(strength: float, count: int) -> None:
    """The decoder clamps or refuses; what still slips through is dropped."""
    it = TrackedSymbol()
    it.reads(a_row(101.0, strength=strength))

    assert count == len(it.tracker.live())


def test_case_53_a_slow_reply_that_arrives_after_a_newer_one_is_dropped() -> None:
    it = TrackedSymbol()
    it.grows(ROW)
    good_at = it.tracker.last_good_at
    late = it.reads(sequence=3)

    assert not late.is_reading_good
    assert "newer request" in late.reading_problem
    assert (0, good_at) == (it.only().absent, it.tracker.last_good_at)


def test_case_54_the_end_of_a_target_cluster_is_an_event_and_can_still_be_looked_up() -> None:
    """The position's rules decide on `thesis_gone`; the tracker only tells."""
    it = TrackedSymbol()
    (cluster,) = it.grows(ROW)
    for _ in range(9):
        it.reads()
    ended = it.tracker.get(cluster.id)

    assert [KIND.EXPIRED] == it.told()
    assert ended is not None
    assert (ClusterState.EXPIRED, Ending.EXPIRED) == (ended.state, ended.ending)
    assert it.tracker.get(ClusterId(999)) is None


def test_case_44_two_trackers_share_nothing() -> None:
    """Two daemons on one ledger are refused by the store; in memory nothing is shared."""
    one, other = TrackedSymbol(), TrackedSymbol(settings=some_settings())
    one.grows(ROW)

    assert [] == other.tracker.live()
