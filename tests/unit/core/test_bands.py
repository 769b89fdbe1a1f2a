"""The words for what clusters are; borders belong to the stronger word."""

import pytest

from bot.core.bands import distance_word, notional_word, strength_word, usd_words
from bot.model.settings import Bands

_BANDS = Bands()


@pytest.mark.parametrize(
    ("strength", "word"),
    [(0.0, "weak"), (0.3, "moderate"), (0.5, "strong"), (0.69, "strong"), (0.7, "very strong")],
)
def test_strength_has_four_words(strength: float, word: str) -> None:
    assert word == strength_word(strength, _BANDS)


@pytest.mark.parametrize(
    ("distance", "word"),
    [(0.99, "immediate"), (-0.5, "immediate"), (1.0, "near"), (-4.0, "medium"), (9, "reference")],
)
def test_distance_has_four_words_above_and_below(distance: float, word: str) -> None:
    assert word == distance_word(distance, _BANDS)


@pytest.mark.parametrize(
    ("usd", "word"), [(4e5, "low"), (5e5, "moderate"), (3e6, "high"), (1e7, "major")]
)
def test_notional_has_four_words(usd: float, word: str) -> None:
    assert word == notional_word(usd, _BANDS)


def test_guide_22_thresholds_are_one_block_of_configuration() -> None:
    """Row 22: the guide asks for 0.3, 0.4, 0.5 and 0.6, and for 1, 2, 3 and 5 %."""
    own = Bands(strength=(0.1, 0.2, 0.9), distance_pct=(0.1, 0.2, 0.3))

    assert strength_word(0.85, own) == "strong"
    assert distance_word(0.25, own) == "medium"


def test_guide_23_notional_is_named_relative_to_the_symbol() -> None:
    """Row 23: the server's BTC clusters are always above 181 M; all of them were "major"."""
    words = [notional_word(usd, _BANDS, median_usd=400e6) for usd in (90e6, 181e6, 401e6, 2.1e9)]

    assert ["low", "moderate", "high", "major"] == words


def test_dollars_are_written_as_people_say_them() -> None:
    written = [usd_words(usd) for usd in (999, 65_000, 650_000, 3.3e6, 181e6, 5.4e9)]

    expected = ["999 USD", "65.0 k USD", "650 k USD", "3.3 M USD", "181 M USD", "5.4 B USD"]
    assert expected == written
