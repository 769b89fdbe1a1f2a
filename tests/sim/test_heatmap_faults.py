"""Feed and tracker together in virtual time: doubtful data is never something to trade on."""

import pytest

from bot.heatmap.failure import FailureKind, ReadingError
from bot.model.cluster import ClusterEventKind
from tests.fakes.followed import MARK, Followed
from tests.fakes.heatmap_faults import FAULTS, Frozen
from tests.fakes.heatmap_run import At, FeedRun
from tests.fakes.heatmap_scene import a_symbol
from tests.fakes.heatmap_transport import SceneTransport

DOWN = ReadingError(FailureKind.UNREACHABLE, "nothing answers at heatmap.test:80")
HOUR_S = 3600.0


def faulty(transport: SceneTransport, fault: object, from_s: float, to_s: float) -> list[At]:
    """The provider goes wrong for a while."""
    return [
        (from_s, lambda: setattr(transport, "fault", fault)),
        (to_s, lambda: setattr(transport, "fault", "")),
    ]


def down(transport: SceneTransport, from_s: float, to_s: float) -> list[At]:
    return [
        (from_s, lambda: setattr(transport, "error", DOWN)),
        (to_s, lambda: setattr(transport, "error", None)),
    ]


def test_a_good_provider_gives_clusters_to_trade_on_after_fifteen_seconds() -> None:
    followed = Followed(FeedRun(seconds=60.0))

    assert 0 == followed.tradable_at(15)
    assert 6 == followed.tradable_at(16)
    assert [] == followed.problems


def test_h01_twenty_seconds_without_a_good_poll_and_nothing_is_tradable() -> None:
    transport = SceneTransport(latency_s=0.0)
    run = FeedRun(transport, seconds=400.0, acts=down(transport, 61.0, 301.0))
    followed = Followed(run)

    assert 6 == followed.tradable_at(80)
    assert 0 == followed.tradable_at(81)
    assert {0} == {followed.tradable_at(second) for second in range(81, 301)}
    assert 6 == followed.tradable_at(362)
    assert 6 == len(followed.live)


@pytest.mark.parametrize("fault", ["h05_502", "h06_html", "h07_truncated", "h08_clusters_null"])
def test_h05_h06_h07_h08_silence_of_any_kind_expires_nothing_and_trades_nothing(fault: str) -> None:
    transport = SceneTransport(latency_s=0.0)
    run = FeedRun(transport, seconds=200.0, acts=faulty(transport, fault, 61.0, 1000.0))
    followed = Followed(run)

    assert 0 == followed.tradable_at(90)
    assert 6 == len(followed.live)


def test_h02_a_provider_that_answers_too_late_is_silent() -> None:
    followed = Followed(FeedRun(SceneTransport(latency_s=4.9), seconds=60.0))

    assert [] == followed.good_at
    assert {"no whole answer within 3 s"} == {problem for _, problem in followed.problems}


def test_h15_h24_rows_that_were_dropped_do_not_stop_the_others() -> None:
    transport = SceneTransport()
    transport.fault = FAULTS["h24_side_unknown"]
    followed = Followed(FeedRun(transport, seconds=40.0))

    assert 5 == followed.tradable_at(30)


def test_h16_ten_minutes_of_null_prices_end_the_symbols_clusters() -> None:
    def after(seconds: float) -> Followed:
        transport = SceneTransport(latency_s=0.0)
        acts = faulty(transport, "h16_price_null", 61.0, 9999.0)
        return Followed(FeedRun(transport, seconds=seconds, acts=acts))

    assert 6 == len(after(650.0).live)
    assert [] == after(680.0).live


@pytest.mark.parametrize("fault", ["h18_price_10x", "h18_price_1000x"])
def test_h18_a_price_on_another_scale_is_refused(fault: str) -> None:
    transport = SceneTransport()
    transport.fault = fault
    followed = Followed(FeedRun(transport, seconds=60.0))

    assert [] == followed.live
    assert {"refused"} == {problem.partition(":")[0] for _, problem in followed.problems}


def test_h19_a_price_that_lags_is_stale() -> None:
    transport = SceneTransport(latency_s=0.0)
    acts = faulty(transport, "h19_price_lags", 61.0, 120.0)
    followed = Followed(FeedRun(transport, seconds=150.0, acts=acts))

    assert {0} == {followed.tradable_at(second) for second in range(81, 120)}
    assert {"stale"} == {problem.partition(":")[0] for _, problem in followed.problems}
    assert 6 == followed.tradable_at(125)


def test_h20_h23_a_body_that_stands_still_while_the_market_moves_is_frozen() -> None:
    """The stamps are new in every answer; only the content tells."""
    transport = SceneTransport(latency_s=0.0)
    acts = faulty(transport, Frozen(), 61.0, 9999.0)
    followed = Followed(
        FeedRun(transport, seconds=180.0, acts=acts),
        mark=lambda second: MARK * (1.0 + 0.0020 * min(max(second - 60.0, 0.0) / 60.0, 1.0)),
    )

    assert 95.0 <= followed.problems[0][0] <= 105.0
    assert 0 == followed.tradable_at(130)
    assert 6 == len(followed.live)


def test_h23_a_body_that_stands_still_in_a_market_that_does_too_is_good() -> None:
    transport = SceneTransport(latency_s=0.0)
    transport.fault = Frozen()
    followed = Followed(FeedRun(transport, seconds=180.0))

    assert [] == followed.problems


def test_h21_h22_no_stamp_in_a_body_is_believed() -> None:
    for fault in ("h20_stamps_old", "h21_stamps_absent", "h22_stamps_future", "h22_stamps_broken"):
        transport = SceneTransport()
        transport.fault = fault
        followed = Followed(FeedRun(transport, seconds=60.0))

        assert [] == followed.problems
        assert 6 == followed.tradable_at(50)


def test_h20_an_answer_out_of_a_cache_is_stale_by_its_age() -> None:
    transport = SceneTransport(latency_s=0.0)
    transport.headers = {"Age": "21"}
    followed = Followed(FeedRun(transport, seconds=31.0))

    assert [] == followed.good_at
    assert "21 s old" in followed.problems[0][1]


def test_h26_ids_that_change_with_each_poll_change_no_track() -> None:
    transport = SceneTransport(latency_s=0.0)
    transport.fault = "h26_ids_renumbered"
    followed = Followed(FeedRun(transport, seconds=300.0))

    assert 6 == len(followed.live)
    assert 12 == len(followed.events)
    assert {ClusterEventKind.NEW, ClusterEventKind.ACTIVE} == {e.kind for e in followed.events}


def test_h27_a_cluster_that_comes_and_goes_is_one_track_and_tradable_only_while_it_is_there() -> (
    None
):
    """One track and one generation: whatever trades once per track trades once."""
    transport = SceneTransport(latency_s=0.0)
    run = FeedRun(transport, seconds=600.0, acts=faulty(transport, "h27_flapping", 61.0, 9999.0))
    followed = Followed(run)
    kinds = [event.kind for event in followed.events]

    assert (6, 6) == (kinds.count(ClusterEventKind.NEW), kinds.count(ClusterEventKind.ACTIVE))
    assert 12 == len(kinds)
    assert {5, 6} == {followed.tradable_at(second) for second in range(70, 590)}


def test_h30_a_host_that_wants_quiet_is_not_asked_and_nothing_is_tradable_meanwhile() -> None:
    transport = SceneTransport(latency_s=0.0)
    acts = faulty(transport, "h30_429", 61.0, 66.0)
    run = FeedRun(transport, seconds=1.05 * HOUR_S, acts=acts)
    followed = Followed(run)

    assert [] == [at for at in run.asked() if 66.0 < at < 60.0 + HOUR_S]
    assert {0} == {followed.tradable_at(second) for second in range(90, 3660)}
    assert 6 == len(followed.live)
    assert 6 == followed.tradable_at(3690)


def test_h31_after_six_hours_a_new_map_replaces_the_old_one_and_is_learned_anew() -> None:
    transport = SceneTransport(latency_s=0.0)
    back_at = 61.0 + 6.1 * HOUR_S
    acts = [
        *down(transport, 61.0, back_at),
        (70.0, lambda: transport.scene.symbols.update(BTCUSDT=a_symbol(MARK * 1.001, pairs=2))),
    ]
    run = FeedRun(transport, seconds=back_at + 150.0, acts=acts)
    followed = Followed(run, mark=lambda second: MARK if second < 70 else MARK * 1.001)
    first_good = next(at for at in followed.good_at if at > back_at)
    aged_out = [e for e in followed.events if e.kind is ClusterEventKind.AGED_OUT]

    assert 6 == len(aged_out)
    assert 4 == len(followed.live)
    assert {0} == {
        len(ids) for second, ids in followed.tradable.items() if 90 < second < first_good + 14
    }
    assert 4 == followed.tradable_at(round(first_good) + 20)


def test_levels_that_ride_on_the_price_are_read_like_any_other() -> None:
    """Whether they stand still is the gate's question; the feed reports what was sent."""
    transport = SceneTransport(latency_s=0.0)
    transport.scene.symbols["BTCUSDT"] = a_symbol(MARK, is_riding=True)
    run = FeedRun(transport, seconds=60.0)
    levels = [
        [row.level / event.reading.price for row in event.reading.rows] for event in run.readings
    ]

    assert levels[0] == pytest.approx(levels[5])
    assert run.readings[0].reading.rows != run.readings[1].reading.rows
