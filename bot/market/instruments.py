"""An exchange's contract as an Instrument: exact digits, or a sentence that says why not."""

import difflib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from bot.errors import ConfigError
from bot.model.instrument import Instrument, LeverageTier, display_symbol
from bot.model.primitives import Symbol, Value

LOTS_MAX: Final = 10**7
"""The largest order in lots where the exchange names none: about what liquid contracts allow."""
NOTIONAL_MIN_USD: Final = Decimal(5)
"""Where the exchange names none: the smallest order of most."""
LEVERAGE_MAX_ASSUMED: Final = Decimal(20)
NEAREST_SHOWN: Final = 3
QUOTE: Final = "USDT"


class Terms(Value, frozen=True, kw_only=True):
    """What does not come from the contract itself."""

    taker_fee_bps: Decimal
    maker_fee_bps: Decimal
    can_convert: bool = False
    """Contracts that are not one coin are counted in coins: for paper, where nothing is sent."""


def instrument_of(
    symbol: Symbol,
    listed: Mapping[Symbol, Mapping[str, Any]],
    terms: Terms,
    tiers: tuple[LeverageTier, ...] = (),
) -> Instrument:
    """The contract of a symbol.

    Raises:
        ConfigError: it is not listed, is not a linear perpetual in USDT, or cannot be read.

    """
    market = checked(symbol, listed)
    size = _contract_size(symbol, market, can_convert=terms.can_convert)
    digits, limits = market.get("precision") or {}, market.get("limits") or {}
    tick, lot = _decimal(digits.get("price")), _decimal(digits.get("amount"))
    if tick is None or lot is None:
        raise ConfigError(
            f"The exchange gives no price step or no quantity step for {symbol}.",
            where="symbols",
            remedy="Take it out of symbols, or try again later.",
        )
    lot *= size
    lowest, highest = _limits(limits, "amount")
    _, most_at_market = _limits(limits, "market")
    tops = [value * size for value in (highest, most_at_market) if value is not None]
    qty_max = min(tops, default=lot * LOTS_MAX)
    smallest, _ = _limits(limits, "cost")
    return Instrument(
        symbol=symbol,
        tick_size=tick,
        lot_size=lot,
        qty_min=max(lot, lowest * size if lowest is not None else lot),
        qty_max=qty_max,
        notional_min_usd=smallest if smallest is not None else NOTIONAL_MIN_USD,
        leverage_max=_leverage_max(limits, tiers),
        taker_fee_bps=terms.taker_fee_bps,
        maker_fee_bps=terms.maker_fee_bps,
        tiers=tiers,
    )


def checked(symbol: Symbol, listed: Mapping[Symbol, Mapping[str, Any]]) -> Mapping[str, Any]:
    """The market of a symbol if it is a linear perpetual in USDT; raises ConfigError."""
    market = listed.get(symbol)
    if market is None:
        near = nearest(symbol, listed)
        raise ConfigError(
            f"{display_symbol(symbol)} is not a perpetual that the exchange lists.",
            where="symbols",
            remedy=f"Did you mean {near}?" if near else "Look at the exchange's list of contracts.",
        )
    if not (market.get("swap") and market.get("linear") and market.get("settle") == QUOTE):
        raise ConfigError(
            f"{symbol} is not a perpetual settled in {QUOTE}.",
            where="symbols",
            remedy="Only linear perpetuals in USDT are traded; take it out of symbols.",
        )
    return market


def is_trading(market: Mapping[str, Any] | None) -> bool:
    """The exchange takes orders on it: listed, and not said to be closed."""
    return market is not None and market.get("active") is not False


def nearest(symbol: Symbol, listed: Mapping[Symbol, Mapping[str, Any]]) -> str:
    """The listed perpetuals whose names come closest, as people write them; may be empty."""
    base = symbol.split("/")[0]
    names = {
        display_symbol(name): name.split("/")[0]
        for name, market in listed.items()
        if market.get("swap") and market.get("linear") and market.get("settle") == QUOTE
    }
    parts = sorted((name for name in names if base in names[name]), key=len)
    close = difflib.get_close_matches(display_symbol(symbol), list(names), n=NEAREST_SHOWN)
    return ", ".join(list(dict.fromkeys([*parts[:NEAREST_SHOWN], *close]))[:NEAREST_SHOWN])


def _contract_size(symbol: Symbol, market: Mapping[str, Any], *, can_convert: bool) -> Decimal:
    size = _decimal(market.get("contractSize"))
    if size == 1 or (size is not None and can_convert):
        return size
    raise ConfigError(
        f"One contract of {symbol} is {size or 'an unknown number of'} coins, and orders are "
        "counted in coins here.",
        where="symbols",
        remedy="Trade it on paper, or on an exchange whose contracts are one coin.",
    )


def _leverage_max(limits: Mapping[str, Any], tiers: tuple[LeverageTier, ...]) -> Decimal:
    _, highest = _limits(limits, "leverage")
    if highest is not None:
        return highest
    if tiers:
        return Decimal(str(max(tier.leverage_max for tier in tiers)))
    return LEVERAGE_MAX_ASSUMED


def _limits(limits: Mapping[str, Any], name: str) -> tuple[Decimal | None, Decimal | None]:
    row = limits.get(name) or {}
    return _decimal(row.get("min")), _decimal(row.get("max"))


def _decimal(raw: Any) -> Decimal | None:
    """An exact number above zero; None where there is none."""
    if raw is None:
        return None
    try:
        value = Decimal(str(raw))
    except InvalidOperation:
        return None
    return value if value.is_finite() and value > 0 else None
