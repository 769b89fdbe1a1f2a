"""Funding of the account: asked for after each settlement that concerns us, told once."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import GatewayError
from bot.model.events import Event, FundingPaid
from bot.model.market import Funding
from bot.model.primitives import Millis, Symbol
from bot.venue.payments import KEPT_MS, FundingWatch
from tests.fakes.contracts import ETH
from tests.fakes.live_api import no_answer, paid
from tests.fakes.paper import BTC, NOW

HOUR_MS = 3_600_000
DUE = Millis(NOW + HOUR_MS)


class Bench:
    """A watch over an account that shows payments when it is told to."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=NOW)
        self.told: list[Event] = []
        self.asked: list[int] = []
        """ms since the start at which it was asked."""
        self.since: list[Millis] = []
        self.shown: list[tuple[int, FundingPaid]] = []
        """(from so many ms after the start, what is shown)"""
        self.errors: list[GatewayError] = []
        self.held = {BTC}
        self.watch = FundingWatch(ask=self._ask, clock=self.clock)
        self.watch.emit = self.told.append

    async def _ask(self, since: Millis) -> Sequence[FundingPaid]:
        ms = self.clock.now() - NOW
        self.asked.append(ms)
        self.since.append(since)
        if self.errors:
            raise self.errors.pop()
        return [row for shown_ms, row in self.shown if shown_ms <= ms and row.at >= since]

    def settles(self, symbol: Symbol = BTC, at: Millis = DUE) -> None:
        self.watch.on_funding(Funding(symbol=symbol, rate=0.0001, next_at=at))

    async def runs(self, ms: int) -> None:
        """Watch until so long after the start."""
        running = asyncio.get_running_loop().create_task(
            self.watch.run(lambda symbol: symbol in self.held)
        )
        await self.clock.sleep((NOW + ms - self.clock.now()) / 1000)
        running.cancel()
        await asyncio.wait((running,))


def play(act: Callable[[Bench], Coroutine[Any, Any, None]]) -> Bench:
    async def main() -> Bench:
        bench = Bench()
        await act(bench)
        return bench

    return run_virtual(main())


def test_after_a_settlement_of_a_held_symbol_the_payment_is_told() -> None:
    async def act(bench: Bench) -> None:
        bench.settles()
        bench.shown = [(HOUR_MS + 1_000, paid("f1", DUE))]
        await bench.runs(HOUR_MS + 3 * HOUR_MS)

    bench = play(act)

    assert [paid("f1", DUE)] == bench.told
    assert 1 == len(bench.asked)
    assert 15_000 <= bench.asked[0] - HOUR_MS <= 20_000


def test_a_payment_that_comes_late_is_asked_for_again_and_told_once() -> None:
    async def act(bench: Bench) -> None:
        bench.settles()
        bench.errors = [no_answer()]
        bench.shown = [(HOUR_MS + 200_000, paid("f1", DUE))]
        await bench.runs(HOUR_MS + 3 * HOUR_MS)
        await bench.watch.catch_up(NOW)

    bench = play(act)

    assert [paid("f1", DUE)] == bench.told
    assert [15, 60, 300] == [(ms - HOUR_MS) // 5_000 * 5 for ms in bench.asked[:3]]


def test_a_payment_that_never_comes_is_given_up() -> None:
    async def act(bench: Bench) -> None:
        bench.settles()
        await bench.runs(24 * HOUR_MS)

    assert 4 == len(play(act).asked)


def test_a_settlement_that_is_over_is_not_asked_for_again() -> None:
    async def act(bench: Bench) -> None:
        bench.settles()
        bench.shown = [(0, paid("f1", DUE))]
        await bench.runs(HOUR_MS + 60_000)
        bench.settles()
        await bench.runs(2 * HOUR_MS)

    assert 1 == len(play(act).asked)


def test_what_was_told_long_ago_is_forgotten() -> None:
    async def act(bench: Bench) -> None:
        bench.shown = [(0, paid("f1", NOW))]
        await bench.watch.catch_up(NOW)
        await bench.clock.sleep(3 * KEPT_MS / 1000)
        bench.shown = []
        await bench.watch.catch_up(NOW)

    assert {} == play(act).watch._told


def test_who_was_held_is_judged_at_the_settlement() -> None:
    async def act(bench: Bench) -> None:
        bench.settles()
        bench.settles(ETH)
        await bench.runs(HOUR_MS + 6_000)
        bench.held = set()
        bench.shown = [(0, paid("f1", DUE))]
        await bench.runs(HOUR_MS + 120_000)

    bench = play(act)

    assert [paid("f1", DUE)] == bench.told


def test_nothing_is_asked_where_nothing_is_held() -> None:
    async def act(bench: Bench) -> None:
        bench.held = set()
        bench.settles()
        await bench.runs(3 * HOUR_MS)

    assert [] == play(act).asked


def test_what_was_settled_while_we_were_away_is_told_at_the_start() -> None:
    async def act(bench: Bench) -> None:
        old = paid("f0", Millis(NOW - 9 * HOUR_MS))
        bench.shown = [(0, paid("f1", Millis(NOW - HOUR_MS))), (0, old)]
        assert await bench.watch.catch_up(Millis(NOW - 10 * HOUR_MS))
        assert await bench.watch.catch_up(Millis(NOW - 10 * HOUR_MS))

    assert ["f0", "f1"] == [row.id for row in play(act).told if isinstance(row, FundingPaid)]


def test_a_question_without_an_answer_says_so_and_none_goes_back_for_ever() -> None:
    async def act(bench: Bench) -> None:
        bench.errors = [no_answer()]
        assert not await bench.watch.catch_up(Millis(0))

    assert [NOW - KEPT_MS] == play(act).since
