"""Real orders: the Venue port over one exchange's private interface.

Commands become calls and outcomes become events, and what is not proved is said to be unknown.
Writes are shielded from whoever waits for them: they end with what the exchange has to say, also
while the bot is being stopped. Beside the commands `run` follows the user stream, keeps the
exchange's time, proves that stops can be placed, and asks for funding.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

import structlog

from bot.errors import AccessError
from bot.gateway.connection import CANCEL, QUERY
from bot.gateway.failures import GatewayError, RefusedError, Verdict
from bot.model.account import HoldCause
from bot.model.commands import (
    CancelForeign,
    CancelOrder,
    Command,
    FetchAccount,
    PlaceOrder,
    QueryOrder,
)
from bot.model.events import (
    CancelRejected,
    Event,
    FundingRead,
    OrderFilled,
    OrderMissing,
    OrderNotProcessed,
    OrderRejected,
    OrderUpdated,
    PriceMoved,
    QueryFailed,
)
from bot.model.instrument import Instrument
from bot.model.order import Leg
from bot.model.primitives import ClientOrderId, Millis, Symbol
from bot.model.settings import OrderSettings
from bot.model.wiring import ExchangeSettings
from bot.ports import Clock, Emit
from bot.venue import answers, rules
from bot.venue.answers import careful
from bot.venue.api import PrivateApi
from bot.venue.payments import FundingWatch
from bot.venue.probe import Probe
from bot.venue.reading import AccountReader
from bot.venue.stream import follow
from bot.venue.timing import SyncTime, TimeKeeper
from bot.venue.trouble import Troubles
from bot.venue.writes import Writes

STOP_WAIT_S: Final = 10.0
"""Market seconds that `stop` waits at most for writes in flight."""
CATCH_UP_S: Final = 5.0
"""Between two questions for the funding of before the start."""
WINDOW_MAX_MS: Final = 59_000
"""Binance takes no receive window of a minute or more (-1131)."""
FIREWALL: Final = 403
"""Status of who stands in front of an exchange, and has not let a request through."""
WOKEN_GAP_S: Final = 0.5
"""Between two readings of the account that the stream asks for."""

log = structlog.get_logger()


class Blocked(Protocol):
    """`bot.gateway.limiter.Limiter`, as far as it is looked at here."""

    @property
    def blocked_until(self) -> Millis | None:
        """Until when nothing may leave at all."""
        ...


class LiveVenue:
    """The Venue port over a PrivateApi."""

    def __init__(
        self,
        *,
        api: PrivateApi,
        settings: ExchangeSettings,
        orders: OrderSettings,
        instruments: dict[Symbol, Instrument],
        clock: Clock,
        limiter: Blocked | None,
        probe_ids: Callable[[Symbol], ClientOrderId],
        sync_time: SyncTime,
        on_filters: Callable[[], None] = lambda: None,
    ) -> None:
        """`probe_ids` names the instance and a symbol; a probe's own id derives from it.

        `on_filters` is called when a refusal says that a contract's grid or limits have changed.
        """
        self._api = api
        self._clock = clock
        self._limiter = limiter
        self._has_streams = settings.streams
        self._on_filters = on_filters
        self._emit: Emit = lambda _: None
        self._troubles = Troubles(clock=clock)
        self._time = TimeKeeper(sync_time, clock=clock, troubles=self._troubles)
        self._funding = FundingWatch(ask=api.funding_paid, clock=clock)
        self._marks: dict[Symbol, float] = {}
        self._writes = Writes(clock)
        self._probe = Probe(
            api=api,
            instruments=instruments,
            clock=clock,
            orders=orders,
            troubles=self._troubles,
            base_ids=probe_ids,
            mark_of=self._marks.get,
            writes=self._writes,
        )
        self._reader = AccountReader(
            api=api,
            settings=settings,
            instruments=instruments,
            clock=clock,
            troubles=self._troubles,
            probe=self._probe,
        )
        self._turned_away = 0
        """Placements in a row that nobody has read."""
        self._woken = asyncio.Event()

    # --- the port

    async def start(self, emit: Emit) -> None:
        """Commands may be executed from now on; `run` does the rest."""
        self._emit = self._troubles.emit = self._funding.emit = emit
        self._woken.clear()

    async def stop(self) -> None:
        """Wait for the writes in flight, at most STOP_WAIT_S; orders stay where they are."""
        await self._writes.finish(STOP_WAIT_S)
        self._emit = self._troubles.emit = self._funding.emit = lambda _: None

    def on_market(self, event: Event) -> None:
        """Remember marks, and when funding is settled."""
        if isinstance(event, PriceMoved):
            self._marks[event.symbol] = event.mark
        elif isinstance(event, FundingRead):
            self._funding.on_funding(event.funding)

    async def execute(self, command: Command) -> Event:
        """Carry out one command; never raises for what the exchange or the network did."""
        match command:
            case PlaceOrder():
                return await self._writes.shielded(self._place(command), late=self._tell)
            case CancelOrder() | CancelForeign():
                return await self._writes.shielded(self._cancel(command), late=self._tell)
            case QueryOrder():
                return await self._query(command)
            case FetchAccount():
                return await self._reader.read(command.fills_since)

    async def run(self) -> None:
        """Do what no command asks for, until canceled.

        Raises:
            AccessError: the exchange does not accept the key any more.

        """
        work: list[Coroutine[Any, Any, None]] = [
            self._time.run(),
            self._probe.run(self._reader.is_read, self._reader.is_stopped),
            self._funding_watch(),
            self._read_when_woken(),
        ]
        if self._has_streams:
            work.append(
                follow(
                    self._api,
                    clock=self._clock,
                    troubles=self._troubles,
                    told=self._told,
                    wake=self._wake,
                )
            )
        async with asyncio.TaskGroup() as group:
            jobs = [group.create_task(job) for job in work]
            await self._troubles.locked_out.wait()
            for job in jobs:
                job.cancel()
        raise AccessError(
            f"The exchange does not accept the key any more: {self._troubles.denial}.",
            where="exchange keys",
            remedy="Positions keep the stops that rest at the exchange. Look at the key there: "
            "does it exist, is this machine's address allowed, may it trade futures?",
        )

    # --- writes

    async def _place(self, command: PlaceOrder) -> Event:
        request, now = command.request, self._clock.now()
        symbol, client_id = request.symbol, request.client_id
        window_ms = min(request.valid_until - now, WINDOW_MAX_MS)
        if window_ms <= 0:
            reason = "its time had passed before it could be sent"
            return OrderNotProcessed(at=now, client_id=client_id, reason=reason, retry_at=now)
        if request.leg is Leg.ENTRY and not self._probe.is_proved(symbol):
            reason = "it is not proved that a stop could follow"
            code = HoldCause.STOPS_REFUSED.value
            return OrderRejected(at=now, client_id=client_id, code=code, reason=reason)
        # Until then it may arrive, and fill, whatever becomes of the answer.
        self._reader.touch(symbol, request.valid_until)
        try:
            report = await careful(
                self._api.place(
                    request,
                    stop_loss_price=command.stop_loss_price,
                    lane=answers.lane_of(request),
                    window_ms=window_ms,
                )
            )
        except GatewayError as error:
            self._troubles.failed(error, is_write=True)
            return await self._not_placed(command, error)
        self._turned_away = 0
        self._troubles.answered(is_write=True)
        return answers.placed(request, report, self._clock.now())

    async def _not_placed(self, command: PlaceOrder, error: GatewayError) -> Event:
        request = command.request
        retry_at = self._clock.now()
        if answers.is_unread(error):
            retry_at = await self._retry_at(error)
        else:
            self._turned_away = 0
        if isinstance(error, RefusedError) and error.code in answers.FILTER_CODES:
            self._on_filters()
        return answers.not_placed(request, error, self._clock.now(), retry_at)

    async def _retry_at(self, error: GatewayError) -> Millis:
        """When what was turned away may be sent again: as told, else ever later.

        A request that fell outside of its window of time goes again at once, with the right time.
        """
        self._turned_away += 1
        refused = error if isinstance(error, RefusedError) else None
        if refused is not None and refused.verdict is Verdict.CLOCK:
            await self._time.look()
            if self._turned_away == 1:
                return self._clock.now()
        index = min(self._turned_away, len(answers.BACK_OFF_MS)) - 1
        now = self._clock.now()
        # A firewall (403) tells nothing, and minutes are too long for what protects or closes.
        told = refused.retry_at if refused is not None and refused.status != FIREWALL else None
        blocked = self._limiter.blocked_until if self._limiter is not None else None
        # Bybit tells the present instant where the limit is not what it turns away for.
        told = told if told is not None and told > now else None
        return Millis(told or blocked or now + answers.BACK_OFF_MS[index])

    async def _cancel(self, command: CancelOrder | CancelForeign) -> Event:
        symbol, is_trigger = command.symbol, command.is_trigger
        if isinstance(command, CancelOrder):
            client_id = command.client_id
            call = self._api.cancel(symbol, client_id, is_trigger=is_trigger, lane=CANCEL)
        else:
            client_id, venue_id = ClientOrderId(command.venue_id), command.venue_id
            call = self._api.cancel_foreign(symbol, venue_id, is_trigger=is_trigger, lane=CANCEL)
        self._reader.touch(symbol, self._clock.now())
        try:
            report = await careful(call)
        except GatewayError as error:
            self._troubles.failed(error, is_write=True)
            return answers.not_canceled(client_id, error, self._clock.now())
        self._troubles.answered(is_write=True)
        at = self._clock.now()
        if report is None:
            reason = "no open order has this id"
            return CancelRejected(
                at=at, client_id=client_id, code=rules.UNKNOWN_ORDER, reason=reason
            )
        return OrderUpdated(at=at, report=report)

    # --- questions

    async def _query(self, command: QueryOrder) -> Event:
        asked_at = self._clock.now()
        client_id, is_trigger = command.client_id, command.is_trigger
        try:
            report = await careful(
                self._api.query(command.symbol, client_id, is_trigger=is_trigger, lane=QUERY)
            )
        except GatewayError as error:
            self._troubles.failed(error, is_write=False)
            return QueryFailed(at=self._clock.now(), client_id=client_id, reason=error.reason)
        self._troubles.answered(is_write=False)
        at = self._clock.now()
        if report is None:
            return OrderMissing(at=at, client_id=client_id, asked_at=asked_at)
        return OrderUpdated(at=at, report=report)

    # --- what no command asks for

    def _tell(self, event: Event) -> None:
        self._emit(event)

    def _told(self, event: Event) -> None:
        """Pass on what the stream tells, except of our probes."""
        match event:
            case OrderUpdated(report=report) if self._probe.owns(report.client_id):
                return
            case OrderFilled(fill=fill):
                self._reader.touch(fill.symbol, self._clock.now())
            case _:
                pass
        self._emit(event)

    def _wake(self, why: str) -> None:
        log.debug("account.wanted", text=f"The account is read: {why}.")
        self._woken.set()

    async def _read_when_woken(self) -> None:
        """Read the account when the stream says that something happened (I9, I10)."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            if self._reader.fills_since is not None:
                self._emit(await self._reader.read(self._reader.fills_since))
            await self._clock.sleep(WOKEN_GAP_S)

    async def _funding_watch(self) -> None:
        """Tell what was settled while we were away, then after every settlement."""
        while (since := self._reader.fills_since) is None:
            await self._clock.sleep(1.0)
        while not await self._funding.catch_up(since):
            await self._clock.sleep(CATCH_UP_S)
        await self._funding.run(self._reader.is_held)
