"""Who may come in: weights, bans, API keys, clocks and signatures of Binance's futures interface.

Sources: Binance USD-M futures "General Info": 2,400 of weight a minute and address, 429 with
Retry-After beyond it, 418 for whoever goes on; 300 orders in ten seconds and 1,200 a minute; SIGNED
endpoints with `timestamp` and `recvWindow` (5,000 ms unless told, 60,000 at most).
"""

import hashlib
import hmac
from collections import deque

import msgspec

from bot.model.primitives import Millis
from bot.sim.emulator.binance_call import Call
from bot.sim.emulator.binance_words import Refused

WEIGHT_MAX = 2_400
ORDERS_10S_MAX = 300
ORDERS_1M_MAX = 1_200
MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
WINDOW_DEFAULT_MS = 5_000
WINDOW_MAX_MS = 60_000
AHEAD_MAX_MS = 1_000
PATIENCE = 10
"""So many requests beyond the limit bring a ban."""
BAN_MS = 120_000
"""The first ban; those of a real exchange grow up to three days."""


class Key(msgspec.Struct, kw_only=True):
    """An API key and what is true of it; tests and faults change it."""

    api_key: str
    secret: str
    is_revoked: bool = False
    is_ip_restricted: bool = False
    can_trade: bool = True
    can_withdraw: bool = False

    def set_right(self, right: str, *, is_on: bool) -> None:
        """Change what is true of it: revoked, read_only or withdraw."""
        if right == "revoked":
            self.is_revoked = is_on
        elif right == "read_only":
            self.can_trade = not is_on
        else:
            self.can_withdraw = is_on


class Counter:
    """What was used within a rolling span."""

    def __init__(self, span_ms: int) -> None:
        self.span_ms = span_ms
        self.used = 0
        self._rows: deque[tuple[Millis, int]] = deque()

    def add(self, weight: int, at: Millis) -> int:
        """Count a use; gives what is used now."""
        while self._rows and self._rows[0][0] <= at - self.span_ms:
            self.used -= self._rows.popleft()[1]
        if weight:
            self._rows.append((at, weight))
            self.used += weight
        return self.used

    def frees_in_ms(self, at: Millis) -> int:
        """How long until the oldest use is forgotten."""
        return self._rows[0][0] + self.span_ms - at if self._rows else 0


class Door:
    """Counts what arrives and lets it in or not."""

    def __init__(self, key: Key) -> None:
        self.key = key
        self.weight_max = WEIGHT_MAX
        self.banned_until = Millis(0)
        self._weights = Counter(MINUTE_MS)
        self._orders_10s = Counter(TEN_SECONDS_MS)
        self._orders_1m = Counter(MINUTE_MS)
        self._beyond = 0

    def use(self, weight: int, at: Millis) -> None:
        """Spend weight, whoever does it: others behind the same address count as well."""
        self._weights.add(weight, at)

    def headers(self, at: Millis, *, is_order: bool) -> dict[str, str]:
        """What has been used, as every reply tells it."""
        told = {"x-mbx-used-weight-1m": str(self._weights.add(0, at))}
        if is_order:
            told["x-mbx-order-count-10s"] = str(self._orders_10s.add(0, at))
            told["x-mbx-order-count-1m"] = str(self._orders_1m.add(0, at))
        return told

    def knock(self, weight: int, at: Millis, *, is_order: bool) -> None:
        """Count a request against its address.

        Raises Refused: 418 while a ban lasts, 429 beyond the limits (-1003, -1015 for orders).
        """
        if at < self.banned_until:
            raise self._banned(at)
        used = self._weights.add(weight, at)
        if used > self.weight_max:
            self._beyond += 1
            if self._beyond > PATIENCE:
                self.banned_until = Millis(at + BAN_MS)
                self._beyond = 0
                raise self._banned(at)
            said = (
                f"Too many requests; current limit of IP(127.0.0.1) is {self.weight_max} requests "
                "per minute. Please use the websocket for live updates to avoid polling the API."
            )
            after_s = -(-self._weights.frees_in_ms(at) // 1000)
            raise Refused(-1003, said, status=429, headers={"retry-after": str(after_s)})
        self._beyond = 0
        if is_order:
            self._count_order(at)

    def _count_order(self, at: Millis) -> None:
        limits = (
            (self._orders_10s, ORDERS_10S_MAX, "10 SECOND"),
            (self._orders_1m, ORDERS_1M_MAX, "1 MINUTE"),
        )
        for counter, most, span in limits:
            if counter.add(1, at) > most:
                said = f"Too many new orders; current limit is {most} orders per {span}."
                after_s = -(-counter.frees_in_ms(at) // 1000)
                raise Refused(-1015, said, status=429, headers={"retry-after": str(after_s)})

    def _banned(self, at: Millis) -> Refused:
        until = self.banned_until
        said = (
            f"Way too many requests; IP(127.0.0.1) banned until {until}. "
            "Please use the websocket for live updates to avoid bans."
        )
        after_s = -(-(until - at) // 1000)
        return Refused(-1003, said, status=418, headers={"retry-after": str(after_s)})

    def check_key(self, call: Call) -> None:
        """Check the key alone; raises Refused (-2014 without one, -2015 for a wrong one)."""
        sent = call.api_key
        if not sent:
            raise Refused(-2014, "API-key format invalid.", status=401)
        if sent != self.key.api_key or self.key.is_revoked:
            raise forbidden()

    def check(self, call: Call) -> None:
        """Check key, clock and signature.

        Raises Refused: as `check_key`, -1021 outside of the window, -1022 for a wrong signature.
        """
        self.check_key(call)
        window_ms = call.whole("recvWindow", WINDOW_DEFAULT_MS)
        if window_ms > WINDOW_MAX_MS:
            raise Refused(-1131, "recvWindow must be less than 60000")
        stamp = call.whole_needed("timestamp")
        if stamp >= call.at + AHEAD_MAX_MS:
            said = "Timestamp for this request was 1000ms ahead of the server's time."
            raise Refused(-1021, said)
        if call.at - stamp > window_ms:
            raise Refused(-1021, "Timestamp for this request is outside of the recvWindow.")
        signed = hmac.new(self.key.secret.encode(), call.signed.encode(), hashlib.sha256)
        if not hmac.compare_digest(call.text("signature"), signed.hexdigest()):
            raise Refused(-1022, "Signature for this request is not valid.")


def forbidden() -> Refused:
    """The key may not do this."""
    said = "Invalid API-key, IP, or permissions for action."
    return Refused(-2015, said, status=401)
