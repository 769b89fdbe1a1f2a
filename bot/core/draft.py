"""A decision in the making: every change of persisted state is written to State and as a fact.

Because both are written by one call, what is in memory and what the ledger holds never disagree.
"""

from typing import TypeAlias

from bot.core.state import State
from bot.model.account import Account, Operation
from bot.model.bracket import Bracket, BracketStatus
from bot.model.commands import (
    CancelForeign,
    CancelOrder,
    Command,
    FetchAccount,
    PlaceOrder,
    QueryOrder,
)
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    Decision,
    Fact,
    FillBooked,
    FundingBooked,
    Noted,
    OperationChanged,
    OrderChanged,
    SignalRaised,
)
from bot.model.order import Fill, Leg, Order, OrderKind, OrderRequest
from bot.model.primitives import BracketId, Millis, Symbol, Usd, VenueOrderId
from bot.model.signal import Refusal, Signal

_Key: TypeAlias = tuple[str, ...]

ENDED = frozenset({BracketStatus.CLOSED, BracketStatus.ABANDONED})


class Draft:
    """Collects the facts and commands that one event leads to, while State changes with them."""

    __slots__ = ("_commands", "_facts", "_state", "at")

    def __init__(self, state: State, at: Millis) -> None:
        self._state = state
        self._facts: dict[_Key, Fact] = {}
        self._commands: list[Command] = []
        self.at = at
        """The instant the core believes."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Rows in the order in which they were first changed; of each only the newest."""
        return tuple(self._facts.values())

    @property
    def commands(self) -> tuple[Command, ...]:
        """What is to be done, in order."""
        return tuple(self._commands)

    def decision(self) -> Decision:
        """All of it, to be recorded and then acted on."""
        return Decision(facts=self.facts, commands=self.commands)

    # --- rows

    def put_order(self, order: Order) -> None:
        """Write an order's row."""
        client_id = order.request.client_id
        if self._state.orders.get(client_id) is order:
            return
        self._state.orders[client_id] = order
        self._state.desk.track(order)
        self._facts["order", client_id] = OrderChanged(order=order)

    def put_bracket(self, bracket: Bracket) -> None:
        """Write a bracket's row; one that has ended leaves the open ones."""
        if self._state.brackets.get(bracket.id) is bracket:
            return
        if bracket.status in ENDED:
            self._state.brackets.pop(bracket.id, None)
        else:
            self._state.brackets[bracket.id] = bracket
        self._facts["bracket", bracket.id] = BracketChanged(bracket=bracket)

    def put_account(self, account: Account) -> None:
        """Write the account's row."""
        if self._state.account is account:
            return
        self._state.account = account
        self._facts["account",] = AccountChanged(account=account)

    def put_operation(self, operation: Operation) -> None:
        """Write the operating state."""
        if self._state.operation == operation:
            return
        self._state.operation = operation
        self._facts["operation",] = OperationChanged(operation=operation)

    def put_fill(self, fill: Fill, bracket_id: BracketId | None) -> None:
        """Write that a fill is booked; the caller has seen to it that it happens once."""
        key = fill_key(fill)
        assert key not in self._state.fills_seen, f"{key} is booked already"
        self._state.fills_seen.add(key)
        self._facts["fill", key] = FillBooked(fill=fill, bracket_id=bracket_id)

    def put_funding(
        self, *, funding_id: str, symbol: Symbol, bracket_id: BracketId | None, usd: Usd
    ) -> None:
        """Write that a funding payment is booked."""
        self._state.funding_seen.add(funding_id)
        self._facts["funding", funding_id] = FundingBooked(
            id=funding_id, symbol=symbol, bracket_id=bracket_id, usd=usd, at=self.at
        )

    def raise_signal(self, signal: Signal, denied: Refusal | None) -> None:
        """Write a signal; one that is not denied has acted and never acts again."""
        if denied is None:
            self._state.signals_used.add(signal.id)
        self._facts["signal", signal.id] = SignalRaised(signal=signal, denied=denied)

    def add(self, fact: Fact) -> None:
        """Write any other fact, as it is."""
        self._facts[str(len(self._facts)), type(fact).__name__] = fact

    def note(self, severity: str, name: str, text: str, symbol: Symbol | None = None) -> None:
        """Tell a person: severity info | warning | error | critical, name `noun.participle`."""
        self.add(Noted(severity=severity, name=name, text=text, symbol=symbol, at=self.at))

    # --- commands

    def place(self, request: OrderRequest) -> None:
        """Send an order whose row has been put."""
        assert request.client_id in self._state.orders, "intent before send"
        self._state.placed_at.append(self.at)
        self._state.written_at[request.symbol] = self.at
        bracket = self._state.brackets.get(request.bracket_id)
        is_entry = request.leg is Leg.ENTRY
        self._commands.append(
            PlaceOrder(
                symbol=request.symbol,
                request=request,
                stop_loss_price=bracket.stop_price if bracket is not None and is_entry else None,
            )
        )

    def cancel(self, order: Order) -> None:
        """Ask the venue to cancel an order of ours."""
        request = order.request
        self._commands.append(
            CancelOrder(
                symbol=request.symbol,
                client_id=request.client_id,
                is_trigger=request.kind is OrderKind.STOP_MARKET,
                is_reduce_only=request.is_reduce_only,
            )
        )

    def cancel_foreign(self, symbol: Symbol, venue_id: VenueOrderId, *, is_trigger: bool) -> None:
        """Ask the venue to cancel an order that no live row explains."""
        self._commands.append(
            CancelForeign(symbol=symbol, venue_id=venue_id, is_trigger=is_trigger)
        )

    def query(self, order: Order) -> None:
        """Ask the venue what became of an order; once a decision is enough."""
        request = order.request
        command = QueryOrder(
            symbol=request.symbol,
            client_id=request.client_id,
            is_trigger=request.kind is OrderKind.STOP_MARKET,
        )
        if command not in self._commands:
            self._commands.append(command)

    def fetch_account(self, fills_since: Millis) -> None:
        """Ask the venue for everything on every symbol."""
        self._commands.append(FetchAccount(symbol=Symbol(""), fills_since=fills_since))


def fill_key(fill: Fill) -> str:
    """The name under which a fill is booked exactly once."""
    return f"{fill.symbol}|{fill.id}"
