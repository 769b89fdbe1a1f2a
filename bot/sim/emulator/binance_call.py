"""One call of Binance's interface: its parameters, and the route that takes it."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlsplit

from bot.gateway.http import HttpRequest
from bot.model.primitives import Millis, Value
from bot.sim.emulator.binance_words import Refused

T = TypeVar("T")
_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_FLAGS = {"true": True, "TRUE": True, "false": False, "FALSE": False}


class Call(Value, frozen=True, kw_only=True):
    """What was asked, by whom, and when it arrived."""

    params: Mapping[str, str]
    at: Millis
    api_key: str = ""
    signed: str = ""
    """The text that the signature is over."""

    def text(self, name: str, default: str = "") -> str:
        """A parameter; the default where it is not there."""
        return self.params.get(name, default)

    def needed(self, name: str) -> str:
        """A parameter that must be there; raises Refused (-1102, -1105 where it is empty)."""
        if name not in self.params:
            raise malformed(name)
        if not self.params[name]:
            raise Refused(-1105, f"Parameter '{name}' was empty.")
        return self.params[name]

    def one_of(self, name: str, allowed: Mapping[str, T], *, no: Refused | None = None) -> T:
        """A word out of a list that must be there; raises Refused for any other."""
        word = self.needed(name)
        if word not in allowed:
            raise no or malformed(name)
        return allowed[word]

    def flag(self, name: str) -> bool:
        """`true` or `false`, false where it is not there; raises Refused (-1102) else."""
        return self.one_of(name, _FLAGS) if name in self.params else False

    def whole(self, name: str, default: int) -> int:
        """A whole number; raises Refused (-1102) for anything else."""
        return self.whole_needed(name) if name in self.params else default

    def whole_needed(self, name: str) -> int:
        """A whole number that must be there; raises Refused (-1102)."""
        text = self.needed(name)
        if not (text.isascii() and text.isdigit()):
            raise malformed(name)
        return int(text)

    def limit(self, default: int, most: int) -> int:
        """The parameter `limit`; raises Refused (-1130) beyond what is allowed."""
        limit = self.whole("limit", default)
        if not 1 <= limit <= most:
            raise Refused(-1130, "Data sent for parameter 'limit' is not valid.")
        return limit

    def amount(self, name: str) -> Decimal | None:
        """A number, None where it is not there; raises Refused (-1102) for anything else."""
        return self.amount_needed(name) if name in self.params else None

    def amount_needed(self, name: str) -> Decimal:
        """A number that must be there; raises Refused (-1102)."""
        try:
            value = Decimal(self.needed(name))
        except InvalidOperation as error:
            raise malformed(name) from error
        if not value.is_finite():
            raise malformed(name)
        return value

    def client_id(self, name: str) -> str:
        """An id of the client's; raises Refused (-4015, -1100) for one that is not allowed."""
        text = self.text(name)
        if name in self.params and not _ID.fullmatch(text):
            if len(text) > 36:  # noqa: PLR2004  (Binance: New Order)
                raise Refused(-4015, "Client order id length should be less than 36 chars.")
            said = f"Illegal characters found in parameter '{name}'; legal range is '{_ID.pattern}'"
            raise Refused(-1100, said)
        return text

    def forbid(self, *names: str) -> None:
        """Raises Refused (-1106) where a parameter is there that may not be."""
        for name in names:
            if name in self.params:
                raise Refused(-1106, f"Parameter '{name}' sent when not required.")


class Route(Value, frozen=True, kw_only=True):
    """An endpoint: what it takes, what it costs, and who answers."""

    params: frozenset[str]
    answer: Callable[[Call], Any]
    weight: Callable[[Call], int]
    is_signed: bool = False
    needs_key: bool = False
    is_order: bool = False


def open_route(params: str, answer: Callable[[Call], Any], weight: int = 1) -> Route:
    """An endpoint of public data with the parameters named in a string."""
    return Route(params=frozenset(params.split()), answer=answer, weight=lambda _: weight)


def signed_route(
    params: str, answer: Callable[[Call], Any], weight: int = 1, *, is_order: bool = False
) -> Route:
    """An endpoint of the account's."""
    names = {*params.split(), "timestamp", "recvWindow", "signature"}
    return Route(
        params=frozenset(names),
        answer=answer,
        weight=lambda _: weight,
        is_signed=True,
        is_order=is_order,
    )


def weighed(route: Route, weight: Callable[[Call], int]) -> Route:
    """The same endpoint with a weight that depends on what is asked."""
    return Route(
        params=route.params,
        answer=route.answer,
        weight=weight,
        is_signed=route.is_signed,
        is_order=route.is_order,
    )


def one_or_all(one: int, every: int) -> Callable[[Call], int]:
    """The weight for one symbol, and for all of them."""
    return lambda call: one if call.text("symbol") else every


def read(request: HttpRequest, at: Millis) -> Call:
    """Take the parameters out of a request: of its address and its body together.

    Raises Refused (-1101) for a parameter that is there twice.
    """
    query = urlsplit(request.url).query
    pairs = [
        pair for part in (query, request.body) for pair in parse_qsl(part, keep_blank_values=True)
    ]
    params = dict(pairs)
    if len(params) < len(pairs):
        raise Refused(-1101, "Duplicate values for a parameter detected.")
    keys = (text for name, text in request.headers.items() if name.upper() == "X-MBX-APIKEY")
    signed = (query + request.body).rpartition("signature=")[0].removesuffix("&")
    return Call(params=params, at=at, api_key=next(keys, ""), signed=signed)


def check_names(call: Call, route: Route) -> None:
    """Hold a call to what its endpoint knows; raises Refused (-1104).

    Binance reads past some parameters that it does not know; here all of them are refused, for a
    parameter under a wrong name does nothing there, and nobody would notice.
    """
    if unknown := sorted(set(call.params) - route.params):
        read_count = len(call.params) - len(unknown)
        raise Refused(
            -1104,
            f"Not all sent parameters were read; read '{read_count}' parameter(s) but was sent "
            f"'{len(call.params)}': {', '.join(unknown)}.",
        )


def malformed(name: str) -> Refused:
    """A parameter that is missing or not readable."""
    said = f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    return Refused(-1102, said)
