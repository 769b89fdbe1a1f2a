"""The core behind the live venue, over the fake exchange, in virtual time.

Nothing is told by hand but signals: answers, fills and readings come through `Hands`, `LiveVenue`
and a private interface that can be made to fail. After every decision the invariants hold that
keep money safe.
"""

import asyncio
from collections.abc import Callable, Coroutine
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from bot.clock import LoopClock, run_virtual
from bot.core import exposure, ids, manager
from bot.engine.hands import Hands
from bot.errors import AccessError
from bot.model.events import Event, HeatmapRead, StopAsked, Ticked
from bot.model.heatmap import Reading
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Side, Symbol
from bot.model.settings import CoreSettings
from bot.model.signal import Signal
from bot.model.wiring import ExchangeSettings
from bot.venue.live import LiveVenue
from tests.fakes.answers import price
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON
from tests.fakes.ledger import Ledger
from tests.fakes.live_api import CALM, FakeApi
from tests.fakes.playbook import Bot, settings, signal
from tests.fakes.sim_exchange import World
from tests.fakes.sim_venue import Line
from tests.fakes.trading import CrashPoint, Trading

STOP_WAIT_S = 10.0


class LiveTrading(Trading):
    """One bot with real hands, one exchange, one time line."""

    def __init__(self, core: CoreSettings | None = None, line: Line = CALM) -> None:
        self.world = self.exchange = World()
        self.world.instruments = INSTRUMENTS
        self.world.leverage = 5.0
        self.world.marks = dict.fromkeys(INSTRUMENTS, Decimal(1000))
        self.clock = LoopClock(start_at=NOON)
        self.api = FakeApi(self.world, clock=self.clock, line=line)
        self.reloads: list[Millis] = []
        self.bot = Bot(core or settings(), Ledger(), NOON)
        self.sent = {}
        self.crash_point = CrashPoint()
        self._watch()
        self.inbox: asyncio.Queue[Event] = asyncio.Queue()
        self.access_error: AccessError | None = None
        self.venue = LiveVenue(
            api=self.api,
            settings=ExchangeSettings(),
            orders=self.bot.state.settings.orders,
            instruments=INSTRUMENTS,
            clock=self.clock,
            limiter=None,
            probe_ids=lambda symbol: ClientOrderId(ids.derive("probe", symbol)),
            sync_time=self.api.sync_time,
            on_filters=lambda: self.reloads.append(self.clock.now()),
        )
        self.hands = Hands(venue=self.venue, emit=self.inbox.put_nowait)

    # --- what a test does

    async def passes(self, seconds: float, mark: str | None = None) -> None:
        """Let time pass; the new mark comes at once."""
        if mark is not None:
            self.world.marks[BTC] = Decimal(mark)
            self._price(BTC)
        await self.clock.sleep(seconds)

    def enters(self, **changes: Any) -> None:
        """A signal comes before the risk gate."""
        self._gets(signal(**changes))

    async def stops(self) -> int:
        """Stop as `bot.life` does; gives the ms that it took."""
        began = self.clock.now()
        self._take(StopAsked(at=began))
        while self.clock.now() < began + STOP_WAIT_S * 1000 and (
            not self.inbox.empty() or self.hands.in_flight or manager.is_busy(self.bot.state)
        ):
            await self.clock.sleep(0.01)
        return self.clock.now() - began

    # --- what a test looks at

    def entries(self) -> set[str]:
        """Names under which entries arrived."""
        rows = (row for row in self.world.received if row.leg is Leg.ENTRY)
        return {row.client_id for row in rows}

    @property
    def held(self) -> Decimal:
        return self.world.position()

    @property
    def covered(self) -> Decimal:
        return self.world.stop_qty()

    def status(self, leg: Leg, attempt: int | None = None) -> OrderStatus:
        """The newest row of a leg."""
        return self.bot.order(leg, attempt).status

    def must_agree(self) -> None:
        """Books and exchange say the same, and nothing is in doubt."""
        state = self.bot.state
        assert exposure.books_qty(state, BTC) == self.held
        works = [state.orders[name] for name in state.desk.live()]
        assert {OrderStatus.OPEN} >= {row.status for row in works}
        assert {row.request.client_id for row in works} == {
            row.client_id for row in self.world.open_orders()
        }
        assert state.account is not None
        assert abs(state.account.balance_usd - self.world.balance_usd) < Decimal("0.000001")
        assert abs(self.held) <= self.covered

    # --- inside

    async def live(self, act: Callable[["LiveTrading"], Coroutine[Any, Any, None]]) -> None:
        """Everything that goes on by itself, until the act is over."""
        await self.venue.start(self.inbox.put_nowait)
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(work())
                for work in (
                    self.hands.run,
                    self._decide,
                    self._prices,
                    self._readings,
                    self._upkeep,
                )
            ]
            await self.hands.ready()
            self.bot.starts()
            self._act_on()
            await self.clock.sleep(3)
            self.bot.notes.clear()
            await act(self)
            await self.venue.stop()
            for task in beside:
                task.cancel()

    async def _upkeep(self) -> None:
        try:
            await self.venue.run()
        except AccessError as error:
            self.access_error = error

    async def _decide(self) -> None:
        while True:
            due = manager.next_due_at(self.bot.state)
            now = self.clock.now()
            wait_ms = 1_000 if due is None else min(max(due - now, 1), 1_000)
            try:
                async with asyncio.timeout(wait_ms / 1000):
                    event = await self.inbox.get()
            except TimeoutError:
                event = Ticked(at=self.clock.now())
            self._take(replace(event, at=self.clock.now()))

    async def _prices(self) -> None:
        while True:
            for symbol in INSTRUMENTS:
                self._price(symbol)
            await self.clock.sleep(1)

    async def _readings(self) -> None:
        """A heatmap without clusters, so that nothing is stale and nothing is proposed."""
        sequence = 0
        while True:
            sequence += 1
            now = self.clock.now()
            for symbol, mark in self.world.marks.items():
                reading = Reading(
                    symbol=symbol, price=float(mark), rows=(), content_key=str(sequence)
                )
                self._take(HeatmapRead(at=now, reading=reading, asked_at=now, sequence=sequence))
            await self.clock.sleep(5)

    def _price(self, symbol: Symbol) -> None:
        event = price(str(self.world.marks[symbol]), self.clock.now(), symbol)
        self.api.wire.on_market(event)
        self.venue.on_market(event)
        self._take(event)

    def _gets(self, proposal: Signal) -> None:
        self.bot.at = self.clock.now()
        self.bot.gets(proposal)
        self._act_on()

    def _take(self, event: Event) -> None:
        self.bot.sees(event)
        self._act_on()

    def _act_on(self) -> None:
        for command in self.bot.takes():
            self._note(command)
            self.hands.submit(command)


def play(
    act: Callable[[LiveTrading], Coroutine[Any, Any, None]],
    *,
    core: CoreSettings | None = None,
    line: Line = CALM,
    before: Callable[[LiveTrading], None] = lambda _: None,
) -> LiveTrading:
    """A bot that has started on an empty account; then the act."""

    async def main() -> LiveTrading:
        trading = LiveTrading(core, line)
        before(trading)
        await trading.live(act)
        return trading

    return run_virtual(main())


async def in_position(trading: LiveTrading) -> None:
    """The entry has filled, stop and target rest."""
    trading.enters()
    await trading.passes(2)
    assert trading.held
    trading.must_agree()
    trading.bot.notes.clear()


def by_hand(trading: LiveTrading, qty: Decimal | None = None) -> None:
    """Somebody closes the position, or trades so much more of it."""
    side = Side.SELL if trading.held > 0 else Side.BUY
    trading.world.trade_by_hand(BTC, side, qty or abs(trading.held), trading.clock.now())
