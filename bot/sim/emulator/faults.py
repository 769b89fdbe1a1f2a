"""What may go wrong between a client and the emulated exchange, decided request by request.

Decisions are drawn from a seed in the order in which requests arrive; nothing is done here. Times
are market milliseconds. The words of each exchange for its refusals are in `refusal`.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from bot.clock import seeded_random
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis, Value

HTML: Final = b"<html><head><title>Maintenance</title></head><body>Back soon.</body></html>"
UNKNOWN_SAID: Final = (
    "Timeout waiting for response from backend server. "
    "Send status unknown; execution status unknown."
)
BYBIT: Final = "bybit"


class Kind(StrEnum):
    """One way for a request to go wrong."""

    LOST_REQUEST = "lost_request"
    """It never arrives, and nobody says so: the connection stays silent."""
    LOST_REPLY = "lost_reply"
    """The work is done; the connection breaks instead of the reply."""
    LATE = "late"
    """It arrives seconds later than it was sent."""
    HTML = "html"
    """The work is done; the reply is 200 with a web page."""
    EMPTY = "empty"
    """The work is done; the reply is 200 without a body."""
    TRUNCATED = "truncated"
    """The work is done; the reply breaks off in the middle."""
    TIMEOUT = "timeout"
    """The exchange does not know itself: -1007, or 10000 of Bybit; done in half of the cases."""
    BUSY = "busy"
    """Turned away unread: -1008, or 10429 of Bybit."""
    RATE = "rate"
    """Turned away unread for too many requests: 429, or 10006 of Bybit."""
    BAN = "ban"
    """The same for a while, whatever is asked: 418, or 403 of Bybit."""


UNREAD: Final = frozenset({Kind.LOST_REQUEST, Kind.BUSY, Kind.RATE, Kind.BAN})
"""Nobody acts on the request."""
EVENLY: Final[Mapping[Kind, float]] = {
    Kind.LOST_REQUEST: 0.12,
    Kind.LOST_REPLY: 0.20,
    Kind.LATE: 0.12,
    Kind.HTML: 0.10,
    Kind.EMPTY: 0.10,
    Kind.TRUNCATED: 0.10,
    Kind.TIMEOUT: 0.10,
    Kind.BUSY: 0.08,
    Kind.RATE: 0.06,
    Kind.BAN: 0.02,
}
"""How one share of faults is spread over the ways; a ban is rare, because it stops everything."""


class FaultSettings(Value, frozen=True, kw_only=True):
    """How bad the line is."""

    latency_ms: float = 80.0
    """From sending to the reply, half of it before the exchange acts."""
    jitter_ms: float = 20.0
    """Most that the latency differs, either way."""
    shares: Mapping[Kind, float] = {}
    """Chance of each fault, request by request; what is missing does not happen."""
    late_ms: tuple[float, float] = (1_000.0, 9_000.0)
    retry_after_s: int = 5
    ban_s: int = 120
    stream_drop: float = 0.0
    """Chance that a stream breaks within one market second."""
    stream_repeat: float = 0.0
    """Chance that a message of the user stream comes twice."""


def spread(share: float, *, lost_replies: float = 0.0) -> Mapping[Kind, float]:
    """One share of requests that go wrong, over all the ways, and lost replies beside them."""
    shares = {kind: share * part for kind, part in EVENLY.items()}
    shares[Kind.LOST_REPLY] += lost_replies
    return {kind: chance for kind, chance in shares.items() if chance > 0}


class Plan(Value, frozen=True, kw_only=True):
    """What is to become of one request."""

    up_ms: float
    """Before it arrives."""
    down_ms: float
    """After the exchange has acted, before the reply is there."""
    kind: Kind | None = None
    is_done: bool = True
    """The exchange acts on it."""


class Ordered(msgspec.Struct, kw_only=True):
    """A fault that is asked for and not left to chance."""

    kind: Kind
    method: str = ""
    """Empty: any."""
    path: str = ""
    """A part of the address; empty: any."""
    times: int = 1
    is_done: bool | None = None
    """Of TIMEOUT: whether the exchange acts; None: by chance."""


class Faults:
    """Draws the faults of one exchange; counts them by kind."""

    def __init__(self, seed: int, settings: FaultSettings) -> None:
        self.settings = settings
        self.is_on = True
        """Off: only the latency is left, and what is ordered."""
        self.counts: dict[Kind, int] = {}
        self.ordered: list[Ordered] = []
        """Struck in their order, before anything is drawn."""
        self.banned_until = Millis(0)
        self._chance = seeded_random(seed)

    def plan(self, request: HttpRequest, at: Millis) -> Plan:
        """Decide about a request that is sent at `at`."""
        settings, chance = self.settings, self._chance
        half_ms = settings.latency_ms / 2
        up_ms = max(half_ms + chance.uniform(-1.0, 1.0) * settings.jitter_ms / 2, 0.0)
        down_ms = max(half_ms + chance.uniform(-1.0, 1.0) * settings.jitter_ms / 2, 0.0)
        roll, coin = chance.random(), chance.random() < 0.5  # noqa: PLR2004  (a fair coin)
        if at < self.banned_until:
            return self._counted(Plan(up_ms=up_ms, down_ms=down_ms, kind=Kind.BAN, is_done=False))
        ordered = self._next_ordered(request)
        kind = ordered.kind if ordered else self._drawn(roll)
        if kind is None:
            return Plan(up_ms=up_ms, down_ms=down_ms)
        if kind is Kind.LATE:
            up_ms += chance.uniform(*settings.late_ms)
        if kind is Kind.BAN:
            self.banned_until = Millis(at + settings.ban_s * 1_000)
        is_done = kind not in UNREAD
        if kind is Kind.TIMEOUT:
            wanted = ordered.is_done if ordered else None
            is_done = coin if wanted is None else wanted
        return self._counted(Plan(up_ms=up_ms, down_ms=down_ms, kind=kind, is_done=is_done))

    def drops_stream(self) -> bool:
        """Whether a stream breaks now; to be asked once a market second for each."""
        return self._strikes(self.settings.stream_drop)

    def repeats(self) -> bool:
        """Whether a message of the user stream comes twice."""
        return self._strikes(self.settings.stream_repeat)

    def _strikes(self, share: float) -> bool:
        return self.is_on and share > 0 and self._chance.random() < share

    def _counted(self, plan: Plan) -> Plan:
        assert plan.kind is not None, "what went well is not counted"
        self.counts[plan.kind] = self.counts.get(plan.kind, 0) + 1
        return plan

    def _next_ordered(self, request: HttpRequest) -> Ordered | None:
        for wish in self.ordered:
            if wish.method in ("", request.method) and wish.path in request.url:
                wish.times -= 1
                if wish.times <= 0:
                    self.ordered.remove(wish)
                return wish
        return None

    def _drawn(self, roll: float) -> Kind | None:
        if not self.is_on:
            return None
        for kind in Kind:
            roll -= self.settings.shares.get(kind, 0.0)
            if roll < 0:
                return kind
        return None


def refusal(exchange: str, kind: Kind, *, faults: Faults) -> HttpReply:
    """What an exchange says when it turns a request away; raises KeyError for other faults.

    Binance's general API information: 503 with -1007 tells nothing, 503 with -1008 is a refusal,
    429 and 418 carry Retry-After in seconds. Bybit answers most of it with 200 and a retCode; its
    ban of an address is 403.
    """
    after_s = faults.settings.retry_after_s
    until = faults.banned_until
    if exchange == BYBIT:
        status, code, said = {
            Kind.TIMEOUT: (200, 10000, "Server Timeout"),
            Kind.BUSY: (200, 10429, "System level frequency protection"),
            Kind.RATE: (200, 10006, "Too many visits. Exceeded the API Rate Limit."),
            Kind.BAN: (403, 10018, "Exceeded the IP Rate Limit. access too frequent"),
        }[kind]
        headers = {"x-bapi-limit-status": "0"} if kind is Kind.RATE else {}
        told: dict[str, object] = {"retCode": code, "retMsg": said, "result": {}, "retExtInfo": {}}
    else:
        status, code, said = {
            Kind.TIMEOUT: (503, -1007, UNKNOWN_SAID),
            Kind.BUSY: (503, -1008, "Request throttled by system-level protection."),
            Kind.RATE: (429, -1003, "Too many requests; current limit is 2400 requests a minute."),
            Kind.BAN: (418, -1003, f"Way too many requests; IP(127.0.0.1) banned until {until}."),
        }[kind]  # fmt: skip
        headers = {}
        if kind is Kind.RATE:
            headers = {"retry-after": str(after_s)}
        if kind is Kind.BAN:
            headers = {"retry-after": str(faults.settings.ban_s)}
        told = {"code": code, "msg": said}
    return HttpReply(
        status=status,
        headers={"content-type": "application/json", **headers},
        body=msgspec.json.encode(told),
    )
