"""Binance's USD-M websockets: raw and combined streams, subscriptions, listen keys.

Addresses as ccxt 4.5.90 and Binance's own clients use them: `/ws`, `/ws/<stream>`,
`/ws/<listenKey>`, `/stream?streams=a/b`, and the same below `/public`, `/market` and `/private`
(`/private/ws?listenKey=...`). Payloads follow the pages "Websocket Market Streams" and "User Data
Streams". What is not a stream's name is taken and stays silent, as at Binance.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import CandleClosed, Event, PriceMoved
from bot.model.instrument import display_symbol
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.streams import Hub, Line, decimals_of, heard

KEY_LIVES_MS: Final = 3_600_000
"""A listen key ends 60 minutes after the last POST or PUT ("Start User Data Stream")."""
SLOW_MARK_MS: Final = 3_000
"""`@markPrice` without `@1s`."""
KEY_PATH: Final = "/fapi/v1/listenKey"
PREFIXES: Final = ("/public", "/market", "/private")
QTY_DECIMALS: Final = 3


class BinanceStreams:
    """The Speech of Binance USD-M."""

    def __init__(
        self, core: Emulator, hub: Hub, on_time: Callable[[Millis], None] | None = None
    ) -> None:
        """`on_time` is told the time once a market second: the dead man's switch of the account."""
        self.hub = hub
        self.keys: dict[str, Millis] = {}
        """When each listen key ends."""
        self._core = core
        self._on_time = on_time
        self._names = {symbol: display_symbol(symbol) for symbol in core.instruments}
        self._decimals = {
            symbol: decimals_of(instrument.tick_size)
            for symbol, instrument in core.instruments.items()
        }
        self._updates = 0

    # --- what clients say

    def open(self, path: str, query: Mapping[str, str], at: Millis) -> Line | None:
        """A raw, a combined or a user stream, by its address."""
        prefix = next((name for name in PREFIXES if path.startswith(name + "/")), "")
        rest = path.removeprefix(prefix)
        head, _, tail = rest.removeprefix("/").partition("/")
        if head not in ("ws", "stream"):
            return None
        names = [name for name in tail.split("/") if name]
        if head == "stream":
            names += [name for name in query.get("streams", "").split("/") if name]
        key = query.get("listenKey", "") or next((name for name in names if name in self.keys), "")
        line = self.hub.open(is_combined=head == "stream", is_user=bool(key))
        line.listen_key = key
        line.is_authentic = self.keys.get(key, 0) > at
        self.hub.follow(line, [name for name in names if "@" in name or name.startswith("!")])
        return line

    def hear(self, line: Line, text: str, at: Millis) -> None:
        """SUBSCRIBE, UNSUBSCRIBE and LIST_SUBSCRIPTIONS, each answered under its id."""
        del at
        asked = heard(text)
        if asked is None:
            line.say({"error": {"code": 3, "msg": "Invalid JSON: expected an object"}})
            return
        params = asked.get("params", [])
        names = [str(name) for name in params] if isinstance(params, list) else []
        match asked.get("method"):
            case "SUBSCRIBE":
                self.hub.follow(line, names)
                line.say({"result": None, "id": asked.get("id")})
            case "UNSUBSCRIBE":
                self.hub.unfollow(line, names)
                line.say({"result": None, "id": asked.get("id")})
            case "LIST_SUBSCRIPTIONS":
                line.say({"result": sorted(line.topics), "id": asked.get("id")})
            case unknown:
                said = f"Invalid request: unknown variant `{unknown}`"
                line.say({"error": {"code": 2, "msg": said}, "id": asked.get("id")})

    # --- listen keys

    def note(self, request: HttpRequest, reply: HttpReply, at: Millis) -> None:
        """A listen key that a request has made, kept alive or closed."""
        if urlsplit(request.url).path != KEY_PATH or reply.status != 200:  # noqa: PLR2004
            return
        key = msgspec.json.decode(reply.body, type=dict[str, Any]).get("listenKey")
        match request.method:
            case "POST" if key:
                self.keys[str(key)] = Millis(at + KEY_LIVES_MS)
            case "PUT":
                for known in [str(key)] if key else list(self.keys):
                    self.keys[known] = Millis(at + KEY_LIVES_MS)
            case "DELETE":
                self.keys.clear()
            case _:
                pass

    def pass_time(self, at: Millis) -> None:
        """End keys that nobody kept alive; their streams are told once and then stay silent."""
        if self._on_time is not None:
            self._on_time(at)
        for key in [key for key, until in self.keys.items() if until <= at]:
            del self.keys[key]
            for line in self.hub.users():
                if line.listen_key == key:
                    self._tell(line, {"e": "listenKeyExpired", "E": at, "listenKey": key})
                    line.is_authentic = False

    def user(self, message: Mapping[str, Any], *, times: int = 1) -> None:
        """Tell the account's message on every stream whose key is alive."""
        for line in self.hub.users():
            if line.listen_key in self.keys:
                for _ in range(times):
                    self._tell(line, message)

    def _tell(self, line: Line, message: Mapping[str, Any]) -> None:
        wrapped = {"stream": line.listen_key, "data": message}
        line.say(wrapped if line.is_combined else message)

    # --- the market

    def market(self, event: Event) -> None:
        """Marks, best bids and asks, trades and bars of one symbol."""
        match event:
            case PriceMoved(symbol=symbol):
                self._updates += 1
                name = self._names[symbol].lower()
                self.hub.publish(f"{name}@markPrice@1s", lambda: self._mark(event))
                if event.at % SLOW_MARK_MS == 0:
                    self.hub.publish(f"{name}@markPrice", lambda: self._mark(event))
                self.hub.publish(f"{name}@bookTicker", lambda: self._book(event))
                self.hub.publish("!bookTicker", lambda: self._book(event))
                self.hub.publish(f"{name}@aggTrade", lambda: self._trade(event, "aggTrade"))
                self.hub.publish(f"{name}@trade", lambda: self._trade(event, "trade"))
                forming = self._core.tape.forming.get(symbol)
                if forming is not None:
                    self.hub.publish(f"{name}@kline_1m", self._bar(forming, event.at, ended=False))
            case CandleClosed(candle=candle):
                name = self._names[candle.symbol].lower()
                self.hub.publish(f"{name}@kline_1m", self._bar(candle, event.at, ended=True))
            case _:
                pass

    def end_second(self, at: Millis) -> None:
        """The marks of all symbols in one message."""
        self.hub.publish("!markPrice@arr@1s", self._marks)
        if at % SLOW_MARK_MS == 0:
            self.hub.publish("!markPrice@arr", self._marks)

    def _marks(self) -> list[dict[str, Any]]:
        return [self._mark(event) for event in self._core.prices.values()]

    def _mark(self, event: PriceMoved) -> dict[str, Any]:
        mark = f"{event.mark:.8f}"
        funding = self._core.fundings.get(event.symbol)
        return {
            "e": "markPriceUpdate",
            "E": event.at,
            "s": self._names[event.symbol],
            "p": mark,
            "ap": mark,
            "i": mark,
            "P": mark,
            **_funded(funding),
        }

    def _book(self, event: PriceMoved) -> dict[str, Any]:
        decimals = self._decimals[event.symbol]
        qty = f"{_resting(event):.{QTY_DECIMALS}f}"
        return {
            "e": "bookTicker",
            "u": self._updates,
            "s": self._names[event.symbol],
            "b": f"{event.bid:.{decimals}f}",
            "B": qty,
            "a": f"{event.ask:.{decimals}f}",
            "A": qty,
            "T": event.at,
            "E": event.at,
        }

    def _trade(self, event: PriceMoved, kind: str) -> dict[str, Any]:
        row = {
            "e": kind,
            "E": event.at,
            "s": self._names[event.symbol],
            "p": f"{event.last:.{self._decimals[event.symbol]}f}",
            "q": f"{_resting(event) / 100:.{QTY_DECIMALS}f}",
            "T": event.at,
            "m": event.last <= event.bid,
        }
        number = self._updates
        if kind == "trade":
            return {**row, "t": number, "X": "MARKET"}
        return {**row, "a": number, "f": number, "l": number}

    def _bar(self, candle: Candle, at: Millis, *, ended: bool) -> Callable[[], dict[str, Any]]:
        decimals = self._decimals[candle.symbol]
        name = self._names[candle.symbol]

        def make() -> dict[str, Any]:
            bought = (
                candle.volume / 2 if candle.taker_buy_volume is None else (candle.taker_buy_volume)
            )
            return {
                "e": "kline",
                "E": at,
                "s": name,
                "k": {
                    "t": candle.open_at,
                    "T": candle.close_at - 1,
                    "s": name,
                    "i": "1m",
                    "f": 0,
                    "L": 0,
                    "o": f"{candle.open:.{decimals}f}",
                    "c": f"{candle.close:.{decimals}f}",
                    "h": f"{candle.high:.{decimals}f}",
                    "l": f"{candle.low:.{decimals}f}",
                    "v": f"{candle.volume:.{QTY_DECIMALS}f}",
                    "n": 0,
                    "x": ended,
                    "q": f"{candle.volume * candle.close:.2f}",
                    "V": f"{bought:.{QTY_DECIMALS}f}",
                    "Q": f"{bought * candle.close:.2f}",
                    "B": "0",
                },
            }

        return make


def _funded(funding: Funding | None) -> dict[str, Any]:
    if funding is None:
        return {"r": "", "T": 0}
    return {"r": f"{funding.rate:.8f}", "T": funding.next_at}


def _resting(event: PriceMoved) -> float:
    """Base coins at the best price: a tenth of what rests within 10 bps."""
    return (event.depth_usd or 100_000.0) / event.mark / 10.0
