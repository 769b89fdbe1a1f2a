"""A private interface over the fake exchange: what an API class would bring back, and its faults.

Requests travel as in `sim_venue`: with latency, lost, late, and told twice where the line is bad.
What comes back is a report, None, or the error that a gateway would raise.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from bot.gateway.connection import Lane
from bot.gateway.failures import (
    GatewayError,
    NoAnswerError,
    NotSentError,
    RefusedError,
    Verdict,
)
from bot.model.account import KeyRights, VenueSnapshot
from bot.model.commands import (
    CancelForeign,
    CancelOrder,
    Command,
    FetchAccount,
    PlaceOrder,
    QueryOrder,
)
from bot.model.events import (
    AccountRead,
    CancelRejected,
    Event,
    FundingPaid,
    OrderAccepted,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    QueryFailed,
)
from bot.model.order import OrderReport, OrderRequest, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Price, Qty, Symbol, VenueOrderId
from bot.ports import Clock, Emit
from bot.venue.api import Fees, Identity, Modes
from tests.fakes.paper import BTC
from tests.fakes.sim_exchange import World
from tests.fakes.sim_venue import ExchangeVenue, Line

CALM: Final = Line(up_s=(0.02, 0.02), down_s=(0.02, 0.02), stream_s=(0.01, 0.01))
PROBE: Final = "probe"
VERDICTS: Final = {
    "-1003": Verdict.RATE,
    "-1008": Verdict.BUSY,
    "-1016": Verdict.BUSY,
    "-1021": Verdict.CLOCK,
    "-2015": Verdict.AUTH,
    "-4116": Verdict.DUPLICATE,
}


def refused(
    code: str, verdict: Verdict | None = None, *, retry_at: Millis | None = None, status: int = 400
) -> RefusedError:
    """The exchange says no."""
    known = verdict or VERDICTS.get(code, Verdict.REJECTED)
    reason = f"refused with {code}"
    return RefusedError(reason, code=code, status=status, verdict=known, retry_at=retry_at)


class Fault(msgspec.Struct, frozen=True):
    """What happens to one call in the place of what it was made for."""

    error: BaseException
    after_s: float = 0.0
    is_carried_out: bool = False
    """The exchange has acted on it all the same."""


class FakeApi:
    """One account at one exchange, which can be made to fail."""

    def __init__(self, world: World, *, clock: Clock, line: Line = CALM, seed: int = 1) -> None:
        self.world = world
        self.wire = ExchangeVenue(world, clock=clock, seed=seed, line=line)
        self.calls: list[str] = []
        """Names of the calls, in order."""
        self.placed: list[tuple[OrderRequest, Lane, int]] = []
        """Every placement that was asked for, with its lane and receive window."""
        self.lanes: list[tuple[str, Lane]] = []
        self.touched: list[Sequence[Symbol]] = []
        self.slow_accounts_s: deque[float] = deque()
        """For so long the next readings are on their way back."""
        self.can_trade = True
        self.is_one_way = True
        self.is_stuck = False
        """Settings are acknowledged and not changed."""
        self.margin_modes: dict[Symbol, str] = dict.fromkeys(world.instruments, "isolated")
        self.leverages: dict[Symbol, float] = dict.fromkeys(world.instruments, 5.0)
        self.payments: list[FundingPaid] = []
        self.takes_probes = False
        """A stop without a position is taken, as at Binance; else there is nothing to reduce."""
        self.probes: dict[ClientOrderId, OrderReport] = {}
        self.streams = 0
        """How often the user stream was opened."""
        self.off_by_ms: deque[int] = deque()
        """What the next looks at the exchange's clock find."""
        self.syncs = 0
        self._clock = clock
        self._faults: defaultdict[str, deque[tuple[Callable[[object], bool], Fault]]] = defaultdict(
            deque
        )
        self._broken = asyncio.Event()

    # --- what tests do to it

    def fail(
        self,
        call: str,
        error: BaseException,
        *,
        times: int = 1,
        after_s: float = 0.0,
        is_carried_out: bool = False,
        leg: str = "",
    ) -> None:
        """Let the next calls of a name go wrong; of orders, those of a leg."""
        fault = Fault(error, after_s, is_carried_out)

        def is_meant(request: object) -> bool:
            return not leg or (
                isinstance(request, OrderRequest)
                and request.leg.value == leg
                and request.bracket_id != PROBE
            )

        self._faults[call].extend([(is_meant, fault)] * times)

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def break_stream(self) -> None:
        """Cut the user stream."""
        self._broken.set()

    async def sync_time(self) -> int:
        """As the gateway's client does."""
        await self._begin("sync_time")
        self.syncs += 1
        return self.off_by_ms.popleft() if self.off_by_ms else 0

    # --- settings

    async def identity(self) -> Identity:
        await self._begin("identity")
        return Identity(account_id="1001", rights=KeyRights(), can_trade=self.can_trade)

    async def modes(self) -> Modes:
        await self._begin("modes")
        return self._modes()

    async def set_one_way(self) -> None:
        await self._begin("set_one_way")
        self.is_one_way = self.is_one_way or not self.is_stuck

    async def set_margin_mode(self, symbol: Symbol, mode: str) -> None:
        await self._begin("set_margin_mode")
        if not self.is_stuck:
            self.margin_modes[symbol] = mode

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        await self._begin("set_leverage")
        if not self.is_stuck:
            self.leverages[symbol] = float(leverage)

    async def fees(self, symbol: Symbol) -> Fees:
        await self._begin("fees")
        del symbol
        return Fees(taker_bps=4.5, maker_bps=1.8)

    # --- orders

    async def place(
        self, request: OrderRequest, *, stop_loss_price: Price | None, lane: Lane, window_ms: int
    ) -> OrderReport:
        del stop_loss_price
        self.placed.append((request, lane, window_ms))
        command = PlaceOrder(symbol=request.symbol, request=request)
        await self._begin("place", request, command)
        if request.bracket_id == PROBE and self.takes_probes:
            if request.client_id in self.probes:
                raise refused("-4116")
            report = self.probes[request.client_id] = report_of(request, self._clock.now())
            return report
        answer = await self.wire.execute(command)
        match answer:
            case OrderAccepted(venue_id=venue_id):
                return next(r for r in self.world.rows if r.venue_id == venue_id).report()
            case OrderRejected(code=code):
                raise refused(code)
            case OrderNotProcessed(retry_at=retry_at):
                raise refused("-1008", retry_at=retry_at)
            case OrderOutcomeUnknown(reason=reason) if reason.startswith("-4116"):
                raise refused("-4116")
            case _:
                raise NoAnswerError(_reason(answer))

    async def cancel(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        command = CancelOrder(symbol=symbol, client_id=client_id, is_trigger=is_trigger)
        await self._begin("cancel", command, command, lane)
        if self.takes_probes and client_id in self.probes:
            probe = self.probes.pop(client_id)
            return msgspec.structs.replace(probe, status=OrderStatus.CANCELED)
        return await self._report(command)

    async def cancel_foreign(
        self, symbol: Symbol, venue_id: VenueOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        command = CancelForeign(symbol=symbol, venue_id=venue_id, is_trigger=is_trigger)
        await self._begin("cancel_foreign", command, command, lane)
        await self.wire.execute(command)
        rows = (row for row in self.world.rows if row.venue_id == venue_id)
        return next((row.report() for row in rows), None)

    async def query(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        command = QueryOrder(symbol=symbol, client_id=client_id, is_trigger=is_trigger)
        await self._begin("query", command, command, lane)
        return await self._report(command)

    # --- the account

    async def account(
        self, *, asked_at: Millis, fills_since: Millis, touched: Sequence[Symbol]
    ) -> tuple[VenueSnapshot, Modes]:
        self.touched.append(touched)
        await self._begin("account")
        answer = await self.wire.execute(FetchAccount(symbol=Symbol(""), fills_since=fills_since))
        if not isinstance(answer, AccountRead):
            raise NoAnswerError(_reason(answer))
        found = answer.snapshot
        orders = (*found.orders, *self.probes.values())
        if self.slow_accounts_s:
            await self._clock.sleep(self.slow_accounts_s.popleft())
        return msgspec.structs.replace(found, at=asked_at, orders=orders), self._modes()

    async def funding_paid(self, since: Millis) -> Sequence[FundingPaid]:
        await self._begin("funding_paid")
        return [row for row in self.payments if row.at >= since]

    async def watch(self, emit: Emit, wake: Callable[[str], None]) -> None:
        await self._begin("watch")
        self.streams += 1
        self._broken.clear()
        await self.wire.start(emit)
        wake("connected")
        try:
            await self._broken.wait()
        finally:
            await self.wire.stop()
        raise NoAnswerError("the stream was cut")

    # --- inside

    async def _begin(
        self,
        call: str,
        asked: object = None,
        command: Command | None = None,
        lane: Lane | None = None,
    ) -> None:
        self.calls.append(call)
        if lane is not None:
            self.lanes.append((call, lane))
        for row in self._faults[call]:
            is_meant, fault = row
            if is_meant(asked):
                self._faults[call].remove(row)
                if fault.is_carried_out and command is not None:
                    await self.wire.execute(command)
                await self._clock.sleep(fault.after_s)
                raise fault.error

    async def _report(self, command: CancelOrder | QueryOrder) -> OrderReport | None:
        answer = await self.wire.execute(command)
        match answer:
            case OrderUpdated(report=report):
                return report
            case OrderMissing() | CancelRejected():
                return None
            case _:
                raise NoAnswerError(_reason(answer))

    def _modes(self) -> Modes:
        return Modes(
            is_one_way=self.is_one_way,
            margin_modes=dict(self.margin_modes),
            leverages=dict(self.leverages),
        )


def not_sent() -> GatewayError:
    """Nothing has left."""
    return NotSentError("connection refused")


def no_answer() -> GatewayError:
    """Nobody knows."""
    return NoAnswerError("no reply within the time limit")


def paid(name: str, at: Millis, usd: str = "-1.5", symbol: Symbol = BTC) -> FundingPaid:
    """A settlement on the account."""
    return FundingPaid(at=at, id=name, symbol=symbol, usd=Decimal(usd))  # type: ignore[arg-type]


def report_of(request: OrderRequest, at: Millis) -> OrderReport:
    """A stop that rests."""
    return OrderReport(
        client_id=request.client_id,
        venue_id=VenueOrderId(f"p{request.client_id}"),
        symbol=request.symbol,
        side=request.side,
        kind=request.kind,
        status=OrderStatus.OPEN,
        qty=request.qty,
        filled_qty=Qty(Decimal(0)),
        trigger_price=request.trigger_price,
        is_reduce_only=True,
        venue_at=at,
    )


def _reason(answer: Event) -> str:
    return answer.reason if isinstance(answer, OrderOutcomeUnknown | QueryFailed) else "no reply"
