"""The words for strength, distance and notional; the figures are configuration."""

from bisect import bisect_right

from bot.model.settings import Bands

STRENGTH_WORDS = ("weak", "moderate", "strong", "very strong")
DISTANCE_WORDS = ("immediate", "near", "medium", "reference")
NOTIONAL_WORDS = ("low", "moderate", "high", "major")


def strength_word(strength: float, bands: Bands) -> str:
    """Name a strength in 0..1; a border belongs to the stronger word."""
    return STRENGTH_WORDS[bisect_right(bands.strength, strength)]


def distance_word(distance_pct: float, bands: Bands) -> str:
    """Name a distance in percent of price; its sign says above or below and is ignored."""
    return DISTANCE_WORDS[bisect_right(bands.distance_pct, abs(distance_pct))]


def notional_word(usd: float, bands: Bands, *, median_usd: float | None = None) -> str:
    """Name a notional in quote currency.

    With `median_usd`, the symbol's own usual cluster, the borders are stretched so that the usual
    stands where moderate becomes high: on one fixed scale every BTC cluster would be major.
    """
    stretch = median_usd / bands.notional_usd[1] if median_usd else 1.0
    return NOTIONAL_WORDS[bisect_right([border * stretch for border in bands.notional_usd], usd)]


def usd_words(usd: float) -> str:
    """Write a notional as people say it: `3.3 M USD`, `650 k USD`."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if usd >= size:
            figure = usd / size
            return f"{figure:.1f} {letter} USD" if figure < 100 else f"{figure:.0f} {letter} USD"  # noqa: PLR2004  (three digits say enough)
    return f"{usd:.0f} USD"
