"""ccxt's class with our line, our clock, our addresses, and nothing that acts by itself."""

import decimal
import logging
from typing import Any

import pytest

from bot.clock import run_virtual
from bot.errors import ConfigError
from bot.gateway.connection import Connection
from bot.gateway.signer import checked_address, new_exchange, redirect, revealed
from bot.model.primitives import Millis
from tests.fakes.live_connection import KEY, SECRET, AKeys, a_connection, bybit_connection

HERE = "http://127.0.0.1:8080"


async def no_line(url: str, method: str, headers: dict[str, str], body: str) -> Any:
    raise AssertionError(f"{method} {url} {headers} {body}")


def an_exchange(connection: Connection | None = None, *, has_streams: bool = False) -> Any:
    """One in a loop, as ccxt wants it."""

    async def make() -> Any:
        return new_exchange(
            connection or a_connection(),
            fetch=no_line,
            now=lambda: Millis(1_234_567),
            has_streams=has_streams,
        )

    return run_virtual(make())


@pytest.mark.parametrize("has_streams", [False, True])
def test_ccxt_does_not_throttle_repeat_print_or_keep(*, has_streams: bool) -> None:
    exchange = an_exchange(has_streams=has_streams)

    assert not exchange.enableRateLimit
    assert not exchange.verbose
    assert not exchange.aiohttp_trust_env
    assert not exchange.enableLastHttpResponse
    assert not exchange.enableLastJsonResponse
    assert not exchange.enableLastResponseHeaders
    assert 0 == exchange.options["maxRetriesOnFailure"]
    assert not exchange.options["adjustForTimeDifference"]
    assert not exchange.has["fetchCurrencies"]


def test_its_time_is_ours() -> None:
    exchange = an_exchange()

    assert (1_234_567, 1_234, 1_234_567_000) == (
        exchange.milliseconds(),
        exchange.seconds(),
        exchange.microseconds(),
    )
    assert 1_234_567 == exchange.nonce()


def test_how_ccxt_rounds_is_not_how_our_money_is_computed() -> None:
    """Unmodified it leaves ROUND_HALF_UP and a trap in the context of whoever called it."""
    exchange = an_exchange()
    before = repr(decimal.getcontext())
    rounded = exchange.decimal_to_precision("0.25", 1, 1, 2)

    assert "0.3" == rounded
    assert before == repr(decimal.getcontext())


def test_its_log_never_goes_into_details() -> None:
    logging.getLogger("ccxt").setLevel(logging.DEBUG)
    exchange = an_exchange()

    assert not exchange.logger.isEnabledFor(logging.DEBUG)


def test_the_options_of_a_profile_count_and_its_usual_window() -> None:
    exchange = an_exchange(a_connection(options={"brokerId": "none", "maxRetriesOnFailure": 3}))
    bybit = an_exchange(bybit_connection())

    assert "none" == exchange.options["brokerId"]
    assert 0 == exchange.options["maxRetriesOnFailure"]
    assert 5_000 == bybit.options["recvWindow"]


def test_an_exchange_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="'nowhere' is not an exchange"):
        an_exchange(a_connection(id="nowhere"))


def test_keys_are_shown_only_to_ccxt() -> None:
    assert {"apiKey": KEY, "secret": SECRET} == revealed(AKeys())
    assert {} == revealed(None)


URLS: dict[str, Any] = {
    "public": "https://api.{hostname}",
    "fapi": "https://fapi.binance.com/fapi/v1",
    "ws": {"linear": "wss://fstream.binance.com/ws", "deep": {"x": "wss://x.com:99/a/b"}},
    "odd": None,
}


def redirected(**addresses: str) -> dict[str, Any]:
    urls = {**URLS, "ws": {**URLS["ws"], "deep": dict(URLS["ws"]["deep"])}}
    redirect(urls, **{"base_url": "", "stream_url": "", **addresses})
    return urls


def test_without_addresses_the_exchanges_own_remain() -> None:
    assert redirected() == URLS


def test_one_address_takes_the_place_of_every_host_and_of_the_streams() -> None:
    assert {
        "public": HERE,
        "fapi": f"{HERE}/fapi/v1",
        "ws": {
            "linear": "ws://127.0.0.1:8080/ws",
            "deep": {"x": "ws://127.0.0.1:8080/a/b"},
        },
        "odd": None,
    } == redirected(base_url=HERE + "/")


def test_streams_may_have_an_address_of_their_own() -> None:
    urls = redirected(base_url="https://demo.example.com", stream_url="wss://s.example.com:9443")

    assert "https://demo.example.com/fapi/v1" == urls["fapi"]
    assert "wss://s.example.com:9443/ws" == urls["ws"]["linear"]


def test_the_streams_of_an_encrypted_address_are_encrypted() -> None:
    assert "wss://e.com/ws" == redirected(base_url="https://e.com")["ws"]["linear"]


def test_only_the_streams_can_be_elsewhere() -> None:
    urls = redirected(stream_url="ws://[::1]:9000")

    assert "https://fapi.binance.com/fapi/v1" == urls["fapi"]
    assert "ws://[::1]:9000/ws" == urls["ws"]["linear"]


@pytest.mark.parametrize("text", [HERE, "http://localhost:1", "http://[::1]:80", "https://e.com/"])
def test_what_is_encrypted_or_on_this_machine_may_be_asked(text: str) -> None:
    assert text.rstrip("/") == checked_address(text, "http", where="exchange.base_url")


@pytest.mark.parametrize(
    "text",
    [
        "http://192.168.0.7:80",
        "http://fapi.binance.com",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
    ],
)
def test_what_is_open_to_others_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not encrypted") as caught:
        checked_address(text, "http", where="exchange.base_url")

    assert "exchange.base_url" == caught.value.where


@pytest.mark.parametrize(
    "text",
    [
        "fapi.binance.com",
        "ftp://e.com",
        "wss://e.com",
        "https://",
        "https://u:p@e.com",
        "https://e.com/path",
        "https://e.com?x=1",
        "https://e.com#x",
        " https://e.com",
        "https://e.com:999999",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="is not an address of an exchange"):
        checked_address(text, "http", where="exchange.base_url")
