"""An emulated exchange on loopback, on a thread of its own, for verbs that run loops of theirs.

    with serving("bybit") as exchange:
        exchange.key.can_withdraw = True
        say("check", "-c", str(exchange.config(folder)), environ=KEYS)

Prices stand still; what arrives is remembered.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from bot.clock import LoopClock
from bot.config import load
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis, Side, Symbol
from bot.request import Request
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import Faults, FaultSettings
from bot.sim.emulator.life import Request as Asked
from bot.sim.emulator.life import speakers
from bot.sim.emulator.server import Dialect, EmulatorServer
from bot.sim.emulator.state import Happening
from bot.sim.emulator.still import StillMarket
from bot.sim.emulator.streams import Hub

BTC: Final = Symbol("BTC/USDT:USDT")
ETH: Final = Symbol("ETH/USDT:USDT")
KEYS: Final = {"LIQBOT_EXCHANGE_API_KEY": "a-key", "LIQBOT_EXCHANGE_SECRET": "a-secret"}
START: Final = Millis(1_767_225_600_000)
SPEED: Final = 20.0
WAIT_S: Final = 10.0


class Heard:
    """A dialect that remembers what was asked."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.key: Any = dialect.door.key  # type: ignore[attr-defined]  # both have one
        """What the exchange knows of the API key; each has words of its own."""
        self.requests: list[HttpRequest] = []

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        self.requests.append(request)
        return self.dialect.handle(request, at)

    def user_messages(self, happening: Happening) -> list[dict[str, Any]]:
        return self.dialect.user_messages(happening)


class ServedExchange:
    """One account of one emulated exchange; made on the loop that serves it."""

    def __init__(self, exchange: str, account: str) -> None:
        self.exchange = exchange
        self.account = f"{exchange} account {account}"
        """As the ledger calls it."""
        self.market = StillMarket(
            (BTC, ETH),
            start_at=START,
            history_days=1,
            taker_fee_bps=Decimal(5),
            maker_fee_bps=Decimal(2),
        )
        self.core = Emulator(
            self.market.instruments, history={row: self.market.history(row) for row in (BTC, ETH)}
        )
        for event in self.market.first():
            self.core.on_market(event)
        asked = Asked(
            exchange=exchange,
            listen="127.0.0.1:0",
            symbols=(BTC, ETH),
            seed=1,
            speed=SPEED,
            balance_usd=Decimal(10_000),
            start_at=START,
            history_days=1,
            is_still=True,
            api_key=KEYS["LIQBOT_EXCHANGE_API_KEY"],
            secret=KEYS["LIQBOT_EXCHANGE_SECRET"],
            account_id=account,
            token="a-token",
        )
        dialect, speech = speakers(asked, self.core, Hub())
        self.heard = Heard(dialect)
        self.key = self.heard.key
        self.clock = LoopClock(start_at=START, speed=SPEED)
        self.market.keep_time(self.clock)
        self.faults = Faults(1, FaultSettings(latency_ms=20.0))
        self.server = EmulatorServer(
            exchange=exchange,
            core=self.core,
            dialect=self.heard,
            speech=speech,
            clock=self.clock,
            faults=self.faults,
            token=asked.token,
            market=self.market,
        )
        self.address = ""
        self._loop = asyncio.get_running_loop()

    def do(self, act: Callable[[], Any]) -> Any:
        """Act on it where it lives."""

        async def acted() -> Any:
            return act()

        return asyncio.run_coroutine_threadsafe(acted(), self._loop).result(WAIT_S)

    def hold(self, symbol: Symbol = BTC) -> None:
        """Somebody buys by hand."""
        self.do(lambda: self.core.trade_by_hand(symbol, Side.BUY, Decimal("0.1"), START))

    @property
    def changes(self) -> list[str]:
        """What was asked for that changes something: paths, in order."""
        return [urlsplit(row.url).path for row in self.heard.requests if row.method != "GET"]

    @property
    def signed(self) -> list[str]:
        """Paths of requests that carried a key."""
        names = {"x-mbx-apikey", "x-bapi-api-key"}
        return [
            urlsplit(row.url).path
            for row in self.heard.requests
            if names & {name.lower() for name in row.headers}
        ]

    def config(self, folder: Path, text: str = "", *, mode: str = "live", more: str = "") -> Path:
        """A configuration that trades on it; `more` goes into `exchange`, `text` beside it."""
        path = folder / "config.yaml"
        path.write_text(
            f"mode: {mode}\nsymbols: [BTCUSDT, ETHUSDT]\nmarket: {{source: exchange}}\n"
            f'exchange: {{id: {self.exchange}, base_url: "http://{self.address}", '
            f'stream_url: "ws://{self.address}", speed: {SPEED}{more}}}\n'
            f"heatmap: {{provider: local, serve: '', record: false}}\n{text}",
            encoding="utf-8",
        )
        return path

    def request(
        self, folder: Path, *, text: str = "", mode: str = "live", duration_s: float = 1.0
    ) -> Request:
        """A run on it, in `folder`/data."""
        path = self.config(folder, text, mode=mode)
        data = folder / "data"
        return Request(config=load(path), config_path=path, data_dir=data, duration_s=duration_s)


@contextlib.contextmanager
def serving(exchange: str = "binanceusdm", *, account: str = "1001") -> Iterator[ServedExchange]:
    """It answers within the block."""
    made: list[ServedExchange] = []
    failures: list[BaseException] = []
    is_open = threading.Event()
    loop = asyncio.new_event_loop()
    over = asyncio.Event()

    async def serve() -> None:
        served = ServedExchange(exchange, account)
        host, port = await served.server.start("127.0.0.1:0")
        served.address = f"{host}:{port}"
        playing = loop.create_task(served.market.run(served.server.on_market))
        made.append(served)
        is_open.set()
        await over.wait()
        playing.cancel()
        await asyncio.wait((playing,))
        await served.server.stop()

    def live() -> None:
        try:
            loop.run_until_complete(serve())
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            is_open.set()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert is_open.wait(WAIT_S)
        assert not failures, failures
        yield made[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join(WAIT_S)
        loop.close()
