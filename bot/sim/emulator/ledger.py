"""The account at the exchange: wallet, positions, margin, trades and funding; no orders."""

from decimal import Decimal

from bot.model.instrument import Instrument
from bot.model.primitives import ZERO, Millis, PositionSide, Side, Symbol
from bot.sim.emulator.state import Holding, Income, Order, Trade
from bot.venue import matching

BPS = Decimal("0.0001")
CENT = Decimal("0.00000001")
"""Exchanges book amounts to eight digits: sums of what they tell are exact."""
LEVERAGE_DEFAULT = 20
FIRST_TRADE_ID = 500_001
"""Every symbol counts its trades from here: an id alone names no trade."""


class Ledger:
    """Money by symbol; rows are frozen, `copy` shares them."""

    def __init__(self, instruments: dict[Symbol, Instrument], balance_usd: Decimal) -> None:
        self.instruments = instruments
        self.balance_usd = balance_usd
        self.holdings: dict[Symbol, Holding] = {}
        self.trades: list[Trade] = []
        self.incomes: list[Income] = []
        self.leverages = dict.fromkeys(instruments, LEVERAGE_DEFAULT)
        self.margin_modes = dict.fromkeys(instruments, "cross")
        self._next_trade: dict[Symbol, int] = {}

    def copy(self) -> "Ledger":
        """An independent copy."""
        twin = Ledger(dict(self.instruments), self.balance_usd)
        twin.holdings = dict(self.holdings)
        twin.trades = list(self.trades)
        twin.incomes = list(self.incomes)
        twin.leverages = dict(self.leverages)
        twin.margin_modes = dict(self.margin_modes)
        twin._next_trade = dict(self._next_trade)
        return twin

    # --- what trades do

    def book(
        self, order: Order, *, qty: Decimal, price: Decimal, at: Millis, is_maker: bool
    ) -> Trade:
        """Fold a trade into position and wallet; fees are paid from the wallet."""
        symbol, side = order.asked.symbol, order.asked.side
        instrument = self.instruments[symbol]
        rate_bps = instrument.maker_fee_bps if is_maker else instrument.taker_fee_bps
        realized_usd = self._fold(symbol, side.sign * qty, price, at)
        number = self._next_trade.get(symbol, FIRST_TRADE_ID)
        self._next_trade[symbol] = number + 1
        trade = Trade(
            id=number,
            order_id=order.id,
            client_id=order.client_id,
            symbol=symbol,
            side=side,
            qty=qty,
            price=price,
            fee_usd=(qty * price * rate_bps * BPS).quantize(CENT),
            realized_usd=realized_usd,
            is_maker=is_maker,
            at=at,
            origin=order.asked.origin,
        )
        self.trades.append(trade)
        if realized_usd:
            self._earn(symbol, "realized", realized_usd, at, number)
        self._earn(symbol, "commission", -trade.fee_usd, at, number)
        return trade

    def _fold(self, symbol: Symbol, signed: Decimal, price: Decimal, at: Millis) -> Decimal:
        """Open, add, reduce, close or flip; gives what it realized before fees."""
        held = self.holdings.get(symbol)
        before = ZERO if held is None else held.qty
        entry = price if held is None else held.entry_price
        after = before + signed
        realized = ZERO
        if before * signed >= 0:
            entry = (entry * before + price * signed) / after
        else:
            closed = min(abs(before), abs(signed))
            realized = (price - entry) * closed * (1 if before > 0 else -1)
            if abs(signed) > abs(before):
                entry = price
        if after:
            row = Holding(symbol=symbol, qty=after, entry_price=entry, updated_at=at)
            self.holdings[symbol] = row
        else:
            del self.holdings[symbol]
        return realized.quantize(CENT)

    def settle(self, symbol: Symbol, *, rate: float, mark: Decimal, at: Millis) -> bool:
        """Pay or receive funding on what is held; False where nothing is."""
        held = self.holdings.get(symbol)
        if held is None:
            return False
        usd = (-held.qty * mark * Decimal(repr(rate))).quantize(CENT)
        self._earn(symbol, "funding", usd, at, None)
        return True

    def _earn(
        self, symbol: Symbol, kind: str, usd: Decimal, at: Millis, trade_id: int | None
    ) -> None:
        self.balance_usd += usd
        number = len(self.incomes) + 1
        row = Income(id=number, symbol=symbol, kind=kind, usd=usd, at=at, trade_id=trade_id)
        self.incomes.append(row)

    # --- margin

    def reducible_qty(self, symbol: Symbol, side: Side) -> Decimal:
        """How much an order of that side may reduce."""
        held = self.holdings.get(symbol)
        if held is None or held.qty * side.sign > 0:
            return ZERO
        return abs(held.qty)

    def leverage_at(self, symbol: Symbol, notional_usd: Decimal) -> Decimal:
        """The leverage that holds for a notional: the setting, or what its bracket allows."""
        setting = Decimal(self.leverages[symbol])
        return matching.leverage_at(self.instruments[symbol], notional_usd, setting)

    def initial_margin(self, symbol: Symbol, notional_usd: Decimal) -> Decimal:
        """What must be put down for a notional."""
        return notional_usd / self.leverage_at(symbol, notional_usd)

    def margin_used(self, symbol: Symbol) -> Decimal:
        """What the position on a symbol binds."""
        held = self.holdings.get(symbol)
        if held is None:
            return ZERO
        return self.initial_margin(symbol, abs(held.qty) * held.entry_price)

    def margins_used(self) -> Decimal:
        """What all positions bind."""
        return sum((self.margin_used(symbol) for symbol in self.holdings), ZERO)

    def liquidation_price(self, symbol: Symbol) -> Decimal | None:
        """Where the position would be closed; with cross margin the whole wallet stands behind."""
        held = self.holdings.get(symbol)
        if held is None:
            return None
        return matching.liquidation_price(
            self.instruments[symbol],
            _side_of(held),
            entry=held.entry_price,
            qty=abs(held.qty),
            leverage=self._leverage_behind(held),
        )

    def bankruptcy_price(self, symbol: Symbol) -> Decimal:
        """Where the margin behind a position is lost: what a liquidation books."""
        held = self.holdings[symbol]
        notional = abs(held.qty) * held.entry_price
        leverage = min(self._leverage_behind(held), self.leverage_at(symbol, notional))
        if self.margin_modes[symbol] == "cross":
            leverage = self._leverage_behind(held)
        raw = matching.bankruptcy_price(_side_of(held), held.entry_price, leverage)
        instrument = self.instruments[symbol]
        side = _side_of(held).exit_side
        return max(instrument.price_aggressive(raw, side), instrument.tick_size)

    def _leverage_behind(self, held: Holding) -> Decimal:
        """Notional over what can be lost on it."""
        if self.margin_modes[held.symbol] == "isolated":
            return Decimal(self.leverages[held.symbol])
        others = self.margins_used() - self.margin_used(held.symbol)
        behind = max(self.balance_usd - others, Decimal("0.01"))
        return abs(held.qty) * held.entry_price / behind


def _side_of(held: Holding) -> PositionSide:
    return PositionSide.LONG if held.qty > 0 else PositionSide.SHORT
