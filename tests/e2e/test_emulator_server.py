"""The emulated exchange as a process: raw clients, unmodified ccxt.pro, faults, its verb."""

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
import ccxt.pro
import pytest

from bot.config import load
from bot.model.wiring import MarketSource, Mode
from tests.fakes.emu_process import ROOT, EmulatorProcess, environment

T = TypeVar("T")
BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
WAIT_S = 15.0


@pytest.fixture(scope="module")
def binance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with EmulatorProcess(tmp_path_factory.mktemp("binance"), speed=2.0, is_still=True) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def bybit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp("bybit")
    with EmulatorProcess(folder, exchange="bybit", speed=2.0, is_still=True) as emulator:
        yield emulator


@pytest.fixture(params=["binance", "bybit"])
def emulator(request: pytest.FixtureRequest) -> EmulatorProcess:
    found: EmulatorProcess = request.getfixturevalue(request.param)
    return found


def within(story: Awaitable[T]) -> T:
    async def whole() -> T:
        async with asyncio.timeout(WAIT_S):
            return await story

    return asyncio.run(whole())


def get(emulator: EmulatorProcess, path: str) -> Any:
    async def story() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.get(emulator.base_url + path) as reply,
        ):
            return await reply.json()

    return within(story())


def heard(
    emulator: EmulatorProcess, path: str, words: dict[str, Any], wanted: Callable[[Any], bool]
) -> Any:
    """Say something on a websocket and wait for a message of a kind."""

    async def story() -> Any:
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(emulator.stream_url + path) as line,
        ):
            await line.send_json(words)
            while not wanted(message := await line.receive_json()):
                pass
            return message

    return within(story())


def pointed(urls: Any, emulator: EmulatorProcess) -> Any:
    """ccxt's addresses with another scheme and host."""
    if isinstance(urls, dict):
        return {name: pointed(value, emulator) for name, value in urls.items()}
    if not isinstance(urls, str) or "://" not in urls:
        return urls
    scheme, _, rest = urls.partition("://")
    host, slash, path = rest.partition("/")
    del host
    return (emulator.stream_url if scheme.startswith("ws") else emulator.base_url) + slash + path


@asynccontextmanager
async def ccxt_pro(emulator: EmulatorProcess) -> AsyncIterator[Any]:
    """Unmodified ccxt.pro; it asks for the exchange's time once, as an option of its own."""
    options: dict[str, Any] = {
        "adjustForTimeDifference": True,
        "fetchMarkets": {"types": ["linear"]},
        "recvWindow": 30_000,  # The emulator's clock is faster than the one that signs.
    }
    if emulator.exchange == "bybit":
        options |= {"enableUnifiedAccount": True, "unifiedMarginStatus": 6}
    exchange = getattr(ccxt.pro, emulator.exchange)(
        {
            "apiKey": "rehearsal",
            "secret": "rehearsal",
            "enableRateLimit": False,
            "options": options,
        }
    )
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] = pointed(exchange.urls["api"], emulator)
    try:
        await exchange.load_markets()
        yield exchange
    finally:
        await exchange.close()


def test_binance_answers_over_http(binance: EmulatorProcess) -> None:
    first = get(binance, "/fapi/v1/time")["serverTime"]
    listed = [row["symbol"] for row in get(binance, "/fapi/v1/exchangeInfo")["symbols"]]
    marks = {
        row["symbol"]: float(row["markPrice"]) for row in get(binance, "/fapi/v1/premiumIndex")
    }

    assert 1_767_225_600_000 <= first
    assert {"BTCUSDT", "ETHUSDT", "SOLUSDT"} == set(listed)
    assert 3_398.2 == marks["ETHUSDT"]


def test_bybit_answers_over_http(bybit: EmulatorProcess) -> None:
    time = int(get(bybit, "/v5/market/time")["result"]["timeNano"]) // 1_000_000
    listed = get(bybit, "/v5/market/instruments-info?category=linear")["result"]["list"]

    assert 1_767_225_600_000 <= time
    assert {"BTCUSDT", "ETHUSDT", "SOLUSDT"} == {row["symbol"] for row in listed}


def test_binances_streams_answer_a_raw_client(binance: EmulatorProcess) -> None:
    words = {"method": "SUBSCRIBE", "params": ["ethusdt@bookTicker"], "id": 5}
    answer = heard(binance, "/ws", words, lambda message: "id" in message)
    ticker = heard(binance, "/ws", words, lambda message: "s" in message)

    assert {"result": None, "id": 5} == answer
    assert ("ETHUSDT", "bookTicker") == (ticker["s"], ticker["e"])


def test_bybits_streams_answer_a_raw_client(bybit: EmulatorProcess) -> None:
    words = {"op": "subscribe", "args": ["tickers.ETHUSDT"], "req_id": "5"}
    answer = heard(bybit, "/v5/public/linear", words, lambda message: "op" in message)
    ticker = heard(bybit, "/v5/public/linear", words, lambda message: "topic" in message)

    assert (True, "5") == (answer["success"], answer["req_id"])
    assert ("snapshot", "ETHUSDT") == (ticker["type"], ticker["data"]["symbol"])


def test_unmodified_ccxt_follows_prices(emulator: EmulatorProcess) -> None:
    async def story() -> dict[str, float]:
        async with ccxt_pro(emulator) as exchange:
            if emulator.exchange == "binanceusdm":
                one = (await exchange.watch_mark_price(ETH))["markPrice"]
                all_of_them = await exchange.watch_mark_prices([BTC, ETH])
                assert set(all_of_them) <= {BTC, ETH}
            else:
                one = (await exchange.watch_ticker(ETH))["markPrice"]
            best = (await exchange.watch_bids_asks([ETH]))[ETH]
            [bar, *_] = await exchange.watch_ohlcv(ETH, "1m")
            return {"mark": one, "bid": best["bid"], "ask": best["ask"], "close": bar[4]}

    emulator.do("move", symbol="ETHUSDT", mark=3_398.2)
    seen = within(story())

    assert 3_398.2 == seen["mark"] == seen["close"]
    assert seen["bid"] < seen["ask"]


def test_unmodified_ccxt_trades_and_hears_of_its_orders(emulator: EmulatorProcess) -> None:
    async def story() -> tuple[Any, Any, Any]:
        async with ccxt_pro(emulator) as exchange, asyncio.TaskGroup() as tasks:
            await exchange.fetch_positions([BTC])
            watching = tasks.create_task(exchange.watch_orders())
            while not is_listening(exchange):  # noqa: ASYNC110  (ccxt tells nobody)
                await asyncio.sleep(0.05)
            await exchange.load_time_difference()
            sent = await exchange.create_order(BTC, "market", "buy", 0.01)
            [held] = await exchange.fetch_positions([BTC])
            return sent, (await watching)[0], held

    sent, order, held = within(story())
    books = emulator.state()
    emulator.do("close-position", symbol="BTCUSDT")

    assert sent["id"] == order["id"]
    assert ("long", 0.01) == (held["side"], held["contracts"])
    assert ["0.01"] == [row["qty"] for row in books["holdings"]]
    assert [] == emulator.state()["holdings"]
    assert "BTCUSDT   FILLED   buy 0.01" in emulator.text
    assert "BTCUSDT   BY HAND  sell 0.01" in emulator.text


def is_listening(exchange: Any) -> bool:
    """Whether the private websocket stands and is subscribed."""
    lines = [line for url, line in exchange.clients.items() if "private" in url]
    if exchange.id == "bybit":
        return any("orders" in line.subscriptions and line.isConnected for line in lines)
    return any(line.connection and not line.connection.closed for line in lines)


@pytest.mark.parametrize(
    ("kind", "trades"),
    [("lost_reply", 1), ("truncated", 1), ("empty", 1), ("html", 1), ("busy", 0), ("timeout", 0)],
)
def test_a_fault_shows_the_client_one_thing_and_the_books_another(
    emulator: EmulatorProcess, kind: str, trades: int
) -> None:
    async def story() -> bool:
        async with ccxt_pro(emulator) as exchange:
            await exchange.fetch_positions([BTC])
            await exchange.load_time_difference()
            emulator.do("fault-next", kind=kind, method="POST", path="order", is_done=bool(trades))
            try:
                sent = await exchange.create_order(BTC, "market", "buy", 0.01)
            except ccxt.BaseError:
                return False
            return sent["id"] is not None

    before = len(emulator.state()["trades"])
    has_id = within(story())

    assert not has_id
    assert trades == len(emulator.state()["trades"]) - before
    assert 1 <= emulator.state()["faults"]["counts"][kind]


def test_a_stop_fires_where_the_price_is_moved(binance: EmulatorProcess) -> None:
    async def story() -> None:
        async with ccxt_pro(binance) as exchange:
            await exchange.create_order(ETH, "market", "buy", 0.1)
            stop = {"stopLossPrice": 3_300.0, "reduceOnly": True}
            await exchange.create_order(ETH, "market", "sell", 0.1, None, stop)

    binance.do("move", symbol="ETHUSDT", mark=3_398.2)
    within(story())
    binance.do("move", symbol="ETHUSDT", mark=3_299.0)

    assert [] == [row for row in binance.state()["holdings"] if row["symbol"] == ETH]
    assert "ETHUSDT   STOP     sell 0.1 when" in binance.text
    assert "ETHUSDT   TRIGGER  the stop at 3,300.00 fires" in binance.text
    assert "ETHUSDT   STOPPED  sell 0.1 at" in binance.text


# --- the command line


def served(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "sim", "serve", "--still", *words],
        cwd=ROOT, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_port_that_is_taken_is_a_sentence_and_no_traceback() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = served("--listen", address)

    assert 2 == ended.returncode
    assert f"{address} cannot be opened" in ended.stderr
    assert "choose another port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_only_this_machine_is_served() -> None:
    ended = served("--listen", "0.0.0.0:8791")

    assert 2 == ended.returncode
    assert "is not a loopback address" in ended.stderr
    assert "" == ended.stdout


def test_told_to_stop_it_sums_up_and_ends_well(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path, is_still=True) as emulator:
        emulator.do("trade", symbol="SOLUSDT", side="sell", qty="2")
        code = emulator.stop()

    assert 0 == code
    assert "Stopping: SIGTERM." in emulator.text
    assert "1 fill: -" in emulator.text
    assert "SOLUSDT is still SHORT 2 from" in emulator.text


def test_it_goes_on_when_nobody_reads_what_it_says(tmp_path: Path) -> None:
    with EmulatorProcess(tmp_path, is_still=True, is_piped=True) as emulator:
        emulator.stop_reading()
        for _ in range(3):
            emulator.do("trade", symbol="SOLUSDT", side="buy", qty="1")
        trades = emulator.state()["trades"]
        code = emulator.stop()

    assert (3, 0) == (len(trades), code)


def test_a_configuration_is_written_once_and_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "rehearsal.yaml"
    words = ["--duration", "0.1", "--listen", "127.0.0.1:0", "--write-config", str(path)]
    first = served(*words, "--speed", "50", "--symbols", "btc,SOLUSDT")
    text = path.read_text()
    second = served(*words)
    config = load(path)

    assert (0, 2) == (first.returncode, second.returncode)
    assert "the file is there already" in second.stderr.lower()
    assert text == path.read_text()
    assert (Mode.LIVE, MarketSource.EXCHANGE) == (config.mode, config.market.source)
    assert [BTC, "SOL/USDT:USDT"] == list(config.symbol_settings)
    assert 50.0 == config.exchange.speed
    assert f"http://{config.exchange.base_url.removeprefix('http://')} and" in first.stdout


def test_without_a_token_of_its_own_the_state_stays_closed(binance: EmulatorProcess) -> None:
    async def story() -> tuple[int, str]:
        async with (
            aiohttp.ClientSession() as session,
            session.get(binance.base_url + "/_emulator/state") as reply,
        ):
            return reply.status, json.dumps(await reply.json())

    status, text = within(story())

    assert 403 == status
    assert "balance" not in text
