"""The leverages that traders choose, and where each is liquidated."""

import math

import pytest

from bot.model.primitives import Symbol
from bot.sim.leverage import leverage_of, log_rate
from tests.fakes.worlds import BTC, an_instrument


def test_liquidation_is_exact_and_not_the_naive_share() -> None:
    """At 100x the naive distance is 1.00 %; with 0.4 % maintenance the truth is 0.60 %."""
    rungs = leverage_of(an_instrument(BTC))

    assert rungs.long_offsets[-1] == pytest.approx(math.log(0.99 / 0.996))
    assert rungs.short_offsets[-1] == pytest.approx(math.log(1.01 / 1.004))
    assert rungs.long_offsets[0] == pytest.approx(math.log((2 / 3) / 0.996))


@pytest.mark.parametrize("base", ["BTC", "SOL", "FOO"])
def test_tiers_are_those_the_contract_allows(base: str) -> None:
    rungs = leverage_of(an_instrument(Symbol(f"{base}/USDT:USDT")))

    assert sum(rungs.weights) == pytest.approx(1.0)
    assert {"BTC": 6, "SOL": 6, "FOO": 5}[base] == len(rungs.weights)
    assert max(rungs.long_offsets) < -0.002
    assert min(rungs.short_offsets) > 0.002


def test_a_half_life_halves() -> None:
    assert math.exp(-log_rate(2.0) * 7_200.0) == pytest.approx(0.5)
