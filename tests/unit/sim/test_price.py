"""The price: what wanders, what is shoved, and what comes back."""

import math

import pytest

from bot.sim.nature import Nature
from bot.sim.price import Price

CALM = [0.0] * 10


def a_price(nature: Nature | None = None) -> Price:
    price = Price(sigma_s=1e-4, depth_calm_usd=1e6)
    price.breathe(1.0, CALM, nature or Nature())
    return price


def test_a_forced_order_as_large_as_the_book_moves_the_price_ten_basis_points() -> None:
    nature = Nature(cascade_impact=1.0, reversion_share=0.5, reversion_spread=0.0)
    price = a_price()
    price.cascade(0.0, nature)

    assert price.push(price.depth_usd, -1.0, nature) == pytest.approx(1e-3)
    assert price.base + price.shove == pytest.approx(-1e-3)


def test_the_further_a_cascade_has_gone_the_more_it_takes() -> None:
    nature, price = Nature(), a_price()
    sizes = [price.push(1e6, 1.0, nature) for _ in range(8)]

    assert sorted(sizes, reverse=True) == sizes
    assert sizes[-1] < 0.4 * sizes[0]


def test_the_book_is_whole_for_orders_of_the_other_side() -> None:
    nature, price = Nature(), a_price()
    price.push(3e6, 1.0, nature)

    assert price.push(1e6, -1.0, nature) == pytest.approx(nature.cascade_impact * 1e6 / 1e3 / 1e6)


def test_one_order_moves_the_price_by_a_bounded_step() -> None:
    assert a_price().push(1e12, 1.0, Nature()) == 0.004


def test_all_of_a_cascade_returns_alike_and_the_next_one_draws_anew() -> None:
    nature, price = Nature(reversion_share=0.5, reversion_spread=0.5), a_price()
    price.quiet_s = 1_000.0
    price.cascade(-3.0, nature)
    first = price.reversion
    price.cascade(3.0, nature)
    same = price.reversion
    price.quiet_s = 1_000.0
    price.cascade(3.0, nature)

    assert first < 0.05
    assert first == same
    assert price.reversion > 0.95


def test_forced_orders_make_the_market_nervous_but_not_without_end() -> None:
    nature, price = Nature(), a_price()
    before = price.sigma
    for _ in range(1_000):
        price.push(1e7, 1.0, nature)
    price.breathe(1.0, CALM, nature)

    assert before < price.sigma < 4.0 * before
    assert price.depth_usd < 1e6


def test_volatility_keeps_its_mean_square() -> None:
    """The long-run variance is the coin's own: moods only move it about."""
    moods = [-0.9, -0.6, -0.3, 0.0, 0.3, 0.6, 0.9]
    variance = 0.30**2 + 0.34**2
    weights = [math.exp(-0.5 * mood**2 / variance) for mood in moods]
    price, total = a_price(), 0.0
    for mood, weight in zip(moods, weights, strict=True):
        price.quick, price.steady = mood, 0.0
        price.breathe(0.0, CALM, Nature(volatility_scale=1.0))
        total += weight * price.sigma**2

    assert total / sum(weights) == pytest.approx(1e-8, rel=0.1)


def test_the_home_pull_brings_a_strayed_price_back() -> None:
    price = a_price()
    price.base = price.x = price.slow = 0.5
    price.breathe(1.0, CALM, Nature(momentum=0.0, contrarian=0.0))

    assert price.drift == pytest.approx(-0.5 / (15 * 86_400.0))


def test_followers_and_contrarians_pull_apart() -> None:
    price = a_price()
    price.follow(0.002, 60.0)
    price.breathe(1.0, CALM, Nature(contrarian=0.0))
    following = price.drift
    price.x = 0.02
    price.breathe(1.0, CALM, Nature(momentum=0.0))

    assert following > 0.0
    assert price.drift < 0.0
