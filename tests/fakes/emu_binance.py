"""Signed requests to the emulated Binance, put together by hand."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis
from bot.sim.emulator.binance import BinanceDialect
from tests.fakes.contracts import NOON
from tests.fakes.emu_market import exchange_at

HOST = "https://fapi.binance.com"
ORDER = "/fapi/v1/order"
ALGO = "/fapi/v1/algoOrder"
BUY_ONE = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
STOP = {
    "algoType": "CONDITIONAL",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "1",
    "triggerPrice": "95",
    "workingType": "MARK_PRICE",
    "reduceOnly": "true",
    "clientAlgoId": "stop",
}


class Wire:
    """A key's way to a dialect, at an instant that tests set."""

    def __init__(self, dialect: BinanceDialect | None = None) -> None:
        self.dialect = dialect or BinanceDialect(exchange_at(), api_key="key", secret="secret")
        self.core = self.dialect.core
        self.now = NOON
        self.reply = HttpReply(status=0)
        """The last one."""

    def send(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """A signed request; gives its parsed body."""
        return self.carry(method, path, signed(params or {}, self.now))

    def carry(self, method: str, path: str, text: str, *, key: str = "key") -> Any:
        """A request as it is."""
        in_body = method in {"POST", "PUT"}
        request = HttpRequest(
            method=method,
            url=HOST + path if in_body or not text else f"{HOST}{path}?{text}",
            headers={"X-MBX-APIKEY": key} if key else {},
            body=text if in_body else "",
        )
        self.reply = self.dialect.handle(request, Millis(self.now))
        return msgspec.json.decode(self.reply.body)

    def read(self, path: str, **params: Any) -> Any:
        """A public request."""
        return self.carry("GET", path, urlencode(params), key="")

    def code(self, method: str, path: str, params: Mapping[str, Any] | None = None) -> int:
        """The code that a signed request is refused with; 0: it is not."""
        body = self.send(method, path, params)
        return int(body.get("code", 0)) if isinstance(body, dict) else 0


def signed(params: Mapping[str, Any], at: int) -> str:
    """Parameters with the time of sending and the signature; those that are None are left out."""
    stamped = {**params, "timestamp": at}
    text = urlencode({name: value for name, value in stamped.items() if value is not None})
    return f"{text}&signature={hmac.new(b'secret', text.encode(), hashlib.sha256).hexdigest()}"
