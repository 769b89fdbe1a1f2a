"""The world outside of a bot that may die: an exchange, and what is on its way to it.

A request that has left arrives at its time, whoever has died meanwhile. `fork` copies the world,
so that many second lives may begin from one moment.
"""

import copy
from collections import deque
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from bot.model.commands import Command, PlaceOrder
from bot.model.events import Event, OrderRejected, PriceMoved
from bot.model.order import OrderKind, OrderRequest
from bot.model.primitives import ZERO, Millis, Side, Symbol
from tests.fakes.exchange import FakeExchange
from tests.fakes.exchange_row import Row
from tests.fakes.paper import BTC
from tests.fakes.sim_market import BASE, INSTRUMENTS


class Flight(NamedTuple):
    """A command on its way."""

    arrives_at: Millis
    number: int
    command: Command


class Outside:
    """What the bot has said to the world; it outlives the bot."""

    def __init__(self) -> None:
        self.sent: list[OrderRequest] = []
        """Every order that left the bot, in order, over all its lives."""
        self.version = 0
        """Rises with every change."""

    def note(self, command: Command) -> None:
        if isinstance(command, PlaceOrder):
            self.sent.append(command.request)
            self.version += 1

    def fork(self) -> "Outside":
        twin = copy.copy(self)
        twin.sent = list(self.sent)
        return twin


class Resting(Protocol):
    """An order that rests, as far as the checks look at it."""

    @property
    def client_id(self) -> str: ...


class Exchange(Outside):
    """A place to trade that outlives the bot; the checks look at it from outside."""

    def fork(self) -> "Exchange":
        raise NotImplementedError

    def see(self, event: PriceMoved) -> None:
        """Let the mark move to where it is."""
        raise NotImplementedError

    def is_quiet(self) -> bool:
        """Nothing is on its way that could still change something."""
        raise NotImplementedError

    def position(self) -> Decimal:
        """Signed, in coins."""
        raise NotImplementedError

    def stop_qty(self) -> Decimal:
        """What the resting stops would close of the position."""
        raise NotImplementedError

    def resting(self) -> Sequence[Resting]:
        """Open orders of both kinds."""
        raise NotImplementedError

    def fill_names(self) -> set[str]:
        """`symbol|id` of every trade."""
        raise NotImplementedError

    def wallet_usd(self) -> Decimal:
        """The wallet."""
        raise NotImplementedError


class World(Exchange, FakeExchange):
    """The fake exchange behind a line with latency."""

    def __init__(self) -> None:
        Outside.__init__(self)
        FakeExchange.__init__(self, INSTRUMENTS)
        self.marks = {BTC: Decimal(str(BASE))}
        self.parts = 1
        """Fills that one execution comes in."""
        self.flights: list[Flight] = []
        self.answers: dict[int, Event] = {}
        self._numbers = 0

    def fork(self) -> "World":
        twin = copy.copy(self)
        for name, value in vars(self).items():
            if isinstance(value, list | dict | deque):
                setattr(twin, name, copy.copy(value))
        twin.rows = [copy.copy(row) for row in self.rows]
        twin.facts = deque()  # Whoever listened is dead.
        twin.answers = {}
        return twin

    def send(self, command: Command, arrives_at: Millis) -> int:
        """Put a command on its way; gives the number its answer will have."""
        self._numbers += 1
        self.version += 1
        self.flights.append(Flight(arrives_at, self._numbers, command))
        return self._numbers

    def pass_time(self, at: Millis) -> None:
        """Let what is due arrive, in order."""
        due = sorted(flight for flight in self.flights if flight.arrives_at <= at)
        if not due:
            return
        self.version += 1
        self.flights = [flight for flight in self.flights if flight.arrives_at > at]
        for flight in due:
            self.answers[flight.number] = self._arrived(flight)

    def see(self, event: PriceMoved) -> None:
        """Let the mark move to where it is; what is on its way arrives first."""
        self.pass_time(event.at)
        before = (len(self.fills), [row.status for row in self.rows])
        self.advance(event.at, {event.symbol: Decimal(repr(event.mark))})
        if before != (len(self.fills), [row.status for row in self.rows]):
            self.version += 1

    def is_quiet(self) -> bool:
        """Nothing is on its way that could still change something."""
        return not any(isinstance(flight.command, PlaceOrder) for flight in self.flights)

    def position(self) -> Decimal:
        """Signed, in coins."""
        return self.positions.get(BTC, ZERO)

    def stop_qty(self) -> Decimal:
        """What the resting stops would close of the position."""
        closing = Side.SELL if self.position() > 0 else Side.BUY
        return max(
            (
                order.qty
                for order in self.open_orders()
                if order.kind is OrderKind.STOP_MARKET
                and order.side is closing
                and order.is_reduce_only
            ),
            default=ZERO,
        )

    def resting(self) -> Sequence[Resting]:
        return self.open_orders()

    def fill_names(self) -> set[str]:
        return {f"{fill.symbol}|{fill.id}" for fill in self.fills}

    def wallet_usd(self) -> Decimal:
        return self.balance_usd

    def _arrived(self, flight: Flight) -> Event:
        command, at = flight.command, flight.arrives_at
        if isinstance(command, PlaceOrder) and at > command.request.valid_until:
            return OrderRejected(
                at=at,
                client_id=command.request.client_id,
                code="-1021",
                reason="the request came after its window",
            )
        return self.handle(command, at)

    def _book(
        self,
        row: Row | None,
        symbol: Symbol,
        side: Side,
        qty: Decimal,
        at: Millis,
        *,
        price: Decimal | None = None,
        is_liquidation: bool = False,
    ) -> None:
        """Book an execution as several trades."""
        lot = self.instruments[symbol].lot_size
        part = self.instruments[symbol].qty_down(qty / self.parts)
        left = qty
        while row is not None and part >= lot and left - part >= lot:
            super()._book(row, symbol, side, part, at, price=price)
            left -= part
        super()._book(row, symbol, side, left, at, price=price, is_liquidation=is_liquidation)
