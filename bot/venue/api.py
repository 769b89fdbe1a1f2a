"""What the live venue needs of one exchange's private interface; one class an exchange.

Methods send, decode and nothing else: what a failure means is the live venue's business, so they
raise GatewayError as it comes. "Not found" is an answer and is given as None.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from bot.gateway.connection import Lane
from bot.model.account import KeyRights, VenueSnapshot
from bot.model.events import FundingPaid
from bot.model.order import OrderReport, OrderRequest
from bot.model.primitives import (
    ClientOrderId,
    Millis,
    Price,
    Symbol,
    Value,
    VenueOrderId,
)
from bot.ports import Emit


class Identity(Value, frozen=True, kw_only=True):
    """Whose account the key opens, and what the key may do there."""

    account_id: str
    """The exchange's own number of the account: the same for every key of it."""
    rights: KeyRights
    can_trade: bool


class Modes(Value, frozen=True, kw_only=True):
    """How the account is set: what must be so before anything is traded, and stay so."""

    is_one_way: bool
    margin_modes: Mapping[Symbol, str]
    """isolated | cross, by symbol."""
    leverages: Mapping[Symbol, float]


class Fees(Value, frozen=True, kw_only=True):
    """What the account pays, in basis points."""

    taker_bps: float
    maker_bps: float


class PrivateApi(Protocol):
    """One account at one exchange."""

    async def identity(self) -> Identity:
        """Whose key it is and what it may do."""
        ...

    async def modes(self) -> Modes:
        """How the account stands now."""
        ...

    async def set_one_way(self) -> None:
        """One position a symbol, for the whole account; already so counts as done."""
        ...

    async def set_margin_mode(self, symbol: Symbol, mode: str) -> None:
        """`isolated` or `cross`; already so counts as done."""
        ...

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        """Already so counts as done."""
        ...

    async def fees(self, symbol: Symbol) -> Fees:
        """What the account pays on a symbol."""
        ...

    async def place(
        self, request: OrderRequest, *, stop_loss_price: Price | None, lane: Lane, window_ms: int
    ) -> OrderReport:
        """Send one order; the report has the exchange's id and what is known to have filled.

        `stop_loss_price` goes with an entry where the exchange can attach a stop to it.

        Where the reply does not tell what an immediate order filled, it is asked for once more;
        a failure of that second question is no failure of the first: the report says OPEN then.
        """
        ...

    async def cancel(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """Cancel by client id; the order afterwards, None where there is no such open order."""
        ...

    async def cancel_foreign(
        self, symbol: Symbol, venue_id: VenueOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """Cancel by the exchange's id."""
        ...

    async def query(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """What became of an order, a triggered stop's child included; None: no such order."""
        ...

    async def account(
        self, *, asked_at: Millis, fills_since: Millis, touched: Sequence[Symbol]
    ) -> tuple[VenueSnapshot, Modes]:
        """Positions, open orders of every kind, balance, modes, and all fills since.

        `touched` are the symbols on which the bot has sent orders since the last call; fills of
        the others are fetched when their position has changed, and each in its turn.
        """
        ...

    async def funding_paid(self, since: Millis) -> Sequence[FundingPaid]:
        """Funding settled on the account since then."""
        ...

    async def watch(self, emit: Emit, wake: Callable[[str], None]) -> None:
        """Follow the user stream until canceled or broken.

        Emits OrderUpdated and OrderFilled; `wake(why)` asks for a reading of the account: after
        every (re)connect, and for whatever the stream tells that is not an order of ours.
        """
        ...
