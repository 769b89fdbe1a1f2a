"""The knobs of the embedded market."""

import msgspec
import pytest

from bot.sim.nature import Nature


def test_the_knobs_survive_the_wire() -> None:
    nature = Nature(cascade_impact=0.3)

    assert nature == msgspec.msgpack.decode(msgspec.msgpack.encode(nature), type=Nature)


def test_an_impossible_knob_is_refused_when_read() -> None:
    with pytest.raises(msgspec.ValidationError, match="execution_share"):
        msgspec.convert({"execution_share": 0.0}, type=Nature)
