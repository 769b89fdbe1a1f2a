"""What becomes of orders at the emulated exchange: taking, resting, firing, sweeping, liquidation.

Within one range of prices the order is the unkind one: resting entries fill, then conditional
orders and the liquidation in the order in which the price meets them, then what takes profit.
"""

from decimal import Decimal

from bot.model.instrument import Instrument
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import ZERO, Millis, Side, Symbol
from bot.sim.emulator import rules
from bot.sim.emulator.book import Book
from bot.sim.emulator.ledger import Ledger
from bot.sim.emulator.state import HoldingChanged, NewOrder, Order, Origin, Status, Why
from bot.sim.emulator.tape import Tape
from bot.venue import matching
from bot.venue.matching import Line, Quote, Taken

IMPACT = Decimal(1)
"""The depth is used up this many tens of basis points away."""


class Desk:
    """Lets orders meet prices; changes book and ledger, and asks nobody."""

    def __init__(self, book: Book, ledger: Ledger, tape: Tape) -> None:
        self.book = book
        self.ledger = ledger
        self.tape = tape
        self.partial_usd: Decimal | None = None
        self.refused_triggers: list[Why] = []
        """The next conditional orders that fire are refused for these reasons."""
        self._taken_usd: dict[tuple[Symbol, Side], Decimal] = {}

    def copy(self) -> "Desk":
        """An independent copy, with copies of everything that it changes."""
        twin = Desk(self.book.copy(), self.ledger.copy(), self.tape.copy())
        twin.partial_usd = self.partial_usd
        twin.refused_triggers = list(self.refused_triggers)
        twin._taken_usd = dict(self._taken_usd)
        return twin

    # --- the market moves

    def on_price(self, symbol: Symbol, at: Millis) -> None:
        """Judge everything that waits on the symbol against the newest range."""
        if self._taken_usd:
            for side in Side:
                self._taken_usd.pop((symbol, side), None)
        if not self.book.working(symbol, conditional=None) and symbol not in self.ledger.holdings:
            return
        quote = self.quote(symbol)
        self._fill_resting(quote, at, is_reduce_only=False)
        self._fire_reached(quote, at)
        self._fill_resting(quote, at, is_reduce_only=True)
        self.sweep(symbol, at)

    def settle(self, symbol: Symbol, at: Millis) -> None:
        """Settle funding that is due."""
        while (due := self.tape.take_due_funding(symbol, at)) is not None:
            mark = Decimal(repr(due.mark))
            if self.ledger.settle(symbol, rate=due.rate, mark=mark, at=due.at):
                self.tell_holding(symbol, at, "funding")

    def quote(self, symbol: Symbol) -> Quote:
        """The newest prices, exact."""
        return matching.quote_of(self.tape.prices[symbol])

    def last(self, symbol: Symbol) -> Decimal:
        """The last price, exact."""
        return Decimal(repr(self.tape.prices[symbol].last))

    # --- one order

    def enter(self, asked: NewOrder, at: Millis, *, parent_id: int | None = None) -> Order:
        """Take an order that nothing speaks against; what can trade at once does."""
        symbol = asked.symbol
        order = self.book.add(asked, at, parent_id=parent_id)
        if not order.is_conditional:
            quote = self.quote(symbol)
            self._take(order, quote, quote.touch(asked.side), at)
            self.sweep(symbol, at)
        return self.book.orders[order.id]

    def tell_holding(self, symbol: Symbol, at: Millis, reason: str = "order") -> None:
        """Tell the position and the wallet as they are."""
        happening = HoldingChanged(
            at=at,
            symbol=symbol,
            holding=self.ledger.holdings.get(symbol),
            balance_usd=self.ledger.balance_usd,
            reason=reason,
        )
        self.book.tell_account(happening)

    def fillable_qty(self, order: Order) -> Decimal:
        """What is left of an order; a reduce-only one ends where the position ends."""
        asked = order.asked
        if not asked.is_reduce_only:
            return order.open_qty
        return min(order.open_qty, self.ledger.reducible_qty(asked.symbol, asked.side))

    def _take(self, order: Order, quote: Quote, touch: Decimal, at: Millis) -> None:
        """Trade against the book at once; what may not rest expires."""
        asked = order.asked
        instrument = self._instrument(asked.symbol)
        bound = rules.price_bound(instrument, asked.side, quote.mark)
        # Whoever comes behind a gap still trades: the bound is for those that would walk to it.
        bound = max(bound, touch) if asked.side is Side.BUY else min(bound, touch)
        line = Line(
            instrument=instrument,
            side=asked.side,
            touch=touch,
            slope=matching.slope_of(quote.depth_usd, IMPACT),
            taken_usd=self._taken_usd.get((asked.symbol, asked.side), ZERO),
        )
        found = self._found_qty(self.fillable_qty(order), touch, instrument)
        taken = line.take(found, bound if asked.price is None else asked.price)
        if taken is not None:
            key = (asked.symbol, asked.side)
            self._taken_usd[key] = self._taken_usd.get(key, ZERO) + taken.qty * taken.price
            order = self._fill(order, taken, at, is_maker=False)
        may_rest = asked.kind is OrderKind.LIMIT and asked.time_in_force is not TimeInForce.IOC
        if order.is_working and not may_rest:
            self._expire(order, at)

    def _found_qty(self, qty: Decimal, price: Decimal, instrument: Instrument) -> Decimal:
        if self.partial_usd is None:
            return qty
        return min(qty, max(instrument.qty_down(self.partial_usd / price), instrument.lot_size))

    def _fill(self, order: Order, taken: Taken, at: Millis, *, is_maker: bool) -> Order:
        qty, price = taken.qty, taken.price
        trade = self.ledger.book(order, qty=qty, price=price, at=at, is_maker=is_maker)
        is_first = not order.filled_qty
        filled_qty = order.filled_qty + qty
        is_whole = filled_qty >= order.asked.qty
        order = self.book.change(
            order,
            at,
            filled_qty=filled_qty,
            filled_usd=order.filled_usd + qty * price,
            status=Status.FILLED if is_whole else Status.PARTIALLY_FILLED,
        )
        self.tell_holding(order.asked.symbol, at)
        self.book.tell(order, at, trade)
        if is_first and order.asked.stop_loss is not None:
            self._attach(order.asked, order.asked.stop_loss, at)
        return order

    def _expire(self, order: Order, at: Millis) -> Order:
        is_bereft = order.asked.is_reduce_only and not self.fillable_qty(order)
        why = Why.NOTHING_TO_REDUCE if is_bereft else None
        return self.book.end(order, at, Status.EXPIRED, why=why)

    # --- resting orders

    def _fill_resting(self, quote: Quote, at: Millis, *, is_reduce_only: bool) -> None:
        instrument = self._instrument(quote.symbol)
        for order in self.book.working(quote.symbol, conditional=False):
            asked = order.asked
            limit = asked.price
            if limit is None or asked.is_reduce_only is not is_reduce_only:
                continue
            is_met = matching.is_through(
                asked.side, limit, quote, instrument.tick_size
            ) or matching.would_take(asked.side, limit, quote)
            if not is_met:
                continue
            found = self._found_qty(self.fillable_qty(order), limit, instrument)
            qty = matching.resting_qty(instrument, limit, found, quote)
            if qty:
                taken = Taken(qty=qty, price=instrument.price_down(limit))
                self._fill(order, taken, at, is_maker=True)

    # --- conditional orders

    def _fire_reached(self, quote: Quote, at: Millis) -> None:
        """Fire what the range reached, in the order in which the price met it."""
        last = self.last(quote.symbol)
        for watched in Side:
            fired = []
            for order in self.book.working(quote.symbol, conditional=True):
                asked = order.asked
                low, high = (quote.low, quote.high) if asked.is_by_mark else (last, last)
                if rules.is_above(asked) is (watched is Side.BUY) and rules.is_fired(
                    asked, low=low, high=high
                ):
                    assert asked.trigger_price is not None
                    mark = matching.stop_price(watched, asked.trigger_price, quote)
                    fired.append((mark * watched.sign, order.id))
            for signed_mark, number in sorted(fired):
                self._liquidate(quote, at, stop_mark=signed_mark * watched.sign)
                self._fire(number, signed_mark * watched.sign, quote, at)
        self._liquidate(quote, at, stop_mark=None)

    def _fire(self, number: int, mark: Decimal, quote: Quote, at: Millis) -> None:
        order = self.book.orders[number]
        if not order.is_working:
            return  # An attached stop that went with its position, a moment ago.
        asked = order.asked
        held = self.ledger.reducible_qty(asked.symbol, asked.side)
        qty = held if asked.closes_position else asked.qty
        why = self._refusal_at_trigger(asked, qty)
        if why is not None:
            self.book.end(order, at, Status.REJECTED, why=why, triggered_at=at)
            return
        child = NewOrder(
            symbol=asked.symbol,
            side=asked.side,
            kind=OrderKind.MARKET if asked.price is None else OrderKind.LIMIT,
            qty=qty,
            price=asked.price,
            time_in_force=asked.time_in_force,
            is_reduce_only=asked.is_reduce_only or asked.closes_position,
            origin=Origin.TRIGGER,
        )
        sent = self.book.add(child, at, parent_id=number)
        self.book.end(order, at, Status.TRIGGERED, child_id=sent.id, triggered_at=at)
        self._take(sent, quote, matching.touch_at(asked.side, mark, quote), at)
        self.sweep(asked.symbol, at)

    def _refusal_at_trigger(self, asked: NewOrder, qty: Decimal) -> Why | None:
        if self.refused_triggers:
            return self.refused_triggers.pop(0)
        if not qty:
            return Why.NOTHING_TO_REDUCE
        if asked.is_reduce_only or asked.closes_position:
            return None
        return self.margin_refusal(asked)

    def _attach(self, entry: NewOrder, trigger: Decimal, at: Millis) -> None:
        """Put the stop that came with an entry; it replaces the one that was there."""
        for row in self._attached(entry.symbol):
            self.book.end(row, at, Status.CANCELED)
        held = self.ledger.reducible_qty(entry.symbol, entry.side.opposite)
        if not held:
            return
        stop = NewOrder(
            symbol=entry.symbol,
            side=entry.side.opposite,
            kind=OrderKind.STOP_MARKET,
            qty=held,
            trigger_price=trigger,
            is_by_mark=entry.is_by_mark,
            is_reduce_only=True,
            closes_position=True,
            origin=Origin.ATTACHED,
        )
        self.book.add(stop, at)

    def _attached(self, symbol: Symbol) -> list[Order]:
        rows = self.book.working(symbol, conditional=True)
        return [row for row in rows if row.asked.origin is Origin.ATTACHED]

    # --- the account

    def margin_refusal(self, asked: NewOrder) -> Why | None:
        """Whether what an order would add can be margined."""
        symbol = asked.symbol
        grows = max(asked.qty - self.ledger.reducible_qty(symbol, asked.side), ZERO)
        price = asked.price or self.quote(symbol).touch(asked.side)
        bound = self.ledger.initial_margin(symbol, grows * price) if grows else ZERO
        return Why.NO_MARGIN if bound > self.available_usd() and grows else None

    def available_usd(self) -> Decimal:
        """Wallet less what positions and resting entries bind; unrealized gains count nothing."""
        resting = ZERO
        for row in self.book.working(None, conditional=False):
            asked = row.asked
            if not asked.is_reduce_only and asked.price is not None:
                notional = row.open_qty * asked.price
                resting += self.ledger.initial_margin(asked.symbol, notional)
        return self.ledger.balance_usd - self.ledger.margins_used() - resting

    def sweep(self, symbol: Symbol, at: Millis) -> None:
        """End what has lost its position; attached stops go with it, or follow its size."""
        for order in self.book.working(symbol, conditional=None):
            asked = order.asked
            if not asked.is_reduce_only:
                continue
            held = self.ledger.reducible_qty(symbol, asked.side)
            if asked.origin is Origin.ATTACHED:
                if not held:
                    self.book.end(order, at, Status.CANCELED, why=Why.NOTHING_TO_REDUCE)
                elif held != asked.qty:
                    self.book.change(order, at, asked=_resized(asked, held))
            elif not held and not order.is_conditional:
                self._expire(order, at)

    def _liquidate(self, quote: Quote, at: Millis, *, stop_mark: Decimal | None) -> None:
        """Close a position whose margin is used up, unless the price met a stop before."""
        symbol = quote.symbol
        limit = self.ledger.liquidation_price(symbol)
        if limit is None:
            return
        held = self.ledger.holdings[symbol]
        side = Side.SELL if held.qty > 0 else Side.BUY
        if not matching.is_triggered(side, limit, low=quote.low, high=quote.high):
            return
        if stop_mark is not None and (limit - stop_mark) * side.sign > 0:
            return
        price = self.ledger.bankruptcy_price(symbol)
        for row in self.book.working(symbol, conditional=False):
            self.book.end(row, at, Status.CANCELED)
        self.force(symbol, side, abs(held.qty), price, at, origin=Origin.LIQUIDATION)

    def force(
        self,
        symbol: Symbol,
        side: Side,
        qty: Decimal,
        price: Decimal,
        at: Millis,
        *,
        origin: Origin,
    ) -> Order:
        """Book a trade that no client of the interface has asked for."""
        asked = NewOrder(symbol=symbol, side=side, kind=OrderKind.MARKET, qty=qty, origin=origin)
        instrument = self._instrument(symbol)
        taken = Taken(qty=instrument.qty_down(qty), price=instrument.price_down(price))
        order = self._fill(self.book.add(asked, at), taken, at, is_maker=False)
        self.sweep(symbol, at)
        return order

    def _instrument(self, symbol: Symbol) -> Instrument:
        return self.ledger.instruments[symbol]


def _resized(asked: NewOrder, qty: Decimal) -> NewOrder:
    return NewOrder(
        symbol=asked.symbol,
        client_id=asked.client_id,
        side=asked.side,
        kind=asked.kind,
        qty=qty,
        trigger_price=asked.trigger_price,
        is_by_mark=asked.is_by_mark,
        is_reduce_only=True,
        closes_position=True,
        origin=asked.origin,
    )
