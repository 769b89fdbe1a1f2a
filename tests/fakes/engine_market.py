"""Bars and pasts for the local engine: made from numbers, or read from recorded files."""

import csv
import gzip
import json
import math
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from bot.clock import seeded_random
from bot.heatmap.local import LocalEngine
from bot.model.events import CandleClosed, OpenInterestRead
from bot.model.heatmap import Reading
from bot.model.instrument import Instrument, LeverageTier
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol

BTC = Symbol("BTC/USDT:USDT")
FIVE_MINUTES_MS = 300_000
START_AT = 1_767_225_600_000
RECORDED = Path(__file__).parents[2] / ".." / "shared" / "data"


class Past:
    """A `ports.History` of lists."""

    def __init__(
        self, candles: Sequence[Candle], open_interest: Sequence[tuple[Millis, float]] = ()
    ) -> None:
        self.candles = candles
        self.open_interest = open_interest
        self.funding: Funding | None = None


def a_tier(floor: float, rate: float, leverage: float, cum: float = 0.0) -> LeverageTier:
    return LeverageTier(floor_usd=floor, maintenance_rate=rate, leverage_max=leverage, cum_usd=cum)


def an_instrument(
    symbol: Symbol = BTC, tiers: tuple[LeverageTier, ...] = (), tick: str = "0.1"
) -> Instrument:
    return Instrument(
        symbol=symbol,
        tick_size=Decimal(tick),
        lot_size=Decimal("0.001"),
        qty_min=Decimal("0.001"),
        qty_max=Decimal(1000),
        notional_min_usd=Decimal(5),
        leverage_max=Decimal(125),
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
        tiers=tiers,
    )


def a_bar(
    index: int,
    prices: tuple[float, float, float, float],
    volume: float = 0.0,
    *,
    buys: float | None = None,
    timeframe_ms: int = FIVE_MINUTES_MS,
    symbol: Symbol = BTC,
) -> Candle:
    """Bar number `index` since START_AT; prices are open, high, low, close."""
    return Candle(
        symbol=symbol,
        open_at=Millis(START_AT + index * timeframe_ms),
        timeframe_ms=timeframe_ms,
        open=prices[0],
        high=prices[1],
        low=prices[2],
        close=prices[3],
        volume=volume,
        taker_buy_volume=buys,
    )


def walk(
    bars: int,
    seed: int,
    *,
    price: float = 50_000.0,
    volatility: float = 0.002,
    timeframe_ms: int = FIVE_MINUTES_MS,
    symbol: Symbol = BTC,
) -> list[Candle]:
    """A random walk of whole bars with volume; taker volume is known in every other bar."""
    chance = seeded_random(seed)
    candles = []
    for index in range(bars):
        close = price * math.exp(chance.gauss(0.0, volatility))
        high = max(price, close) * math.exp(abs(chance.gauss(0.0, volatility / 2)))
        low = min(price, close) * math.exp(-abs(chance.gauss(0.0, volatility / 2)))
        volume = 200.0 * chance.random()
        buys = volume * chance.random() if index % 2 else None
        candles.append(
            a_bar(
                index,
                (price, high, low, close),
                volume,
                buys=buys,
                timeframe_ms=timeframe_ms,
                symbol=symbol,
            )
        )
        price = close
    return candles


def interest(candles: Sequence[Candle], seed: int, oi: float = 80_000.0) -> list[float]:
    """Open interest at each bar's close: a random walk without jumps."""
    chance = seeded_random(seed)
    found = []
    for _ in candles:
        oi *= math.exp(chance.gauss(0.0, 0.003))
        found.append(oi)
    return found


def is_recorded() -> bool:
    return (RECORDED / "binance_um_5m").is_dir()


def recorded(coin: str, bars: int) -> tuple[Instrument, Past]:
    """Recorded five-minute bars from 2025-12-01 with open interest known 5 minutes after its stamp.

    Needs `is_recorded()`.
    """
    symbol = Symbol(f"{coin}/USDT:USDT")
    stamped = _rows(RECORDED / "binance_um_oi_5m" / f"{coin}USDT.csv.gz", 0, bars)
    first = stamped[0][0]
    candles = [
        Candle(
            symbol=symbol,
            open_at=Millis(int(row[0])),
            timeframe_ms=FIVE_MINUTES_MS,
            open=row[1],
            high=row[2],
            low=row[3],
            close=row[4],
            volume=row[5],
        )
        for row in _rows(RECORDED / "binance_um_5m" / f"{coin}USDT.csv.gz", first, bars)
    ]
    known = [(Millis(int(row[0]) + FIVE_MINUTES_MS), row[1]) for row in stamped]
    listed = json.loads((RECORDED / "leverage_tiers" / "binance_um.json").read_text())
    tiers = tuple(a_tier(row[0], row[2], row[3], row[4]) for row in listed["tiers"][symbol])
    return an_instrument(symbol, tiers), Past(candles, known)


def _rows(path: Path, first: float, count: int) -> list[list[float]]:
    found: list[list[float]] = []
    with gzip.open(path, "rt") as file:
        lines = csv.reader(file)
        next(lines)
        for line in lines:
            if float(line[0]) >= first:
                found.append([float(cell) for cell in line])
                if len(found) == count:
                    break
    return found


def see(engine: LocalEngine, bar: Candle, oi: float | None = None) -> None:
    if oi is not None:
        engine.on_market(
            OpenInterestRead(at=bar.close_at, symbol=bar.symbol, oi=oi, stamped_at=bar.open_at)
        )
    engine.on_market(CandleClosed(at=bar.close_at, candle=bar))


def read(engine: LocalEngine, symbol: Symbol = BTC) -> Reading:
    reading = engine.reading(symbol)
    assert reading is not None
    return reading
