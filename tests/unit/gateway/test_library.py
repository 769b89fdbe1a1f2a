"""One exchange of ccxt is imported, and what cannot be had that way is had the plain way.

Each case is a process of its own: what is imported stays imported.
"""

import subprocess
import sys

import pytest

from bot.errors import ConfigError
from bot.gateway.library import exchange_class

COUNT = "print(sum(n.startswith('ccxt.async_support.') and n.count('.') == 2 for n in sys.modules))"
BROKEN = """
import importlib.util
spec = importlib.util.find_spec("ccxt")
bare = type(sys)("ccxt")
bare.__spec__, bare.__path__, bare.is_bare = spec, [], True
sys.modules["ccxt"] = bare
"""


def printed(code: str) -> list[str]:
    """What a new process prints."""
    head = "import sys\nfrom bot.gateway.library import exchange_class\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert "" == done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("exchange_id", ["binanceusdm", "bybit"])
@pytest.mark.parametrize(("has_streams", "package"), [(False, "async_support"), (True, "pro")])
def test_one_exchange_comes_without_the_others(
    *, exchange_id: str, has_streams: bool, package: str
) -> None:
    lines = printed(
        f"found = exchange_class({exchange_id!r}, has_streams={has_streams})\n"
        f"print(found.__module__, found().id)\n{COUNT}\n"
    )

    assert f"ccxt.{package}.{exchange_id} {exchange_id}" == lines[0]
    assert 5 > int(lines[1])


def test_the_others_can_still_be_had() -> None:
    lines = printed(
        "exchange_class('bybit', has_streams=False)\n"
        "import ccxt, ccxt.async_support as plain\n"
        "print(plain.kraken().id, plain.kraken().id, plain.bybit().id)\n"
        "print(issubclass(ccxt.NetworkError, ccxt.BaseError), hasattr(plain, 'nowhere'))\n"
        "print(exchange_class('okx', has_streams=True).__module__)\n"
    )

    assert ["kraken kraken bybit", "True False", "ccxt.pro.okx"] == lines


def test_where_ccxt_is_imported_already_it_is_used_as_it_is() -> None:
    lines = printed(
        "import ccxt.async_support as plain\n"
        "print(exchange_class('bybit', has_streams=False) is plain.bybit)\n"
        "print(exchange_class('bybit', has_streams=True).__module__)\n"
    )

    assert ["True", "ccxt.pro.bybit"] == lines


@pytest.mark.parametrize("has_streams", [False, True])
def test_where_the_short_way_fails_ccxt_is_imported_whole(*, has_streams: bool) -> None:
    lines = printed(
        f"{BROKEN}found = exchange_class('bybit', has_streams={has_streams})\n"
        f"print(found().id)\n{COUNT}\n"
    )

    assert "bybit" == lines[0]
    assert 50 < int(lines[1])


@pytest.mark.parametrize("name", ["binanc", "", "../bybit", "Bybit", "base", "bybit.x", "__init__"])
@pytest.mark.parametrize("has_streams", [False, True])
def test_what_ccxt_does_not_know_is_refused_with_a_sentence(
    *, name: str, has_streams: bool
) -> None:
    with pytest.raises(ConfigError, match="is not an exchange that ccxt knows") as caught:
        exchange_class(name, has_streams=has_streams)

    assert "exchange.id" == caught.value.where
