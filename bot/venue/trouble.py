"""What the live venue's calls say of the exchange as a whole: out of order, shut, or out of time.

Each episode is told once and ended once. A failed call proves nothing by itself; so many in a row
that new positions would be a folly do.
"""

import asyncio
from typing import Final, NamedTuple

from bot.gateway.failures import GatewayError, RefusedError, Verdict
from bot.model.account import HoldCause
from bot.model.events import TroubleSeen
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit

FAILURES_MIN: Final = 5
FAILURES_MS: Final = 5_000
"""So many calls in a row, over so long, must have failed before the venue is held to be out."""
DENIALS_MIN: Final = 3
DENIALS_MS: Final = 10_000
"""So many refusals of the key, over so long, mean that it will not be accepted any more."""
BAN_MS: Final = 10_000
"""A wait that the exchange itself asks for, from which on nothing new is begun (E35)."""
JUMP_MS: Final = 1_000
"""Of the exchange's clock: more is no drift (faults.md, E51)."""
AGREEMENTS_MIN: Final = 2
"""Looks at the clock that must agree after a jump."""
MAINTENANCE_CODES: Final = frozenset({"-1016", "10019"})
"""Binance: the service is being shut down; Bybit: it restarts. One such answer is enough."""
_ALIVE: Final = frozenset(
    {Verdict.REJECTED, Verdict.DUPLICATE, Verdict.NOT_FOUND, Verdict.ALREADY_SO}
)
"""Refusals that show an exchange at work which accepts the key."""


class _Row(NamedTuple):
    """Failures in a row."""

    since: Millis
    times: int


class Troubles:
    """Counts, tells, and knows when the key is lost."""

    def __init__(self, *, clock: Clock) -> None:
        self.emit: Emit = lambda _: None
        """Where it is told; nowhere before the start and after the end."""
        self.locked_out = asyncio.Event()
        """The exchange refuses the key, again and again."""
        self.clock_refused = asyncio.Event()
        """A request fell outside of its window: the exchange's clock is to be looked at."""
        self.denial = ""
        """How it said so last."""
        self._clock = clock
        self._failures: _Row | None = None
        self._denials: dict[bool, _Row] = {}
        """By whether it was a write."""
        self._told: dict[tuple[HoldCause, Symbol | None], str] = {}
        self._is_write_denied = False
        self._agreements: int | None = None
        """Looks that agreed since the clock jumped; None: it has not."""

    @property
    def is_write_denied(self) -> bool:
        """The key was refused for an order, and no write has succeeded since."""
        return self._is_write_denied

    @property
    def is_clock_doubted(self) -> bool:
        """The exchange's clock has jumped, and not enough looks have agreed since."""
        return self._agreements is not None

    def is_told(self, cause: HoldCause, symbol: Symbol | None = None) -> bool:
        """Whether an episode is on."""
        return (cause, symbol) in self._told

    # --- what calls come to

    def answered(self, *, is_write: bool) -> None:
        """A call has brought what it was made for."""
        self._failures = None
        self._denials.pop(is_write, None)
        if is_write and self._is_write_denied:
            self._is_write_denied = False
            self.tell_over(HoldCause.VENUE_ERRORS)

    def account_read(self) -> None:
        """The whole account came back: the exchange works."""
        if not self._is_write_denied:
            self.tell_over(HoldCause.VENUE_ERRORS)

    def failed(self, error: GatewayError, *, is_write: bool) -> None:
        """A call brought no result."""
        verdict = error.verdict if isinstance(error, RefusedError) else None
        if verdict in _ALIVE:
            self.answered(is_write=is_write)
        elif verdict is Verdict.AUTH:
            self._denied(error.reason, is_write=is_write)
        else:
            if verdict is Verdict.CLOCK:
                self.clock_refused.set()
            self._count(error)

    def clock_read(self, off_by_ms: int) -> None:
        """The exchange's time was read: exchange minus ours, before it was corrected."""
        is_jump = abs(off_by_ms) > JUMP_MS * self._clock.speed
        if is_jump:
            self._agreements = 0
            detail = f"the exchange's clock jumped by {off_by_ms / 1000:+.1f} s against ours"
            self.tell(HoldCause.CLOCK_SKEW, detail)
        elif self._agreements is not None:
            self._agreements += 1
            if self._agreements >= AGREEMENTS_MIN:
                self._agreements = None
                self.tell_over(HoldCause.CLOCK_SKEW)

    # --- telling

    def tell(self, cause: HoldCause, detail: str, symbol: Symbol | None = None) -> None:
        """An episode begins; one that is on says nothing again, whatever its detail."""
        if (cause, symbol) not in self._told:
            self._told[cause, symbol] = detail
            self._send(cause, detail, symbol, is_over=False)

    def remind(self, cause: HoldCause, detail: str, symbol: Symbol | None = None) -> None:
        """Tell of an episode also where it is on: a person may have resumed meanwhile."""
        self._told[cause, symbol] = detail
        self._send(cause, detail, symbol, is_over=False)

    def tell_over(self, cause: HoldCause, symbol: Symbol | None = None) -> None:
        """An episode ends, if it is on."""
        if self._told.pop((cause, symbol), None) is not None:
            self._send(cause, "", symbol, is_over=True)

    # --- inside

    def _count(self, error: GatewayError) -> None:
        now = self._clock.now()
        row = self._failures or _Row(now, 0)
        self._failures = row = _Row(row.since, row.times + 1)
        is_out = row.times >= FAILURES_MIN and now - row.since >= FAILURES_MS
        if isinstance(error, RefusedError):
            is_banned = error.status > 0 and (error.retry_at or now) - now >= BAN_MS
            is_out = is_out or is_banned or error.code in MAINTENANCE_CODES
        if is_out:
            self.tell(HoldCause.VENUE_ERRORS, error.reason)

    def _denied(self, reason: str, *, is_write: bool) -> None:
        now = self._clock.now()
        row = self._denials.get(is_write) or _Row(now, 0)
        self._denials[is_write] = row = _Row(row.since, row.times + 1)
        self._is_write_denied = self._is_write_denied or is_write
        self.denial = reason
        self.tell(HoldCause.VENUE_ERRORS, f"the exchange refuses the key: {reason}")
        if row.times >= DENIALS_MIN and now - row.since >= DENIALS_MS:
            self.locked_out.set()

    def _send(self, cause: HoldCause, detail: str, symbol: Symbol | None, *, is_over: bool) -> None:
        at = self._clock.now()
        self.emit(
            TroubleSeen(at=at, cause=cause.value, detail=detail, is_over=is_over, symbol=symbol)
        )
