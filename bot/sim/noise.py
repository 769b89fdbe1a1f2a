"""Chance that can be had again: every block of time has its own generator, named by the seed.

Nothing about randomness needs to be remembered: whoever knows the seed, the name and the instant
draws the same numbers, in whatever order and from whichever run.
"""

import zlib
from typing import Final

import numpy as np

BLOCK_S: Final = 300
TURN_S: Final = 15
"""How often traders make up their minds; each block holds a whole number of turns."""
TURN_NORMALS: Final = 10
"""Standard normals that one turn may use."""

_LIVE, _PAST = 1, 2


class Noise:
    """The chance of one name (a symbol, or the market as a whole) under one seed."""

    def __init__(self, seed: int, name: str) -> None:
        self._key = (seed, zlib.crc32(name.encode()))

    def block(self, number: int) -> tuple[list[float], list[list[float]]]:
        """The normals of a block: one a second, and `TURN_NORMALS` for each turn in it."""
        generator = self._generator(_LIVE, number)
        seconds: list[float] = generator.standard_normal(BLOCK_S).tolist()
        turns: list[list[float]] = generator.standard_normal(
            (BLOCK_S // TURN_S, TURN_NORMALS)
        ).tolist()
        return seconds, turns

    def past(self, steps: int) -> tuple[list[list[float]], list[list[float]]]:
        """For each step of the history: `TURN_NORMALS` + 1 normals, and four uniforms in (0, 1]."""
        generator = self._generator(_PAST, steps)
        normals: list[list[float]] = generator.standard_normal((steps, TURN_NORMALS + 1)).tolist()
        uniforms: list[list[float]] = (1.0 - generator.random((steps, 4))).tolist()
        return normals, uniforms

    def _generator(self, kind: int, number: int) -> np.random.Generator:
        return np.random.Generator(np.random.PCG64([*self._key, kind, number]))
