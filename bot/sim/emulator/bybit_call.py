"""One call of Bybit's v5 interface: its parameters, the route that takes it, and its pages."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

import msgspec

from bot.gateway.http import HttpRequest
from bot.model.instrument import display_symbol
from bot.model.primitives import Millis, Symbol, Value
from bot.sim.emulator.bybit_words import bad, number

T = TypeVar("T")
DAY_MS = 24 * 3_600_000
WEEK_MS = 7 * DAY_MS
_CURSOR = "page:"

_FLAGS = frozenset({"reduceOnly", "closeOnTrigger"})
_WHOLES = frozenset({"positionIdx", "triggerDirection", "mode", "tradeMode", "openOnly", "limit"})


class Call(Value, frozen=True, kw_only=True):
    """What was asked, and when it arrived."""

    params: Mapping[str, Any]
    at: Millis

    def text(self, name: str, default: str = "") -> str:
        """A parameter as text; the default where it is not there."""
        return str(self.params.get(name, default))

    def needed(self, name: str) -> str:
        """A parameter that must be there; raises Refused (10001)."""
        value = self.text(name)
        if not value:
            raise bad(f"params error: {name} is required")
        return value

    def one_of(self, name: str, allowed: Mapping[str, T], default: str = "") -> T:
        """A word out of a list; raises Refused (10001) for any other."""
        word = self.text(name, default)
        if word not in allowed:
            raise bad(f"{name} invalid: {word!r}")
        return allowed[word]

    def whole(self, name: str, default: int, *, low: int = 0, high: int = 2**53) -> int:
        """A whole number within limits; raises Refused (10001)."""
        text = self.text(name, str(default))
        if not text.isdigit() or not low <= int(text) <= high:
            raise bad(f"params error: {name} invalid")
        return int(text)

    def amount(self, name: str) -> Decimal:
        """A number that must be there and be above zero; raises Refused (10001)."""
        value = number(self.needed(name), name)
        if value <= 0:
            raise bad(f"params error: {name} invalid")
        return value

    def flag(self, name: str) -> bool:
        """True or false; false where it is not there."""
        return self.params.get(name, False) is True

    def need_linear(self) -> None:
        """Only linear perpetuals are emulated; raises Refused (10001) for the rest."""
        if self.needed("category") != "linear":
            raise bad("category invalid: only linear is emulated")


class Route(Value, frozen=True, kw_only=True):
    """An endpoint: how it is called, what it takes, and who answers."""

    method: str
    params: frozenset[str]
    answer: Callable[[Call], dict[str, Any]]


def get(params: str, answer: Callable[[Call], dict[str, Any]]) -> Route:
    """A GET with the parameters named in a string."""
    return Route(method="GET", params=frozenset(params.split()), answer=answer)


def post(params: str, answer: Callable[[Call], dict[str, Any]]) -> Route:
    """A POST with the fields named in a string."""
    return Route(method="POST", params=frozenset(params.split()), answer=answer)


def read(request: HttpRequest, route: Route, at: Millis) -> Call:
    """Take the parameters out of a request.

    Bybit passes over a parameter it does not know; here it is refused (10001), because a parameter
    under a wrong name does nothing at the real exchange and nobody would notice. The types of the
    fields of a body are held to as well: numbers come as text, flags as booleans.
    """
    if request.method == "POST":
        params = _body(request.body)
        _check_types(params)
    else:
        params = dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))
    if unknown := sorted(set(params) - route.params):
        raise bad(f"params error: unknown parameter {', '.join(unknown)}")
    return Call(params=params, at=at)


def page(call: Call, rows: Sequence[T], *, default: int, most: int) -> tuple[list[T], str]:
    """One page of rows (newest first) and the cursor of the next; empty after the last.

    The cursor is percent-encoded as Bybit's are: it must go back as it came.
    """
    size = call.whole("limit", default, low=1, high=most)
    cursor = call.text("cursor")
    start = 0
    if cursor:
        offset = cursor.removeprefix(_CURSOR)
        if offset == cursor or not offset.isdigit():
            raise bad("params error: cursor invalid")
        start = int(offset)
    end = start + size
    following = f"page%3A{end}" if end < len(rows) else ""
    return list(rows[start:end]), following


def span(call: Call, *, width_ms: int = WEEK_MS) -> tuple[Millis, Millis]:
    """`startTime` and `endTime`, both included, at most a week apart.

    One alone reaches `width_ms` from itself; none at all means the newest. The width is a week, but
    for the transaction log a day (Bybit, "Get Trade History" and "Get Transaction Log"). Raises
    Refused (10001) for more than a week.
    """
    start = call.whole("startTime", 0) if call.text("startTime") else None
    end = call.whole("endTime", 0) if call.text("endTime") else None
    if start is None and end is None:
        return Millis(call.at - width_ms), call.at
    if start is None:
        start = (end or 0) - width_ms
    if end is None:
        end = start + width_ms
    if end < start or end - start > WEEK_MS:
        raise bad("params error: The time range between startTime and endTime is invalid")
    return Millis(start), Millis(end)


def market_ids(symbols: Sequence[Symbol]) -> dict[str, Symbol]:
    """Unified symbols by Bybit's names, `BTCUSDT`."""
    return {display_symbol(symbol): symbol for symbol in symbols}


def _body(text: str) -> dict[str, Any]:
    try:
        parsed = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError as error:
        raise bad("params error: the body is no JSON") from error
    if not isinstance(parsed, dict):
        raise bad("params error: the body is no object")
    return parsed


def _check_types(params: Mapping[str, Any]) -> None:
    for name, value in params.items():
        if name in _FLAGS:
            is_right = isinstance(value, bool)
        elif name in _WHOLES:
            is_right = isinstance(value, int | str) and not isinstance(value, bool)
        else:
            is_right = isinstance(value, str)
        if not is_right:
            raise bad(f"params error: {name} has the wrong type")
