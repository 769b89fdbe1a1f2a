"""Every symbol is asked at its own pace, one request at a time, whatever the provider does."""

from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.poller import CONCURRENT_MAX
from bot.model.primitives import Symbol
from tests.fakes.heatmap_faults import status
from tests.fakes.heatmap_run import START, FeedRun
from tests.fakes.heatmap_scene import a_scene
from tests.fakes.heatmap_transport import SceneTransport

BTC = Symbol("BTC/USDT:USDT")
DOWN = ReadingError(FailureKind.UNREACHABLE, "nothing answers at heatmap.test:80")


def many(count: int) -> tuple[SceneTransport, list[str]]:
    """A scene of `count` symbols and their unified names."""
    names = [f"S{number}" for number in range(count)]
    scene = a_scene(*(f"{name}USDT" for name in names))
    return SceneTransport(scene, latency_s=0.05), [f"{name}/USDT:USDT" for name in names]


def test_a_symbol_is_asked_every_period_without_drift() -> None:
    run = FeedRun(SceneTransport(latency_s=1.7), seconds=24.0)

    assert [0.0, 5.0, 10.0, 15.0, 20.0] == run.asked()
    assert [1700, 6700, 11700, 16700, 21700] == [event.at - START for event in run.readings]
    assert [0, 5000, 10000, 15000, 20000] == [event.asked_at - START for event in run.readings]


def test_starts_are_spread_over_the_period() -> None:
    transport, names = many(10)
    run = FeedRun(transport, names=names, seconds=9.0)

    assert [[0.5 * i, 5.0 + 0.5 * i] for i in range(8)] == [
        run.asked(f"S{i}USDT") for i in range(8)
    ]


def test_sequences_rise_with_every_request_good_or_bad_and_over_restarts() -> None:
    transport = SceneTransport()
    flip = [(at, lambda: setattr(transport, "error", DOWN)) for at in (6.0,)]
    run = FeedRun(transport, acts=flip, seconds=30.0)
    sequences = [e.sequence for e in run.events if hasattr(e, "sequence")]

    assert len(run.readings) >= 2
    assert len(run.failures) >= 3
    assert sequences == sorted(set(sequences))
    assert sequences[0] >= START


def test_statistics_are_asked_every_thirty_seconds_for_our_symbols() -> None:
    run = FeedRun(seconds=65.0)

    assert [0.0, 30.0, 60.0] == run.transport.times("/api/stats")
    assert 3 == len(run.stats)
    assert [BTC] == list(run.stats[0].stats.open_interest)


def test_statistics_that_fail_are_not_an_event_and_readings_go_on() -> None:
    transport = SceneTransport()
    transport.scene.stats = lambda: {"detail": "none"}  # type: ignore[method-assign]
    run = FeedRun(transport, seconds=40.0)

    assert [] == run.stats
    assert [] == run.failures
    assert 8 == len(run.readings)


def test_every_accepted_body_is_handed_to_the_record_and_no_other() -> None:
    transport = SceneTransport()
    run = FeedRun(transport, acts=[(12.0, lambda: setattr(transport, "fault", "h17_wrong_symbol"))])

    assert 3 == len(run.recorded) == len(run.readings)
    assert [(BTC, event.at) for event in run.readings] == [entry[:2] for entry in run.recorded]
    assert b'"symbol": "BTCUSDT"' in run.recorded[0][2]


def test_requests_under_way_are_bounded_and_each_symbol_has_one() -> None:
    transport, names = many(100)
    transport.latency_s = 2.9
    run = FeedRun(transport, names=names, seconds=60.0, period_s=1.0)

    assert CONCURRENT_MAX == run.transport.under_way_max["all"]
    assert {1} == {n for path, n in run.transport.under_way_max.items() if path != "all"}


def test_five_hundred_symbols_are_asked_in_one_period() -> None:
    transport, names = many(500)
    run = FeedRun(transport, names=names, seconds=5.05)

    assert {1, 2} >= {len(run.asked(f"S{i}USDT")) for i in range(500)}
    assert 500 <= len(run.readings) <= 510


def test_a_market_that_runs_faster_is_asked_faster_but_not_timed_out_faster() -> None:
    """Periods are market time; what the network may take is the machine's."""
    transport = SceneTransport(latency_s=0.05)
    run = FeedRun(transport, seconds=1.0, speed=60.0)

    assert 12 == len(run.readings)
    assert 5_000 == run.readings[1].asked_at - run.readings[0].asked_at


def test_a_retry_after_is_in_the_hosts_seconds_however_fast_the_market_runs() -> None:
    transport = SceneTransport(latency_s=0.0)
    transport.fault = status(429, Retry_After="10")
    run = FeedRun(transport, seconds=21.0, speed=60.0)

    assert [0.0, 10.0, 20.0] == [round(at) for at in run.asked()]
    assert 600_000 == (run.failures[0].failure.retry_at or 0) - run.failures[0].at


def test_a_symbol_that_is_not_carried_is_asked_on_at_the_same_pace() -> None:
    """Ten minutes of refusals end its clusters; the tracker counts, so it must hear of each."""
    run = FeedRun(names=["DOGE/USDT:USDT"], seconds=21.0)

    assert ["unsupported"] * 5 == [event.failure.kind for event in run.failures]


def test_a_host_that_is_down_is_one_warning_however_many_symbols_it_has() -> None:
    transport, names = many(20)
    acts = [
        (11.0, lambda: setattr(transport, "error", DOWN)),
        (60.0, lambda: setattr(transport, "error", None)),
    ]
    with capture_logs() as logs:
        run = FeedRun(transport, names=names, acts=acts, seconds=130.0)

    assert len(run.failures) > 50
    assert ["heatmap.rejected", "heatmap.recovered"] == [
        entry["event"] for entry in logs if entry["log_level"] != "debug"
    ]


def test_parse_errors_wait_for_the_next_poll_and_no_longer() -> None:
    transport = SceneTransport()
    transport.fault = "h06_html"
    run = FeedRun(transport, seconds=41.0)

    assert [5.0 * i for i in range(9)] == run.asked()
    assert {"malformed"} == {event.failure.kind for event in run.failures}


# --- the numbered faults, at the feed's own level


def test_h01_a_host_that_is_down_is_asked_less_from_the_third_failure_and_at_most_a_minute() -> (
    None
):
    transport = SceneTransport(latency_s=0.0)
    transport.error = DOWN
    run = FeedRun(transport, seconds=1800.0)
    waits = [b - a for a, b in pairwise(run.asked())]

    assert [5.0, 5.0] == waits[:2]
    assert 5.0 <= waits[2] <= 10.0
    assert all(30.0 <= wait <= 60.0 for wait in waits[6:])
    assert len({round(wait, 3) for wait in waits[6:]}) > 10
    assert {"unreachable"} == {event.failure.kind for event in run.failures}


def test_h01_once_it_is_up_again_it_is_read_within_a_minute_and_then_every_period() -> None:
    transport = SceneTransport(latency_s=0.0)
    transport.error = DOWN
    run = FeedRun(
        transport, seconds=1000.0, acts=[(600.0, lambda: setattr(transport, "error", None))]
    )
    times = [(event.at - START) / 1000 for event in run.readings]

    assert 600.0 <= times[0] <= 660.0
    assert {5.0} == {round(b - a, 3) for a, b in pairwise(times[1:])}


def test_h02_h03_a_slow_host_keeps_the_period_and_polls_do_not_pile_up() -> None:
    run = FeedRun(SceneTransport(latency_s=4.9), seconds=14.9)

    assert [0.0, 5.0, 10.0] == run.asked()
    assert [3.0, 8.0, 13.0] == [(event.at - START) / 1000 for event in run.failures]
    assert {"timeout"} == {event.failure.kind for event in run.failures}
    assert 1 == run.transport.under_way_max["/api/heatmap/BTCUSDT"]


@pytest.mark.parametrize("fault", ["h05_500", "h05_502", "h05_503", "h05_504"])
def test_h05_five_hundreds_back_off_as_a_dead_host_does(fault: str) -> None:
    transport = SceneTransport(latency_s=0.0)
    transport.fault = fault
    run = FeedRun(transport, seconds=600.0)

    assert [] == run.readings
    assert 10 < len(run.failures) < 30


def test_h30_the_whole_host_is_left_alone_for_as_long_as_it_asked() -> None:
    transport, names = many(3)
    acts = [
        (11.0, lambda: setattr(transport, "fault", "h30_429")),
        (12.0, lambda: setattr(transport, "fault", "")),
    ]
    run = FeedRun(transport, names=names, acts=acts, seconds=3700.0)
    asked = sorted(at for at, _ in transport.asked)
    before = [at for at in asked if at < 3000.0]

    assert 11.0 < before[-1] < 12.0
    assert 3611.0 <= min(at for at in asked if at > 3000.0) <= 3617.0
    assert {1, 2} >= {
        len([e for e in run.failures if e.symbol == listing.symbol]) for listing in run.listings
    }
    assert all(3_611_000 <= (e.failure.retry_at or 0) - START <= 3_612_000 for e in run.failures)
    assert {"throttled"} == {event.failure.kind for event in run.failures}


def test_h30_after_the_pause_the_starts_are_spread_again() -> None:
    """A host that was overloaded must not meet every symbol at once."""
    transport, names = many(50)
    acts = [
        (11.0, lambda: setattr(transport, "fault", "h30_503")),
        (12.0, lambda: setattr(transport, "fault", "")),
    ]
    FeedRun(transport, names=names, acts=acts, seconds=3620.0)
    times = [at for at, path in transport.asked if at > 3000.0 and "stats" not in path]

    assert max(sum(abs(other - at) < 0.05 for other in times) for at in times) <= 2
