"""A client of the emulated Bybit that signs by itself, and unmodified ccxt without a network."""

import hashlib
import hmac
from typing import Any, NamedTuple
from urllib.parse import urlencode

import ccxt.async_support as ccxt
import msgspec

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis
from bot.sim.emulator.bybit import BybitDialect
from bot.sim.emulator.core import Emulator
from tests.fakes.contracts import NOON
from tests.fakes.emu_market import exchange_at

KEY = "key"
SECRET = "secret"


class Answer(NamedTuple):
    """A reply, taken apart."""

    status: int
    headers: dict[str, str]
    code: int
    text: str
    result: Any

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What a list answers."""
        assert self.code == 0, self.text
        rows: list[dict[str, Any]] = self.result["list"]
        return rows


class Client:
    """Sends requests one after the other at a time that stands still unless moved."""

    def __init__(self, core: Emulator | None = None) -> None:
        self.core = core or exchange_at()
        self.dialect = BybitDialect(self.core, api_key=KEY, secret=SECRET)
        self.now = int(NOON)
        self.clock_off_ms = 0
        """How far its own clock is ahead."""
        self.secret = SECRET
        self.api_key = KEY

    def get(self, path: str, **params: Any) -> Answer:
        query = urlencode(params)
        headers = self._headers(query)
        url = f"https://api.bybit.com{path}?{query}"
        return self.send(HttpRequest(method="GET", url=url, headers=headers))

    def linear(self, path: str, **params: Any) -> Answer:
        return self.get(path, category="linear", **params)

    def post(self, path: str, **fields: Any) -> Answer:
        body = msgspec.json.encode(fields).decode()
        url = f"https://api.bybit.com{path}"
        headers = self._headers(body)
        return self.send(HttpRequest(method="POST", url=url, headers=headers, body=body))

    def send(self, request: HttpRequest) -> Answer:
        reply = self.dialect.handle(request, Millis(self.now))
        parsed = msgspec.json.decode(reply.body)
        return Answer(
            reply.status, reply.headers, parsed["retCode"], parsed["retMsg"], parsed["result"]
        )

    def order(self, side: str, qty: str, **fields: Any) -> Answer:
        asked = {"category": "linear", "symbol": "BTCUSDT", "orderType": "Market"}
        return self.post("/v5/order/create", **{**asked, "side": side, "qty": qty, **fields})

    def stop(self, side: str, qty: str, trigger: str, **fields: Any) -> Answer:
        """A reduce-only stop on the mark."""
        wanted: dict[str, Any] = {
            "triggerPrice": trigger,
            "triggerDirection": 1 if side == "Buy" else 2,
            "triggerBy": "MarkPrice",
            "reduceOnly": True,
        }
        return self.order(side, qty, **{**wanted, **fields})

    def cancel(self, **names: Any) -> Answer:
        return self.post("/v5/order/cancel", category="linear", symbol="BTCUSDT", **names)

    def find(self, link: str) -> dict[str, Any] | None:
        rows = self.linear("/v5/order/realtime", symbol="BTCUSDT", orderLinkId=link).rows
        return rows[0] if rows else None

    def open(self) -> list[dict[str, Any]]:
        return self.linear("/v5/order/realtime", settleCoin="USDT", limit=50).rows

    def _headers(self, signed: str) -> dict[str, str]:
        stamp = str(self.now + self.clock_off_ms)
        text = f"{stamp}{self.api_key}5000{signed}"
        sign = hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return {
            "X-BAPI-API-KEY": self.api_key,
            "X-BAPI-TIMESTAMP": stamp,
            "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": sign,
        }


class BybitOnAWire(ccxt.bybit):  # type: ignore[misc]
    """ccxt's class with another `fetch`: its own signing, parsing and errors stay."""

    def __init__(self, core: Emulator) -> None:
        super().__init__(
            {
                "apiKey": KEY,
                "secret": SECRET,
                "enableRateLimit": False,
                "options": {"fetchMarkets": {"types": ["linear"]}, "defaultType": "swap"},
            }
        )
        self.dialect = BybitDialect(core, api_key=KEY, secret=SECRET)
        self.now = int(NOON)
        self.sent: list[HttpRequest] = []
        self.replies: list[HttpReply] = []

    def milliseconds(self) -> int:
        return self.now

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: str | None = None
    ) -> Any:
        request = HttpRequest(method=method, url=url, headers=headers or {}, body=body or "")
        self.sent.append(request)
        reply = self.dialect.handle(request, Millis(self.now))
        self.replies.append(reply)
        text = reply.body.decode()
        parsed = self.parse_json(text)
        self.last_response_headers = reply.headers
        self.handle_errors(
            reply.status, "", url, method, reply.headers, text, parsed, headers, body
        )
        self.handle_http_status_code(reply.status, "", url, method, text)
        return parsed
