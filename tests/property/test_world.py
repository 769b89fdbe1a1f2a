"""The embedded market over weeks: sane prices, real-looking moves, cascades, books that agree."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.primitives import Symbol
from bot.sim.traders import LONG, SHORT
from bot.sim.world import World
from tests.fakes.worlds import BTC, ETH, SOL, a_world

Table = npt.NDArray[np.float64]
DAY = 288
LIVE_DAYS = 2
NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", min_size=1, max_size=8)


@lru_cache
def two_months() -> World:
    return a_world(BTC, ETH, SOL, days=60)


@lru_cache
def two_days() -> tuple[dict[Symbol, Table], dict[Symbol, Table], World]:
    """Log prices and USD forced out, by second."""
    world = a_world(BTC, ETH, SOL, days=30)
    seconds = LIVE_DAYS * 86_400
    marks = {symbol: np.empty(seconds) for symbol in world.coins}
    forced = {symbol: np.zeros(seconds) for symbol in world.coins}
    for second in range(seconds):
        before = {symbol: coin.forced_usd for symbol, coin in world.coins.items()}
        world.step()
        for symbol, coin in world.coins.items():
            marks[symbol][second] = coin.price.x
            forced[symbol][second] = max(coin.forced_usd - before[symbol], 0.0)
    return marks, forced, world


def returns(table: Table) -> Table:
    moves: Table = np.diff(np.log(table[:, 3]))
    return moves


@pytest.mark.parametrize("symbol", [BTC, ETH, SOL])
def test_sixty_days_are_finite_and_positive(symbol: Symbol) -> None:
    table = two_months().coins[symbol].fives.table()

    assert 60 * DAY == len(table)
    assert np.isfinite(table).all()
    assert (table > 0.0).all()
    assert 0.3 < table[:, 3].min() / table[-1, 3]
    assert table[:, 3].max() / table[-1, 3] < 3.0


@pytest.mark.parametrize("symbol", [BTC, ETH, SOL])
def test_moves_look_like_a_real_market(symbol: Symbol) -> None:
    """Measured on 80 days of real 5-minute bars: 3.1 to 4.1 % a day, tails, calm and storm."""
    moves = returns(two_months().coins[symbol].fives.table())
    size = np.abs(moves)

    assert 0.015 < moves.std() * math.sqrt(DAY) < 0.06
    assert (
        abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.35
    )  # raids trend; real bars have about 0.01
    assert np.corrcoef(size[1:], size[:-1])[0, 1] > 0.1
    assert (moves**4).mean() / (moves**2).mean() ** 2 > 4.5


def test_coins_move_together() -> None:
    coins = two_months().coins
    first, second = (returns(coins[symbol].fives.table()) for symbol in (BTC, ETH))

    assert 0.25 < np.corrcoef(first, second)[0, 1] < 0.95


@pytest.mark.parametrize("symbol", [BTC, ETH, SOL])
def test_open_interest_stays_near_home_and_moves_like_the_real_one(symbol: Symbol) -> None:
    """Real: increases of 5 minutes add up to 0.075 to 0.11 of the open interest a day."""
    coin = two_months().coins[symbol]
    oi = coin.fives.table()[:, 6]
    share = np.diff(oi) / oi[:-1]

    assert 0.5 < oi.min() / coin.oi_home
    assert oi.max() / coin.oi_home < 1.8
    assert 0.05 < share[share > 0.0].sum() / 60 < 0.25
    assert np.abs(share).max() < 0.1


@pytest.mark.parametrize("symbol", [BTC, ETH, SOL])
def test_live_seconds_continue_in_the_manner_of_the_history(symbol: Symbol) -> None:
    marks, _, world = two_days()
    minutes = marks[symbol].reshape(-1, 60)
    ranges = minutes.max(axis=1) - minutes.min(axis=1)
    moves = np.diff(minutes[:, -1])

    assert np.isfinite(minutes).all()
    assert 0.0003 < np.median(ranges) < 0.0020
    assert 0.012 < moves.std() * math.sqrt(1_440) < 0.07
    assert abs(np.corrcoef(moves[1:], moves[:-1])[0, 1]) < 0.3
    for side in (LONG, SHORT):
        crowd = world.coins[symbol].crowd
        assert crowd.total(side) == pytest.approx(crowd.oi, rel=1e-6)
        assert sum(crowd.mass(side).values()) == pytest.approx(sum(crowd.held[side]), rel=1e-6)


@pytest.mark.parametrize("symbol", [BTC, ETH, SOL])
def test_liquidations_come_as_cascades_that_partly_return(symbol: Symbol) -> None:
    """Sweeps need a price that goes through and comes back; accepted breaks one that does not."""
    marks, forced, world = two_days()
    by_minute = forced[symbol].reshape(-1, 60).sum(axis=1)
    large = np.flatnonzero(by_minute > 0.5 * world.coins[symbol].price.depth_calm_usd)
    seen = [_swing(marks[symbol], int(minute)) for minute in large if 0 < minute < 2_878]
    sizes, returned = np.array(seen).T

    assert 0.02 < (by_minute > 0.0).mean() < 0.6
    assert 2 <= len(large) / LIVE_DAYS <= 60
    assert np.median(sizes) > 0.001
    assert sizes.max() < 0.03
    assert (returned > 0.0005).mean() > 0.3


def test_over_many_coins_some_cascades_return_and_some_do_not() -> None:
    marks, forced, world = two_days()
    shares = []
    for symbol, coin in world.coins.items():
        by_minute = forced[symbol].reshape(-1, 60).sum(axis=1)
        for minute in np.flatnonzero(by_minute > 0.5 * coin.price.depth_calm_usd):
            if 0 < minute < 2_878:
                size, returned = _swing(marks[symbol], int(minute))
                shares.append(returned / size)

    assert 0.1 < np.mean(np.array(shares) > 0.5) < 0.9


@settings(max_examples=15, deadline=None)
@given(name=NAMES, seed=st.integers(0, 2**32 - 1))
def test_any_symbol_and_seed_is_a_market(name: str, seed: int) -> None:
    symbol = Symbol(f"{name}/USDT:USDT")
    world = a_world(symbol, seed=seed, days=3)
    for _ in range(1_800):
        world.step()
    coin = world.coins[symbol]
    table = coin.fives.table()

    assert np.isfinite(table).all()
    assert (table[:, [0, 1, 2, 3, 6]] > 0.0).all()
    assert (table[:, 2] <= table[:, 1]).all()
    for side in (LONG, SHORT):
        assert coin.crowd.total(side) == pytest.approx(coin.crowd.oi, rel=1e-9)


@settings(max_examples=10, deadline=None)
@given(before=st.integers(0, 900), after=st.integers(1, 900))
def test_a_dump_at_any_second_goes_on_bit_for_bit(before: int, after: int) -> None:
    one, other = a_world(), a_world(is_built=False)
    for _ in range(before):
        one.step()
    other.restore(list(one.dump()))
    for _ in range(after):
        one.step()
        other.step()

    assert list(one.dump()) == list(other.dump())
    assert one.events() == other.events()


def _swing(marks: Table, minute: int) -> tuple[float, float]:
    """How far a minute went from where it began, and how much came back in the next 60 s."""
    begin = marks[minute * 60 - 1]
    away = np.abs(marks[minute * 60 : minute * 60 + 60] - begin)
    turn = minute * 60 + int(np.argmax(away))
    sign = math.copysign(1.0, marks[turn] - begin)
    back = float((sign * (marks[turn] - marks[turn : turn + 60])).max())
    return float(away.max()), back
