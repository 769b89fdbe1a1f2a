"""A stateful exchange without clock, network or chance, which can be made to fail.

Like Binance it forbids a client id only among *open* orders: a filled market order's id may come
again and would fill again. A request may arrive late, until its validity has passed.
"""

from collections import deque
from decimal import Decimal
from enum import StrEnum

from msgspec.structs import replace

from bot.model.account import Position, VenueSnapshot
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
    OrderAccepted,
    OrderFilled,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    OrderUpdated,
    QueryFailed,
)
from bot.model.instrument import Instrument
from bot.model.order import Fill, OrderKind, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import (
    ZERO,
    ClientOrderId,
    FillId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    VenueOrderId,
)
from tests.fakes.exchange_row import Row


class Fault(StrEnum):
    """What may happen to one command."""

    LOST_REQUEST = "lost_request"
    """It never arrives; nobody knows."""
    LOST_REPLY = "lost_reply"
    """It is carried out; nobody knows."""
    LATE_REQUEST = "late_request"
    """It is on its way for `late_ms`; nobody knows."""
    REJECTED = "rejected"
    NOT_PROCESSED = "not_processed"


class FakeExchange:
    """Orders, positions and a wallet; everything that happens unasked waits in `facts`."""

    def __init__(
        self, instruments: dict[Symbol, Instrument], *, balance_usd: Decimal = Decimal(10_000)
    ) -> None:
        self.instruments = instruments
        self.marks: dict[Symbol, Decimal] = {}
        self.rows: list[Row] = []
        self.fills: list[Fill] = []
        self.positions: dict[Symbol, Decimal] = {}
        self.entries: dict[Symbol, Decimal] = {}
        self.balance_usd = balance_usd
        self.leverage = 3.0
        self.facts: deque[Event] = deque()
        self.received: list[OrderRequest] = []
        """Every request that arrived, in order."""
        self.is_down = False
        """Nothing arrives and nothing is answered."""
        self.is_streaming = True
        """Fills and updates are told unasked."""
        self.liquidity: Decimal | None = None
        """The most an order finds at a time; None: all it wants."""
        self.shows_after_ms = 0
        """Eventual consistency: a new order is not found before."""
        self.empty_positions = 0
        """So many account readings to come show no positions."""
        self.late_ms = 3_000
        self.reject_code = "-1013"
        self.retry_ms = 1_000
        self._faults: deque[tuple[str, Fault]] = deque()
        self._late: list[tuple[Millis, OrderRequest]] = []
        self._count = 0

    # --- what tests do to it

    def fail_next(self, fault: Fault, *, leg: str = "", times: int = 1) -> None:
        """Let the next placements (of a leg, or of any) go wrong."""
        self._faults.extend([(leg, fault)] * times)

    def clear_faults(self) -> None:
        """From now on every placement goes well."""
        self._faults.clear()

    def trade_by_hand(
        self, symbol: Symbol, side: Side, qty: Decimal, at: Millis, *, is_liquidation: bool = False
    ) -> None:
        """Somebody else trades on the account, or the exchange does."""
        self._book(None, symbol, side, qty, at, is_liquidation=is_liquidation)
        self._sweep(symbol, at)

    def cancel_by_hand(self, client_id: ClientOrderId, at: Millis) -> None:
        """Somebody cancels an order of ours on the exchange's page."""
        for row in self.rows:
            if row.request.client_id == client_id and row.status is OrderStatus.OPEN:
                self._end(row, OrderStatus.CANCELED, at)

    def open_orders(self, leg: str = "") -> list[OrderRequest]:
        """Requests of the orders that rest now."""
        rows = (row.request for row in self.rows if row.status is OrderStatus.OPEN)
        return [request for request in rows if not leg or request.leg.value == leg]

    # --- the venue's side

    def handle(self, command: Command, at: Millis) -> Event:
        """Carry out one command that leaves at `at`, and give the answer the bot gets."""
        match command:
            case PlaceOrder(request=request):
                return self._handle_place(request, at)
            case CancelOrder(client_id=client_id):
                return self._handle_cancel(client_id, at)
            case CancelForeign(venue_id=venue_id):
                for row in self.rows:
                    if row.venue_id == venue_id and row.status is OrderStatus.OPEN:
                        self._end(row, OrderStatus.CANCELED, at)
                return QueryFailed(at=at, client_id=ClientOrderId(venue_id), reason="carried out")
            case QueryOrder(client_id=client_id):
                return self._handle_query(client_id, at)
            case FetchAccount():
                return self._handle_fetch(command, at)

    def advance(self, at: Millis, marks: dict[Symbol, Decimal] | None = None) -> None:
        """Let time pass and prices move: late requests arrive, stops fire, limits fill."""
        due = [entry for entry in self._late if entry[0] <= at]
        self._late = [entry for entry in self._late if entry[0] > at]
        for arrives_at, request in due:
            if arrives_at <= request.valid_until:
                self._place(request, arrives_at)
        self.marks.update(marks or {})
        for row in list(self.rows):
            if row.status is OrderStatus.OPEN and self._is_reached(row):
                self._execute(row, at)

    def take_facts(self) -> list[Event]:
        """What happened unasked since the last call."""
        facts = list(self.facts)
        self.facts.clear()
        return facts

    # --- inside

    def _handle_place(self, request: OrderRequest, at: Millis) -> Event:
        client_id = request.client_id
        unknown = OrderOutcomeUnknown(
            at=at, client_id=client_id, reason="timeout", unsettled_until=request.valid_until
        )
        match self._fault(request):
            case Fault.LOST_REQUEST:
                return unknown
            case Fault.LOST_REPLY:
                self._place(request, at)
                return unknown
            case Fault.LATE_REQUEST:
                self._late.append((Millis(at + self.late_ms), request))
                return unknown
            case Fault.REJECTED:
                code = self.reject_code
                return OrderRejected(at=at, client_id=client_id, code=code, reason="as told")
            case Fault.NOT_PROCESSED:
                return OrderNotProcessed(
                    at=at,
                    client_id=client_id,
                    reason="too many requests",
                    retry_at=Millis(at + self.retry_ms),
                )
            case None:
                return unknown if self.is_down else self._place(request, at)

    def _fault(self, request: OrderRequest) -> Fault | None:
        for index, (leg, fault) in enumerate(self._faults):
            if not leg or leg == request.leg.value:
                del self._faults[index]
                return fault
        return None

    def _place(self, request: OrderRequest, at: Millis) -> Event:
        client_id = request.client_id
        if self._open(client_id) is not None:
            return OrderOutcomeUnknown(
                at=at, client_id=client_id, reason="-4116 duplicate id", unsettled_until=at
            )
        self.received.append(request)
        code = self._refusal(request)
        if code:
            return OrderRejected(at=at, client_id=client_id, code=code, reason="refused")
        self._count += 1
        row = Row(
            request=request,
            venue_id=VenueOrderId(str(self._count)),
            created_at=at,
            venue_at=at,
        )
        self.rows.append(row)
        if request.kind is not OrderKind.STOP_MARKET and self._is_reached(row):
            self._execute(row, at)
        if row.status is OrderStatus.OPEN and (
            request.kind is OrderKind.MARKET or request.time_in_force is TimeInForce.IOC
        ):
            self._end(row, OrderStatus.CANCELED, at)
        return OrderAccepted(at=at, client_id=client_id, venue_id=row.venue_id, venue_at=at)

    def _refusal(self, request: OrderRequest) -> str:
        if request.is_reduce_only and not self._reducible(request):
            return "-2022"
        if request.qty < self.instruments[request.symbol].qty_min:
            return "-4003"
        if request.trigger_price is not None and self._is_beyond(request):
            return "-2021"
        return ""

    def _is_beyond(self, request: OrderRequest) -> bool:
        trigger, mark = request.trigger_price, self.marks[request.symbol]
        assert trigger is not None
        return mark <= trigger if request.side is Side.SELL else mark >= trigger

    def _is_reached(self, row: Row) -> bool:
        request, mark = row.request, self.marks[row.request.symbol]
        if request.kind is OrderKind.MARKET:
            return True
        if request.kind is OrderKind.STOP_MARKET:
            return self._is_beyond(request)
        assert request.price is not None
        return mark <= request.price if request.side is Side.BUY else mark >= request.price

    def _reducible(self, request: OrderRequest) -> Decimal:
        return max(-self.positions.get(request.symbol, ZERO) * request.side.sign, ZERO)

    def _execute(self, row: Row, at: Millis) -> None:
        request = row.request
        qty = row.open_qty
        if request.is_reduce_only:
            qty = min(qty, self._reducible(request))
        is_taking = request.kind is not OrderKind.LIMIT or request.time_in_force is TimeInForce.IOC
        if self.liquidity is not None:
            qty = min(qty, self.liquidity)
        if qty:
            price = None if is_taking else request.price
            row.filled_qty += qty
            row.filled_usd += qty * (price or self.marks[request.symbol])
            self._book(row, request.symbol, request.side, qty, at, price=price)
        if not row.open_qty:
            self._end(row, OrderStatus.FILLED, at)
        elif is_taking:
            self._end(row, OrderStatus.CANCELED, at)
        self._sweep(request.symbol, at)

    def _book(
        self,
        row: Row | None,
        symbol: Symbol,
        side: Side,
        qty: Decimal,
        at: Millis,
        *,
        price: Decimal | None = None,
        is_liquidation: bool = False,
    ) -> None:
        at_price = price or self.marks[symbol]
        fee = qty * at_price * self.instruments[symbol].taker_fee_bps / 10_000
        before = self.positions.get(symbol, ZERO)
        after = before + qty * side.sign
        entry = self.entries.get(symbol, at_price)
        if before * side.sign < 0:
            closed = min(abs(before), qty)
            self.balance_usd += (at_price - entry) * closed * (1 if before > 0 else -1)
            self.entries[symbol] = entry if after * before > 0 else at_price
        else:
            self.entries[symbol] = (entry * abs(before) + at_price * qty) / abs(after)
        self.balance_usd -= fee
        self.positions[symbol] = after
        fill = Fill(
            id=FillId(f"t{len(self.fills) + 1}"),
            symbol=symbol,
            client_id=row.request.client_id if row is not None else None,
            venue_order_id=row.venue_id if row is not None else None,
            side=side,
            qty=Qty(qty),
            price=Price(at_price),
            fee_usd=Usd(fee),
            at=at,
            is_liquidation=is_liquidation,
        )
        self.fills.append(fill)
        self._tell(OrderFilled(at=at, fill=fill))

    def _sweep(self, symbol: Symbol, at: Millis) -> None:
        """Without a position, resting reduce-only limits end; stops wait on as orphans."""
        for row in self.rows:
            is_resting = row.status is OrderStatus.OPEN and row.request.kind is OrderKind.LIMIT
            is_idle = row.request.is_reduce_only and not self._reducible(row.request)
            if is_resting and is_idle and row.request.symbol == symbol:
                self._end(row, OrderStatus.CANCELED, at)

    def _end(self, row: Row, status: OrderStatus, at: Millis, *, is_told: bool = True) -> None:
        row.status = status
        row.venue_at = at
        if is_told:
            self._tell(OrderUpdated(at=at, report=row.report()))

    def _tell(self, fact: Event) -> None:
        if self.is_streaming and not self.is_down:
            self.facts.append(fact)

    def _open(self, client_id: ClientOrderId) -> Row | None:
        rows = (row for row in self.rows if row.status is OrderStatus.OPEN)
        return next((row for row in rows if row.request.client_id == client_id), None)

    def _handle_cancel(self, client_id: ClientOrderId, at: Millis) -> Event:
        if self.is_down:
            return QueryFailed(at=at, client_id=client_id, reason="unreachable")
        row = self._open(client_id)
        if row is None:
            return CancelRejected(at=at, client_id=client_id, code="-2011", reason="unknown order")
        self._end(row, OrderStatus.CANCELED, at, is_told=False)
        return OrderUpdated(at=at, report=row.report())

    def _handle_query(self, client_id: ClientOrderId, at: Millis) -> Event:
        if self.is_down:
            return QueryFailed(at=at, client_id=client_id, reason="unreachable")
        for row in reversed(self.rows):
            is_shown = row.created_at + self.shows_after_ms <= at
            if row.request.client_id == client_id and is_shown:
                return OrderUpdated(at=at, report=row.report())
        return OrderMissing(at=at, client_id=client_id, asked_at=at)

    def _handle_fetch(self, command: FetchAccount, at: Millis) -> Event:
        if self.is_down:
            return QueryFailed(at=at, client_id=None, reason="unreachable")
        held = {symbol: qty for symbol, qty in self.positions.items() if qty}
        if self.empty_positions:
            self.empty_positions -= 1
            held = {}
        snapshot = VenueSnapshot(
            at=at,
            symbols=tuple(sorted(self.instruments)),
            positions=tuple(self._position(symbol, qty, at) for symbol, qty in held.items()),
            orders=tuple(
                row.report()
                for row in self.rows
                if row.status is OrderStatus.OPEN and row.created_at + self.shows_after_ms <= at
            ),
            fills=tuple(fill for fill in self.fills if fill.at >= command.fills_since),
            balance_usd=Usd(self.balance_usd),
        )
        return AccountRead(at=at, snapshot=snapshot)

    def _position(self, symbol: Symbol, qty: Decimal, at: Millis) -> Position:
        return Position(
            symbol=symbol,
            position_side=PositionSide.LONG if qty > 0 else PositionSide.SHORT,
            qty=Qty(abs(qty)),
            entry_price=Price(self.entries[symbol]),
            leverage=self.leverage,
            venue_at=at,
        )


def contents_of(request: OrderRequest) -> OrderRequest:
    """What a request asks for, without the validity that every sending renews."""
    return replace(request, valid_until=Millis(0))
