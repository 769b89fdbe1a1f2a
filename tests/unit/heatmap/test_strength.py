"""Strength: against this symbol's own clusters, and before there are enough of them."""

import numpy as np
import pytest

from bot.heatmap.strength import HALF_LIFE_MS, Strength
from bot.model.primitives import Millis

AT = Millis(1_767_225_600_000)


def with_history(count: int = 100) -> Strength:
    """A strength that has seen clusters from 1e5 to 1e9 USD, evenly in log."""
    strength = Strength()
    for _ in range(count):
        strength.rank(np.geomspace(1e5, 1e9, 41), 1e9, AT)
    return strength


def test_without_samples_strength_is_the_root_of_three_shares_of_open_interest() -> None:
    found = Strength().rank(np.array([1e7, 3e8, 9e8]), 1e9, AT)

    assert [0.03**0.5, 0.9**0.5, 1.0] == pytest.approx(found.tolist())


def test_without_open_interest_there_is_no_strength() -> None:
    assert [0.0] == Strength().rank(np.array([1e7]), 0.0, AT).tolist()


def test_with_samples_strength_is_the_percentile() -> None:
    found = with_history().rank(np.array([1e5, 1e7, 1e9]), 1e9, AT)

    assert [0.0, 0.5, 1.0] == pytest.approx(found.tolist(), abs=0.03)


def test_strength_never_falls_as_notional_rises() -> None:
    found = with_history().rank(np.geomspace(1e3, 1e12, 500), 1e9, AT)

    assert (np.diff(found) >= 0.0).all()
    assert 0.0 <= found[0] <= found[-1] <= 1.0


def test_old_samples_are_forgotten() -> None:
    """Two half-lives of larger clusters later, what was typical is small."""
    strength = with_history(10)
    later = Millis(AT + round(2 * HALF_LIFE_MS))
    for _ in range(10):
        strength.rank(np.full(41, 9e9), 1e9, later)
    found = strength.rank(np.array([1e9]), 1e9, later)

    assert 0.2 == pytest.approx(found[0], abs=0.02)


def test_samples_fade_until_there_are_too_few_again() -> None:
    strength = with_history(10)
    found = strength.rank(np.array([1e7]), 1e9, Millis(AT + round(10 * HALF_LIFE_MS)))

    assert 0.03**0.5 == pytest.approx(found[0])


def test_no_clusters_have_no_strengths() -> None:
    assert [] == Strength().rank(np.empty(0), 1e9, AT).tolist()
