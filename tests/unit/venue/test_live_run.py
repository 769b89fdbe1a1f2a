"""The live venue: what goes on beside the commands, from the stream to the lost key."""

import asyncio

import pytest
from msgspec.structs import replace

from bot.clock import run_virtual
from bot.errors import AccessError
from bot.model.account import HoldCause
from bot.model.events import (
    AccountRead,
    FundingPaid,
    FundingRead,
    OrderFilled,
    OrderUpdated,
)
from bot.model.market import Funding
from bot.model.primitives import Millis
from tests.fakes.live_api import no_answer, paid, refused, report_of
from tests.fakes.live_port import Bench, play
from tests.fakes.paper import BTC, NOW


def test_i9_the_stream_tells_fills_and_a_reconnect_has_the_account_read() -> None:
    async def act(bench: Bench) -> None:
        bench.holds()
        bench.world.version += 1
        await bench.exit()
        await bench.clock.sleep(1)
        fills = [row for row in bench.told if isinstance(row, OrderFilled)]
        before = bench.api.calls.count("account")
        bench.api.break_stream()
        await bench.clock.sleep(3)
        reads = [row for row in bench.told if isinstance(row, AccountRead)]

        assert ["x"] == [row.fill.client_id for row in fills if row.fill.client_id]
        assert before < bench.api.calls.count("account")
        assert reads

    play(act)


def test_what_was_settled_meanwhile_and_what_is_settled_later_is_told_once() -> None:
    async def act(bench: Bench) -> None:
        due = Millis(NOW + 60_000)
        bench.holds()
        await bench.fetch()
        bench.venue.on_market(
            FundingRead(at=NOW, funding=Funding(symbol=BTC, rate=0.0001, next_at=due))
        )
        bench.api.payments = [paid("f1", due)]
        await bench.clock.sleep(600)

        assert ["f1"] == [row.id for row in bench.told if isinstance(row, FundingPaid)]

    play(act)


def test_e45_a_key_that_is_not_accepted_any_more_ends_the_run_with_a_sentence() -> None:
    async def main() -> Bench:
        bench = Bench()
        await bench.begin()
        running = asyncio.get_running_loop().create_task(bench.venue.run())
        await bench.ready()
        bench.api.fail("account", refused("-2015"), times=100)
        while not running.done():
            await bench.fetch()
            await bench.clock.sleep(4)
        with pytest.raises(AccessError, match="does not accept the key") as caught:
            await running
        assert 77 == caught.value.exit_code
        assert "stops" in caught.value.remedy
        return bench

    assert [False] == run_virtual(main()).troubles(HoldCause.VENUE_ERRORS)


def test_without_streams_there_are_polls_alone() -> None:
    async def main() -> int:
        bench = Bench()
        venue = bench.venue
        venue._has_streams = False
        await bench.begin()
        running = asyncio.get_running_loop().create_task(venue.run())
        await bench.ready()
        running.cancel()
        await asyncio.wait((running,))
        return bench.api.streams

    assert 0 == run_virtual(main())


def test_what_was_settled_before_the_start_is_told() -> None:
    async def main() -> Bench:
        bench = Bench()
        bench.api.payments = [paid("f0", Millis(NOW + 1))]
        bench.api.fail("funding_paid", no_answer())
        await bench.begin()
        running = asyncio.get_running_loop().create_task(bench.venue.run())
        await bench.ready()
        await bench.clock.sleep(10)
        running.cancel()
        await asyncio.wait((running,))
        return bench

    told = run_virtual(main()).told

    assert ["f0"] == [row.id for row in told if isinstance(row, FundingPaid)]


def test_a_probe_is_told_to_nobody_and_one_that_was_left_behind_is_canceled() -> None:
    async def act(bench: Bench) -> None:
        name = bench.venue._probe._name(BTC, NOW // 3_600_000 - 5)
        report = report_of(replace(bench.closing(), client_id=name), NOW)
        bench.api.takes_probes = True
        bench.api.probes = {name: report}
        bench.venue._told(OrderUpdated(at=NOW, report=report))
        answer = await bench.fetch()
        await bench.clock.sleep(3)

        assert isinstance(answer, AccountRead)
        assert () == answer.snapshot.orders
        assert {} == bench.api.probes

    assert [] == [row for row in play(act).told if isinstance(row, OrderUpdated)]
