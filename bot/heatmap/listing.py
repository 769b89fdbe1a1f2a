"""A symbol as the provider names and scales it."""

from typing import Annotated

from msgspec import Meta

from bot.model.instrument import display_symbol
from bot.model.primitives import Symbol, Value
from bot.model.wiring import SymbolSettings


class Listing(Value, frozen=True, kw_only=True):
    """One symbol at the provider: `name` goes out, `symbol` comes in."""

    symbol: Symbol
    name: str
    """The provider's name: `BTCUSDT`."""
    factor: Annotated[float, Meta(gt=0)] = 1.0
    """Provider's price times this is the exchange's price."""


def listing(symbol: Symbol, settings: SymbolSettings | None = None) -> Listing:
    """Return how the provider lists a unified symbol, with what the configuration overrides."""
    name = display_symbol(symbol)
    if settings is None:
        return Listing(symbol=symbol, name=name)
    return Listing(
        symbol=symbol,
        name=(settings.heatmap_symbol or name).upper(),
        factor=settings.heatmap_factor,
    )
