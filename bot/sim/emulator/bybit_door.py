"""Who may come in: rate limits, API keys, clocks and signatures of Bybit's v5 interface.

Sources: Bybit v5 "Rate Limit Rules" (600 requests in 5 seconds an IP, then HTTP 403; a rolling
second for each endpoint and UID, then 10006), "Integration Guidance" (the signature and the rule
of the receive window) and "Error Codes".
"""

import hashlib
import hmac
from collections import deque
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from bot.gateway.http import HttpRequest
from bot.model.primitives import Millis
from bot.sim.emulator.bybit_words import Refused

IP_REQUESTS_MAX = 600
IP_SPAN_MS = 5_000
IP_BAN_MS = 600_000
"""The ban is lifted after 10 minutes without a request (Rate Limit Rules)."""
SECOND_MS = 1_000
AHEAD_MAX_MS = 1_000
"""A timestamp this far ahead of the exchange's clock is refused."""
WINDOW_DEFAULT_MS = 5_000
LIMIT_DEFAULT = 50
LIMITS: Mapping[str, int] = {
    "/v5/order/create": 10,
    "/v5/order/amend": 10,
    "/v5/order/cancel": 10,
    "/v5/order/cancel-all": 10,
    "/v5/position/set-leverage": 10,
    "/v5/position/trading-stop": 10,
    "/v5/position/switch-mode": 10,
    "/v5/account/fee-rate": 10,
    "/v5/account/transaction-log": 30,
    "/v5/user/query-api": 10,
    "/v5/asset/coin/query-info": 5,
}
"""Requests a second for one UID; other private endpoints have LIMIT_DEFAULT."""


class Key(msgspec.Struct, kw_only=True):
    """An API key and what is true of it; tests and faults change it."""

    api_key: str
    secret: str
    is_expired: bool = False
    is_read_only: bool = False
    can_withdraw: bool = False
    is_from_elsewhere: bool = False
    """It is bound to an address that is not ours."""

    def set_right(self, right: str, *, is_on: bool) -> None:
        """Change what is true of it: revoked, read_only or withdraw."""
        if right == "revoked":
            self.is_expired = is_on
        elif right == "read_only":
            self.is_read_only = is_on
        else:
            self.can_withdraw = is_on


class Door:
    """Counts what arrives and lets it in or not."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.limits: dict[str, int] = dict(LIMITS)
        self.ip_requests_max = IP_REQUESTS_MAX
        self.banned_until = Millis(0)
        self._arrivals: deque[Millis] = deque()
        self._calls: dict[str, deque[Millis]] = {}

    def knock(self, at: Millis) -> None:
        """Count a request against its address.

        Raises Refused (HTTP 403, 10018) beyond the limit, and while the ban lasts.
        """
        _forget(self._arrivals, at - IP_SPAN_MS)
        self._arrivals.append(at)
        if len(self._arrivals) > self.ip_requests_max:
            self.banned_until = Millis(max(self.banned_until, at + IP_BAN_MS))
        if at < self.banned_until:
            raise Refused(10018, "403, access too frequent", status=403)

    def count(self, path: str, at: Millis) -> dict[str, str]:
        """Count a private call; gives the headers that tell what is left of the second.

        Raises Refused (10006) beyond the limit, with the time when the oldest call has passed.
        """
        limit = self.limits.get(path, LIMIT_DEFAULT)
        calls = self._calls.setdefault(path, deque())
        _forget(calls, at - SECOND_MS)
        if len(calls) >= limit:
            full = _headers(limit, 0, Millis(calls[0] + SECOND_MS) if calls else at)
            raise Refused(10006, "Too many visits. Exceeded the API Rate Limit.", headers=full)
        calls.append(at)
        return _headers(limit, limit - len(calls), at)

    def check(self, request: HttpRequest, at: Millis) -> None:
        """Check key, clock and signature.

        Raises Refused: 10003 for a key that is not known, 33004 for one that has expired, 10010
        for one bound to another address, 10002 outside of the window, 10004 for a wrong signature,
        10005 where a key that may only read tries to write.
        """
        headers = {name.upper(): value for name, value in request.headers.items()}
        key = self.key
        if headers.get("X-BAPI-API-KEY") != key.api_key:
            raise Refused(10003, "API key is invalid.", status=401)
        if key.is_expired:
            raise Refused(33004, "Your api key has expired.", status=401)
        if key.is_from_elsewhere:
            raise Refused(10010, "Unmatched IP, please check your API key's bound IP addresses.")
        stamp = headers.get("X-BAPI-TIMESTAMP", "")
        window = headers.get("X-BAPI-RECV-WINDOW", str(WINDOW_DEFAULT_MS))
        if not _is_within(stamp, window, at):
            raise Refused(
                10002,
                "invalid request, please check your server timestamp or recv_window param. "
                f"req_timestamp[{stamp}],server_timestamp[{at}],recv_window[{window}]",
            )
        sent = request.body if request.method == "POST" else urlsplit(request.url).query
        signed = f"{stamp}{key.api_key}{headers.get('X-BAPI-RECV-WINDOW', '')}{sent}"
        if not hmac.compare_digest(headers.get("X-BAPI-SIGN", ""), self._sign(signed)):
            raise Refused(10004, f"error sign! origin_string[{signed}]")
        if key.is_read_only and request.method == "POST":
            raise Refused(10005, "Permission denied, please check your API key permissions.")

    def is_authentic(self, args: Sequence[object], at: Millis) -> bool:
        """Whether the arguments of the websocket's `auth` open the private stream."""
        if len(args) != 3:  # noqa: PLR2004  (key, expires, signature)
            return False
        key, expires, signature = (str(arg) for arg in args)
        is_alive = expires.isdigit() and int(expires) > at
        is_signed = hmac.compare_digest(signature, self._sign(f"GET/realtime{expires}"))
        is_known = key == self.key.api_key and not self.key.is_expired
        return is_known and is_alive and is_signed

    def _sign(self, text: str) -> str:
        return hmac.new(self.key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def _is_within(stamp: str, window: str, at: Millis) -> bool:
    if not (stamp.isdigit() and window.isdigit()):
        return False
    return at - int(window) <= int(stamp) < at + AHEAD_MAX_MS


def _forget(times: deque[Millis], until: int) -> None:
    while times and times[0] <= until:
        times.popleft()


def _headers(limit: int, left: int, reset_at: Millis) -> dict[str, str]:
    return {
        "x-bapi-limit": str(limit),
        "x-bapi-limit-status": str(left),
        "x-bapi-limit-reset-timestamp": str(reset_at),
    }
