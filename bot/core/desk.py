"""What the order side keeps at hand: indexes of the orders, and doubts of this run.

None of it is persisted: the indexes follow from the orders, and after a restart every doubt is
looked into from the beginning.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from bot.model.order import Order
from bot.model.primitives import BracketId, ClientOrderId, Millis, SignalId, Symbol, Value
from bot.model.signal import Rule

DENIED_MAX: Final = 2_048
"""Denied signals remembered; of more the oldest is forgotten, and told again if it comes again."""


class Doubt(Value, frozen=True, kw_only=True):
    """The venue's figure differs from the books; believed only when it is read again."""

    seen: Decimal
    """What the venue says, signed."""
    since: Millis
    reads: int = 1


class Desk:
    """Indexes and doubts; changed by the same task as the state."""

    __slots__ = (
        "_by_bracket",
        "_live",
        "balance_doubt",
        "denied",
        "doubts",
        "fetch_asked_at",
        "fetch_due_at",
        "fetched_at",
        "is_stopping",
        "reported",
        "timed_at",
        "traded_at",
    )

    def __init__(self, orders: Iterable[Order]) -> None:
        self._live: dict[ClientOrderId, None] = {}
        self._by_bracket: dict[BracketId, dict[ClientOrderId, None]] = {}
        self.doubts: dict[Symbol, Doubt] = {}
        self.balance_doubt: Doubt | None = None
        self.denied: dict[SignalId, Rule] = {}
        """The rule that last denied each signal, so that one refusal is told once."""
        self.reported: set[str] = set()
        """Foreign orders that have been told of."""
        self.fetch_asked_at: Millis | None = None
        """When the account was last asked for and has not answered yet."""
        self.fetch_due_at: Millis | None = None
        """When the account is to be asked for, apart from the regular rounds."""
        self.fetched_at: Millis | None = None
        """When the account was last asked for."""
        self.is_stopping = False
        """The run is ending: no new entries, and working ones are canceled."""
        self.timed_at: Millis | None = None
        """When the timers last ran: what was due by then has had its turn."""
        self.traded_at: dict[Symbol, Millis] = {}
        """The venue's time of the newest trade that it has told of, by symbol."""
        for order in orders:
            self.track(order)

    def track(self, order: Order) -> None:
        """Follow an order's newest row."""
        client_id = order.request.client_id
        self._by_bracket.setdefault(order.request.bracket_id, {})[client_id] = None
        if order.is_final and not order.unbooked_qty:
            self._live.pop(client_id, None)
        else:
            self._live[client_id] = None

    def forget(self, order: Order) -> None:
        """Drop an order that is past its tombstone."""
        client_id = order.request.client_id
        self._live.pop(client_id, None)
        rows = self._by_bracket.get(order.request.bracket_id)
        if rows is not None:
            rows.pop(client_id, None)
            if not rows:
                del self._by_bracket[order.request.bracket_id]

    def live(self) -> list[ClientOrderId]:
        """Orders that are not over, or whose fills are not all booked, oldest first."""
        return list(self._live)

    def of_bracket(self, bracket_id: BracketId) -> list[ClientOrderId]:
        """Every order a bracket has had, oldest first."""
        return list(self._by_bracket.get(bracket_id, ()))

    def deny(self, signal_id: SignalId, rule: Rule) -> bool:
        """Remember by which rule a signal was denied; False where that is no news."""
        if self.denied.get(signal_id) is rule:
            return False
        self.denied.pop(signal_id, None)
        self.denied[signal_id] = rule
        if len(self.denied) > DENIED_MAX:
            self.denied.pop(next(iter(self.denied)))
        return True

    def traded(self, symbol: Symbol, at: Millis) -> None:
        """Remember that something traded."""
        self.traded_at[symbol] = max(self.traded_at.get(symbol, at), at)

    def want_account(self, at: Millis) -> None:
        """Have the account read at `at` or as soon after it as can be."""
        if self.fetch_due_at is None or at < self.fetch_due_at:
            self.fetch_due_at = at
