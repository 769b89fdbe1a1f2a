"""A bot against the fake exchange, in jumping time: every answer comes in its turn.

After every decision the invariants hold that keep money safe.
"""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import msgspec

from bot.core import exposure, manager
from bot.core.placing import next_attempt_at
from bot.model.commands import Command, PlaceOrder
from bot.model.events import Event
from bot.model.order import Leg, OrderRequest, OrderStatus
from bot.model.primitives import ZERO, Millis, Symbol
from tests.fakes.answers import price
from tests.fakes.contracts import BTC, INSTRUMENTS, NOON
from tests.fakes.exchange import FakeExchange, contents_of
from tests.fakes.ledger import Ledger
from tests.fakes.playbook import Bot, settings

LATENCY_MS = 20


class CrashedError(Exception):
    """The run was killed at the point that was asked for."""


class CrashPoint(msgspec.Struct, kw_only=True):
    """Where to kill: at the n-th decision before its commit, or at the n-th command."""

    decision: int | None = None
    command: int | None = None
    is_sent: bool = False
    """The command still leaves, and its answer is lost."""

    def on_decision(self) -> None:
        """Count a decision that is about to be committed."""
        if self.decision is not None:
            self.decision -= 1
            if self.decision < 0:
                raise CrashedError

    def on_command(self, send: Callable[[], object]) -> None:
        """Count a command that is about to leave."""
        if self.command is not None:
            self.command -= 1
            if self.command < 0:
                if self.is_sent:
                    send()
                raise CrashedError


class Trading:
    """One bot, one exchange, one time line."""

    def __init__(self, mark: str = "1000") -> None:
        self.exchange = FakeExchange(INSTRUMENTS)
        self.exchange.marks = {symbol: Decimal(mark) for symbol in INSTRUMENTS}
        self.bot = Bot(settings(), Ledger(), NOON)
        self.sent: dict[str, OrderRequest] = {}
        self.reorder: Callable[[list[Event]], list[Event]] = list
        """What becomes of the facts that come unasked, before they are seen."""
        self.crash_point = CrashPoint()
        self._watch()
        self.start()

    @property
    def at(self) -> Millis:
        return self.bot.at

    def start(self) -> None:
        """Begin a run and let it settle."""
        self.bot.starts()
        self.settle()
        for symbol in INSTRUMENTS:
            self.bot.sees(price(str(self.exchange.marks[symbol]), self.at, symbol))
        self.settle()

    def crash_at(self, point: CrashPoint) -> None:
        """Kill the run there."""
        self.crash_point = point
        self._watch()

    def crash(self, *, after_sending: int = 0) -> None:
        """Kill the run; so many of the waiting commands have still left."""
        for command in self.bot.takes()[:after_sending]:
            self._note(command)
            self.exchange.handle(command, self.at)
        self.exchange.take_facts()
        self.bot = self.bot.restarts()
        self.crash_point = CrashPoint()
        self._watch()

    def settle(self, most: int = 500) -> None:
        """Carry out commands and show what comes of them, until nothing is left to do."""
        for _ in range(most):
            events = self._act()
            if not events:
                return
            for event in events:
                self.bot.sees(event)
        raise AssertionError("it does not come to rest")

    def run(self, ms: int, mark: str | None = None) -> None:
        """Let time pass from due to due, with a price each second; the new mark comes at once."""
        end = self.at + ms
        if mark is not None:
            self.move(mark)
        while self.at < end:
            due = manager.next_due_at(self.bot.state)
            step_to = min(end, self.at + 1_000)
            if due is not None:
                step_to = min(step_to, max(due, self.at + 1))
            self.exchange.advance(Millis(step_to))
            self.bot.waits(step_to - self.at)
            self.settle()

    def move(self, mark: str, symbol: Symbol = BTC) -> None:
        """The mark jumps: the exchange sees it first."""
        self.exchange.advance(self.at, {symbol: Decimal(mark)})
        self.bot.price(mark, symbol)
        self.settle()

    def check(self) -> None:
        """Hold the invariants."""
        state = self.bot.state
        for bracket in state.brackets.values():
            held = exposure.held_qty(state, bracket)
            if held and state.desk.fetched_at is not None:
                assert self._is_safe(bracket.id), f"nothing protects {held} ({bracket.status})"
            booked = sum(
                (
                    row.booked_qty if row.request.leg is Leg.ENTRY else -row.booked_qty
                    for row in exposure.orders_of(state, bracket.id)
                ),
                ZERO,
            )
            if bracket.signal is not None and bracket.closed_by is None:
                assert booked >= bracket.open_qty, "the bracket holds what no order has filled"
        for order in state.orders.values():
            stored = self.bot.ledger.orders[order.request.client_id]
            assert stored == order, "memory and ledger differ"
        assert state.account == self.bot.ledger.account
        assert state.operation == self.bot.ledger.operation

    def is_flat(self) -> bool:
        """No position, and no order of ours, at the exchange."""
        return not any(self.exchange.positions.values()) and not self.exchange.open_orders()

    def _watch(self) -> None:
        self.bot.is_watched = self.check
        self.bot.is_committing = self.crash_point.on_decision

    def _is_safe(self, bracket_id: str) -> bool:
        """A stop is confirmed or on its way, or an exit is, or the next try has its time."""
        state = self.bot.state
        bracket = next(row for row in state.brackets.values() if row.id == bracket_id)
        working = {OrderStatus.OPEN, OrderStatus.INTENDED, OrderStatus.UNKNOWN}
        for leg in (Leg.STOP, Leg.EXIT):
            rows = exposure.live_of(state, bracket.id, leg)
            if any(row.status in working for row in rows):
                return True
            # A try that fell due while an answer was on its way comes with the next tick.
            if next_attempt_at(state, bracket, leg) >= state.at - LATENCY_MS:
                return True
        return False

    def _act(self) -> list[Event]:
        events: list[Event] = []
        for command in self.bot.takes():
            self._note(command)
            self.bot.at = Millis(self.bot.at + LATENCY_MS)
            self.exchange.advance(self.bot.at)
            send = partial(self.exchange.handle, command, self.bot.at)
            self.crash_point.on_command(send)
            answer = send()
            events += self.reorder([*self.exchange.take_facts(), answer])
        events += self.reorder(self.exchange.take_facts())
        return events

    def _note(self, command: Command) -> None:
        if isinstance(command, PlaceOrder):
            request = contents_of(command.request)
            client_id = request.client_id
            known = self.sent.setdefault(client_id, request)
            assert known == request, f"{client_id} was sent with two contents"
            assert client_id in self.bot.ledger.orders, "intent before send"
