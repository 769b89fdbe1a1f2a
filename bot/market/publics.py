"""Which interface speaks an exchange's public data: its own where we know it, else ccxt's."""

from typing import Final

from bot.market.public_binance import BinancePublic
from bot.market.public_bybit import BybitPublic
from bot.market.public_unified import UnifiedPublic
from bot.market.publicdata import PublicApi, PublicLine
from bot.ports import Clock

NATIVE: Final = frozenset({"binanceusdm", "bybit"})
"""Exchanges whose routes are called directly, and on which one contract is one coin."""


def open_public(
    exchange_id: str, client: PublicLine, clock: Clock, *, has_key: bool = False
) -> PublicApi:
    """The public interface of an exchange, by ccxt's name of it."""
    if exchange_id == "binanceusdm":
        return BinancePublic(client, has_key=has_key)
    if exchange_id == "bybit":
        return BybitPublic(client)
    return UnifiedPublic(client, clock)
