"""Chance that can be had again."""

import numpy as np

from bot.sim.noise import BLOCK_S, TURN_NORMALS, TURN_S, Noise


def test_a_block_is_the_same_whenever_and_by_whomever_it_is_drawn() -> None:
    one, other = Noise(7, "BTC"), Noise(7, "BTC")
    one.block(4)

    assert one.block(9) == other.block(9)


def test_seeds_names_and_blocks_differ() -> None:
    blocks = [Noise(7, "a").block(1), Noise(8, "a").block(1), Noise(7, "b").block(1)]
    blocks.append(Noise(7, "a").block(2))

    assert len(blocks) == len({moves[0] for moves, _ in blocks})


def test_a_block_holds_a_normal_a_second_and_whole_turns() -> None:
    moves, turns = Noise(1, "x").block(0)

    assert BLOCK_S == len(moves)
    assert BLOCK_S // TURN_S == len(turns)
    assert {TURN_NORMALS} == {len(turn) for turn in turns}


def test_uniforms_of_the_past_never_have_a_logarithm_of_nought() -> None:
    normals, uniforms = Noise(3, "x").past(5_000)

    assert all(0.0 < value <= 1.0 for row in uniforms for value in row)
    assert abs(float(np.mean(normals))) < 0.05
