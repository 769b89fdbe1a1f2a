"""A linear-perpetual exchange in memory: synchronous, without clock, chance or I/O.

Time comes with each call. What happens unasked is collected as facts in the order in which it
happened; `is_changed` says that the state must be saved before anyone hears of it.
Within one range of prices the order is the unkind one: resting entries fill, then stops and the
liquidation in the order in which the price meets them, then whatever takes profit.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from bot.model.account import VenueSnapshot
from bot.model.events import Event, FundingRead, OrderFilled, OrderUpdated, PriceMoved
from bot.model.instrument import Instrument
from bot.model.order import OrderKind, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import (
    ZERO,
    ClientOrderId,
    Millis,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    VenueOrderId,
)
from bot.model.wiring import PaperSettings
from bot.venue import matching, rules
from bot.venue.account import reducible_qty
from bot.venue.books import KEPT_MS, PaperOrder, PaperState
from bot.venue.matching import Line, Quote, Taken
from bot.venue.rules import No
from bot.venue.wallet import Wallet
from bot.venue.watch import Watch, watch_of

OrderKey = tuple[bool, ClientOrderId]
"""(is a trigger order, client id): stops live in a service, and a name space, of their own."""


class Exchange:
    """The orders, the newest prices and the wallet; changed by one caller at a time."""

    def __init__(
        self,
        *,
        settings: PaperSettings,
        instruments: dict[Symbol, Instrument],
        state: PaperState,
    ) -> None:
        self.wallet = Wallet(
            instruments=instruments, leverage=Decimal(str(settings.leverage)), state=state
        )
        self.is_changed = False
        self._instruments = instruments
        self._impact = Decimal(str(settings.impact))
        self._prices: dict[Symbol, PriceMoved] = {}
        self._taken_usd: dict[tuple[Symbol, Side], Decimal] = {}
        self._facts: list[Event] = []
        self._orders = {_key(row.request): row for row in state.orders}
        self._ended = {_key(row.request): row for row in state.ended}
        self._next_order = state.next_order
        self._watches: dict[Symbol, Watch] = {}
        for symbol in instruments:
            self._rewatch(symbol)

    # --- reading

    def state(self, at: Millis) -> PaperState:
        """All that a restart needs; what is too old to be asked for is let go."""
        self.wallet.prune(at)
        for key, row in list(self._ended.items()):
            if row.updated_at >= at - KEPT_MS:
                break
            del self._ended[key]
        orders = PaperState(
            balance_usd=Usd(ZERO),
            orders=tuple(self._orders.values()),
            ended=tuple(self._ended.values()),
            next_order=self._next_order,
        )
        return self.wallet.into(orders)

    def take_facts(self) -> list[Event]:
        """What happened unasked since the last call, in order."""
        facts, self._facts = self._facts, []
        return facts

    def has_price(self, symbol: Symbol) -> bool:
        """Whether orders on a symbol can be judged."""
        return symbol in self._prices or symbol not in self._instruments

    def find(self, client_id: ClientOrderId, *, is_trigger: bool) -> PaperOrder | None:
        """The newest order of that name in its service, open or ended within two days."""
        key = (is_trigger, client_id)
        return self._orders.get(key) or self._ended.get(key)

    def find_open(self, client_id: ClientOrderId, *, is_trigger: bool) -> PaperOrder | None:
        """An open order of that name in its service."""
        return self._orders.get((is_trigger, client_id))

    def find_foreign(self, venue_id: VenueOrderId, *, is_trigger: bool) -> PaperOrder | None:
        """An open order by the venue's own id."""
        rows = (row for key, row in self._orders.items() if key[0] is is_trigger)
        return next((row for row in rows if row.venue_id == venue_id), None)

    def snapshot(
        self, symbol: Symbol | None, *, fills_since: Millis, asked_at: Millis
    ) -> VenueSnapshot:
        """Positions, open orders of both kinds, fills and balance of one symbol, or of all."""
        wallet = self.wallet
        known = {*self._instruments, *wallet.holdings}
        asked = known if symbol is None else {symbol}
        held = (row for row in wallet.holdings.values() if row.symbol in asked)
        return VenueSnapshot(
            at=asked_at,
            symbols=tuple(sorted(asked)),
            positions=tuple(wallet.position(row) for row in held),
            orders=tuple(r.report() for r in self._orders.values() if r.request.symbol in asked),
            fills=wallet.fills_since(fills_since, asked),
            balance_usd=wallet.balance_usd,
        )

    # --- the market

    def on_price(self, event: PriceMoved) -> None:
        """Judge everything that waits on the symbol against the range of the new price."""
        symbol = event.symbol
        before = self._prices.get(symbol)
        is_late = before is not None and event.since_at < before.at < event.at
        self._prices[symbol] = event
        if self._taken_usd:
            for side in Side:
                self._taken_usd.pop((symbol, side), None)
        watch = self._watches.get(symbol)
        if watch is None or not watch.is_hit(event):
            return
        quote = matching.quote_of(event, is_late=is_late)
        self._settle(symbol, event.at)
        self._fill_resting(quote, event.at, is_reduce_only=False)
        self._fire_stops(quote, event.at)
        self._fill_resting(quote, event.at, is_reduce_only=True)
        self._sweep(symbol, event.at)
        self._rewatch(symbol)

    def on_funding(self, event: FundingRead) -> None:
        """Learn the next settlement; an earlier one that is due is charged first."""
        symbol = event.funding.symbol
        due = self.wallet.due.get(symbol)
        if due is not None and event.funding.next_at > due.next_at:
            if due.next_at <= event.at and symbol not in self._prices:
                return  # Charged with the first price; what comes after that is told again.
            self._settle(symbol, event.at)
        # The rate is the market's and comes again after a restart: it is not worth a write.
        self.wallet.expect(event.funding)
        if symbol in self._instruments:
            self._rewatch(symbol)

    def _settle(self, symbol: Symbol, at: Millis) -> None:
        if symbol in self._prices and self.wallet.is_due(symbol, at):
            mark = Price(Decimal(repr(self._prices[symbol].mark)))
            self._facts += self.wallet.settle(symbol, at, mark)
            self.is_changed = True

    # --- requests

    def place(self, request: OrderRequest, at: Millis) -> PaperOrder | No:
        """Take or refuse a request that arrives at `at`; what can trade at once does."""
        refused = self._refusal(request, at)
        if refused is not None:
            return refused
        self._settle(request.symbol, at)
        venue_id = VenueOrderId(str(self._next_order))
        self._next_order += 1
        order = self._put(PaperOrder(request=request, venue_id=venue_id, updated_at=at))
        if request.kind is not OrderKind.STOP_MARKET:
            order = self._take(order, self._quote(request.symbol), at)
            if order.status is OrderStatus.OPEN and not _may_rest(request):
                self._end(order, OrderStatus.CANCELED, at, reason="nothing left to take")
        self._sweep(request.symbol, at)
        self._rewatch(request.symbol)
        return self._orders.get(_key(request)) or self._ended[_key(request)]

    def cancel(self, order: PaperOrder, at: Millis) -> PaperOrder:
        """End an open order on request."""
        ended = self._end(order, OrderStatus.CANCELED, at, reason="canceled on request")
        self._rewatch(order.request.symbol)
        return ended

    def _refusal(self, request: OrderRequest, at: Millis) -> No | None:
        symbol = request.symbol
        instrument = self._instruments.get(symbol)
        if instrument is None:
            return No(code=rules.UNKNOWN_SYMBOL, reason=f"{symbol} is not listed")
        quote = self._quote(symbol)
        held = reducible_qty(self.wallet.holdings.get(symbol), request.side)
        grows_usd = max(request.qty - held, ZERO) * (request.price or quote.mark)
        return rules.check(
            request,
            instrument,
            quote,
            at=at,
            reducible_qty=held,
            margin_free_usd=self.wallet.margin_free_usd() - self._margin_resting_usd(),
            margin_asked_usd=self.wallet.margin_usd(symbol, grows_usd),
        )

    def _margin_resting_usd(self) -> Decimal:
        rows = (row for row in self._orders.values() if not row.request.is_reduce_only)
        bound = (
            self.wallet.margin_usd(r.request.symbol, r.open_qty * (r.request.price or ZERO))
            for r in rows
        )
        return sum(bound, ZERO)

    # --- trading

    def _take(self, order: PaperOrder, quote: Quote, at: Millis) -> PaperOrder:
        """Trade against the book at once, as far as price, depth and position allow."""
        request = order.request
        line = self._line(quote, request.side, quote.touch(request.side))
        taken = line.take(self._fillable_qty(order), request.price)
        return order if taken is None else self._fill(order, taken, at)

    def _fill_resting(self, quote: Quote, at: Millis, *, is_reduce_only: bool) -> None:
        instrument = self._instruments[quote.symbol]
        for order in self._waiting(quote.symbol, is_trigger=False):
            request = order.request
            limit = request.price
            if limit is None or request.is_reduce_only is not is_reduce_only:
                continue
            seen = quote.seen_from(order.updated_at)
            if not matching.is_through(request.side, limit, seen, instrument.tick_size):
                continue
            qty = matching.resting_qty(instrument, limit, self._fillable_qty(order), quote)
            if qty:
                filled = self._fill(order, Taken(qty=qty, price=limit), at, is_maker=True)
                self._tell(filled, at)

    def _fire_stops(self, quote: Quote, at: Millis) -> None:
        """Fire what the range reached, in the order in which the price met it."""
        for side in Side:
            fired = [
                (matching.stop_price(side, trigger, seen), order)
                for order in self._waiting(quote.symbol, is_trigger=True)
                if order.request.side is side
                and (trigger := order.request.trigger_price) is not None
                and (seen := quote.seen_from(order.updated_at))
                and matching.is_triggered(side, trigger, low=seen.low, high=seen.high)
            ]
            fired.sort(key=lambda row: row[0] * row[1].request.side.sign)
            for mark, order in fired:
                self._liquidate(quote, at, stop_mark=mark)
                self._fire(order, mark, quote, at)
        self._liquidate(quote, at, stop_mark=None)

    def _fire(self, order: PaperOrder, mark: Decimal, quote: Quote, at: Millis) -> None:
        request = order.request
        qty = self._fillable_qty(order)
        if not qty:
            reason = f"{rules.REDUCE_ONLY}: no position that a {request.side} would reduce"
            self._tell(self._end(order, OrderStatus.REJECTED, at, reason=reason), at)
            return
        line = self._line(quote, request.side, matching.touch_at(request.side, mark, quote))
        taken = line.take(qty)
        if taken is not None:
            order = self._fill(order, taken, at)
        if order.status is OrderStatus.OPEN:
            order = self._end(order, OrderStatus.CANCELED, at, reason="the position was smaller")
        self._tell(order, at)

    def _liquidate(self, quote: Quote, at: Millis, *, stop_mark: Decimal | None) -> None:
        """Close a position whose margin is used up, unless the price met a stop before."""
        row = self.wallet.holdings.get(quote.symbol)
        limit = None if row is None else self.wallet.liquidation_price(row)
        if row is None or limit is None:
            return
        side = row.position_side.exit_side
        if not matching.is_triggered(side, limit, low=quote.low, high=quote.high):
            return
        if stop_mark is not None and (limit - stop_mark) * side.sign > 0:
            return
        taken = self.wallet.bankruptcy(row)
        fill = self.wallet.fill(None, symbol=quote.symbol, side=side, taken=taken, at=at)
        self._facts.append(OrderFilled(at=at, fill=fill))
        self.is_changed = True

    # --- books

    def _quote(self, symbol: Symbol) -> Quote:
        return matching.quote_of(self._prices[symbol])

    def _line(self, quote: Quote, side: Side, touch: Decimal) -> Line:
        return Line(
            instrument=self._instruments[quote.symbol],
            side=side,
            touch=touch,
            slope=matching.slope_of(quote.depth_usd, self._impact),
            taken_usd=self._taken_usd.get((quote.symbol, side), ZERO),
        )

    def _waiting(self, symbol: Symbol, *, is_trigger: bool) -> list[PaperOrder]:
        return [
            row
            for key, row in self._orders.items()
            if key[0] is is_trigger and row.request.symbol == symbol
        ]

    def _fillable_qty(self, order: PaperOrder) -> Qty:
        """What is left of an order; a reduce-only one ends where the position ends."""
        request = order.request
        if not request.is_reduce_only:
            return order.open_qty
        held = reducible_qty(self.wallet.holdings.get(request.symbol), request.side)
        return Qty(min(order.open_qty, held))

    def _fill(
        self, order: PaperOrder, taken: Taken, at: Millis, *, is_maker: bool = False
    ) -> PaperOrder:
        symbol, side = order.request.symbol, order.request.side
        usd = taken.qty * taken.price
        fill = self.wallet.fill(
            order, symbol=symbol, side=side, taken=taken, at=at, is_maker=is_maker
        )
        self._facts.append(OrderFilled(at=at, fill=fill))
        if not is_maker:
            self._taken_usd[symbol, side] = self._taken_usd.get((symbol, side), ZERO) + usd
        grown = msgspec.structs.replace(
            order,
            filled_qty=Qty(order.filled_qty + taken.qty),
            filled_usd=Usd(order.filled_usd + usd),
            updated_at=at,
        )
        return self._put(grown) if grown.open_qty else self._end(grown, OrderStatus.FILLED, at)

    def _put(self, order: PaperOrder) -> PaperOrder:
        self._orders[_key(order.request)] = order
        self.is_changed = True
        return order

    def _end(
        self, order: PaperOrder, status: OrderStatus, at: Millis, *, reason: str = ""
    ) -> PaperOrder:
        key = _key(order.request)
        ended = msgspec.structs.replace(order, status=status, updated_at=at, reason=reason)
        self._orders.pop(key, None)
        self._ended.pop(key, None)  # A name may come again: the newest is last, and is meant.
        self._ended[key] = ended
        self.is_changed = True
        return ended

    def _tell(self, order: PaperOrder, at: Millis) -> None:
        self._facts.append(OrderUpdated(at=at, report=order.report()))

    def _sweep(self, symbol: Symbol, at: Millis) -> None:
        """Without a position, resting reduce-only orders end; stops wait on as orphans."""
        if symbol in self.wallet.holdings:
            return
        for order in self._waiting(symbol, is_trigger=False):
            if order.request.is_reduce_only:
                self._tell(self._end(order, OrderStatus.CANCELED, at, reason="position gone"), at)

    def _rewatch(self, symbol: Symbol) -> None:
        held = self.wallet.holdings.get(symbol)
        limit = None if held is None else self.wallet.liquidation_price(held)
        due = self.wallet.due.get(symbol)
        self._watches[symbol] = watch_of(
            _requests(self._orders.values(), symbol),
            liquidation=None if held is None or limit is None else (held.position_side, limit),
            funding_at=None if held is None or due is None else due.next_at,
        )


def _key(request: OrderRequest) -> OrderKey:
    return (request.kind is OrderKind.STOP_MARKET, request.client_id)


def _requests(rows: Iterable[PaperOrder], symbol: Symbol) -> Iterable[OrderRequest]:
    return (row.request for row in rows if row.request.symbol == symbol)


def _may_rest(request: OrderRequest) -> bool:
    return request.kind is OrderKind.LIMIT and request.time_in_force is not TimeInForce.IOC
