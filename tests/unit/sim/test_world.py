"""All contracts: what decides them, what they tell, and how they are kept."""

from collections import Counter
from itertools import pairwise

import pytest

from bot.errors import DataError
from bot.model.events import CandleClosed, Event, FundingRead, OpenInterestRead, PriceMoved
from bot.model.primitives import Symbol
from bot.sim.nature import Nature
from bot.sim.world import World
from tests.fakes.worlds import BTC, ETH, START, a_world


def play(world: World, seconds: int) -> list[Event]:
    told: list[Event] = []
    for _ in range(seconds):
        world.step()
        told += world.events()
    return told


def test_the_same_origin_is_the_same_market() -> None:
    assert play(a_world(), 700) == play(a_world(), 700)


def test_another_seed_is_another_market() -> None:
    assert play(a_world(), 10) != play(a_world(seed=8), 10)


def test_a_symbol_is_the_same_whoever_else_is_carried() -> None:
    alone = play(a_world(BTC), 400)
    among = play(a_world(ETH, Symbol("FOO/USDT:USDT"), BTC), 400)

    assert alone == [event for event in among if BTC in str(event)]


def test_listening_changes_nothing() -> None:
    heard, unheard = a_world(), a_world()
    play(heard, 200)
    for _ in range(200):
        unheard.step()

    assert heard.events() == unheard.events()


def test_every_second_has_a_price_and_the_rest_comes_on_its_hour() -> None:
    told = play(a_world(), 3_600)
    counts = Counter(type(event) for event in told)

    assert {PriceMoved: 3_600, CandleClosed: 60, OpenInterestRead: 12, FundingRead: 1} == counts
    assert all(START < event.at <= START + 3_600_000 for event in told)


def test_prices_join_from_second_to_second() -> None:
    moves = [event for event in play(a_world(), 300) if isinstance(event, PriceMoved)]

    for last, now in pairwise(moves):
        assert last.at == now.since_at
        assert now.low <= last.mark <= now.high


def test_funding_names_the_next_settlement_and_begins_anew_there() -> None:
    told = play(a_world(), 8 * 3_600)
    rates = [event.funding for event in told if isinstance(event, FundingRead)]

    assert [START + 28_800_000] * 7 + [START + 57_600_000] == [rate.next_at for rate in rates]
    assert all(abs(rate.rate) <= 0.003 for rate in rates)


def test_a_restored_world_goes_on_bit_for_bit() -> None:
    """What a kill must not change: the checkpoint holds everything but chance, which is derived."""
    whole, kept = a_world(BTC, ETH), a_world(BTC, ETH)
    play(whole, 1_234)
    play(kept, 1_000)
    again = a_world(BTC, ETH, is_built=False)
    again.restore(list(kept.dump()))
    play(again, 234)

    assert list(whole.dump()) == list(again.dump())
    assert play(whole, 900) == play(again, 900)
    assert whole.past(BTC) == again.past(BTC)


@pytest.mark.parametrize("damage", [[], [b""], [b"\x00"], [b"\x93abc"]])
def test_a_damaged_dump_is_refused(damage: list[bytes]) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        a_world(is_built=False).restore(damage)


def test_a_dump_of_another_market_is_refused() -> None:
    dump = list(a_world().dump())
    others = [
        a_world(seed=8, is_built=False),
        a_world(ETH, is_built=False),
        a_world(days=3, is_built=False),
        a_world(nature=Nature(cascade_impact=0.1), is_built=False),
    ]

    for other in others:
        with pytest.raises(DataError, match="another market"):
            other.restore(dump)


def test_a_dump_that_lacks_a_coin_is_refused() -> None:
    with pytest.raises(DataError, match="lacks a symbol"):
        a_world(is_built=False).restore(list(a_world().dump())[:1])


def test_the_past_is_one_row_of_bars_without_overlap() -> None:
    world = a_world()
    play(world, 420)
    past = world.past(BTC)

    for last, now in pairwise(past.candles):
        assert last.close_at == now.open_at
    assert {60_000, 300_000} == {candle.timeframe_ms for candle in past.candles}
    assert START + 420_000 == past.candles[-1].close_at
    assert START + 300_000 == past.open_interest[-1][0]
    assert past.funding is not None


def test_building_again_begins_again() -> None:
    world = a_world()
    first = play(world, 20)
    assert [1.0] == list(world.build())[-1:]

    assert first == play(world, 20)
