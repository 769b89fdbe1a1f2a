"""The account as it is read: newest wins, probes left out, changed settings told once."""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from bot.clock import LoopClock, run_virtual
from bot.core import ids
from bot.model.account import HoldCause
from bot.model.commands import PlaceOrder
from bot.model.events import AccountRead, Event, QueryFailed, TroubleSeen
from bot.model.primitives import ClientOrderId, Millis, Side
from bot.model.settings import OrderSettings
from bot.model.wiring import ExchangeSettings
from bot.venue.probe import Probe
from bot.venue.reading import AccountReader
from bot.venue.trouble import Troubles
from bot.venue.writes import Writes
from tests.fakes.live_api import FakeApi, no_answer, report_of
from tests.fakes.paper import BTC, NOW, instrument, request, stop
from tests.fakes.sim_exchange import World


class Bench:
    """A reader over one account."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=NOW)
        self.world = World()
        self.api = FakeApi(self.world, clock=self.clock)
        self.told: list[Event] = []
        self.troubles = Troubles(clock=self.clock)
        self.troubles.emit = self.told.append
        instruments = {BTC: instrument()}
        self.probe = Probe(
            api=self.api,
            instruments=instruments,
            clock=self.clock,
            orders=OrderSettings(),
            troubles=self.troubles,
            base_ids=lambda symbol: ClientOrderId(ids.derive("probe", symbol)),
            mark_of=lambda _: 100_000.0,
            writes=Writes(self.clock),
        )
        self.reader = AccountReader(
            api=self.api,
            settings=ExchangeSettings(),
            instruments=instruments,
            clock=self.clock,
            troubles=self.troubles,
            probe=self.probe,
        )

    async def reads(self) -> Event:
        return await self.reader.read(NOW)

    def holds(self) -> None:
        self.world.trade_by_hand(BTC, Side.BUY, Decimal("0.1"), self.clock.now())

    @property
    def changed(self) -> list[tuple[str, bool]]:
        rows = [row for row in self.told if isinstance(row, TroubleSeen)]
        return [(row.symbol or "", row.is_over) for row in rows if _is_change(row)]


def _is_change(row: TroubleSeen) -> bool:
    return row.cause == HoldCause.ACCOUNT_CHANGED


def play(act: Callable[[Bench], Coroutine[Any, Any, None]]) -> Bench:
    async def main() -> Bench:
        bench = Bench()
        await act(bench)
        return bench

    return run_virtual(main())


def test_i11_a_reading_is_dated_by_its_question() -> None:
    async def act(bench: Bench) -> None:
        await bench.clock.sleep(3)
        answer = await bench.reads()

        assert isinstance(answer, AccountRead)
        assert NOW + 3_000 == answer.snapshot.at
        assert NOW + 3_040 <= answer.at

    play(act)


def test_a_failed_reading_proves_nothing() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("account", no_answer())
        answer = await bench.reads()

        assert isinstance(answer, QueryFailed)
        assert answer.client_id is None
        assert not bench.reader.is_read(BTC)

    play(act)


def test_e52_an_answer_that_a_newer_one_has_overtaken_is_none() -> None:
    async def act(bench: Bench) -> None:
        bench.api.slow_accounts_s.append(5.0)
        older = asyncio.get_running_loop().create_task(bench.reads())
        await bench.clock.sleep(1)
        bench.holds()
        newer = await bench.reads()
        late = await older

        assert isinstance(newer, AccountRead)
        assert isinstance(late, QueryFailed)
        assert bench.reader.is_held(BTC)

    play(act)


def test_our_probes_are_nobodys_orders() -> None:
    async def act(bench: Bench) -> None:
        asked = bench.probe._request(BTC, Decimal("0.5"))
        assert asked is not None
        foreign = replace(asked, client_id=ClientOrderId("somebody"))
        bench.api.probes = {
            row.client_id: report_of(row, bench.clock.now()) for row in (asked, foreign)
        }
        answer = await bench.reads()

        assert isinstance(answer, AccountRead)
        assert ["somebody"] == [row.client_id for row in answer.snapshot.orders]

    play(act)


def test_symbols_stay_touched_until_what_was_sent_can_no_longer_fill_unseen() -> None:
    async def act(bench: Bench) -> None:
        bench.reader.touch(BTC, Millis(NOW + 5_000))
        bench.reader.touch(BTC, NOW)
        for pause_s in (1, 5, 2, 1, 1):
            await bench.reads()
            await bench.clock.sleep(pause_s)

    assert [[BTC], [BTC], [BTC], [BTC], []] == play(act).api.touched


def test_a_reading_that_failed_leaves_them_touched() -> None:
    async def act(bench: Bench) -> None:
        bench.reader.touch(BTC, NOW)
        await bench.clock.sleep(10)
        bench.api.fail("account", no_answer())
        for _ in range(3):
            await bench.reads()

    assert [[BTC], [BTC], []] == play(act).api.touched


def test_e26_e27_changed_settings_are_told_with_each_reading_and_that_they_are_back() -> None:
    async def act(bench: Bench) -> None:
        for leverage, mode in ((5.0, "isolated"), (20.0, "isolated"), (20.0, "cross")):
            bench.api.leverages[BTC], bench.api.margin_modes[BTC] = leverage, mode
            await bench.reads()
        told = bench.changed
        bench.api.leverages[BTC], bench.api.margin_modes[BTC] = 5.0, "isolated"
        await bench.reads()

        assert [(BTC, False)] * 2 == told
        assert [(BTC, False), (BTC, False), (BTC, True)] == bench.changed

    play(act)


def test_e28_hedge_mode_concerns_the_whole_account() -> None:
    async def act(bench: Bench) -> None:
        bench.api.is_one_way = False
        await bench.reads()
        bench.api.is_one_way = True
        await bench.reads()

    assert [("", False), ("", True)] == play(act).changed


def test_what_was_just_sent_may_be_held() -> None:
    async def act(bench: Bench) -> None:
        await bench.reads()
        before = bench.reader.is_held(BTC)
        bench.reader.touch(BTC, bench.clock.now())

        assert not before
        assert bench.reader.is_held(BTC)

    play(act)


def test_a_good_reading_ends_what_an_outage_began() -> None:
    async def act(bench: Bench) -> None:
        bench.api.fail("account", no_answer(), times=5, after_s=2)
        for _ in range(6):
            await bench.reads()

    rows = [row for row in play(act).told if isinstance(row, TroubleSeen)]

    assert [(HoldCause.VENUE_ERRORS, False), (HoldCause.VENUE_ERRORS, True)] == [
        (row.cause, row.is_over) for row in rows
    ]


def test_what_is_held_and_whether_a_stop_rests_on_it() -> None:
    async def act(bench: Bench) -> None:
        await bench.reads()
        seen = [(bench.reader.is_held(BTC), bench.reader.is_stopped(BTC))]
        bench.holds()
        await bench.reads()
        seen.append((bench.reader.is_held(BTC), bench.reader.is_stopped(BTC)))
        for asked in (
            request("target", Side.SELL, "0.1", limit="110000", is_reduce_only=True),
            stop("stop", Side.SELL, "0.1", "90000"),
        ):
            bench.world.handle(PlaceOrder(symbol=BTC, request=asked), bench.clock.now())
            await bench.reads()
            seen.append((bench.reader.is_held(BTC), bench.reader.is_stopped(BTC)))

        assert [(False, False), (True, False), (True, False), (True, True)] == seen

    play(act)
