"""A core with history behind it and a market that stands beside the provider's prices."""

from decimal import Decimal

from bot.core.state import State
from bot.model.events import PriceMoved
from bot.model.instrument import Instrument, unified_symbol
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot, SymbolSnapshot
from tests.bench.provider import PRICE, names_of

START = Millis(1_770_033_600_000)
MINUTE_MS = 60_000
HOUR_MS = 3_600_000


def a_state(count: int) -> State:
    """A new ledger's state of `count` symbols: ten hours of bars, a month of open interest."""
    symbols = [unified_symbol(name) for name in names_of(count)]
    return State(
        settings=CoreSettings(instance="bench", symbols=tuple(symbols)),
        instruments={symbol: _instrument(symbol) for symbol in symbols},
        snapshot=Snapshot(
            at=START,
            symbols=tuple(
                SymbolSnapshot(
                    symbol=symbol,
                    candles=tuple(_candle(symbol, number) for number in range(600)),
                    open_interest=tuple(
                        (Millis(START - number * HOUR_MS), 1e6 + number)
                        for number in range(720, 0, -1)
                    ),
                )
                for symbol in symbols
            ),
        ),
    )


def a_price(symbol: Symbol, at: Millis, price: float) -> PriceMoved:
    """The exchange's mark, at the provider's price."""
    return PriceMoved(
        at=at,
        symbol=symbol,
        mark=price,
        bid=price - 0.01,
        ask=price + 0.01,
        last=price,
        high=price,
        low=price,
        since_at=Millis(at - 1_000),
        depth_usd=2e6,
    )


def _instrument(symbol: Symbol) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size=Decimal("0.01"),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        qty_max=Decimal(100_000),
        notional_min_usd=Decimal(5),
        leverage_max=Decimal(50),
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
    )


def _candle(symbol: Symbol, number: int) -> Candle:
    swing = 0.05 * (number % 7 - 3)
    return Candle(
        symbol=symbol,
        open_at=Millis(START - (600 - number) * MINUTE_MS),
        timeframe_ms=MINUTE_MS,
        open=PRICE,
        high=PRICE + abs(swing) + 0.02,
        low=PRICE - abs(swing) - 0.02,
        close=PRICE + swing,
        volume=1_000.0 + number,
    )
