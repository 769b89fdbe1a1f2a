"""ccxt's class of an exchange, bent to our line, our clock and our addresses.

Everything that would make ccxt wait, repeat, print or ask for more than it was told is off.
"""

import decimal
import ipaddress
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, Protocol

import bot
from bot.errors import ConfigError
from bot.gateway.connection import Connection
from bot.gateway.failures import NoAnswerError
from bot.gateway.library import exchange_class
from bot.model.primitives import Millis

Fetch = Callable[[str, str, dict[str, str], str], Awaitable[Any]]
"""(url, method, headers, body)"""
_HOST_OF: Final = re.compile(r"^(\w+)://[^/]+")
_ADDRESS: Final = re.compile(r"(https?|wss?)://(\[[0-9a-fA-F:.]+\]|[^\s/?#@:\[\]]+)(:\d{1,5})?/?")
_SETTINGS: Final = {
    "enableRateLimit": False,
    "enableLastHttpResponse": False,
    "enableLastJsonResponse": False,
    "enableLastResponseHeaders": False,
    "fetchHistoryCacheSize": 0,
    "verbose": False,
    "aiohttp_trust_env": False,
    "userAgent": f"liqbot/{bot.__version__}",
}
_OPTIONS: Final = {"maxRetriesOnFailure": 0, "adjustForTimeDifference": False}


class Hidden(Protocol):
    """A secret that is shown only when it is used."""

    def reveal(self) -> str:
        """The value itself."""
        ...


class Keys(Protocol):
    """Keys as `bot.credentials` finds them."""

    @property
    def api_key(self) -> Hidden | None:
        """What the key is called by."""
        ...

    @property
    def secret(self) -> Hidden | None:
        """What requests are signed with."""
        ...

    @property
    def password(self) -> Hidden | None:
        """A passphrase, where the exchange has one."""
        ...


def revealed(keys: Keys | None) -> dict[str, str]:
    """The keys under ccxt's names, as far as there are any."""
    if keys is None:
        return {}
    found = {"apiKey": keys.api_key, "secret": keys.secret, "password": keys.password}
    return {name: value.reveal() for name, value in found.items() if value is not None}


def new_exchange(
    connection: Connection, *, fetch: Fetch, now: Callable[[], Millis], has_streams: bool
) -> Any:
    """One instance of ccxt's class that sends through `fetch` and reads the time from `now`.

    Raises:
        ConfigError: ccxt knows no such exchange.

    """
    # ccxt would write headers and signatures at this level if it ever got to.
    logging.getLogger("ccxt").setLevel(max(logging.getLogger("ccxt").level, logging.INFO))

    async def through_our_line(
        self: Any, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:
        return await fetch(url, method, self.prepare_request_headers(headers), body or "")

    async def some_markets(self: Any, params: Any = None) -> Any:
        found = await base.fetch_markets(self, params or {})
        if not found:  # else ccxt would put nothing in the place of what it knows
            raise NoAnswerError(f"{connection.title} lists no markets")
        return found

    base = exchange_class(connection.id, has_streams=has_streams)
    namespace = {
        "fetch": through_our_line,
        "fetch_markets": some_markets,
        "milliseconds": staticmethod(now),
        "seconds": staticmethod(lambda: now() // 1000),
        "microseconds": staticmethod(lambda: now() * 1000),
    }
    options = {**connection.options, **_OPTIONS}
    if connection.window_option:
        options.setdefault(connection.window_option, connection.window_default_ms)
    exchange = type(base.__name__, (base,), namespace)({**_SETTINGS, "options": options})
    exchange.decimal_to_precision = _kept_apart(exchange.decimal_to_precision)
    exchange.has["fetchCurrencies"] = False  # on Binance a signed call to another service
    return exchange


def _kept_apart(compute: Callable[..., str]) -> Callable[..., str]:
    """Rounding as ccxt does it, without what it does to the context that all our money shares.

    It sets ROUND_HALF_UP and a trap for underflow, and leaves them so (ccxt 4.5.90,
    base/decimal_to_precision.py).
    """

    def computed(*words: Any, **named: Any) -> str:
        with decimal.localcontext():
            return compute(*words, **named)

    return computed


def redirect(urls: dict[str, Any], *, base_url: str, stream_url: str) -> None:
    """Put other addresses in place of the exchange's own, in every URL of a nested dict.

    Raises:
        ConfigError: an address with a path, a user or a query, or one that is neither encrypted
            nor on this machine.

    """
    rest = checked_address(base_url, "http", where="exchange.base_url") if base_url else ""
    stream = checked_address(stream_url, "ws", where="exchange.stream_url") if stream_url else ""
    if rest and not stream:
        stream = rest.replace("http", "ws", 1)
    _replace(urls, rest=rest, stream=stream)


def _replace(urls: dict[str, Any], *, rest: str, stream: str) -> None:
    for name, value in urls.items():
        if isinstance(value, dict):
            _replace(value, rest=rest, stream=stream)
        elif isinstance(value, str) and (found := _HOST_OF.match(value)):
            address = stream if found[1].startswith("ws") else rest
            urls[name] = address + value[found.end() :] if address else value


def checked_address(text: str, scheme: str, *, where: str) -> str:
    """Give scheme://host:port without an end slash; `scheme` is http or ws, plain or encrypted.

    Raises:
        ConfigError: it is none, or is neither encrypted nor on this machine.

    """
    found = _ADDRESS.fullmatch(text)
    if not found or found[1] not in {scheme, f"{scheme}s"}:
        raise ConfigError(
            f"{text!r} is not an address of an exchange.",
            where=where,
            remedy=f"Write it like {scheme}s://host or {scheme}://127.0.0.1:8080, without a path.",
        )
    if found[1] == scheme and not is_loopback(found[2].strip("[]")):
        raise ConfigError(
            f"{text!r} is not encrypted: keys and orders would be open to everybody on the way.",
            where=where,
            remedy=f"Write {scheme}s://; {scheme}:// is for an emulator on this machine only.",
        )
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """This machine, by number or by its usual name."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
