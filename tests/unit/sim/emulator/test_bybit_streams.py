"""Bybit's websockets as the emulator speaks them."""

import asyncio
import json
from typing import Any

import pytest

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import CandleClosed
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.sim.emulator.bybit_streams import PRIVATE_PATH, PUBLIC_PATH, BybitStreams
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.streams import Hub, Line
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON
from tests.fakes.emu_dialect import moved


@pytest.fixture
def core() -> Emulator:
    core = Emulator(dict(INSTRUMENTS))
    for symbol in INSTRUMENTS:
        core.on_market(moved(symbol))
    return core


@pytest.fixture
def speech(core: Emulator) -> BybitStreams:
    return BybitStreams(core, Hub(), lambda args, _: args == ["key", "1", "good"])


def said(line: Line) -> list[Any]:
    return [json.loads(text) for text in asyncio.run(line.take())]


def asked(speech: BybitStreams, line: Line, op: str, *args: str, **more: str) -> list[Any]:
    speech.hear(line, json.dumps({"op": op, "args": list(args), **more}), NOON)
    return said(line)


def opened(speech: BybitStreams, path: str = PUBLIC_PATH) -> Line:
    line = speech.open(path, {}, NOON)
    assert line is not None
    return line


def proved(speech: BybitStreams, *topics: str) -> Line:
    line = opened(speech, PRIVATE_PATH)
    asked(speech, line, "auth", "key", "1", "good")
    asked(speech, line, "subscribe", *topics)
    return line


@pytest.mark.parametrize("path", ["/v5/public/spot", "/ws", "/v5/trade"])
def test_other_addresses_have_no_stream(speech: BybitStreams, path: str) -> None:
    assert speech.open(path, {}, NOON) is None


def test_a_ticker_is_a_snapshot_and_then_only_what_has_changed(
    core: Emulator, speech: BybitStreams
) -> None:
    core.fundings[BTC] = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 60_000))
    core.open_interest[BTC] = [(NOON, 5.0)]
    line = opened(speech)
    answer, snapshot = asked(speech, line, "subscribe", "tickers.BTCUSDT", req_id="7")

    assert (True, "subscribe", "7") == (answer["success"], answer["ret_msg"], answer["req_id"])
    assert ("tickers.BTCUSDT", "snapshot") == (snapshot["topic"], snapshot["type"])
    assert ("100.0", "5.000", "0.00010000") == tuple(
        snapshot["data"][key] for key in ("markPrice", "openInterest", "fundingRate")
    )

    speech.market(moved(BTC, 100.0, at=NOON + 1_000))
    said(line)
    speech.market(moved(BTC, 101.0, at=NOON + 2_000))
    [delta] = said(line)

    assert ("delta", NOON + 2_000) == (delta["type"], delta["ts"])
    assert "101.0" == delta["data"]["markPrice"]
    assert "fundingRate" not in delta["data"]


def test_a_ticker_that_has_not_changed_is_not_told(speech: BybitStreams) -> None:
    line = opened(speech)
    asked(speech, line, "subscribe", "tickers.BTCUSDT")
    for second in (1, 2, 3):
        speech.market(moved(BTC, 101.0, at=NOON + second * 1_000))

    assert 1 == len(said(line))


def test_the_best_prices_are_a_snapshot_every_time(speech: BybitStreams) -> None:
    line = opened(speech)
    answer, first = asked(speech, line, "subscribe", "orderbook.1.BTCUSDT")
    speech.market(moved(BTC, 101.0))
    [second] = said(line)

    assert answer["success"]
    assert [["99.9"], ["100.9"]] == [[book["data"]["b"][0][0]] for book in (first, second)]
    assert {"snapshot"} == {first["type"], second["type"]}


def test_trades_and_bars_are_told(core: Emulator, speech: BybitStreams) -> None:
    line = opened(speech)
    asked(speech, line, "subscribe", "publicTrade.BTCUSDT", "kline.1.BTCUSDT")
    event = moved(at=NOON + 1_000)
    core.on_market(event)
    speech.market(event)
    candle = Candle(
        symbol=BTC, open_at=NOON, timeframe_ms=60_000,
        open=100.0, high=102.0, low=99.0, close=101.0, volume=8.0,
    )  # fmt: skip
    speech.market(CandleClosed(at=candle.close_at, candle=candle))
    trade, forming, closed = said(line)

    assert "Buy" == trade["data"][0]["S"]
    assert (False, True) == (forming["data"][0]["confirm"], closed["data"][0]["confirm"])
    assert ("100.0", "102.0") == (closed["data"][0]["open"], closed["data"][0]["high"])


@pytest.mark.parametrize("topic", ["tickers.DOGEUSDT", "weather.BTCUSDT", "order"])
def test_a_topic_that_does_not_exist_is_refused(speech: BybitStreams, topic: str) -> None:
    [answer] = asked(speech, opened(speech), "subscribe", topic)

    assert not answer["success"]
    assert topic in answer["ret_msg"]


def test_a_ping_is_answered_as_each_address_answers_it(speech: BybitStreams) -> None:
    [public] = asked(speech, opened(speech), "ping", req_id="1")
    [private] = asked(speech, opened(speech, PRIVATE_PATH), "ping", req_id="1")

    assert ("ping", "pong", "1") == (public["op"], public["ret_msg"], public["req_id"])
    assert ("pong", [str(NOON)]) == (private["op"], private["args"])


def test_the_account_is_told_to_whoever_has_proved_its_key(speech: BybitStreams) -> None:
    line = proved(speech, "order", "wallet")
    speech.user({"topic": "order", "data": [1]})
    speech.user({"topic": "execution", "data": [2]})

    assert [{"topic": "order", "data": [1]}] == said(line)


def test_a_topic_can_be_had_for_one_category(speech: BybitStreams) -> None:
    line = proved(speech, "order.linear")
    speech.user({"topic": "order", "data": []}, times=2)

    assert ["order.linear", "order.linear"] == [message["topic"] for message in said(line)]


def test_a_wrong_signature_opens_nothing(speech: BybitStreams) -> None:
    line = opened(speech, PRIVATE_PATH)
    [answer] = asked(speech, line, "auth", "key", "1", "bad")
    [refused] = asked(speech, line, "subscribe", "order")

    assert not answer["success"]
    assert (False, "Request not authorized") == (refused["success"], refused["ret_msg"])


def test_a_key_proves_nothing_on_the_public_address(speech: BybitStreams) -> None:
    [answer] = asked(speech, opened(speech), "auth", "key", "1", "good")

    assert not answer["success"]


def test_what_is_unsubscribed_is_no_longer_told(speech: BybitStreams) -> None:
    line = opened(speech)
    asked(speech, line, "subscribe", "orderbook.1.BTCUSDT")
    [answer] = asked(speech, line, "unsubscribe", "orderbook.1.BTCUSDT")
    speech.market(moved())

    assert ("unsubscribe", True) == (answer["op"], answer["success"])
    assert not speech.hub.is_followed("orderbook.1.BTCUSDT")


@pytest.mark.parametrize("text", ["{", '{"op":"dance"}'])
def test_what_is_not_understood_is_said(speech: BybitStreams, text: str) -> None:
    line = opened(speech)
    speech.hear(line, text, NOON)

    assert [False] == [message["success"] for message in said(line)]


def test_neither_requests_nor_time_change_anything(speech: BybitStreams) -> None:
    line = proved(speech, "order")
    speech.note(HttpRequest(method="POST", url="http://x/"), HttpReply(status=200), NOON)
    speech.pass_time(Millis(NOON + 86_400_000))
    speech.end_second(NOON)
    speech.user({"topic": "order"})

    assert 1 == len(said(line))
