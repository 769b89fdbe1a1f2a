"""Two plain contracts, a Monday noon and a round balance."""

from decimal import Decimal

from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
NOON = Millis(1_770_033_600_000)
"""2026-02-02 12:00 UTC."""
BALANCE = Decimal(10_000)

INSTRUMENTS = {
    symbol: Instrument(
        symbol=symbol,
        tick_size=Decimal("0.1"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        qty_max=Decimal(1000),
        notional_min_usd=Decimal(5),
        leverage_max=Decimal(50),
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
    )
    for symbol in (BTC, ETH)
}
