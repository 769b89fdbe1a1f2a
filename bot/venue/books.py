"""What the paper venue knows between runs: one small document, saved before anyone is answered."""

from typing import Protocol

import msgspec

from bot.errors import StoreError
from bot.model.events import FundingPaid
from bot.model.order import Fill, OrderReport, OrderRequest, OrderStatus
from bot.model.primitives import (
    ZERO,
    Millis,
    Price,
    Qty,
    Symbol,
    Usd,
    Value,
    VenueOrderId,
)
from bot.venue.account import Holding

KEPT_MS = 2 * 86_400_000
"""How long ended orders, fills and funding stay to be asked for: two days."""


class PaperBooks(Protocol):
    """Where the document lives: a row of the ledger."""

    def load(self) -> bytes | None:
        """The document as it was last saved; None for a new ledger."""
        ...

    def save(self, document: bytes, /) -> None:
        """Replace the document in one synced transaction, or raise StoreError."""
        ...


class PaperOrder(Value, frozen=True, kw_only=True):
    """An order as the venue holds it."""

    request: OrderRequest
    venue_id: VenueOrderId
    status: OrderStatus = OrderStatus.OPEN
    filled_qty: Qty = Qty(ZERO)
    filled_usd: Usd = Usd(ZERO)
    """Quote value of what filled."""
    updated_at: Millis
    reason: str = ""

    @property
    def open_qty(self) -> Qty:
        """What is left to fill."""
        return Qty(self.request.qty - self.filled_qty)

    def report(self) -> OrderReport:
        """The same in the venue's public words."""
        request = self.request
        average = Price(self.filled_usd / self.filled_qty) if self.filled_qty else None
        return OrderReport(
            client_id=request.client_id,
            venue_id=self.venue_id,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            status=self.status,
            qty=request.qty,
            filled_qty=self.filled_qty,
            average_price=average,
            price=request.price,
            trigger_price=request.trigger_price,
            is_reduce_only=request.is_reduce_only,
            venue_at=self.updated_at,
        )


class FundingDue(Value, frozen=True, kw_only=True):
    """The next settlement of a symbol."""

    symbol: Symbol
    rate: float
    next_at: Millis
    interval_ms: int
    settled_at: Millis = Millis(0)
    """The settlement that was last passed: no instant is charged twice."""


class FundingSettled(Value, frozen=True, kw_only=True):
    """A settlement that moved the balance."""

    id: str
    symbol: Symbol
    usd: Usd
    mark: Price
    at: Millis

    def event(self, at: Millis) -> FundingPaid:
        """The fact, told at `at`; its id makes it count once however often it is told."""
        return FundingPaid(at=at, id=self.id, symbol=self.symbol, usd=self.usd, mark=self.mark)


class PaperState(Value, frozen=True, kw_only=True):
    """The whole account. Orders, fills and funding that are older than `KEPT_MS` are let go."""

    version: int = 1
    balance_usd: Usd
    holdings: tuple[Holding, ...] = ()
    orders: tuple[PaperOrder, ...] = ()
    """Open ones, oldest first."""
    ended: tuple[PaperOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    funding_due: tuple[FundingDue, ...] = ()
    funding_settled: tuple[FundingSettled, ...] = ()
    next_order: int = 1
    next_fill: int = 1


def encode(state: PaperState) -> bytes:
    """The document of a state: JSON, so that a person can read the ledger."""
    return msgspec.json.encode(state)


def decode(document: bytes) -> PaperState:
    """The state of a document; raises StoreError where it cannot be read."""
    try:
        return msgspec.json.decode(document, type=PaperState)
    except msgspec.DecodeError as error:
        raise StoreError(
            f"the paper account in the ledger cannot be read: {error}",
            where="paper_state",
            remedy="Restore a backup of the ledger, or start with an empty data directory.",
        ) from error
