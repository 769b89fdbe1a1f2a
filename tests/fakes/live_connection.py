"""Connections with the least that a client needs, and lines that answer as they are told."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from bot.gateway.client import Client
from bot.gateway.connection import Budget, Connection, Refusal, Route
from bot.gateway.failures import Verdict
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.model.primitives import Millis

START = Millis(1_770_000_000_000)
KEY = "AKey0123456789"
SECRET = "ASecret9876543210"
TIME = Route(name="fapiPublicGetTime", costs={"weight": 1})
ORDER = Route(
    name="fapiPrivatePostOrder",
    costs={"weight": 1},
    params=frozenset({"symbol", "side", "type", "quantity", "newClientOrderId"}),
)
ASKED = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "MARKET",
    "quantity": "0.001",
    "newClientOrderId": "abc",
}
BYBIT_TIME = Route(name="publicGetV5MarketTime", costs={"ip": 1})
BYBIT_ORDER = Route(
    name="privatePostV5OrderCreate",
    costs={"ip": 1},
    params=frozenset({"category", "symbol", "side", "orderType", "qty", "orderLinkId"}),
)


class Shown:
    """A secret as `bot.credentials` has them."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value


class AKeys:
    """A pair of keys."""

    api_key = Shown(KEY)
    secret = Shown(SECRET)
    password = None


def binance_refusal(status: int, found: Any) -> Refusal | None:
    del status
    if isinstance(found, dict) and "code" in found and "msg" in found:
        return Refusal(str(found["code"]), found["msg"])
    return None


def bybit_refusal(status: int, found: Any) -> Refusal | None:
    del status
    code = found["retCode"]
    return Refusal(str(code), found["retMsg"]) if code else None


def used_weight(headers: Mapping[str, str]) -> Mapping[str, int]:
    used = headers.get("x-mbx-used-weight-1m")
    return {} if used is None else {"weight": int(used)}


def a_connection(**changes: Any) -> Connection:
    """Binance's USD-M futures, in short."""
    return msgspec.structs.replace(
        Connection(
            id="binanceusdm",
            title="Binance",
            options={},
            budgets=(Budget(name="weight", capacity=100, interval_ms=60_000),),
            codes={
                "-1003": Verdict.RATE,
                "-1008": Verdict.BUSY,
                "-1021": Verdict.CLOCK,
                "-2019": Verdict.REJECTED,
                "-4400": Verdict.REJECTED,
                "-4116": Verdict.DUPLICATE,
            },
            refusal_of=binance_refusal,
            used_of=used_weight,
            time_route=TIME,
            time_of=lambda found: Millis(found["serverTime"]),
            window_param="recvWindow",
        ),
        **changes,
    )


def bybit_connection() -> Connection:
    """Bybit, in short."""
    return a_connection(
        id="bybit",
        title="Bybit",
        budgets=(Budget(name="ip", capacity=600, interval_ms=5_000),),
        codes={"10006": Verdict.RATE, "110007": Verdict.REJECTED},
        refusal_of=bybit_refusal,
        used_of=lambda _: {},
        time_route=BYBIT_TIME,
        time_of=lambda found: Millis(int(found["time"])),
        window_param="",
        window_option="recvWindow",
    )


def a_reply(
    found: Any, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> HttpReply:
    """A reply with a document, or with the bytes as they are."""
    body = found if isinstance(found, bytes) else msgspec.json.encode(found)
    return HttpReply(status=status, headers=dict(headers or {}), body=body)


HANG = HttpReply(status=0)
"""Instead of a reply: nothing, for as long as anybody waits."""


class Scripted:
    """A Transport that answers from a list, the last answer for ever; an exception is raised."""

    def __init__(self, *answers: HttpReply | Exception) -> None:
        self.answers = list(answers)
        self.sent: list[HttpRequest] = []
        self.timeouts_s: list[float] = []
        self.is_closed = False
        self.on_send: Callable[[], None] = lambda: None

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        self.sent.append(request)
        self.timeouts_s.append(timeout_s)
        self.on_send()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is HANG:
            await asyncio.Event().wait()
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        self.is_closed = True


def a_client(
    transport: Any,
    connection: Connection | None = None,
    *,
    clock: ExchangeClock | None = None,
    **changes: Any,
) -> Client:
    """A client of a running loop, with keys."""
    connection = connection or a_connection()
    clock = clock or ExchangeClock(start_at=START)
    limiter = Limiter(connection.budgets, clock=clock)
    return Client(
        connection,
        transport=transport,
        clock=clock,
        limiter=limiter,
        **{"keys": AKeys(), **changes},
    )
