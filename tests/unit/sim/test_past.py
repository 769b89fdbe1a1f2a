"""The history before the first event."""

import numpy as np

from bot.sim.coin import MINUTES_KEPT
from bot.sim.past import step_lengths_ms
from tests.fakes.worlds import BTC, ETH, START, a_world


def test_steps_are_of_five_minutes_and_at_the_end_of_one() -> None:
    lengths = step_lengths_ms(2)

    assert 2 * 86_400_000 == sum(lengths)
    assert [60_000] * MINUTES_KEPT == lengths[-MINUTES_KEPT:]


def test_the_history_ends_at_the_contracts_price() -> None:
    world = a_world(BTC, ETH)

    assert 97_412.0 == world.coins[BTC].fives.newest(BTC).close
    assert 3_398.2 == world.coins[ETH].fives.newest(ETH).close


def test_bars_are_whole_and_join() -> None:
    table = a_world(days=5).coins[BTC].fives.table()
    opens, highs, lows, closes = table[:, :4].T

    assert 5 * 288 == len(table)
    assert np.array_equal(opens[1:], closes[:-1])
    assert np.all(lows <= np.minimum(opens, closes))
    assert np.all(highs >= np.maximum(opens, closes))
    assert np.all(table[:, 5] < table[:, 4])


def test_the_last_hours_agree_in_both_timeframes() -> None:
    coin = a_world().coins[BTC]
    fives, ones = coin.fives.candles(BTC), coin.minutes.candles(BTC)

    assert START == fives[-1].close_at == ones[-1].close_at
    assert max(bar.high for bar in ones[-5:]) == fives[-1].high
    assert ones[-5].open == fives[-1].open


def test_quantities_are_in_the_coin_of_the_final_price() -> None:
    """Open interest in USD is the profile's, whatever the price did on the way."""
    coin = a_world(days=20).coins[BTC]
    oi_usd = coin.crowd.oi * coin.usd_per_coin()

    assert 4e9 < oi_usd < 14e9
    assert coin.fives.table()[-1, 6] == coin.crowd.oi


def test_cascades_leave_wicks() -> None:
    table = a_world(days=30).coins[BTC].fives.table()
    ends = np.minimum(table[:, 0], table[:, 3])
    wicks = (ends - table[:, 2]) / ends

    assert np.quantile(wicks, 0.999) > 0.003
