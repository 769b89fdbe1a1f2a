"""Raiders: they set out for a pool, arrive or give up, and take some profit."""

import pytest

from bot.sim.nature import Nature
from bot.sim.raids import Raid, richest
from bot.sim.traders import LONG, SHORT, Crowd, Entries, new_crowd
from tests.fakes.worlds import BTC, an_instrument

OFTEN = Nature(raids_day=1e6)
UP, DOWN = (0.0, 0.0), (0.0, 0.999)


def a_crowd() -> Crowd:
    """Positions of one entry: 50x and 100x lie 0.6 and 1.6 % away on both sides."""
    crowd = new_crowd(an_instrument(BTC), 1_000.0)
    for side in (LONG, SHORT):
        crowd.cross(side, -5_000, 5_000)
    entries = Entries(points=((0.0, 1.0),), low=0.0, high=0.0, opened=100.0, buy_share=0.5)
    crowd.turn(0.0, entries)
    return crowd


def a_raid(chances: tuple[float, float] = UP) -> Raid:
    raid = Raid()
    raid.consider(a_crowd(), 0.0, 60.0, chances, OFTEN)
    return raid


@pytest.mark.parametrize(("side", "sign"), [(LONG, -1.0), (SHORT, 1.0)])
def test_the_richest_pool_for_its_way_is_found_on_each_side(side: int, sign: float) -> None:
    """50x holds three times as many coins as 100x, and lies not quite three times as far."""
    place, coins = richest(a_crowd(), side, 0.0)

    assert sign * place == pytest.approx(0.016, abs=0.0012)
    assert coins > 5.0


def test_an_empty_market_is_not_raided() -> None:
    crowd, raid = a_crowd(), Raid()
    for side in (LONG, SHORT):
        crowd.cross(side, -5_000, 5_000)
    raid.consider(crowd, 0.0, 60.0, UP, OFTEN)

    assert Raid() == raid
    assert (0.0, 0.0) == richest(crowd, LONG, 0.0)


def test_a_raid_leans_towards_its_pool_and_aims_behind_it() -> None:
    up, down = a_raid(UP), a_raid(DOWN)

    assert up.drift > 0.0 > down.drift
    assert up.target > richest(a_crowd(), SHORT, 0.0)[0]
    assert down.target < richest(a_crowd(), LONG, 0.0)[0]


def test_chance_says_when_and_none_means_never() -> None:
    raid = Raid()
    raid.consider(a_crowd(), 0.0, 60.0, (0.5, 0.0), Nature(raids_day=10.0))
    raid.consider(a_crowd(), 0.0, 60.0, UP, Nature(raids_day=0.0))

    assert Raid() == raid


def test_only_one_raid_is_on_at_a_time() -> None:
    raid = a_raid(UP)
    target = raid.target
    raid.consider(a_crowd(), 0.0, 60.0, DOWN, OFTEN)

    assert target == raid.target


def test_having_arrived_raiders_take_some_profit_the_other_way() -> None:
    raid = a_raid(UP)
    raid.go_on(raid.target + 1e-6, 60.0)

    assert raid.is_retreat
    assert raid.drift < 0.0
    raid.go_on(raid.target, raid.left_s)
    assert 0.0 == raid.left_s == raid.drift


def test_patience_ends() -> None:
    raid = a_raid(UP)
    while raid.left_s > 0.0:
        raid.go_on(0.0, 60.0)

    assert 0.0 == raid.drift
    assert not raid.is_retreat
