"""The crowd: positions as mass where it is liquidated."""

import math

import pytest

from bot.sim.traders import GRAIN, LONG, SHORT, Crowd, Entries, new_crowd
from tests.fakes.worlds import BTC, an_instrument

OI = 1_000.0


def a_crowd() -> Crowd:
    return new_crowd(an_instrument(BTC), OI)


def entries(
    *, x: float = 0.0, opened: float = 10.0, buy_share: float = 0.5, spread: float = 0.0
) -> Entries:
    return Entries(
        points=((x, 1.0),), low=x - spread, high=x + spread, opened=opened, buy_share=buy_share
    )


def books_agree(crowd: Crowd) -> bool:
    return all(crowd.total(side) == pytest.approx(crowd.oi, rel=1e-9) for side in (LONG, SHORT))


def test_one_contract_is_one_long_and_one_short() -> None:
    crowd = a_crowd()
    for number in range(50):
        crowd.turn(5.0, entries(x=0.001 * math.sin(number), buy_share=0.3 + 0.01 * number))
        crowd.cross(LONG, -400, -100 + number)

    assert books_agree(crowd)
    assert all(min(held) >= 0.0 for held in crowd.held)


def test_rows_hold_what_the_tiers_hold() -> None:
    crowd = a_crowd()
    for _ in range(20):
        crowd.turn(3.0, entries())
        crowd.cross(SHORT, 25, 60)

    for side in (LONG, SHORT):
        assert sum(crowd.mass(side).values()) == pytest.approx(sum(crowd.held[side]))


def test_longs_lie_below_the_entry_and_shorts_above() -> None:
    crowd = a_crowd()

    assert max(crowd.mass(LONG)) < 0
    assert min(crowd.mass(SHORT)) >= 0


def test_a_crossed_bucket_gives_its_coins_once() -> None:
    crowd = a_crowd()
    crowd.turn(0.0, entries(opened=100.0))
    place = math.floor(crowd.offsets[LONG][-1])

    first = crowd.cross(LONG, place, place)

    assert first > 0.0
    assert 0.0 == crowd.cross(LONG, place, place)
    assert first == crowd.limbo[LONG]
    assert books_agree(crowd)


def test_liquidated_contracts_are_closed_or_change_hands() -> None:
    crowd = a_crowd()
    crowd.turn(0.0, entries(opened=100.0))
    forced = crowd.cross(LONG, -200, -1)
    before = crowd.oi

    closed = crowd.turn(0.0, entries(opened=0.0))

    assert 0.0 < closed < forced
    assert before - closed == pytest.approx(crowd.oi)
    assert [0.0, 0.0] == crowd.limbo
    assert books_agree(crowd)


def test_takers_who_buy_make_more_longs_at_risk() -> None:
    crowd = a_crowd()
    before = [sum(held) for held in crowd.held]
    crowd.turn(0.0, entries(opened=100.0, buy_share=0.9))
    added = [sum(held) - past for held, past in zip(crowd.held, before, strict=True)]

    assert added[LONG] > added[SHORT]
    assert added[LONG] == pytest.approx(95.0)


def test_what_would_be_liquidated_within_the_turn_is_not_opened_levered() -> None:
    crowd = a_crowd()
    before = sum(crowd.held[LONG])
    crowd.turn(0.0, entries(opened=100.0, spread=1.0))

    assert before == sum(crowd.held[LONG])
    assert books_agree(crowd)


def test_high_leverage_leaves_first() -> None:
    crowd = a_crowd()
    before = list(crowd.held[LONG])
    crowd.turn(50.0, entries(opened=0.0))
    stayed = [now / past for now, past in zip(crowd.held[LONG], before, strict=True) if past]

    assert sorted(stayed, reverse=True) == stayed


def test_folding_the_scales_changes_no_mass() -> None:
    crowd = a_crowd()
    while min(crowd.scale[LONG]) >= 1e-30:
        crowd.turn(300.0, entries(opened=300.0))
    mass = crowd.mass(LONG)

    crowd.turn(0.0, entries(opened=0.0))

    assert 1.0 == min(crowd.scale[LONG])
    assert sum(crowd.mass(LONG).values()) == pytest.approx(sum(mass.values()))
    assert len(crowd.mass(LONG)) < len(mass)
    assert books_agree(crowd)


def test_another_unit_of_coin_multiplies_everything() -> None:
    crowd = a_crowd()
    crowd.turn(5.0, entries())
    crowd.cross(LONG, -200, -1)
    oi, mass = crowd.oi, sum(crowd.mass(SHORT).values())
    crowd.rescale(2.5)

    assert 2.5 * oi == crowd.oi
    assert sum(crowd.mass(SHORT).values()) == pytest.approx(2.5 * mass)
    assert books_agree(crowd)


def test_buckets_are_two_basis_points() -> None:
    crowd = a_crowd()
    crowd.turn(0.0, entries(x=0.01, opened=1.0))

    assert math.floor(0.01 / GRAIN + crowd.offsets[SHORT][-1]) in crowd.mass(SHORT)
