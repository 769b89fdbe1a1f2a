"""The probe: whether the exchange takes a stop, found out before a position needs one."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from bot.clock import LoopClock, run_virtual
from bot.core import ids
from bot.gateway.failures import GatewayError, Verdict
from bot.model.account import HoldCause
from bot.model.events import Event, TroubleSeen
from bot.model.order import OrderKind, OrderReport
from bot.model.primitives import ClientOrderId, Symbol
from bot.model.settings import OrderSettings
from bot.venue.probe import AGAIN_S, DAY_S, KEPT_HOURS, TRIES_MAX, Probe
from bot.venue.trouble import Troubles
from bot.venue.writes import Writes
from tests.fakes.live_api import FakeApi, no_answer, not_sent, refused, report_of
from tests.fakes.paper import BTC, NOW, instrument
from tests.fakes.sim_exchange import World

HOUR_S = 3_600.0
REFUSED = HoldCause.STOPS_REFUSED


class Bench:
    """A probe over an exchange that takes stops without a position."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=NOW)
        self.api = FakeApi(World(), clock=self.clock)
        self.api.takes_probes = True
        self.told: list[Event] = []
        self.troubles = Troubles(clock=self.clock)
        self.troubles.emit = self.told.append
        self.marks = {BTC: 100_000.0}
        self.is_read = True
        self.is_stopped = False
        self.probe = self.again()

    def again(self) -> Probe:
        """A probe of a later run of the same instance."""
        return Probe(
            api=self.api,
            instruments={BTC: instrument()},
            clock=self.clock,
            orders=OrderSettings(),
            troubles=self.troubles,
            base_ids=lambda symbol: ClientOrderId(ids.derive("probe", symbol)),
            mark_of=self.marks.get,
            writes=Writes(self.clock),
        )

    async def runs(self, seconds: float) -> None:
        running = asyncio.get_running_loop().create_task(
            self.probe.run(lambda _: self.is_read, lambda _: self.is_stopped)
        )
        await self.clock.sleep(seconds)
        running.cancel()
        await asyncio.wait((running,))

    @property
    def held(self) -> list[tuple[Symbol | None, bool]]:
        """(symbol, whether it is over) of every word on refused stops."""
        rows = [row for row in self.told if isinstance(row, TroubleSeen) and row.cause == REFUSED]
        return [(row.symbol, row.is_over) for row in rows]


Act = Callable[[Bench], Coroutine[Any, Any, None]]


def play(act: Act) -> Bench:
    async def main() -> Bench:
        bench = Bench()
        await act(bench)
        return bench

    return run_virtual(main())


def fails(*errors: GatewayError, seconds: float = 10, **how: Any) -> Bench:
    """The first placements fail so; then a while passes."""

    async def act(bench: Bench) -> None:
        for error in errors:
            bench.api.fail("place", error, **how)
        await bench.runs(seconds)

    return play(act)


def test_e33_a_small_stop_far_away_is_placed_and_canceled_at_once() -> None:
    bench = fails()
    (placed,) = bench.api.placed
    request, _, window_ms = placed

    assert (OrderKind.STOP_MARKET, True) == (request.kind, request.is_reduce_only)
    assert (Decimal("50000.0"), Decimal("0.001")) == (request.trigger_price, request.qty)
    assert 5_000 == window_ms
    assert ["place", "cancel"] == bench.api.calls
    assert {} == bench.api.probes
    assert bench.probe.is_proved(BTC)
    assert [] == bench.held


def test_the_smallest_quantity_is_worth_the_smallest_notional() -> None:
    async def act(bench: Bench) -> None:
        bench.marks[BTC] = 700.0
        await bench.runs(5)

    (request, _, _) = play(act).api.placed[0]

    # 5 USD at 350 are 0.01428... coins, on a grid of 0.001.
    assert Decimal("0.015") == request.qty
    assert Decimal(350) == request.trigger_price


def test_nothing_to_reduce_is_what_a_service_says_that_takes_stops() -> None:
    async def act(bench: Bench) -> None:
        bench.api.takes_probes = False
        await bench.runs(5)

    bench = play(act)

    assert bench.probe.is_proved(BTC)
    assert ["place"] == bench.api.calls


@pytest.mark.parametrize("code", ["-4120", "-1102", "-4045"])
def test_e33_while_stops_are_refused_the_symbol_is_held(code: str) -> None:
    bench = fails(refused(code), refused(code))

    assert not bench.probe.is_proved(BTC)
    assert [(BTC, False)] == bench.held


def test_a_later_probe_that_passes_ends_the_hold() -> None:
    bench = fails(refused("-4120"), refused("-4120"), seconds=AGAIN_S + 10)

    assert bench.probe.is_proved(BTC)
    assert [(BTC, False), (BTC, True)] == bench.held


def test_a_trigger_that_is_too_far_away_is_tried_nearer() -> None:
    bench = fails(refused("-4131"))

    assert [Decimal("50000.0"), Decimal("90000.0")] == [
        request.trigger_price for request, _, _ in bench.api.placed
    ]
    assert bench.probe.is_proved(BTC)


@pytest.mark.parametrize("error", [not_sent(), refused("-1008"), refused("-1021")])
def test_one_that_was_turned_away_unread_is_sent_again(error: GatewayError) -> None:
    bench = fails(error, error)

    assert bench.probe.is_proved(BTC)
    assert [] == bench.held


def test_a_probe_that_is_there_from_before_proves_it_too_and_is_canceled() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("cancel", no_answer(), times=100)
        await bench.runs(5)
        bench.probe = bench.again()
        bench.api.mend()
        await bench.runs(5)

    bench = play(act)

    assert {} == bench.api.probes
    assert bench.probe.is_proved(BTC)


def test_an_unknown_outcome_holds_the_symbol_until_the_probe_is_found() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", no_answer(), after_s=4)
        bench.api.fail("cancel", no_answer(), times=2)
        bench.api.probes = {bench.probe._name(BTC, NOW // 3_600_000): _a_report(bench)}
        await bench.runs(4.5)
        assert not bench.probe.is_proved(BTC)
        await bench.runs(10)

    bench = play(act)

    assert {} == bench.api.probes
    assert [(BTC, False), (BTC, True)] == bench.held


def test_one_that_never_arrived_is_proved_absent_before_it_is_tried_again() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", no_answer(), after_s=1)
        await bench.runs(5.9)
        assert 1 == len(bench.api.placed)
        assert not bench.probe.is_proved(BTC)
        await bench.runs(10)

    bench = play(act)

    assert bench.probe.is_proved(BTC)
    assert [(BTC, False), (BTC, True)] == bench.held


def test_every_day_it_is_proved_anew_under_another_name() -> None:
    bench = fails(seconds=2 * DAY_S + 60)
    names = {request.client_id for request, _, _ in bench.api.placed}

    assert 3 == len(bench.api.placed) == len(names)
    assert all(bench.probe.owns(name) for name in names)
    assert not bench.probe.owns(ClientOrderId("somebody"))
    assert not bench.probe.owns(None)


def test_names_of_probes_are_known_for_eight_days() -> None:
    async def act(bench: Bench) -> None:
        first = bench.probe._name(BTC, NOW // 3_600_000)
        assert bench.probe.owns(first)
        await bench.clock.sleep(KEPT_HOURS * HOUR_S + 1)
        assert not bench.probe.owns(first)

    assert KEPT_HOURS == len(play(act).probe._own)


def test_a_later_probe_that_is_refused_closes_the_symbol_again() -> None:
    async def act(bench: Bench) -> None:
        running = asyncio.get_running_loop().create_task(bench.runs(DAY_S + 60))
        await bench.clock.sleep(60)
        assert bench.probe.is_proved(BTC)
        bench.api.fail("place", refused("-4120"), times=2)
        await asyncio.wait((running,))

    bench = play(act)

    assert not bench.probe.is_proved(BTC)
    assert [(BTC, False)] == bench.held


def test_one_that_cannot_be_canceled_at_first_is_canceled_later() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("cancel", no_answer(), times=TRIES_MAX + 5)
        await bench.runs(30)

    bench = play(act)

    assert {} == bench.api.probes
    assert TRIES_MAX + 6 == bench.api.calls.count("cancel")


def test_the_one_that_is_under_way_is_not_taken_for_one_that_was_left() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("place", no_answer(), after_s=3)
        running = asyncio.get_running_loop().create_task(bench.runs(2.5))
        await bench.clock.sleep(1)
        bench.probe.found([_a_report(bench)])
        await asyncio.wait((running,))

    assert 0 == play(act).api.calls.count("cancel")


def test_one_that_was_placed_is_canceled_also_where_the_bot_stops_in_between() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("cancel", no_answer(), after_s=2)
        await bench.runs(1)
        before = set(bench.api.probes)
        await bench.clock.sleep(5)

        assert 1 == len(before)
        assert {} == bench.api.probes

    play(act)


def test_a_working_stop_is_proof_enough() -> None:
    async def act(bench: Bench) -> None:
        bench.is_stopped = True
        await bench.runs(5)

    bench = play(act)

    assert bench.probe.is_proved(BTC)
    assert [] == bench.api.calls


@pytest.mark.parametrize("lacking", ["price", "account"])
def test_it_waits_for_a_price_and_for_the_account(lacking: str) -> None:
    async def act(bench: Bench) -> None:
        bench.is_read = lacking != "account"
        price = bench.marks.pop(BTC) if lacking == "price" else 100_000.0
        running = asyncio.get_running_loop().create_task(bench.runs(20))
        await bench.clock.sleep(5)
        assert [] == bench.api.calls
        assert not bench.probe.is_proved(BTC)
        bench.is_read, bench.marks[BTC] = True, price
        await asyncio.wait((running,))

    assert play(act).probe.is_proved(BTC)


def test_what_a_crash_left_behind_is_canceled_when_it_is_seen() -> None:
    async def act(bench: Bench) -> None:
        await bench.runs(5)
        name = bench.probe._name(BTC, NOW // 3_600_000 - 70)
        report = replace(_a_report(bench), client_id=name)
        bench.api.probes[name] = report
        other = replace(report, client_id=ClientOrderId("somebody"))
        bench.probe.found([report, other])
        await bench.runs(5)

    bench = play(act)

    assert {} == bench.api.probes
    assert 1 + 1 + 1 == bench.api.calls.count("cancel")


def test_while_the_key_is_refused_for_orders_the_probe_finds_out_whether_it_still_is() -> None:
    async def act(bench: Bench) -> None:
        running = asyncio.get_running_loop().create_task(bench.runs(200))
        await bench.clock.sleep(60)
        bench.troubles.failed(refused("-2015"), is_write=True)
        await bench.clock.sleep(30)
        assert not bench.troubles.is_write_denied
        bench.api.fail("place", refused("-2015"), times=100)
        bench.troubles.failed(refused("-2015"), is_write=True)
        await asyncio.wait((running,))

    assert play(act).troubles.locked_out.is_set()


def test_a_code_that_proves_nothing_is_an_unknown_outcome() -> None:
    bench = fails(refused("-1007", Verdict.UNKNOWN), seconds=3)

    assert not bench.probe.is_proved(BTC)
    assert [(BTC, False)] == bench.held


def _a_report(bench: Bench) -> OrderReport:
    request = bench.probe._request(BTC, Decimal("0.5"))
    assert request is not None
    return report_of(request, NOW)
