"""Binance's websockets as the emulator speaks them."""

import asyncio
import json
from typing import Any

import pytest

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import CandleClosed
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.sim.emulator.binance_streams import KEY_LIVES_MS, BinanceStreams
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.streams import Hub, Line
from tests.fakes.contracts import BTC, ETH, INSTRUMENTS, NOON
from tests.fakes.emu_dialect import moved

KEY_URL = "http://127.0.0.1:8791/fapi/v1/listenKey"


@pytest.fixture
def core() -> Emulator:
    core = Emulator(dict(INSTRUMENTS))
    for symbol in INSTRUMENTS:
        core.on_market(moved(symbol))
    return core


@pytest.fixture
def speech(core: Emulator) -> BinanceStreams:
    return BinanceStreams(core, Hub())


def said(line: Line) -> list[Any]:
    """What waits on a line; it must be something."""
    return [json.loads(text) for text in asyncio.run(line.take())]


def opened(speech: BinanceStreams, path: str, **query: str) -> Line:
    line = speech.open(path, query, NOON)
    assert line is not None
    return line


def is_silent(line: Line) -> bool:
    line.say({"nothing": "before this"})
    return [{"nothing": "before this"}] == said(line)


def key_asked(speech: BinanceStreams, method: str, at: int = NOON, status: int = 200) -> None:
    body = b'{"listenKey":"a-key"}' if method == "POST" else b"{}"
    speech.note(
        HttpRequest(method=method, url=KEY_URL), HttpReply(status=status, body=body), Millis(at)
    )


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/ws/btcusdt@bookTicker", {}),
        ("/public/ws/btcusdt@bookTicker", {}),
        ("/ws/ethusdt@bookTicker/btcusdt@bookTicker", {}),
    ],
)
def test_a_raw_stream_is_named_by_its_address(
    speech: BinanceStreams, path: str, query: dict[str, str]
) -> None:
    line = opened(speech, path, **query)
    speech.market(moved(BTC, 101.0))
    [told] = said(line)

    assert ("bookTicker", "BTCUSDT", "100.9", "101.1") == (
        told["e"],
        told["s"],
        told["b"],
        told["a"],
    )


def test_a_combined_stream_wraps_its_messages(speech: BinanceStreams) -> None:
    line = opened(speech, "/stream", streams="btcusdt@markPrice@1s/ethusdt@markPrice@1s")
    speech.market(moved(BTC))
    speech.market(moved(ETH))

    assert ["btcusdt@markPrice@1s", "ethusdt@markPrice@1s"] == [
        message["stream"] for message in said(line)
    ]


@pytest.mark.parametrize("path", ["/", "/ws-fapi/v1", "/v5/private", "/elsewhere/ws"])
def test_other_addresses_have_no_stream(speech: BinanceStreams, path: str) -> None:
    assert speech.open(path, {}, NOON) is None


@pytest.mark.parametrize("path", ["/ws", "/ws/0", "/market/ws/3", "/stream"])
def test_subscriptions_are_answered_under_their_id_and_end_again(
    speech: BinanceStreams, path: str
) -> None:
    line = opened(speech, path)
    name = "btcusdt@markPrice@1s"
    speech.hear(line, json.dumps({"method": "SUBSCRIBE", "params": [name], "id": 7}), NOON)
    speech.hear(line, json.dumps({"method": "LIST_SUBSCRIPTIONS", "id": 8}), NOON)

    assert [{"result": None, "id": 7}, {"result": [name], "id": 8}] == said(line)

    speech.market(moved())

    assert 1 == len(said(line))

    speech.hear(line, json.dumps({"method": "UNSUBSCRIBE", "params": [name], "id": 9}), NOON)
    speech.market(moved())

    assert [{"result": None, "id": 9}] == said(line)


@pytest.mark.parametrize(("text", "code"), [("{", 3), ('{"method":"DANCE","id":1}', 2)])
def test_what_is_not_understood_is_said(speech: BinanceStreams, text: str, code: int) -> None:
    line = opened(speech, "/ws")
    speech.hear(line, text, NOON)

    assert [code] == [message["error"]["code"] for message in said(line)]


def test_a_mark_price_carries_the_next_funding(core: Emulator, speech: BinanceStreams) -> None:
    core.fundings[BTC] = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 60_000))
    line = opened(speech, "/ws/btcusdt@markPrice@1s")
    speech.market(moved(mark=123.4, at=NOON + 1_000))
    [told] = said(line)

    assert "markPriceUpdate" == told["e"]
    assert NOON + 1_000 == told["E"]
    assert "123.40000000" == told["p"]
    assert ("0.00010000", NOON + 60_000) == (told["r"], told["T"])


def test_all_marks_come_in_one_message_after_a_second(
    core: Emulator, speech: BinanceStreams
) -> None:
    line = opened(speech, "/market/ws/!markPrice@arr@1s")
    speech.end_second(Millis(NOON + 1_000))
    [told] = said(line)

    assert ["BTCUSDT", "ETHUSDT"] == [row["s"] for row in told]
    assert len(core.prices) == len(told)


def test_without_1s_marks_come_every_third_second(speech: BinanceStreams) -> None:
    one = opened(speech, "/ws/btcusdt@markPrice")
    every = opened(speech, "/ws/!markPrice@arr")
    for second in range(1, 7):
        at = Millis(NOON + second * 1_000)
        speech.market(moved(at=at))
        speech.end_second(at)

    assert 2 == len(said(one))
    assert 2 == len(said(every))


def test_all_best_prices_come_on_one_stream(speech: BinanceStreams) -> None:
    line = opened(speech, "/ws/!bookTicker")
    speech.market(moved(BTC))
    speech.market(moved(ETH))

    assert ["BTCUSDT", "ETHUSDT"] == [message["s"] for message in said(line)]


@pytest.mark.parametrize("kind", ["aggTrade", "trade"])
def test_trades_are_told_with_the_side_of_the_taker(speech: BinanceStreams, kind: str) -> None:
    line = opened(speech, f"/ws/btcusdt@{kind}")
    speech.market(moved())
    [told] = said(line)

    assert (kind, "100.0", False) == (told["e"], told["p"], told["m"])


def test_a_bar_says_whether_it_has_ended(core: Emulator, speech: BinanceStreams) -> None:
    line = opened(speech, "/ws/btcusdt@kline_1m")
    event = moved(at=NOON + 1_000)
    core.on_market(event)
    speech.market(event)
    candle = Candle(
        symbol=BTC, open_at=NOON, timeframe_ms=60_000,
        open=100.0, high=102.0, low=99.0, close=101.0, volume=8.0,
    )  # fmt: skip
    speech.market(CandleClosed(at=candle.close_at, candle=candle))
    forming, closed = said(line)

    assert (False, True) == (forming["k"]["x"], closed["k"]["x"])
    assert ("100.0", "102.0", "99.0", "101.0") == tuple(closed["k"][name] for name in "ohlc")
    assert NOON + 59_999 == closed["k"]["T"]


@pytest.mark.parametrize(
    ("path", "query"), [("/ws/a-key", {}), ("/private/ws", {"listenKey": "a-key"})]
)
def test_the_account_is_told_to_whoever_has_its_key(
    speech: BinanceStreams, path: str, query: dict[str, str]
) -> None:
    key_asked(speech, "POST")
    line = opened(speech, path, **query)
    public = opened(speech, "/ws/btcusdt@bookTicker")
    speech.user({"e": "ORDER_TRADE_UPDATE"})

    assert [{"e": "ORDER_TRADE_UPDATE"}] == said(line)
    assert is_silent(public)


def test_a_key_that_was_never_given_opens_nothing(speech: BinanceStreams) -> None:
    line = opened(speech, "/private/ws", listenKey="another")
    speech.user({"e": "ORDER_TRADE_UPDATE"})

    assert is_silent(line)


def test_a_key_that_was_refused_is_no_key(speech: BinanceStreams) -> None:
    key_asked(speech, "POST", status=401)

    assert {} == speech.keys


def test_a_message_can_come_twice(speech: BinanceStreams) -> None:
    key_asked(speech, "POST")
    line = opened(speech, "/ws/a-key")
    speech.user({"e": "ORDER_TRADE_UPDATE"}, times=2)

    assert 2 == len(said(line))


def test_a_listen_key_ends_after_an_hour_without_a_put_and_its_stream_is_told_once(
    speech: BinanceStreams,
) -> None:
    key_asked(speech, "POST")
    line = opened(speech, "/ws/a-key")
    speech.pass_time(Millis(NOON + KEY_LIVES_MS - 1))

    assert is_silent(line)

    end = Millis(NOON + KEY_LIVES_MS)
    speech.pass_time(end)
    speech.pass_time(end)
    speech.user({"e": "ORDER_TRADE_UPDATE"})

    assert [{"e": "listenKeyExpired", "E": end, "listenKey": "a-key"}] == said(line)


def test_a_put_keeps_a_key_alive_and_a_delete_ends_it(speech: BinanceStreams) -> None:
    key_asked(speech, "POST")
    key_asked(speech, "PUT", at=NOON + 1_500_000)
    speech.pass_time(Millis(NOON + KEY_LIVES_MS))

    assert ["a-key"] == list(speech.keys)

    key_asked(speech, "DELETE")

    assert {} == speech.keys


def test_the_account_is_told_how_time_passes(core: Emulator) -> None:
    told: list[Millis] = []
    BinanceStreams(core, Hub(), told.append).pass_time(NOON)

    assert [NOON] == told
