"""A ledger in memory: what the facts leave behind, and what a restart loads."""

from bot.model.account import Account, Operation
from bot.model.bracket import Bracket, BracketStatus
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    Fact,
    FillBooked,
    FundingBooked,
    OperationChanged,
    OrderChanged,
    SignalRaised,
)
from bot.model.order import Fill, Order
from bot.model.primitives import BracketId, ClientOrderId, FillId, Millis, SignalId
from bot.model.snapshot import Snapshot


class Ledger:
    """What the facts leave behind: a restart loads it."""

    def __init__(self) -> None:
        self.orders: dict[ClientOrderId, Order] = {}
        self.brackets: dict[BracketId, Bracket] = {}
        self.fills: dict[str, Fill] = {}
        self.funding: set[str] = set()
        self.signals: set[SignalId] = set()
        self.account: Account | None = None
        self.operation = Operation()

    def keep(self, facts: tuple[Fact, ...]) -> None:
        """Upsert rows; a fill or a signal that acts twice is an error."""
        for fact in facts:
            match fact:
                case OrderChanged(order=order):
                    self.orders[order.request.client_id] = order
                case BracketChanged(bracket=bracket):
                    self.brackets[bracket.id] = bracket
                case FillBooked(fill=fill):
                    key = f"{fill.symbol}|{fill.id}"
                    assert key not in self.fills, f"{key} is booked twice"
                    self.fills[key] = fill
                case FundingBooked(id=name):
                    self.funding.add(name)
                case SignalRaised(signal=raised, denied=None):
                    assert raised.id not in self.signals, f"{raised.id} acts twice"
                    self.signals.add(raised.id)
                case AccountChanged(account=account):
                    self.account = account
                case OperationChanged(operation=operation):
                    self.operation = operation
                case _:
                    pass

    def snapshot(self, at: Millis) -> Snapshot:
        """What the next run starts from."""
        ended = {BracketStatus.CLOSED, BracketStatus.ABANDONED}
        return Snapshot(
            at=at,
            orders=tuple(self.orders.values()),
            brackets=tuple(row for row in self.brackets.values() if row.status not in ended),
            signals_used=tuple(sorted(self.signals)),
            fills_seen=tuple(FillId(key) for key in sorted(self.fills)),
            funding_seen=tuple(sorted(self.funding)),
            account=self.account,
            operation=self.operation,
        )
