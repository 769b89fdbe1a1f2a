"""Paper trading as a venue: the exchange in memory behind latency, chance and a durable account.

A request arrives `latency` market milliseconds after it was sent and is judged by the prices of
that moment. What it changed is saved before anyone is answered, so whatever was answered
survives a kill, and a request that was under way when the process died never arrived. While it
cannot be saved nothing is told: answers prove nothing, and what happened is told when it is kept.
"""

from collections.abc import Callable

from bot.errors import StoreError
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
    AccountRead,
    CancelRejected,
    Event,
    FundingRead,
    OrderAccepted,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    PriceMoved,
    QueryFailed,
    TroubleSeen,
)
from bot.model.instrument import Instrument
from bot.model.order import OrderKind, OrderRequest, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Symbol, Usd
from bot.model.wiring import PaperSettings
from bot.ports import Clock, Emit
from bot.venue import books, rules
from bot.venue.books import PaperBooks, PaperOrder, PaperState
from bot.venue.exchange import Exchange
from bot.venue.rules import No

RETRY_MS = 1_000
"""When to come back to a venue that has no price yet."""


class PaperVenue:
    """The Venue port over an Exchange."""

    def __init__(
        self,
        *,
        settings: PaperSettings,
        instruments: dict[Symbol, Instrument],
        clock: Clock,
        books: PaperBooks,
        chance: Callable[[], float],
    ) -> None:
        """`chance` gives numbers in [0, 1): jitter and rejections; `books` keep the account."""
        self._settings = settings
        self._instruments = instruments
        self._clock = clock
        self._books = books
        self._chance = chance
        self._emit: Emit | None = None
        self._exchange: Exchange | None = None
        self._is_caught_up = False
        self._is_unsaved = False
        """The last save failed, which has been told."""

    async def start(self, emit: Emit) -> None:
        """Load the account, or open one with the configured balance; raises StoreError."""
        document = self._books.load()
        if document is None:
            state = PaperState(balance_usd=Usd(self._settings.balance_usd))
            self._books.save(books.encode(state))
        else:
            state = books.decode(document)
        self._exchange = Exchange(
            settings=self._settings, instruments=self._instruments, state=state
        )
        self._emit = emit

    async def run(self) -> None:
        """Nothing happens here that the market's events do not bring."""

    async def stop(self) -> None:
        """Nothing is in flight that was not saved; orders stay where they are."""
        self._emit = None

    def on_market(self, event: Event) -> None:
        """See a market event before the core does."""
        exchange = self._exchange
        if exchange is None:
            return
        if isinstance(event, PriceMoved):
            exchange.on_price(event)
        elif isinstance(event, FundingRead):
            exchange.on_funding(event)
        if exchange.is_changed:
            self._publish(exchange, event.at)

    async def execute(self, command: Command) -> Event:
        """Carry out one command after the latency; the answer as an event."""
        asked_at = self._clock.now()
        await self._clock.sleep(self._latency_s())
        exchange = self._exchange
        assert exchange is not None, "the venue is started before it is used"
        at = self._clock.now()
        answer = self._answer(exchange, command, asked_at, at)
        # No await from the change to the answer: the loop cannot see one without the other.
        return answer if self._publish(exchange, at) else _unproved(command, at)

    def _answer(self, exchange: Exchange, command: Command, asked_at: Millis, at: Millis) -> Event:
        match command:
            case PlaceOrder(request=request):
                return self._place(exchange, request, at)
            case CancelOrder(client_id=client_id, is_trigger=is_trigger):
                order = exchange.find_open(client_id, is_trigger=is_trigger)
                return _cancel(exchange, order, client_id, at)
            case CancelForeign(venue_id=venue_id, is_trigger=is_trigger):
                order = exchange.find_foreign(venue_id, is_trigger=is_trigger)
                return _cancel(exchange, order, ClientOrderId(venue_id), at)
            case QueryOrder(client_id=client_id, is_trigger=is_trigger):
                order = exchange.find(client_id, is_trigger=is_trigger)
                if order is None:
                    return OrderMissing(at=at, client_id=client_id, asked_at=asked_at)
                return OrderUpdated(at=at, report=order.report())
            case FetchAccount():
                return self._fetch(exchange, command, asked_at, at)

    def _place(self, exchange: Exchange, request: OrderRequest, at: Millis) -> Event:
        client_id = request.client_id
        if not exchange.has_price(request.symbol):
            return OrderNotProcessed(
                at=at,
                client_id=client_id,
                reason=f"there is no price of {request.symbol} yet",
                retry_at=Millis(at + RETRY_MS),
            )
        is_trigger = request.kind is OrderKind.STOP_MARKET
        if exchange.find_open(client_id, is_trigger=is_trigger) is not None:
            # "It exists" is the opposite of a rejection: whoever asked has to look at it.
            reason = f"{rules.DUPLICATE_ID}: an open order has this client id"
            return OrderOutcomeUnknown(
                at=at, client_id=client_id, reason=reason, unsettled_until=at
            )
        if self._settings.reject_share and self._chance() < self._settings.reject_share:
            reason = "rejected by chance, as paper.reject_share asks"
            return OrderRejected(at=at, client_id=client_id, code=rules.BY_CHANCE, reason=reason)
        placed = exchange.place(request, at)
        if isinstance(placed, No):
            return OrderRejected(at=at, client_id=client_id, code=placed.code, reason=placed.reason)
        if placed.status is OrderStatus.OPEN and not placed.filled_qty:
            return OrderAccepted(at=at, client_id=client_id, venue_id=placed.venue_id, venue_at=at)
        return OrderUpdated(at=at, report=placed.report())

    def _fetch(
        self, exchange: Exchange, command: FetchAccount, asked_at: Millis, at: Millis
    ) -> Event:
        if not self._is_caught_up and self._emit is not None:
            # A kill may have come between the settlement and the ledger's note of it.
            self._is_caught_up = True
            for row in exchange.wallet.settled:
                if row.at >= command.fills_since:
                    self._emit(row.event(at))
        snapshot = exchange.snapshot(
            command.symbol or None, fills_since=command.fills_since, asked_at=asked_at
        )
        return AccountRead(at=at, snapshot=snapshot)

    def _publish(self, exchange: Exchange, at: Millis) -> bool:
        """Save what changed, then tell it; False where it cannot be saved and so is not told."""
        if exchange.is_changed:
            try:
                self._books.save(books.encode(exchange.state(at)))
            except StoreError as error:
                if not self._is_unsaved:
                    self._tell_trouble(at, error.what)
                self._is_unsaved = True
                return False
            exchange.is_changed = False
        facts = exchange.take_facts()
        if self._emit is not None:
            for fact in facts:
                self._emit(fact)
        if self._is_unsaved:
            self._is_unsaved = False
            self._tell_trouble(at, "", is_over=True)
        return True

    def _tell_trouble(self, at: Millis, detail: str, *, is_over: bool = False) -> None:
        if self._emit is not None:
            cause = HoldCause.STORE_TROUBLE
            self._emit(TroubleSeen(at=at, cause=cause, detail=detail, is_over=is_over))

    def _latency_s(self) -> float:
        jitter_ms = self._settings.latency_jitter_ms * self._chance()
        return (self._settings.latency_ms + jitter_ms) / 1000.0


def _cancel(
    exchange: Exchange, order: PaperOrder | None, client_id: ClientOrderId, at: Millis
) -> Event:
    if order is None:
        return CancelRejected(
            at=at,
            client_id=client_id,
            code=rules.UNKNOWN_ORDER,
            reason="no open order has this id",
        )
    return OrderUpdated(at=at, report=exchange.cancel(order, at).report())


def _unproved(command: Command, at: Millis) -> Event:
    """The answer to a command whose outcome a kill could still undo."""
    reason = "the paper account cannot be saved"
    match command:
        case PlaceOrder(request=request):
            client_id = request.client_id
            return OrderOutcomeUnknown(
                at=at, client_id=client_id, reason=reason, unsettled_until=at
            )
        case CancelOrder(client_id=client_id):
            return CancelRejected(at=at, client_id=client_id, code="", reason=reason)
        case CancelForeign(venue_id=venue_id):
            client_id = ClientOrderId(venue_id)
            return CancelRejected(at=at, client_id=client_id, code="", reason=reason)
        case QueryOrder(client_id=client_id):
            return QueryFailed(at=at, client_id=client_id, reason=reason)
        case FetchAccount():
            return QueryFailed(at=at, client_id=None, reason=reason)
