"""What the ledger must remember of a decision: whole rows, so that storing is plain upserting.

State loaded from the ledger equals state in memory, because every change of persisted state
leaves `step` as one of these.
"""

from typing import TypeAlias

import msgspec

from bot.model.account import Account, Operation
from bot.model.bracket import Bracket
from bot.model.cluster import Cluster, ClusterEvent, ProviderGate
from bot.model.commands import Command
from bot.model.order import Fill, Order
from bot.model.primitives import BracketId, Millis, Symbol, Usd
from bot.model.signal import Refusal, Signal


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    pass


class ClusterChanged(_Fact, frozen=True, kw_only=True):
    """A cluster's row as it is now."""

    cluster: Cluster


class ClusterEventHappened(_Fact, frozen=True, kw_only=True):
    """A line of a cluster's life."""

    event: ClusterEvent


class GateChanged(_Fact, frozen=True, kw_only=True):
    """The provider's stability as it is now."""

    provider: str
    gate: ProviderGate
    is_switch: bool = False
    """It opened or closed, or began or ended to float."""


class SignalRaised(_Fact, frozen=True, kw_only=True):
    """A signal left the selector; `denied` names the risk rule where the gate said no."""

    signal: Signal
    denied: Refusal | None = None


class Refused(_Fact, frozen=True, kw_only=True):
    """A candidate was refused; the episode's row as it is now."""

    refusal: Refusal


class OrderChanged(_Fact, frozen=True, kw_only=True):
    """An order's row as it is now."""

    order: Order


class FillBooked(_Fact, frozen=True, kw_only=True):
    """A fill was booked, exactly once."""

    fill: Fill
    bracket_id: BracketId | None


class BracketChanged(_Fact, frozen=True, kw_only=True):
    """A bracket's row as it is now."""

    bracket: Bracket


class FundingBooked(_Fact, frozen=True, kw_only=True):
    """Funding was booked, exactly once by id."""

    id: str
    symbol: Symbol
    bracket_id: BracketId | None
    usd: Usd
    at: Millis


class AccountChanged(_Fact, frozen=True, kw_only=True):
    """The account's row as it is now."""

    account: Account


class OperationChanged(_Fact, frozen=True, kw_only=True):
    """The operating state as it is now."""

    operation: Operation


class Noted(_Fact, frozen=True, kw_only=True):
    """Something a person should know: told to the log and to the alerts.

    severity: info | warning | error | critical; `name` is a log event, `noun.participle`.
    """

    severity: str
    name: str
    text: str
    symbol: Symbol | None = None
    at: Millis


Fact: TypeAlias = (
    ClusterChanged
    | ClusterEventHappened
    | GateChanged
    | SignalRaised
    | Refused
    | OrderChanged
    | FillBooked
    | BracketChanged
    | FundingBooked
    | AccountChanged
    | OperationChanged
    | Noted
)


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All that one event led to."""

    facts: tuple[Fact, ...] = ()
    commands: tuple[Command, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Nothing changed and nothing is to be done."""
        return not self.facts and not self.commands
