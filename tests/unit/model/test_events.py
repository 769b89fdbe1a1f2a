"""Every event, fact and command survives the journal's encoding unchanged."""

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.model.commands import Command
from bot.model.events import Event, PriceMoved, Ticked
from bot.model.facts import Fact
from bot.model.primitives import Millis


def members(union: object) -> list[type]:
    return list(union.__args__)  # type: ignore[attr-defined]  # a union has its members


@pytest.mark.parametrize("union", [Event, Command, Fact], ids=["events", "commands", "facts"])
def test_the_tags_of_a_union_are_distinct(union: object) -> None:
    tags = [kind.__struct_config__.tag for kind in members(union)]  # type: ignore[attr-defined]  # structs only

    assert len(tags) == len(set(tags))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**52), st.floats(0.1, 1e6), st.floats(0.1, 1e6))
def test_a_price_survives_the_journal(at: int, mark: float, low: float) -> None:
    event = PriceMoved(
        at=Millis(at),
        symbol="BTC/USDT:USDT",  # type: ignore[arg-type]  # as it comes from the wire
        mark=mark,
        bid=mark,
        ask=mark,
        last=mark,
        high=max(mark, low),
        low=min(mark, low),
        since_at=Millis(0),
    )

    assert event == msgspec.json.decode(msgspec.json.encode(event), type=Event)


def test_an_unknown_event_in_a_journal_is_an_error() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(b'{"type":"Guessed","at":1}', type=Event)


def test_events_are_frozen() -> None:
    with pytest.raises(AttributeError):
        Ticked(at=Millis(1)).at = Millis(2)  # type: ignore[misc]  # the point of the test
