"""Binance's list of markets, with the filters that orders must pass.

Source: Binance USD-M futures "Exchange Information".
"""

from collections.abc import Collection, Sequence
from typing import Any

from bot.model.instrument import Instrument, display_symbol
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator import rules
from bot.sim.emulator.binance_words import QUOTE, decimals_of, plain

NEVER_MS = 4_133_404_800_000
"""The delivery date of what is never delivered."""


def exchange_info(
    instruments: Sequence[Instrument], *, halted: Collection[Symbol], at: Millis
) -> dict[str, Any]:
    """The whole reply."""
    return {
        "exchangeFilters": [],
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, 2400),
            _limit("ORDERS", "MINUTE", 1, 1200),
            _limit("ORDERS", "SECOND", 10, 300),
        ],
        "serverTime": at,
        "futuresType": "U_MARGINED",
        "assets": [{"asset": QUOTE, "marginAvailable": True, "autoAssetExchange": "-10000"}],
        "symbols": [_market(row, is_halted=row.symbol in halted) for row in instruments],
        "timezone": "UTC",
    }


def _limit(kind: str, interval: str, count: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": count, "limit": limit}


def _market(instrument: Instrument, *, is_halted: bool) -> dict[str, Any]:
    name = display_symbol(instrument.symbol)
    base = name.removesuffix(QUOTE)
    return {
        "symbol": name,
        "pair": name,
        "contractType": "PERPETUAL",
        "deliveryDate": NEVER_MS,
        "onboardDate": 1_569_398_400_000,
        "status": "SETTLING" if is_halted else "TRADING",
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": base,
        "quoteAsset": QUOTE,
        "marginAsset": QUOTE,
        "pricePrecision": decimals_of(instrument.tick_size),
        "quantityPrecision": decimals_of(instrument.lot_size),
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": "COIN",
        "underlyingSubType": [],
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": plain(rules.PRICE_SPAN),
        "maxMoveOrderLimit": 10000,
        "filters": _filters(instrument),
        "orderTypes": [
            "LIMIT",
            "MARKET",
            "STOP",
            "STOP_MARKET",
            "TAKE_PROFIT",
            "TAKE_PROFIT_MARKET",
            "TRAILING_STOP_MARKET",
        ],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }


def _filters(instrument: Instrument) -> list[dict[str, Any]]:
    tick, lot = plain(instrument.tick_size), plain(instrument.lot_size)
    qty_min, qty_max = plain(instrument.qty_min), plain(instrument.qty_max)
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": tick,
            "maxPrice": "100000000",
            "tickSize": tick,
        },
        {"filterType": "LOT_SIZE", "stepSize": lot, "minQty": qty_min, "maxQty": qty_max},
        {
            "filterType": "MARKET_LOT_SIZE",
            "stepSize": lot,
            "minQty": qty_min,
            "maxQty": qty_max,
        },
        {"filterType": "MAX_NUM_ORDERS", "limit": 200},
        {"filterType": "MIN_NOTIONAL", "notional": plain(instrument.notional_min_usd)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": plain(1 + rules.PRICE_SPAN),
            "multiplierDown": plain(1 - rules.PRICE_SPAN),
            "multiplierDecimal": "4",
        },
    ]
