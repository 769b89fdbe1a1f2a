"""A gateway client for public data: replies that a test has laid out, and what was asked."""

from collections import Counter
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

from bot.gateway.connection import Route

Answer = Any | Callable[[dict[str, Any]], Any]


def a_market(
    id_: str = "BTCUSDT",
    symbol: str = "BTC/USDT:USDT",
    *,
    tick: str = "0.10",
    lot: str = "0.001",
    size: str | None = "1",
    **changes: Any,
) -> dict[str, Any]:
    """A market as ccxt 4.5.90 makes it of an exchange's reply, with numbers as strings."""
    return {
        "id": id_,
        "symbol": symbol,
        "swap": True,
        "linear": True,
        "settle": "USDT",
        "active": True,
        "contractSize": size,
        "precision": {"amount": lot, "price": tick},
        "limits": {
            "leverage": {"min": None, "max": None},
            "amount": {"min": "0.001", "max": "1000"},
            "market": {"min": "0.001", "max": "120"},
            "price": {"min": "556.80", "max": "4529764"},
            "cost": {"min": "100", "max": None},
        },
        "info": {},
        **changes,
    }


class MarketLine:
    """Replies by the route's name; a callable gets the parameters, an exception is raised."""

    def __init__(self, markets: list[dict[str, Any]] | None = None, **exchange: Any) -> None:
        rows = [a_market()] if markets is None else markets
        self.markets = {row["symbol"]: row for row in rows}
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.loads: Counter[bool] = Counter()
        self.exchange: Any = SimpleNamespace(**exchange)

    async def call(self, route: Route, params: Mapping[str, Any] | None = None) -> Any:
        asked = dict(params or {})
        assert asked.keys() <= route.params, f"{route.name} does not take {asked}"
        self.asked.append((route.name, asked))
        answer = self.answers[route.name]
        found = answer(asked) if callable(answer) else answer
        if isinstance(found, Exception):
            raise found
        return found

    async def load_markets(self, *, is_reload: bool = False) -> dict[str, Any]:
        self.loads[is_reload] += 1
        return dict(self.markets)
