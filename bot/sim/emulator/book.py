"""The exchange's orders: who is open, who is found by which name, and what streams tell of them."""

from typing import Any

import msgspec

from bot.model.order import OrderKind
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.state import (
    Happening,
    HoldingChanged,
    NewOrder,
    Order,
    OrderChanged,
    Origin,
    Status,
    Trade,
)

FIRST_ORDER_ID = 8_000_000_001
FIRST_CONDITIONAL_ID = 2_000_001
"""Conditional orders are numbered by a service of their own."""


class Book:
    """Orders of both kinds by id; rows are frozen, `copy` shares them."""

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.happenings: list[Happening] = []
        self.version = 0
        """Rises with every change of the exchange."""
        self.shows_after_ms = 0
        """A new order is neither found nor listed before."""
        self._open: dict[int, None] = {}
        self._newest: dict[tuple[bool, str], int] = {}
        self._next_id = FIRST_ORDER_ID
        self._next_conditional_id = FIRST_CONDITIONAL_ID

    def copy(self) -> "Book":
        """An independent copy."""
        twin = Book()
        twin.__dict__.update(self.__dict__)
        twin.orders = dict(self.orders)
        twin.happenings = list(self.happenings)
        twin._open = dict(self._open)
        twin._newest = dict(self._newest)
        return twin

    # --- changes

    def add(
        self, asked: NewOrder, at: Millis, *, parent_id: int | None = None, client_id: str = ""
    ) -> Order:
        """Take an order, and tell it; without a client id of its own it gets one."""
        if asked.kind is OrderKind.STOP_MARKET:
            number, self._next_conditional_id = (
                self._next_conditional_id,
                self._next_conditional_id + 1,
            )
        else:
            number, self._next_id = self._next_id, self._next_id + 1
        order = Order(
            id=number,
            asked=asked,
            client_id=client_id or asked.client_id or _made_up_id(asked.origin, number, at),
            created_at=at,
            updated_at=at,
            parent_id=parent_id,
        )
        self._newest[order.is_conditional, order.client_id] = number
        self._put(order)
        self.tell(order, at)
        return order

    def change(self, order: Order, at: Millis, **changes: Any) -> Order:
        """Write a changed order; nobody is told yet."""
        changed = msgspec.structs.replace(order, updated_at=at, **changes)
        self._put(changed)
        return changed

    def end(self, order: Order, at: Millis, status: Status, **changes: Any) -> Order:
        """End an order and tell it."""
        ended = self.change(order, at, status=status, **changes)
        self.tell(ended, at)
        return ended

    def tell(self, order: Order, at: Millis, trade: Trade | None = None) -> None:
        """Put an order's state on the streams."""
        self.happenings.append(OrderChanged(at=at, order=order, trade=trade))

    def tell_account(self, happening: HoldingChanged) -> None:
        """Put a change of a position or of a setting on the streams."""
        self.version += 1
        self.happenings.append(happening)

    def _put(self, order: Order) -> None:
        self.orders[order.id] = order
        self.version += 1
        if order.is_working:
            self._open[order.id] = None
        else:
            self._open.pop(order.id, None)

    # --- reading

    def find(
        self, *, client_id: str = "", order_id: int = 0, conditional: bool, at: Millis
    ) -> Order | None:
        """The order of that id, or the newest of that name; None also where it is not shown yet."""
        number = order_id or self._newest.get((conditional, client_id), 0)
        order = self.orders.get(number)
        if order is None or order.is_conditional is not conditional:
            return None
        return order if self.is_shown(order, at) else None

    def is_shown(self, order: Order, at: Millis) -> bool:
        """Whether queries have caught up with the order's being there."""
        return not self.shows_after_ms or at >= order.created_at + self.shows_after_ms

    def working(self, symbol: Symbol | None, *, conditional: bool | None) -> list[Order]:
        """Open orders, oldest first, shown or not."""
        if not self._open:
            return []
        rows = (self.orders[number] for number in self._open)
        return [
            row
            for row in rows
            if (symbol is None or row.asked.symbol == symbol)
            and (conditional is None or row.is_conditional is conditional)
        ]

    def is_named(self, client_id: str, *, conditional: bool) -> bool:
        """Whether an open order of that kind has the name: ended ones leave it free."""
        number = self._newest.get((conditional, client_id))
        return number is not None and number in self._open


def _made_up_id(origin: Origin, number: int, at: Millis) -> str:
    """The client id that the exchange gives to what came without one."""
    match origin:
        case Origin.LIQUIDATION:
            return f"autoclose-{at}{number % 1000:03}"
        case Origin.ADL:
            return "adl_autoclose"
        case Origin.SETTLEMENT:
            return f"settlement_autoclose-{number}"
        case Origin.MANUAL:
            return f"web_{number}"
        case Origin.CLIENT | Origin.TRIGGER | Origin.ATTACHED:
            return f"exch{number:018}"
