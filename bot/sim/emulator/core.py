"""An emulated exchange: books, matching, triggers, margin, funding and liquidation in memory.

Synchronous, without clock, chance or I/O: time comes with each call. It knows no exchange's words;
the dialects beside it do. Positions are one-way: in hedge mode it refuses every order.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from bot.model.events import Event, FundingRead, PriceMoved
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.order import OrderKind
from bot.model.primitives import Millis, Side, Symbol
from bot.ports import History
from bot.sim.emulator import rules
from bot.sim.emulator.book import Book
from bot.sim.emulator.ledger import Ledger
from bot.sim.emulator.state import (
    Happening,
    Holding,
    Income,
    NewOrder,
    Order,
    Origin,
    Status,
    Trade,
    Why,
)
from bot.sim.emulator.tape import Tape
from bot.sim.emulator.trading import Desk

NO_HISTORY: Mapping[Symbol, History] = {}


class _Refusal(NamedTuple):
    why: Why
    conditional: bool | None
    """Which kind of orders it is for; None: both."""


class Emulator:
    """One exchange with one account, changed by one caller at a time."""

    def __init__(
        self,
        instruments: dict[Symbol, Instrument],
        *,
        balance_usd: Decimal = Decimal(10_000),
        history: Mapping[Symbol, History] = NO_HISTORY,
    ) -> None:
        tape = Tape()
        tape.load(history)
        self.desk = Desk(Book(), Ledger(dict(instruments), balance_usd), tape)
        self.is_hedge = False
        self.account_margin_mode = "cross"
        """Where margin mode is one setting of the whole account."""
        self.is_reduce_only_mode = False
        """The account may only reduce (Binance -4400)."""
        self._refusals: list[_Refusal] = []

    def fork(self) -> "Emulator":
        """An independent copy: tables are copied, rows are shared."""
        twin = Emulator({})
        twin.__dict__.update(self.__dict__)
        twin.desk = self.desk.copy()
        twin._refusals = list(self._refusals)
        return twin

    # --- reading

    @property
    def version(self) -> int:
        """Rises with every change of orders, trades, holdings or settings."""
        return self.desk.book.version

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """What is listed; a row may be replaced by another grid."""
        return self.desk.ledger.instruments

    @property
    def balance_usd(self) -> Decimal:
        """The wallet: deposits, realized profit, fees and funding."""
        return self.desk.ledger.balance_usd

    @balance_usd.setter
    def balance_usd(self, usd: Decimal) -> None:
        self.desk.ledger.balance_usd = usd
        self.desk.book.version += 1

    @property
    def holdings(self) -> dict[Symbol, Holding]:
        """Open positions."""
        return self.desk.ledger.holdings

    @property
    def orders(self) -> dict[int, Order]:
        """Every order ever taken, by id, both kinds."""
        return self.desk.book.orders

    @property
    def trades(self) -> list[Trade]:
        """Every trade, oldest first."""
        return self.desk.ledger.trades

    @property
    def incomes(self) -> list[Income]:
        """Every change of the wallet, oldest first."""
        return self.desk.ledger.incomes

    @property
    def prices(self) -> dict[Symbol, PriceMoved]:
        """The newest prices."""
        return self.desk.tape.prices

    @property
    def fundings(self) -> dict[Symbol, Funding]:
        """The next settlement of each symbol."""
        return self.desk.tape.fundings

    @property
    def open_interest(self) -> dict[Symbol, list[tuple[Millis, float]]]:
        """(known at, base coins), ascending."""
        return self.desk.tape.open_interest

    @property
    def candles(self) -> dict[Symbol, list[Candle]]:
        """Closed bars as they came, ascending; `tape.bars` joins them to other timeframes."""
        return self.desk.tape.candles

    @property
    def tape(self) -> Tape:
        """All that is known of the markets."""
        return self.desk.tape

    @property
    def leverages(self) -> dict[Symbol, int]:
        """The setting of each symbol."""
        return self.desk.ledger.leverages

    @property
    def margin_modes(self) -> dict[Symbol, str]:
        """By symbol: isolated | cross."""
        return self.desk.ledger.margin_modes

    @property
    def shows_after_ms(self) -> int:
        """A new order is neither found nor listed before."""
        return self.desk.book.shows_after_ms

    @shows_after_ms.setter
    def shows_after_ms(self, span_ms: int) -> None:
        self.desk.book.shows_after_ms = span_ms

    @property
    def partial_usd(self) -> Decimal | None:
        """The most quote value that an order finds at a time; None: as the depth allows."""
        return self.desk.partial_usd

    @partial_usd.setter
    def partial_usd(self, usd: Decimal | None) -> None:
        self.desk.partial_usd = usd

    def find(
        self, *, client_id: str = "", order_id: int = 0, conditional: bool, at: Millis
    ) -> Order | None:
        """The order of that id, or the newest of that name; None also where not yet shown."""
        return self.desk.book.find(
            client_id=client_id, order_id=order_id, conditional=conditional, at=at
        )

    def open_orders(
        self, symbol: Symbol | None, *, conditional: bool | None, at: Millis
    ) -> list[Order]:
        """Open orders that queries show, oldest first; None: of all symbols, of both kinds."""
        book = self.desk.book
        rows = book.working(symbol, conditional=conditional)
        return [row for row in rows if book.is_shown(row, at)]

    def margin_used(self, symbol: Symbol) -> Decimal:
        """What the position on a symbol binds."""
        return self.desk.ledger.margin_used(symbol)

    def available_usd(self) -> Decimal:
        """What new positions may bind."""
        return self.desk.available_usd()

    def liquidation_price(self, symbol: Symbol) -> Decimal | None:
        """Where the position would be closed; None: nowhere, or none is held."""
        return self.desk.ledger.liquidation_price(symbol)

    def unrealized_usd(self, symbol: Symbol) -> Decimal:
        """What the position would realize at the mark."""
        held = self.holdings.get(symbol)
        if held is None or symbol not in self.prices:
            return Decimal(0)
        return (self.desk.quote(symbol).mark - held.entry_price) * held.qty

    def take_happenings(self) -> list[Happening]:
        """What user streams have to tell since the last call."""
        book = self.desk.book
        happenings, book.happenings = book.happenings, []
        return happenings

    # --- the market

    def on_market(self, event: Event) -> None:
        """Learn of prices, bars, open interest, funding or a halt; what waits on them happens."""
        match event:
            case PriceMoved(symbol=symbol, at=at):
                self.desk.settle(symbol, at)
                self.tape.on_market(event)
                if symbol in self.instruments:
                    self.desk.settle(symbol, at)
                    self.desk.on_price(symbol, at)
            case FundingRead(funding=funding, at=at):
                # What is due by the rate known so far is not lost to the next one.
                self.desk.settle(funding.symbol, at)
                self.tape.on_market(event)
            case _:
                self.tape.on_market(event)

    # --- requests

    def refuse_next(self, why: Why, *, conditional: bool | None = None, times: int = 1) -> None:
        """Refuse the next orders asked for, of one kind or of both."""
        self._refusals += [_Refusal(why, conditional)] * times

    def refuse_next_trigger(self, why: Why, *, times: int = 1) -> None:
        """Refuse the next conditional orders in the moment in which they fire."""
        self.desk.refused_triggers += [why] * times

    def place(self, asked: NewOrder, at: Millis) -> Order | Why:
        """Take or refuse an order; what can trade at once has when this returns."""
        why = self._refused(asked) or self._refusal(asked)
        if why is not None:
            return why
        self.desk.settle(asked.symbol, at)
        return self.desk.enter(asked, at)

    def cancel(self, order: Order, at: Millis) -> Order:
        """End an open order; one that has ended stays as it is. Gives it as it is now."""
        current = self.orders[order.id]
        if not current.is_working:
            return current
        return self.desk.book.end(current, at, Status.CANCELED)

    def set_leverage(self, symbol: Symbol, leverage: int, at: Millis) -> Why | None:
        """Set how much margin positions bind on a symbol."""
        if not 1 <= leverage <= self.instruments[symbol].leverage_max:
            return Why.LEVERAGE_TOO_HIGH
        is_isolated = self.margin_modes[symbol] == "isolated"
        if is_isolated and symbol in self.holdings and leverage < self.leverages[symbol]:
            return Why.LEVERAGE_CUT
        self.leverages[symbol] = leverage
        self.desk.tell_holding(symbol, at, "settings")
        return None

    def set_margin_mode(self, symbol: Symbol, mode: str, at: Millis) -> Why | None:
        """Set isolated | cross, while nothing is held or open on the symbol."""
        if symbol in self.holdings:
            return Why.HAS_POSITION
        if self.desk.book.working(symbol, conditional=None):
            return Why.HAS_ORDERS
        self.margin_modes[symbol] = mode
        self.desk.tell_holding(symbol, at, "settings")
        return None

    def set_hedge(self, *, is_hedge: bool) -> Why | None:
        """One-way or hedge mode for the account, while nothing is held or open."""
        if self.holdings:
            return Why.HAS_POSITION
        if self.desk.book.working(None, conditional=None):
            return Why.HAS_ORDERS
        self.is_hedge = is_hedge
        self.desk.book.version += 1
        return None

    # --- others than the client

    def trade_by_hand(
        self,
        symbol: Symbol,
        side: Side,
        qty: Decimal,
        at: Millis,
        *,
        origin: Origin = Origin.MANUAL,
    ) -> None:
        """Trade at the best price, as the account's owner or the exchange itself may."""
        self.desk.settle(symbol, at)
        price = self.desk.quote(symbol).touch(side)
        self.desk.force(symbol, side, qty, price, at, origin=origin)

    def cancel_by_hand(self, client_id: str, at: Millis) -> None:
        """Cancel open orders of that name, of both kinds."""
        for order in self.desk.book.working(None, conditional=None):
            if order.client_id == client_id:
                self.cancel(order, at)

    # --- refusals

    def _refused(self, asked: NewOrder) -> Why | None:
        is_conditional = asked.kind is OrderKind.STOP_MARKET
        for number, row in enumerate(self._refusals):
            if row.conditional in {None, is_conditional}:
                del self._refusals[number]
                return row.why
        return None

    def _refusal(self, asked: NewOrder) -> Why | None:
        symbol = asked.symbol
        if symbol not in self.instruments:
            return Why.UNKNOWN_SYMBOL
        if symbol in self.tape.halted or symbol not in self.prices:
            return Why.HALTED
        if self.is_hedge or asked.is_hedged:
            return Why.WRONG_POSITION_SIDE
        quote, last = self.desk.quote(symbol), self.desk.last(symbol)
        return (
            rules.refusal(asked, self.instruments[symbol], quote, last)
            or self._refusal_of_name(asked)
            or self._refusal_of_means(asked)
        )

    def _refusal_of_name(self, asked: NewOrder) -> Why | None:
        book = self.desk.book
        is_conditional = asked.kind is OrderKind.STOP_MARKET
        if asked.client_id and book.is_named(asked.client_id, conditional=is_conditional):
            return Why.DUPLICATE_ID
        if not is_conditional:
            return None
        waiting = book.working(None, conditional=True)
        if len(waiting) >= rules.CONDITIONALS_MAX:
            return Why.TOO_MANY_STOPS
        is_taken = asked.closes_position and any(
            row.asked.closes_position
            and row.asked.symbol == asked.symbol
            and row.asked.side is asked.side
            and row.asked.is_take_profit is asked.is_take_profit
            for row in waiting
        )
        return Why.CLOSE_EXISTS if is_taken else None

    def _refusal_of_means(self, asked: NewOrder) -> Why | None:
        reduces = asked.is_reduce_only or asked.closes_position
        if self.is_reduce_only_mode and not reduces:
            return Why.REDUCE_ONLY_MODE
        if asked.kind is OrderKind.STOP_MARKET:
            return None  # Position and margin are looked at when it fires.
        if reduces:
            has_some = self.desk.ledger.reducible_qty(asked.symbol, asked.side)
            return None if has_some else Why.NOTHING_TO_REDUCE
        return self.desk.margin_refusal(asked)
