"""Exchanges that give data and paper trading: nothing of an account is ever asked or sent there.

ccxt says of each of them that it can do what we need; recorded requests say otherwise (stops that
leak into plain orders, ids that are not sent). Until an exchange has passed the whole suite it
trades no money, and the sentence here says so.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from bot.gateway.connection import Budget, Connection, Refusal, Route
from bot.model.primitives import Millis
from bot.venue.profiles.profile import Profile

REQUESTS: Final = Budget(name="requests", capacity=50, interval_ms=10_000)
"""Far below what each of them allows: public data in polls needs no more."""

_CODE_KEYS: Final = ("code", "retCode", "error_code", "label", "error")
_SUCCESS: Final = frozenset({"", "0", "00000", "200000", "200", "None", "success"})


def refusal_of(status: int, parsed: Any) -> Refusal | None:
    """Where a reply says no: by its code, or by a status from 400 on. It proves nothing here."""
    if not isinstance(parsed, Mapping):
        return Refusal(f"http:{status}", "") if status >= 400 else None  # noqa: PLR2004
    for key in _CODE_KEYS:
        code = str(parsed.get(key, ""))
        if code not in _SUCCESS:
            return Refusal(code, str(parsed.get("msg") or parsed.get("message") or ""))
    return Refusal(f"http:{status}", "") if status >= 400 else None  # noqa: PLR2004


def used_of(headers: Mapping[str, str]) -> Mapping[str, int]:
    """Nothing: the budget is small enough to count by ourselves."""
    del headers
    return {}


def _at(*path: str | int) -> Callable[[Any], Millis]:
    def read(parsed: Any) -> Millis:
        for step in path:
            parsed = parsed[step]
        return Millis(int(parsed))

    return read


def _iso(parsed: Any) -> Millis:
    text = str(parsed["serverTime"]).replace("Z", "+00:00")
    return Millis(int(datetime.fromisoformat(text).timestamp() * 1000))


def _public(
    exchange_id: str,
    title: str,
    why: str,
    *,
    time_route: str,
    time_of: Callable[[Any], Millis],
    options: Mapping[str, Any],
    time_params: Mapping[str, str] | None = None,
) -> Profile:
    return Profile(
        connection=Connection(
            id=exchange_id,
            title=title,
            options={"defaultType": "swap", **options},
            budgets=(REQUESTS,),
            codes={},
            refusal_of=refusal_of,
            used_of=used_of,
            time_route=Route(
                name=time_route, costs={REQUESTS.name: 1}, params=frozenset(time_params or {})
            ),
            time_params=time_params or {},
            time_of=time_of,
        ),
        is_live=False,
        why_not=f"{title} gives data and paper trading only: {why}.",
    )


_UNPROVED: Final = "its orders and stops have not been proved against an emulator yet"
_SWAPS: Final[Mapping[str, Any]] = {"fetchMarkets": {"types": ["swap"]}}

PROFILES: Final[Mapping[str, Profile]] = {
    profile.connection.id: profile
    for profile in (
        _public(
            "okx",
            "OKX",
            _UNPROVED,
            time_route="publicGetPublicTime",
            time_of=_at("data", 0, "ts"),
            options=_SWAPS,
        ),
        _public(
            "bitget",
            "Bitget",
            "it has two kinds of accounts, and in one a stop is sent as an order that executes now",
            time_route="publicCommonGetV2PublicTime",
            time_of=_at("data", "serverTime"),
            options={**_SWAPS, "uta": False},
        ),
        _public(
            "hyperliquid",
            "Hyperliquid",
            _UNPROVED,
            time_route="publicPostInfo",
            time_params={"type": "exchangeStatus"},
            time_of=_at("time"),
            options={**_SWAPS, "builderFee": False},
        ),
        _public(
            "gate",
            "Gate",
            "a stop that goes with an order is not sent there, and the position would be bare",
            time_route="publicSpotGetTime",
            time_of=_at("server_time"),
            options=_SWAPS,
        ),
        _public(
            "kucoinfutures",
            "KuCoin Futures",
            "every stop order sets the leverage of its own accord there",
            time_route="futuresPublicGetTimestamp",
            time_of=_at("data"),
            options=_SWAPS,
        ),
        _public(
            "bingx",
            "BingX",
            "an order cannot be found again there by the id that we give it",
            time_route="swapV2PublicGetServerTime",
            time_of=_at("data", "serverTime"),
            options={},
        ),
        _public(
            "mexc",
            "MEXC",
            "a stop order closes the position at once there",
            time_route="contractPublicGetPing",
            time_of=_at("data"),
            options={
                "fetchMarkets": {"types": {"spot": False, "swap": {"linear": True}}},
            },
        ),
        _public(
            "krakenfutures",
            "Kraken Futures",
            "an order cannot be found again there by the id that we give it",
            time_route="publicGetFeeschedules",
            time_of=_iso,
            options={},
        ),
        _public(
            "deribit",
            "Deribit",
            "orders do not carry the id that we give them there",
            time_route="publicGetGetTime",
            time_of=_at("result"),
            options={},
        ),
    )
}
