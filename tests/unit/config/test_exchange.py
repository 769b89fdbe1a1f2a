"""An exchange's settings: what contradicts each other is told in sentences."""

from typing import Any

import pytest
from msgspec.structs import replace

from bot.config.exchange import exchange_mistakes, is_loopback
from bot.model.wiring import ExchangeSettings, MarketSource, Mode

EMULATOR = "http://127.0.0.1:8791"


def told(mode: Mode = Mode.PAPER, source: str = "exchange", **keys: Any) -> list[str]:
    return told_of(ExchangeSettings(**keys), mode, source)


def told_of(
    settings: ExchangeSettings, mode: Mode = Mode.PAPER, source: str = "exchange"
) -> list[str]:
    found = exchange_mistakes(settings, mode=mode, source=MarketSource(source))
    return [what for what, _ in found]


def test_what_is_not_used_is_not_looked_at() -> None:
    assert [] == told(source="simulated", id="nonsense", base_url="nonsense")


def test_live_orders_need_the_exchanges_own_prices() -> None:
    assert (
        "mode is live, and market.source is recorded: real orders need the exchange's prices."
        in told(Mode.LIVE, "recorded")
    )


@pytest.mark.parametrize("name", ["binanceusdm", "bybit"])
def test_the_first_tier_trades_live(name: str) -> None:
    assert [] == told(Mode.LIVE, id=name)


@pytest.mark.parametrize(
    "name",
    [
        "okx",
        "bitget",
        "hyperliquid",
        "gate",
        "kucoinfutures",
        "bingx",
        "mexc",
        "krakenfutures",
        "deribit",
    ],
)
def test_the_others_give_prices_and_refuse_live_in_a_sentence(name: str) -> None:
    (refusal,) = told(Mode.LIVE, id=name)

    assert [] == told(id=name)
    assert "data and paper trading only" in refusal


def test_an_exchange_that_nobody_knows_is_refused() -> None:
    (refusal,) = told(id="binancusdm")

    assert "binancusdm" in refusal


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("base_url", "http://proxy.example"),
        ("base_url", "ftp://127.0.0.1"),
        ("base_url", "https://"),
        ("base_url", "https://user@proxy.example"),
        ("base_url", "https://proxy.example/path"),
        ("base_url", "https://proxy.example:port"),
        ("stream_url", "ws://proxy.example"),
        ("stream_url", "https://proxy.example"),
    ],
)
def test_an_address_that_would_leak_keys_or_is_none_is_refused(key: str, url: str) -> None:
    (refusal,) = told_of(replace(ExchangeSettings(), **{key: url}))

    assert f"exchange.{key}" in refusal


@pytest.mark.parametrize(
    ("key", "url"),
    [
        ("base_url", EMULATOR),
        ("base_url", "https://proxy.example:8443/"),
        ("stream_url", "ws://localhost:8791"),
        ("stream_url", "wss://proxy.example"),
    ],
)
def test_an_address_that_can_be_used_is_taken(key: str, url: str) -> None:
    assert [] == told_of(replace(ExchangeSettings(), **{key: url}))


def test_a_real_exchanges_time_is_not_hurried() -> None:
    (refusal,) = told(speed=20.0, base_url="https://proxy.example")

    assert "exchange.speed is 20" in refusal
    assert [] == told(speed=20.0, base_url=EMULATOR)


def test_this_machine_has_several_names() -> None:
    assert [True, True, True, False] == [
        is_loopback(url)
        for url in ("http://127.0.0.1:1", "http://localhost", "http://[::1]:2", "http://10.0.0.1")
    ]
