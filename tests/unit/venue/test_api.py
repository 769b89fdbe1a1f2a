"""Every exchange that trades money speaks the whole private interface, and nothing differs."""

import inspect

import pytest

from bot.venue.api import PrivateApi
from bot.venue.binanceusdm import BinanceApi
from bot.venue.bybit import BybitApi

CALLS = [
    name for name, found in vars(PrivateApi).items() if inspect.isfunction(found) and name[0] != "_"
]


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("api", [BinanceApi, BybitApi])
def test_a_call_is_asked_for_in_the_same_words_everywhere(api: type, name: str) -> None:
    """The live venue knows no exchange: what one of them called differently would raise there."""
    asked, spoken = (inspect.signature(getattr(row, name)) for row in (PrivateApi, api))
    asked_words, spoken_words = (
        [(row.name, row.kind) for row in found.parameters.values()] for found in (asked, spoken)
    )

    assert asked_words == spoken_words


def test_the_interface_is_looked_at_whole() -> None:
    assert {"identity", "place", "cancel", "query", "account", "watch"} <= set(CALLS)
