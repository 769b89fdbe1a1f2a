"""What each invented contract is like: price, calm, size, book, grid and maintenance brackets.

A few coins have figures of their own; any other symbol gets plausible ones derived from its name,
so that the same name is the same market on every machine.
"""

import hashlib
import math
from decimal import Decimal
from typing import Final

from bot.model.instrument import Instrument, LeverageTier, display_symbol
from bot.model.primitives import Symbol, Value


class Profile(Value, frozen=True, kw_only=True):
    """One contract's character. Money in quote currency."""

    symbol: Symbol
    price: float
    """Where the mark stands when a new ledger begins."""
    volatility_day_pct: float
    """Root mean square of a day's return, cascades not counted."""
    oi_usd: float
    """Open interest that the crowd comes back to."""
    depth_usd: float
    """Resting notional within 10 bps of mid on a calm day, one side."""
    turnover_day: float
    """Volume of a calm day in multiples of the open interest."""
    spread_ticks: int
    tick_size: Decimal
    lot_size: Decimal
    size_class: int
    """Index into the bracket tables: 0 the largest contracts, 2 the smallest."""


_KNOWN: Final = {  # price, volatility a day in percent, open interest, depth within 10 bps
    "BTC": (97_412.0, 2.0, 8.0e9, 9.0e6),
    "ETH": (3_398.2, 2.5, 4.0e9, 5.5e6),
    "SOL": (187.10, 2.9, 1.5e9, 2.4e6),
    "BNB": (690.0, 2.3, 8.0e8, 1.5e6),
    "XRP": (2.31, 3.2, 1.2e9, 2.0e6),
    "DOGE": (0.352, 3.6, 9.0e8, 1.6e6),
    "ADA": (0.94, 3.5, 4.0e8, 8.0e5),
    "AVAX": (38.6, 3.6, 3.0e8, 6.0e5),
    "LINK": (23.4, 3.4, 3.5e8, 7.0e5),
    "LTC": (104.5, 3.0, 3.0e8, 6.0e5),
}
_GRIDS: Final = {  # tick, lot; others follow from the price
    "BTC": (Decimal("0.1"), Decimal("0.001")),
    "ETH": (Decimal("0.01"), Decimal("0.01")),
    "SOL": (Decimal("0.01"), Decimal("0.1")),
}
_BRACKETS: Final = (  # floor in USD, maintenance rate, most leverage
    (
        (0.0, 0.004, 125.0),
        (50_000.0, 0.005, 100.0),
        (500_000.0, 0.01, 50.0),
        (8_000_000.0, 0.025, 20.0),
        (50_000_000.0, 0.05, 10.0),
        (80_000_000.0, 0.1, 5.0),
    ),
    (
        (0.0, 0.005, 100.0),
        (50_000.0, 0.0065, 75.0),
        (300_000.0, 0.01, 50.0),
        (2_000_000.0, 0.025, 20.0),
        (10_000_000.0, 0.05, 10.0),
        (20_000_000.0, 0.1, 5.0),
    ),
    (
        (0.0, 0.0065, 75.0),
        (20_000.0, 0.01, 50.0),
        (100_000.0, 0.025, 20.0),
        (1_000_000.0, 0.05, 10.0),
        (5_000_000.0, 0.1, 5.0),
    ),
)
_CLASS_FLOORS_USD: Final = (2e9, 6e8)
"""Open interest from which the larger bracket tables hold."""
_SPREAD: Final = 0.1e-4
"""Ask over bid on a calm day as a share of the price, at least one tick."""
_QTY_MAX_USD: Final = 20_000_000.0
_NOTIONAL_MIN_USD: Final = Decimal(5)


def profile_of(symbol: Symbol) -> Profile:
    """The character of a symbol, the same for the same name everywhere."""
    base = display_symbol(symbol).removesuffix("USDT").removesuffix("USDC")
    price, volatility, oi_usd, depth_usd = _KNOWN.get(base) or _invented(base)
    tick_size, lot_size = _GRIDS.get(base) or _grid(price)
    return Profile(
        symbol=symbol,
        price=price,
        volatility_day_pct=volatility,
        oi_usd=oi_usd,
        depth_usd=depth_usd,
        turnover_day=1.7 if base == "BTC" else 2.4,
        spread_ticks=max(1, round(price * _SPREAD / float(tick_size))),
        tick_size=tick_size,
        lot_size=lot_size,
        size_class=sum(oi_usd < floor_usd for floor_usd in _CLASS_FLOORS_USD),
    )


def instrument_of(
    profile: Profile, *, taker_fee_bps: Decimal, maker_fee_bps: Decimal
) -> Instrument:
    """The contract as the venue would list it."""
    tiers: list[LeverageTier] = []
    for floor_usd, rate, leverage in _BRACKETS[profile.size_class]:
        last = tiers[-1] if tiers else None
        step_usd = floor_usd * (rate - last.maintenance_rate) + last.cum_usd if last else 0.0
        tiers.append(
            LeverageTier(
                floor_usd=floor_usd,
                maintenance_rate=rate,
                cum_usd=round(step_usd, 2),
                leverage_max=leverage,
            )
        )
    lots = _QTY_MAX_USD / profile.price / float(profile.lot_size)
    return Instrument(
        symbol=profile.symbol,
        tick_size=profile.tick_size,
        lot_size=profile.lot_size,
        qty_min=profile.lot_size,
        qty_max=profile.lot_size * max(1, round(lots)),
        notional_min_usd=_NOTIONAL_MIN_USD,
        leverage_max=Decimal(int(tiers[0].leverage_max)),
        taker_fee_bps=taker_fee_bps,
        maker_fee_bps=maker_fee_bps,
        tiers=tuple(tiers),
    )


def _invented(base: str) -> tuple[float, float, float, float]:
    """Price, volatility, open interest and depth of a coin nobody described, from its name."""
    digest = hashlib.blake2b(base.encode(), digest_size=8).digest()
    shares = [int.from_bytes(digest[i : i + 2], "big") / 65_535 for i in (0, 2, 4, 6)]
    price = float(f"{10.0 ** (-2.0 + 4.0 * shares[0]):.3g}")
    oi_usd = 4e7 * 10.0 ** shares[1]
    return price, 3.0 + shares[2], oi_usd, oi_usd * (0.0012 + 0.0008 * shares[3])


def _grid(price: float) -> tuple[Decimal, Decimal]:
    """A tick of about a tenth of a basis point to one, a lot worth 10 to 100 USD."""
    tick = Decimal(1).scaleb(math.floor(math.log10(price)) - 4)
    lot = Decimal(1).scaleb(math.ceil(math.log10(10.0 / price)))
    return tick, max(lot, Decimal("0.001"))
