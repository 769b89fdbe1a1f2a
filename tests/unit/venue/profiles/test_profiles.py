"""The register of exchanges."""

import subprocess
import sys

import pytest

from bot.errors import ConfigError
from bot.venue.profiles import LIVE, PUBLIC, known_ids, profile_of


@pytest.mark.parametrize("exchange_id", [*LIVE, *PUBLIC])
def test_every_exchange_we_name_has_a_profile(exchange_id: str) -> None:
    profile = profile_of(exchange_id)

    assert exchange_id == profile.connection.id
    assert profile.is_live is (exchange_id in LIVE)
    assert bool(profile.why_not) is (exchange_id not in LIVE)


def test_those_that_trade_money_come_first() -> None:
    assert ("binanceusdm", "bybit", *PUBLIC) == known_ids()


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("byit", "bybit"),
        ("binance", "binanceusdm"),
        ("Bybit", "bybit"),
        ("kucoin", "kucoinfutures"),
    ],
)
def test_c1_a_name_that_is_not_known_gets_the_nearest_one(text: str, near: str) -> None:
    with pytest.raises(ConfigError) as caught:
        profile_of(text)

    assert f"Did you mean {near}?" == caught.value.remedy
    assert "exchange.id" == caught.value.where


def test_a_name_that_is_like_none_gets_them_all() -> None:
    with pytest.raises(ConfigError) as caught:
        profile_of("zzz")

    assert all(name in caught.value.remedy for name in known_ids())


def test_a_run_loads_its_own_exchange_alone() -> None:
    code = (
        "import sys; from bot.venue.profiles import profile_of; profile_of('okx');"
        "print([n for n in sys.modules if n in ('ccxt', 'bot.venue.bybit',"
        " 'bot.venue.profiles.binanceusdm')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]" == done.stdout.strip()
