"""Funding: the average premium, damped and bounded."""

import pytest

from bot.sim.funding import PERIOD_MS, FundingClock, next_settlement

HOUR_S = 3_600.0


def test_a_balanced_market_pays_the_interest_rate() -> None:
    clock = FundingClock()
    clock.observe(0.0, HOUR_S, 1.0)

    assert clock.rate == pytest.approx(1e-4)


def test_a_crowd_that_chases_pays_more_and_one_that_flees_is_paid() -> None:
    chasing, fleeing = FundingClock(), FundingClock()
    for _ in range(8):
        chasing.observe(0.02, HOUR_S, 0.0)
        fleeing.observe(-0.02, HOUR_S, 0.0)

    assert chasing.rate > 2e-4
    assert fleeing.rate < -2e-4


def test_the_rate_is_bounded() -> None:
    clock = FundingClock()
    clock.observe(5.0, HOUR_S, 0.0)

    assert 3e-3 == clock.rate


def test_a_new_period_forgets_the_average_but_not_the_premium() -> None:
    clock = FundingClock()
    clock.observe(0.03, HOUR_S, 0.0)
    premium = clock.premium
    clock.settle()

    assert (0.0, 0.0, premium) == (clock.sum, clock.seconds, clock.premium)


@pytest.mark.parametrize(("at", "expected"), [(0, 1), (1, 1), (PERIOD_MS - 1, 1), (PERIOD_MS, 2)])
def test_settlement_is_every_eight_hours_and_strictly_ahead(at: int, expected: int) -> None:
    assert expected * PERIOD_MS == next_settlement(at)
