"""Faults of the emulated exchange: drawn from a seed, ordered, counted, and put into words."""

import json

import pytest

from bot.gateway.http import HttpRequest
from bot.sim.emulator.faults import (
    EVENLY,
    UNREAD,
    Faults,
    FaultSettings,
    Kind,
    Ordered,
    Plan,
    refusal,
    spread,
)
from tests.fakes.contracts import NOON

ORDER = HttpRequest(method="POST", url="http://127.0.0.1/fapi/v1/order?a=1")
PING = HttpRequest(method="GET", url="http://127.0.0.1/fapi/v1/ping")


def plans(faults: Faults, count: int = 2_000) -> list[Plan]:
    return [faults.plan(ORDER, NOON) for _ in range(count)]


def only(kind: Kind, **settings: float) -> Faults:
    return Faults(7, FaultSettings(shares={kind: 1.0}, **settings))  # type: ignore[arg-type]


def test_the_same_seed_draws_the_same_faults() -> None:
    settings = FaultSettings(shares=spread(0.3))

    assert plans(Faults(7, settings)) == plans(Faults(7, settings))
    assert plans(Faults(7, settings)) != plans(Faults(8, settings))


def test_without_shares_nothing_goes_wrong() -> None:
    faults = Faults(7, FaultSettings())

    assert {(None, True)} == {(plan.kind, plan.is_done) for plan in plans(faults)}
    assert {} == faults.counts


def test_the_latency_is_halved_between_the_way_there_and_back_and_jitters() -> None:
    found = plans(Faults(7, FaultSettings(latency_ms=80, jitter_ms=20)))
    sums = [plan.up_ms + plan.down_ms for plan in found]

    assert all(30 <= plan.up_ms <= 50 for plan in found)
    assert 60 <= min(sums) < 65
    assert 95 < max(sums) <= 100


def test_a_share_is_spread_over_all_ways_and_adds_up() -> None:
    shares = spread(0.2, lost_replies=0.05)

    assert set(Kind) == set(shares)
    assert pytest.approx(0.25) == sum(shares.values())
    assert pytest.approx(0.2 * EVENLY[Kind.LOST_REPLY] + 0.05) == shares[Kind.LOST_REPLY]
    assert {} == spread(0.0)
    assert {Kind.LOST_REPLY: 0.05} == spread(0.0, lost_replies=0.05)


def test_faults_strike_as_often_as_they_are_asked_for_and_are_counted() -> None:
    faults = Faults(7, FaultSettings(shares={Kind.LOST_REPLY: 0.05}))
    found = plans(faults, 10_000)
    struck = [plan for plan in found if plan.kind is Kind.LOST_REPLY]

    assert 430 <= len(struck) <= 570
    assert {Kind.LOST_REPLY: len(struck)} == faults.counts


def test_what_is_turned_away_unread_is_not_acted_upon_and_the_rest_is() -> None:
    for kind in set(Kind) - {Kind.TIMEOUT}:
        plan = only(kind).plan(ORDER, NOON)

        assert (kind, kind not in UNREAD) == (plan.kind, plan.is_done)


def test_of_timeouts_about_half_were_acted_upon() -> None:
    found = plans(only(Kind.TIMEOUT), 1_000)

    assert 430 <= sum(plan.is_done for plan in found) <= 570


def test_what_is_late_arrives_seconds_later() -> None:
    found = plans(only(Kind.LATE), 200)

    assert all(1_000 <= plan.up_ms <= 9_100 for plan in found)
    assert all(plan.is_done for plan in found)


def test_a_ban_lasts_and_turns_everything_away() -> None:
    faults = Faults(7, FaultSettings(ban_s=60))
    faults.ordered.append(Ordered(kind=Kind.BAN))

    assert Kind.BAN is faults.plan(ORDER, NOON).kind
    assert Kind.BAN is faults.plan(PING, NOON + 59_999).kind  # type: ignore[arg-type]
    assert faults.plan(PING, NOON + 60_000).kind is None  # type: ignore[arg-type]


def test_a_fault_that_is_ordered_strikes_the_request_it_is_meant_for_so_many_times() -> None:
    faults = Faults(7, FaultSettings())
    faults.is_on = False
    faults.ordered.append(Ordered(kind=Kind.EMPTY, method="POST", path="/order", times=2))
    found = [faults.plan(request, NOON).kind for request in (PING, ORDER, PING, ORDER, ORDER)]

    assert [None, Kind.EMPTY, None, Kind.EMPTY, None] == found


@pytest.mark.parametrize("is_done", [True, False])
def test_an_ordered_timeout_is_acted_upon_as_it_is_ordered(*, is_done: bool) -> None:
    faults = Faults(7, FaultSettings())
    faults.ordered.append(Ordered(kind=Kind.TIMEOUT, is_done=is_done, times=50))

    assert {is_done} == {plan.is_done for plan in plans(faults, 50)}


def test_switched_off_only_the_latency_is_left() -> None:
    faults = Faults(7, FaultSettings(shares=spread(0.5), stream_drop=1.0, stream_repeat=1.0))
    faults.is_on = False

    assert {None} == {plan.kind for plan in plans(faults)}
    assert not faults.drops_stream()
    assert not faults.repeats()


def test_streams_break_and_repeat_by_their_shares() -> None:
    faults = Faults(7, FaultSettings(stream_drop=0.1, stream_repeat=0.3))
    drops = sum(faults.drops_stream() for _ in range(1_000))
    repeats = sum(faults.repeats() for _ in range(1_000))

    assert 60 <= drops <= 140
    assert 240 <= repeats <= 360


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.TIMEOUT, 503, -1007),
        (Kind.BUSY, 503, -1008),
        (Kind.RATE, 429, -1003),
        (Kind.BAN, 418, -1003),
    ],
)
def test_binance_says_no_in_its_own_words(kind: Kind, status: int, code: int) -> None:
    reply = refusal("binanceusdm", kind, faults=Faults(7, FaultSettings()))

    assert status == reply.status
    assert code == json.loads(reply.body)["code"]


def test_binance_tells_after_which_time_to_come_again() -> None:
    faults = Faults(7, FaultSettings(retry_after_s=5, ban_s=120))

    assert "5" == refusal("binanceusdm", Kind.RATE, faults=faults).headers["retry-after"]
    assert "120" == refusal("binanceusdm", Kind.BAN, faults=faults).headers["retry-after"]
    assert "retry-after" not in refusal("binanceusdm", Kind.TIMEOUT, faults=faults).headers


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.TIMEOUT, 200, 10000),
        (Kind.BUSY, 200, 10429),
        (Kind.RATE, 200, 10006),
        (Kind.BAN, 403, 10018),
    ],
)
def test_bybit_says_no_in_its_own_words(kind: Kind, status: int, code: int) -> None:
    reply = refusal("bybit", kind, faults=Faults(7, FaultSettings()))

    assert status == reply.status
    assert code == json.loads(reply.body)["retCode"]


def test_other_faults_have_no_words() -> None:
    with pytest.raises(KeyError):
        refusal("bybit", Kind.HTML, faults=Faults(7, FaultSettings()))
