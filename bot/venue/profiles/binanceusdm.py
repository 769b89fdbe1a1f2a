"""Binance USDⓈ-M: how it is reached, how it counts requests, and what its codes mean.

A refusal is a negative `code` in the body, whatever the HTTP status. What a code proves is taken
from the exchange's list (USDⓈ-M Futures, "Error Code") and never from ccxt's classes: ccxt makes
`InvalidOrder` of a duplicate id, and a matter of keys of "reduce-only orders only".
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.gateway.client import Client
from bot.gateway.connection import Connection, Refusal
from bot.gateway.failures import Verdict
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock
from bot.venue.api import PrivateApi
from bot.venue.binanceusdm import BinanceApi
from bot.venue.profiles.profile import Profile
from bot.venue.requests.binanceusdm import (
    DATA_5M,
    ORDERS_1M,
    ORDERS_10S,
    TIME,
    WEIGHT,
    WINDOW,
)

_REJECTED: Final = (
    # 1xxx: the request is not well formed, or asks for what there is not.
    *("-1013", "-1014", "-1020", "-1023"),
    *("-1100", "-1101", "-1102", "-1103", "-1104", "-1105", "-1106", "-1108", "-1110", "-1111"),
    *("-1112", "-1113", "-1114", "-1115", "-1116", "-1117", "-1118", "-1119", "-1120", "-1121"),
    *("-1122", "-1125", "-1126", "-1127", "-1128", "-1130", "-1131", "-1136"),
    # 2xxx: judged and refused: no margin (-2018, -2019, -2024), a trigger that would fire at once
    # (-2021), nothing to reduce (-2022), in liquidation (-2023), too many orders (-2025), too
    # large for the leverage (-2027, -2028).
    *("-2010", "-2016", "-2018", "-2019", "-2020", "-2021", "-2022", "-2023", "-2024", "-2025"),
    *("-2026", "-2027", "-2028"),
    # 4xxx: filters of price, quantity and notional.
    *("-4000", "-4001", "-4002", "-4003", "-4004", "-4005", "-4006", "-4007", "-4008", "-4009"),
    *("-4010", "-4011", "-4012", "-4013", "-4014", "-4015", "-4016", "-4018", "-4019", "-4020"),
    *("-4021", "-4022", "-4023", "-4024", "-4029", "-4030", "-4131", "-4164", "-4183", "-4184"),
    *("-4210", "-4211"),
    # Leverage, margin and position mode: not as the account is set, or not to be changed now.
    *("-4027", "-4028", "-4047", "-4048", "-4050", "-4051", "-4054", "-4055", "-4060", "-4061"),
    *("-4062", "-4067", "-4068", "-4161", "-4167", "-4168", "-4202", "-4203", "-4205", "-4206"),
    *("-4208", "-4209", "-4531"),
    # Conditional orders: too many (-4045), would fire at once (-4142), another service (-4120).
    *("-4045", "-4120", "-4130", "-4136", "-4137", "-4138", "-4139", "-4142"),
    # Reduce-only and halts: no position, a symbol that is closed, an account that may only reduce.
    # -4400 and its like close no door to the key: cancels, stops and exits still pass.
    *("-4087", "-4088", "-4112", "-4118", "-4140", "-4141", "-4192", "-4400", "-4401", "-4402"),
    *("-4403", "-4109"),
    # 5xxx: fill-or-kill and post-only that could not be.
    *("-5021", "-5022", "-5024", "-5037", "-5038", "-5039", "-5040", "-5041"),
    "-20121",
)
_DUPLICATE: Final = ("-4116", "-20132")
_NOT_FOUND: Final = ("-2011", "-2013", "-20124")
"""-20124: a conditional order that is not there or has ended."""
_ALREADY_SO: Final = ("-4046", "-4059", "-5027", "-4171")
_BUSY: Final = ("-1008",)
"""Throttled by the exchange's own protection, unread; reduce-only orders are exempt from it
(change log 2025-10-14)."""
_RATE: Final = ("-1003", "-1015")
_CLOCK: Final = ("-1021", "-5028")
"""-5028: the matching engine found it late."""
_AUTH: Final = ("-1002", "-1005", "-1011", "-1022", "-1099", "-1109", "-2008", "-2014", "-2015")
_AUTH_LOCKED: Final = ("-2017",)
_UNKNOWN: Final = ("-1000", "-1001", "-1004", "-1006", "-1007", "-1010", "-1016", "-4117")
"""Named to be seen: a code that is in no list means the same. -1006, -1007: "execution status
unknown". -4117: a stop that is just firing can be neither changed nor canceled."""

CODES: Final[Mapping[str, Verdict]] = {
    **dict.fromkeys(_REJECTED, Verdict.REJECTED),
    **dict.fromkeys(_DUPLICATE, Verdict.DUPLICATE),
    **dict.fromkeys(_NOT_FOUND, Verdict.NOT_FOUND),
    **dict.fromkeys(_ALREADY_SO, Verdict.ALREADY_SO),
    **dict.fromkeys(_BUSY, Verdict.BUSY),
    **dict.fromkeys(_RATE, Verdict.RATE),
    **dict.fromkeys(_CLOCK, Verdict.CLOCK),
    **dict.fromkeys((*_AUTH, *_AUTH_LOCKED), Verdict.AUTH),
    **dict.fromkeys(_UNKNOWN, Verdict.UNKNOWN),
}

_COUNTERS: Final = {
    "x-mbx-used-weight-1m": WEIGHT.name,
    "x-mbx-order-count-10s": ORDERS_10S.name,
    "x-mbx-order-count-1m": ORDERS_1M.name,
}


def refusal_of(status: int, reply: Any) -> Refusal | None:
    """A `code` below zero; cancels of stops and changes of settings answer success with 200."""
    del status
    if not isinstance(reply, dict):
        return None
    code = reply.get("code")
    if code is None or isinstance(code, bool) or not str(code).startswith("-"):
        return None
    return Refusal(str(code), str(reply.get("msg") or ""))


def used_of(headers: Mapping[str, str]) -> dict[str, int]:
    """What the exchange has counted in the present minute and the present ten seconds."""
    return {
        budget: int(headers[name])
        for name, budget in _COUNTERS.items()
        if headers.get(name, "").isdigit()
    }


def time_of(reply: Any) -> Millis:
    """The time of the exchange, ms."""
    return Millis(int(reply["serverTime"]))


def open_api(client: Client, market_ids: dict[Symbol, str], clock: Clock) -> PrivateApi:
    """Its private interface over a client."""
    return BinanceApi(client, market_ids, clock)


CONNECTION: Final = Connection(
    id="binanceusdm",
    title="Binance USDⓈ-M",
    options={
        # Each of these would make ccxt ask other services of Binance, with the key.
        "fetchCurrencies": False,
        "fetchMargins": False,
        "fetchMarkets": {"types": ["linear"]},
        "recvWindow": 5_000,
    },
    budgets=(WEIGHT, ORDERS_10S, ORDERS_1M, DATA_5M),
    codes=CODES,
    refusal_of=refusal_of,
    used_of=used_of,
    time_route=TIME,
    time_of=time_of,
    window_param=WINDOW,
)
PROFILE: Final = Profile(connection=CONNECTION, is_live=True, open_api=open_api)
