"""The contract's grid and limits, and the only place where anything is rounded."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from bot.model.primitives import ZERO, PositionSide, Price, Qty, Side, Symbol, Usd, Value


class LeverageTier(Value, frozen=True, kw_only=True):
    """One maintenance bracket by notional at the liquidation price (quote currency)."""

    floor_usd: float
    """Notional from which this tier holds."""
    maintenance_rate: float
    """Maintenance margin as a share of notional: 0.004 is 0.4 %."""
    cum_usd: float
    """Maintenance amount that makes the brackets continuous."""
    leverage_max: float


class Instrument(Value, frozen=True, kw_only=True):
    """A linear perpetual: quantities in base coins, prices in quote currency."""

    symbol: Symbol
    tick_size: Decimal
    lot_size: Decimal
    qty_min: Decimal
    qty_max: Decimal
    notional_min_usd: Decimal
    leverage_max: Decimal
    taker_fee_bps: Decimal
    maker_fee_bps: Decimal
    tiers: tuple[LeverageTier, ...] = ()

    def price_down(self, raw: Decimal) -> Price:
        """The highest tick at or below `raw`."""
        return Price((raw / self.tick_size).to_integral_value(ROUND_FLOOR) * self.tick_size)

    def price_up(self, raw: Decimal) -> Price:
        """The lowest tick at or above `raw`."""
        return Price((raw / self.tick_size).to_integral_value(ROUND_CEILING) * self.tick_size)

    def price_passive(self, raw: Decimal, side: Side) -> Price:
        """The tick that is never better for the counterparty: buys down, sells up."""
        return self.price_down(raw) if side is Side.BUY else self.price_up(raw)

    def price_aggressive(self, raw: Decimal, side: Side) -> Price:
        """The tick that is at least as willing as `raw`: buys up, sells down."""
        return self.price_up(raw) if side is Side.BUY else self.price_down(raw)

    def stop_away(self, raw: Decimal, position_side: PositionSide) -> Price:
        """The tick at or beyond `raw`, away from the entry: long stops down, short stops up."""
        return self.price_down(raw) if position_side is PositionSide.LONG else self.price_up(raw)

    def qty_down(self, raw: Decimal) -> Qty:
        """The largest lot at or below `raw`; zero below one lot, never negative."""
        lots = (max(raw, ZERO) / self.lot_size).to_integral_value(ROUND_FLOOR)
        return Qty(lots * self.lot_size)

    def notional(self, qty: Decimal, price: Decimal) -> Usd:
        """Quote value of `qty` base coins at `price`."""
        return Usd(qty * price)

    def tier_at(self, notional_usd: float) -> LeverageTier:
        """The maintenance bracket for a notional; 0.5 % and no amount where none is known."""
        found = LeverageTier(
            floor_usd=0.0,
            maintenance_rate=0.005,
            cum_usd=0.0,
            leverage_max=float(self.leverage_max),
        )
        for tier in self.tiers:
            if tier.floor_usd <= notional_usd:
                found = tier
        return found


def display_symbol(symbol: Symbol) -> str:
    """The name people read and type: `BTC/USDT:USDT` -> `BTCUSDT`."""
    return symbol.split(":")[0].replace("/", "")


def unified_symbol(text: str, *, quote: str = "USDT") -> Symbol:
    """Turn what people type (`btc`, `BTCUSDT`, `BTC/USDT`, unified) into the unified symbol.

    Raises ValueError when there is no base coin in `text`.
    """
    name = text.strip().upper().split(":")[0]
    base = name.split("/")[0] if "/" in name else name.removesuffix(quote)
    if not base or not base.isalnum() or not base.isascii():
        raise ValueError(f"{text!r} is not a symbol")
    return Symbol(f"{base}/{quote}:{quote}")
