"""One contract, second by second."""

import pytest

from bot.sim.coin import Coin
from bot.sim.nature import Nature
from bot.sim.traders import LONG, SHORT
from tests.fakes.worlds import BTC, START, a_world

CALM = [0.0] * 10


def a_coin() -> Coin:
    return a_world().coins[BTC]


def fall(coin: Coin, nature: Nature, *, seconds: int, normal: float) -> float:
    """Step down; returns what was liquidated, in USD."""
    before = coin.crowd.limbo[LONG]
    for _ in range(seconds):
        coin.step(normal, nature)
    return (coin.crowd.limbo[LONG] - before) * coin.usd_per_coin()


def test_a_fall_liquidates_longs_and_not_shorts() -> None:
    coin = a_coin()
    forced_usd = fall(coin, Nature(), seconds=300, normal=-2.0)

    assert forced_usd > 1e6
    assert 0.0 == coin.crowd.limbo[SHORT]


def test_liquidations_push_the_price_further() -> None:
    calm, wild = a_coin(), a_coin()
    fall(calm, Nature(cascade_impact=0.0), seconds=300, normal=-2.0)
    fall(wild, Nature(cascade_impact=1.0, reversion_share=0.0), seconds=300, normal=-2.0)

    assert wild.price.x < calm.price.x


def test_what_a_cascade_shoves_comes_back_when_it_is_over() -> None:
    nature = Nature(reversion_share=1.0, reversion_spread=0.0, contrarian=0.0)
    coin = a_coin()
    coin.price.quiet_s, coin.price.selling_usd = 1_000.0, 2e7
    path = []
    for _ in range(120):
        coin.step(0.0, nature)
        path.append(coin.price.x)

    assert min(path) < path[0]
    assert path[-1] - min(path) > 0.0005


def test_forced_orders_are_executed_in_full_and_counted() -> None:
    coin = a_coin()
    coin.price.selling_usd = 5e6
    for _ in range(120):
        coin.step(0.0, Nature())

    assert 0.0 == coin.price.selling_usd
    assert coin.forced_usd >= 5e6


def test_a_moved_price_is_on_the_grid_and_covers_the_second() -> None:
    coin = a_coin()
    for number in range(1, 60):
        coin.step((-1.0) ** number, Nature())
        seen = coin.moved(START + 1_000 * number)
        ticks = [value * 10.0 for value in (seen.mark, seen.bid, seen.ask, seen.high, seen.low)]

        assert all(tick == pytest.approx(round(tick)) for tick in ticks)
        assert seen.low <= seen.mark <= seen.high
        assert seen.bid < seen.ask
        assert seen.last in (seen.bid, seen.ask)
        assert 1_000 == seen.at - seen.since_at


def test_a_minute_becomes_a_bar_that_joins_the_one_before() -> None:
    coin = a_coin()
    before = coin.minutes.newest(BTC)
    for second in range(60):
        coin.step(0.3, Nature())
        if second % 15 == 14:
            coin.turn(15.0, CALM, Nature())
    coin.close_minute(START + 60_000)
    bar = coin.minutes.newest(BTC)

    assert START == bar.open_at
    assert before.close == bar.open
    assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
    assert bar.taker_buy_volume is not None
    assert 0.0 < bar.taker_buy_volume < bar.volume


def test_five_minutes_become_a_bar_of_their_own() -> None:
    coin = a_coin()
    for minute in range(1, 6):
        for second in range(60):
            coin.step(0.1, Nature())
            if second % 15 == 14:
                coin.turn(15.0, CALM, Nature())
        coin.close_minute(START + minute * 60_000)
    five, ones = coin.fives.newest(BTC), coin.minutes.candles(BTC)[-5:]

    assert (START, ones[0].open, ones[-1].close) == (five.open_at, five.open, five.close)
    assert max(bar.high for bar in ones) == five.high
    assert five.volume == pytest.approx(sum(bar.volume for bar in ones))


def test_few_positions_attract_new_ones() -> None:
    """Open interest comes home: the fewer there are, the more are opened."""
    coin = a_coin()
    coin.oi_home = 2.0 * coin.crowd.oi
    before = coin.crowd.oi
    for _ in range(240):
        coin.step(0.0, Nature())
        coin.turn(15.0, CALM, Nature())

    assert coin.crowd.oi > before
