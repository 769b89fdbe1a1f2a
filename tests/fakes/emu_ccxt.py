"""Unmodified ccxt on a wire without a network: requests go to an emulator's dialect."""

from typing import Any

import ccxt.async_support as ccxt

from bot.gateway.http import HttpRequest
from bot.model.primitives import Millis
from bot.sim.emulator.binance import BinanceDialect
from bot.sim.emulator.core import Emulator
from tests.fakes.contracts import NOON


class BinanceOnAWire(ccxt.binanceusdm):  # type: ignore[misc]
    """ccxt's class with another `fetch`: its own signing, parsing and errors stay."""

    def __init__(self, dialect: BinanceDialect, **options: Any) -> None:
        super().__init__(
            {
                "apiKey": dialect.key.api_key,
                "secret": dialect.key.secret,
                "enableRateLimit": False,
                "options": {"warnOnFetchOpenOrdersWithoutSymbol": False, **options},
            }
        )
        self.dialect = dialect
        self.now = NOON
        self.sent: list[HttpRequest] = []
        # The tables of errors depend on the address: these are the real one's.
        self.get_exceptions_by_url = lambda _, kind: self.exceptions["linear"].get(kind, {})

    def milliseconds(self) -> int:
        return self.now

    async def fetch(
        self, url: str, method: str = "GET", headers: Any = None, body: str | None = None
    ) -> Any:
        request = HttpRequest(method=method, url=url, headers=headers or {}, body=body or "")
        self.sent.append(request)
        reply = self.dialect.handle(request, Millis(self.now))
        text = reply.body.decode()
        parsed = self.parse_json(text)
        status = reply.status
        self.last_response_headers = reply.headers
        self.handle_errors(status, "", url, method, reply.headers, text, parsed, headers, body)
        self.handle_http_status_code(status, "", url, method, text)
        return parsed


def binance_on_a_wire(core: Emulator, **options: Any) -> BinanceOnAWire:
    """ccxt with a key that the emulator knows."""
    dialect = BinanceDialect(core, api_key="key", secret="secret")
    return BinanceOnAWire(dialect, **options)
