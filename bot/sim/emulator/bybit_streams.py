"""Bybit's v5 websockets: public topics of linear contracts, and the account's own.

Pages "Connect", "Ticker", "Orderbook", "Kline" and "Private" of Bybit's v5 documentation: a
ticker is a snapshot and then only what has changed; `orderbook.1` is a snapshot every time.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import CandleClosed, Event, PriceMoved
from bot.model.instrument import display_symbol
from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.streams import Hub, Line, decimals_of, heard

PUBLIC_PATH: Final = "/v5/public/linear"
PRIVATE_PATH: Final = "/v5/private"
PRIVATE_TOPICS: Final = frozenset(
    {"order", "execution", "execution.fast", "position", "wallet", "greeks", "dcp.future"}
)
CATEGORY: Final = ".linear"
"""Private topics are had for all categories, or for one: `order.linear`."""
QTY_DECIMALS: Final = 3

Authentic = Callable[[Sequence[object], Millis], bool]
"""Whether the arguments of `auth` prove the key."""


class BybitStreams:
    """The Speech of Bybit."""

    def __init__(self, core: Emulator, hub: Hub, is_authentic: Authentic) -> None:
        self.hub = hub
        self._core = core
        self._is_authentic = is_authentic
        self._names = {symbol: display_symbol(symbol) for symbol in core.instruments}
        self._symbols = {name: symbol for symbol, name in self._names.items()}
        self._decimals = {
            symbol: decimals_of(instrument.tick_size)
            for symbol, instrument in core.instruments.items()
        }
        self._told: dict[Symbol, dict[str, str]] = {}
        """By symbol: the ticker as it was told last."""
        self._count = 0

    # --- what clients say

    def open(self, path: str, query: Mapping[str, str], at: Millis) -> Line | None:
        """The public stream of linear contracts, or the private one, which begins unproved."""
        del query, at
        if path not in (PUBLIC_PATH, PRIVATE_PATH):
            return None
        return self.hub.open(is_user=path == PRIVATE_PATH)

    def hear(self, line: Line, text: str, at: Millis) -> None:
        """`ping`, `auth`, `subscribe` and `unsubscribe`."""
        asked = heard(text) or {}
        args = asked.get("args") or []
        answer: dict[str, Any] = {"success": True, "ret_msg": "", "conn_id": f"emu-{line.number}"}
        if "req_id" in asked:
            answer["req_id"] = asked["req_id"]
        match asked.get("op"):
            case "ping" if line.is_user:
                del answer["success"], answer["ret_msg"]
                line.say({**answer, "op": "pong", "args": [str(at)]})
            case "ping":
                line.say({**answer, "ret_msg": "pong", "op": "ping"})
            case "auth":
                line.is_authentic = line.is_user and self._is_authentic(args, at)
                said = "" if line.is_authentic else "Params Error"
                line.say({**answer, "success": line.is_authentic, "ret_msg": said, "op": "auth"})
            case "subscribe":
                self._subscribe(line, [str(arg) for arg in args], answer, at)
            case "unsubscribe":
                self.hub.unfollow(line, [str(arg) for arg in args])
                line.say({**answer, "op": "unsubscribe"})
            case _:
                line.say({**answer, "success": False, "ret_msg": "error:invalid op", "op": ""})

    def _subscribe(
        self, line: Line, topics: list[str], answer: Mapping[str, Any], at: Millis
    ) -> None:
        wrong = next((topic for topic in topics if not self._is_topic(line, topic)), None)
        if wrong is not None:
            said = f"error:handler not found,topic:{wrong}"
            if line.is_user and not line.is_authentic:
                said = "Request not authorized"
            line.say({**answer, "success": False, "ret_msg": said, "op": "subscribe"})
            return
        self.hub.follow(line, topics)
        line.say({**answer, "ret_msg": "" if line.is_user else "subscribe", "op": "subscribe"})
        for topic in topics:
            kind, _, name = topic.rpartition(".")
            event = self._core.prices.get(self._symbols.get(name, Symbol("")))
            if kind == "tickers" and event is not None:
                line.say(_ticker(topic, "snapshot", self._state(event), at))
            if kind == "orderbook.1" and event is not None:
                line.say(self._book(topic, event))

    def _is_topic(self, line: Line, topic: str) -> bool:
        if line.is_user:
            return line.is_authentic and topic.removesuffix(CATEGORY) in PRIVATE_TOPICS
        kind, _, name = topic.rpartition(".")
        return kind in ("tickers", "orderbook.1", "kline.1", "publicTrade") and (
            name in self._symbols
        )

    # --- the account

    def note(self, request: HttpRequest, reply: HttpReply, at: Millis) -> None:
        """Requests change nothing about Bybit's streams."""

    def pass_time(self, at: Millis) -> None:
        """Nothing of Bybit's streams expires by itself."""

    def user(self, message: Mapping[str, Any], *, times: int = 1) -> None:
        """Tell the account's message to those who follow its topic, under the name they chose."""
        topic = str(message["topic"])
        for line in self.hub.users():
            for name in (topic, topic + CATEGORY):
                if name in line.topics:
                    for _ in range(times):
                        line.say({**message, "topic": name})

    # --- the market

    def market(self, event: Event) -> None:
        """Tickers, best bids and asks, trades and bars of one symbol."""
        match event:
            case PriceMoved(symbol=symbol):
                self._count += 1
                name = self._names[symbol]
                topic = f"tickers.{name}"
                if self.hub.is_followed(topic):
                    self._publish_changes(topic, event)
                self.hub.publish(
                    f"orderbook.1.{name}", lambda: self._book(f"orderbook.1.{name}", event)
                )
                self.hub.publish(f"publicTrade.{name}", lambda: self._trade(name, event))
                forming = self._core.tape.forming.get(symbol)
                if forming is not None:
                    self.hub.publish(f"kline.1.{name}", self._bar(forming, event.at, ended=False))
            case CandleClosed(candle=candle):
                topic = f"kline.1.{self._names[candle.symbol]}"
                self.hub.publish(topic, self._bar(candle, event.at, ended=True))
            case _:
                pass

    def end_second(self, at: Millis) -> None:
        """Bybit has no message for all symbols."""

    def _publish_changes(self, topic: str, event: PriceMoved) -> None:
        state = self._state(event)
        before = self._told.get(event.symbol, {})
        self._told[event.symbol] = state
        changed = {key: value for key, value in state.items() if before.get(key) != value}
        if changed:
            fresh = {"symbol": state["symbol"], **changed}
            self.hub.publish(topic, lambda: _ticker(topic, "delta", fresh, event.at))

    def _state(self, event: PriceMoved) -> dict[str, str]:
        symbol = event.symbol
        decimals = self._decimals[symbol]
        qty = f"{_resting(event):.{QTY_DECIMALS}f}"
        funding = self._core.fundings.get(symbol)
        interest = self._core.open_interest.get(symbol)
        state = {
            "symbol": self._names[symbol],
            "lastPrice": f"{event.last:.{decimals}f}",
            "markPrice": f"{event.mark:.{decimals}f}",
            "indexPrice": f"{event.mark:.{decimals}f}",
            "bid1Price": f"{event.bid:.{decimals}f}",
            "bid1Size": qty,
            "ask1Price": f"{event.ask:.{decimals}f}",
            "ask1Size": qty,
        }
        if interest:
            state["openInterest"] = f"{interest[-1][1]:.{QTY_DECIMALS}f}"
            state["openInterestValue"] = f"{interest[-1][1] * event.mark:.2f}"
        if funding is not None:
            state["fundingRate"] = f"{funding.rate:.8f}"
            state["nextFundingTime"] = str(funding.next_at)
        return state

    def _book(self, topic: str, event: PriceMoved) -> dict[str, Any]:
        decimals = self._decimals[event.symbol]
        qty = f"{_resting(event):.{QTY_DECIMALS}f}"
        data = {
            "s": self._names[event.symbol],
            "b": [[f"{event.bid:.{decimals}f}", qty]],
            "a": [[f"{event.ask:.{decimals}f}", qty]],
            "u": self._count,
            "seq": self._count,
        }
        return {"topic": topic, "type": "snapshot", "ts": event.at, "data": data, "cts": event.at}

    def _trade(self, name: str, event: PriceMoved) -> dict[str, Any]:
        row = {
            "T": event.at,
            "s": name,
            "S": "Sell" if event.last <= event.bid else "Buy",
            "v": f"{_resting(event) / 100:.{QTY_DECIMALS}f}",
            "p": f"{event.last:.{self._decimals[event.symbol]}f}",
            "i": f"emu-{self._count}",
            "BT": False,
        }
        return {"topic": f"publicTrade.{name}", "type": "snapshot", "ts": event.at, "data": [row]}

    def _bar(self, candle: Candle, at: Millis, *, ended: bool) -> Callable[[], dict[str, Any]]:
        decimals = self._decimals[candle.symbol]
        row = {
            "start": candle.open_at,
            "end": candle.close_at - 1,
            "interval": "1",
            "open": f"{candle.open:.{decimals}f}",
            "close": f"{candle.close:.{decimals}f}",
            "high": f"{candle.high:.{decimals}f}",
            "low": f"{candle.low:.{decimals}f}",
            "volume": f"{candle.volume:.{QTY_DECIMALS}f}",
            "turnover": f"{candle.volume * candle.close:.2f}",
            "confirm": ended,
            "timestamp": at,
        }
        topic = f"kline.1.{self._names[candle.symbol]}"
        return lambda: {"topic": topic, "type": "snapshot", "ts": at, "data": [row]}


def _ticker(topic: str, kind: str, data: Mapping[str, str], at: Millis) -> dict[str, Any]:
    return {"topic": topic, "type": kind, "data": data, "cs": at, "ts": at}


def _resting(event: PriceMoved) -> float:
    """Base coins at the best price: a tenth of what rests within 10 bps."""
    return (event.depth_usd or 100_000.0) / event.mark / 10.0
