"""All that the bot knows, owned by one task and changed only by `step`.

Everything a restart needs is in `Snapshot`; the rest (prices, bars, recent events, refusal
episodes) is rebuilt from the market or starts anew.
"""

from collections import deque

from bot.core.bars import Bars
from bot.core.desk import Desk
from bot.core.interest import Interest
from bot.core.tracker.gate import Gate
from bot.core.tracker.tracker import Tracker
from bot.model.account import Account, Operation, Position
from bot.model.bracket import Bracket
from bot.model.cluster import ClusterEvent
from bot.model.events import PriceMoved
from bot.model.instrument import Instrument
from bot.model.market import Funding
from bot.model.order import Order
from bot.model.primitives import (
    BracketId,
    ClientOrderId,
    ClusterId,
    Millis,
    PositionSide,
    SignalId,
    Symbol,
)
from bot.model.settings import CoreSettings
from bot.model.signal import Refusal
from bot.model.snapshot import Snapshot, SymbolSnapshot

RECENT_EVENTS_MAX = 256
"""Cluster events a symbol keeps for the strategies; the oldest fall out."""
REFUSAL_EPISODES_MAX = 512
"""Refusal episodes a symbol keeps open; the oldest are closed."""


class SymbolState:
    """What is known of one symbol."""

    __slots__ = (
        "backed",
        "bars",
        "funding",
        "instrument",
        "interest",
        "is_halted",
        "price",
        "recent_events",
        "refusals",
        "symbol",
        "tracker",
    )

    def __init__(
        self, *, instrument: Instrument, settings: CoreSettings, snapshot: SymbolSnapshot
    ) -> None:
        self.symbol = instrument.symbol
        self.instrument = instrument
        self.tracker = Tracker(settings=settings, snapshot=snapshot)
        self.bars = Bars(snapshot.candles)
        self.interest = Interest(snapshot.open_interest)
        self.price: PriceMoved | None = None
        self.funding: Funding | None = snapshot.funding
        self.is_halted = False
        self.recent_events: deque[ClusterEvent] = deque(maxlen=RECENT_EVENTS_MAX)
        self.backed: dict[ClusterId, tuple[PositionSide, Millis]] = {}
        """Which side each cluster last backed, and when; older than `same_cluster_s` they go."""
        self.refusals: dict[tuple[str, ...], Refusal] = {}
        """Open refusal episodes by (strategy, side, cluster, generation, rule)."""

    def note_backed(
        self, cluster_id: ClusterId, side: PositionSide, at: Millis, *, keep_s: float
    ) -> None:
        """Remember that a cluster backed a side; what no rule asks about any more is forgotten."""
        oldest = at - keep_s * 1000
        self.backed = {known: row for known, row in self.backed.items() if row[1] >= oldest}
        self.backed[cluster_id] = (side, at)


class State:
    """What is known of the account and of every symbol."""

    __slots__ = (
        "account",
        "at",
        "brackets",
        "desk",
        "fills_cursor",
        "fills_seen",
        "funding_seen",
        "gate",
        "instruments",
        "last_snapshot_at",
        "next_cluster_id",
        "operation",
        "orders",
        "placed_at",
        "positions",
        "settings",
        "signals_used",
        "started_at",
        "symbols",
        "written_at",
    )

    def __init__(
        self,
        *,
        settings: CoreSettings,
        instruments: dict[Symbol, Instrument],
        snapshot: Snapshot,
    ) -> None:
        known = {row.symbol: row for row in snapshot.symbols}
        self.settings = settings
        self.instruments = instruments
        self.at: Millis = snapshot.at
        self.symbols: dict[Symbol, SymbolState] = {
            symbol: SymbolState(
                instrument=instruments[symbol],
                settings=settings,
                snapshot=known.get(symbol, SymbolSnapshot(symbol=symbol)),
            )
            for symbol in map(Symbol, settings.symbols)
        }
        self.next_cluster_id: ClusterId = snapshot.next_cluster_id
        self.gate = Gate(settings=settings, gate=snapshot.gate)
        self.orders: dict[ClientOrderId, Order] = {
            order.request.client_id: order for order in snapshot.orders
        }
        self.brackets: dict[BracketId, Bracket] = {row.id: row for row in snapshot.brackets}
        self.desk = Desk(self.orders.values())
        self.positions: dict[Symbol, Position] = {}
        """As the venue last said; empty until the first reconcile."""
        self.account: Account | None = snapshot.account
        self.operation: Operation = snapshot.operation
        self.signals_used: set[SignalId] = set(snapshot.signals_used)
        self.fills_seen: set[str] = set(map(str, snapshot.fills_seen))
        """`symbol|id` of every booked fill within the tombstone period."""
        self.funding_seen: set[str] = set(snapshot.funding_seen)
        self.fills_cursor: Millis = snapshot.fills_cursor
        self.started_at: Millis = snapshot.at
        """When this run began."""
        self.last_snapshot_at: Millis | None = None
        """When the venue was last read whole; None until the first reconcile."""
        self.placed_at: deque[Millis] = deque(maxlen=1024)
        """When orders were placed, for the order-rate limit."""
        self.written_at: dict[Symbol, Millis] = {}
        """When an order was last placed on each symbol, by this run."""
