"""A symbol goes out by the provider's name and comes back by ours."""

from bot.heatmap.listing import Listing, listing
from bot.model.primitives import Symbol
from bot.model.wiring import SymbolSettings


def test_a_unified_symbol_goes_out_without_slash_and_settlement() -> None:
    symbol = Symbol("BTC/USDT:USDT")

    assert Listing(symbol=symbol, name="BTCUSDT", factor=1.0) == listing(symbol)
    assert listing(symbol) == listing(symbol, SymbolSettings(name="BTCUSDT"))


def test_the_configuration_names_and_scales_what_differs() -> None:
    symbol = Symbol("1000PEPE/USDT:USDT")
    settings = SymbolSettings(name="1000PEPEUSDT", heatmap_symbol="pepeusdt", heatmap_factor=1000)

    assert Listing(symbol=symbol, name="PEPEUSDT", factor=1000.0) == listing(symbol, settings)
