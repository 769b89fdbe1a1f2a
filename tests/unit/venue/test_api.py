"""Every exchange offers what the live venue asks for, with the same parameters."""

import inspect

import pytest

from bot.venue.api import PrivateApi
from bot.venue.binanceusdm import BinanceApi
from bot.venue.bybit import BybitApi

APIS: tuple[type[PrivateApi], ...] = (BinanceApi, BybitApi)
ASKED = [name for name in vars(PrivateApi) if not name.startswith("_")]


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("api", APIS, ids=lambda kind: kind.__name__)
def test_what_is_asked_for_is_there_with_the_same_parameters(
    api: type[PrivateApi], name: str
) -> None:
    asked, answered = getattr(PrivateApi, name), getattr(api, name)

    assert inspect.iscoroutinefunction(answered)
    assert list(inspect.signature(asked).parameters) == list(inspect.signature(answered).parameters)
