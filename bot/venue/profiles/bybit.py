"""Bybit: how it is reached, how it counts requests, and what its codes mean.

A refusal comes as `retCode` other than 0, mostly with HTTP 200. What a code proves is taken from
the exchange's list of error codes (V5 reference, "Error Codes"), and from nothing else: a timeout
of its servers (10000), an internal error (10016, 131200) or a restart (10019) proves nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

from bot.gateway.client import Client
from bot.gateway.connection import Budget, Connection, Refusal
from bot.gateway.failures import Verdict
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock
from bot.venue.api import PrivateApi
from bot.venue.bybit import BybitApi
from bot.venue.profiles.profile import Profile
from bot.venue.requests.bybit import SERVER_TIME

_SECOND_MS = 1_000

_REJECTED: Final = (
    *("10001", "10017", "10020", "10024", "10027", "10028", "10029", "100028"),
    # Parameters, no such path, the kind of account, what this account may trade.
    *("110003", "110004", "110005", "110006", "110007", "110009", "110011", "110012", "110013"),
    *("110014", "110015", "110016", "110017", "110018", "110019", "110020", "110021", "110022"),
    *("110023", "110024", "110028", "110029", "110031", "110032", "110033", "110034", "110035"),
    *("110036", "110037", "110038", "110039", "110040", "110041", "110042", "110044", "110045"),
    *("110046", "110047", "110048", "110049", "110050", "110051", "110052", "110053", "110054"),
    *("110055", "110056", "110057", "110058", "110059", "110060", "110061", "110064", "110065"),
    *("110066", "110067", "110068", "110069", "110070", "110090", "110094", "110095", "110096"),
    *("110092", "110093", "130074"),
    # 110092, 110093: a trigger on the wrong side of the price; it would fire at once.
    "3400045",
    # The margin mode cannot be set.
)
_DUPLICATE: Final = ("110072", "110030", "10014")
_NOT_FOUND: Final = ("110001", "110008", "110010")
"""110008, 110010: it is over; only a cancel is answered so."""
_ALREADY_SO: Final = ("110025", "110026", "110027", "110043", "34040")
_BUSY: Final = ("429", "110063", "110079")
"""429: the trading service is overloaded; 110063: settlement; 110079: a cancel came too early."""
_RATE: Final = ("10006", "10018", "10429")
_CLOCK: Final = ("10002", "-1")
_AUTH: Final = ("10003", "10004", "10005", "10007", "10008", "10009", "10010", "33004")
_UNKNOWN: Final = ("10000", "10016", "10019", "5004", "131200", "131201")
"""Named to be seen: a code that is in no list means the same."""

CODES: Final[Mapping[str, Verdict]] = {
    **dict.fromkeys(_REJECTED, Verdict.REJECTED),
    **dict.fromkeys(_DUPLICATE, Verdict.DUPLICATE),
    **dict.fromkeys(_NOT_FOUND, Verdict.NOT_FOUND),
    **dict.fromkeys(_ALREADY_SO, Verdict.ALREADY_SO),
    **dict.fromkeys(_BUSY, Verdict.BUSY),
    **dict.fromkeys(_RATE, Verdict.RATE),
    **dict.fromkeys(_CLOCK, Verdict.CLOCK),
    **dict.fromkeys(_AUTH, Verdict.AUTH),
    **dict.fromkeys(_UNKNOWN, Verdict.UNKNOWN),
}


def refusal_of(status: int, parsed: Any) -> Refusal | None:
    """A `retCode` other than 0, whatever the status; it comes with HTTP 200 too."""
    del status
    if not isinstance(parsed, Mapping) or str(parsed.get("retCode", 0)) == "0":
        return None
    return Refusal(str(parsed["retCode"]), str(parsed.get("retMsg") or ""))


def used_of(headers: Mapping[str, str]) -> Mapping[str, int]:
    """Nothing: the exchange counts per endpoint and its headers do not say which one they mean.

    `X-Bapi-Limit-Status` speaks of the endpoint that was called; what it says of an endpoint is
    over after a second.
    """
    del headers
    return {}


def time_of(parsed: Any) -> Millis:
    """The server's clock, from nanoseconds."""
    return Millis(int(parsed["result"]["timeNano"]) // 1_000_000)


CONNECTION: Final = Connection(
    id="bybit",
    title="Bybit",
    options={
        # What kind of account it is would be asked for before the first order.
        "enableUnifiedMargin": False,
        "enableUnifiedAccount": True,
        "unifiedMarginStatus": 6,
        "fetchMarkets": {"types": ["linear"], "usePrivateInstrumentsInfo": False},
        "adjustForTimeDifference": False,
        "defaultType": "swap",
        "defaultSubType": "linear",
        "defaultSettle": "USDT",
    },
    budgets=(
        Budget(name="ip", capacity=600, interval_ms=5 * _SECOND_MS),
        Budget(name="order.create", capacity=10, interval_ms=_SECOND_MS),
        Budget(name="order.cancel", capacity=10, interval_ms=_SECOND_MS),
        Budget(name="order.read", capacity=50, interval_ms=_SECOND_MS),
        Budget(name="order.history", capacity=50, interval_ms=_SECOND_MS),
        Budget(name="position.read", capacity=50, interval_ms=_SECOND_MS),
        Budget(name="execution.read", capacity=50, interval_ms=_SECOND_MS),
        Budget(name="account.read", capacity=50, interval_ms=_SECOND_MS),
        Budget(name="fee.read", capacity=10, interval_ms=_SECOND_MS),
        Budget(name="user.read", capacity=10, interval_ms=_SECOND_MS),
        Budget(name="settings", capacity=10, interval_ms=_SECOND_MS),
    ),
    codes=CODES,
    refusal_of=refusal_of,
    used_of=used_of,
    time_route=SERVER_TIME,
    time_of=time_of,
    window_option="recvWindow",
)


def open_api(client: Client, market_ids: dict[Symbol, str], clock: Clock) -> PrivateApi:
    """The private interface over a client."""
    return BybitApi(client, market_ids, clock)


PROFILE: Final = Profile(
    connection=CONNECTION,
    is_live=True,
    open_api=open_api,
    has_attached_stop=True,
    has_shared_margin_mode=True,
)
