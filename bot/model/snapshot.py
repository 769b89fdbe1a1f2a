"""The persisted part of the state: what recovery loads, and where a replay begins."""

from bot.model.account import Account, Operation
from bot.model.bracket import Bracket
from bot.model.cluster import Cluster, ProviderGate
from bot.model.market import Candle, Funding
from bot.model.order import Order
from bot.model.primitives import ClusterId, FillId, Millis, SignalId, Symbol, Value


class SymbolSnapshot(Value, frozen=True, kw_only=True):
    """What is known of one symbol at the start of a run."""

    symbol: Symbol
    clusters: tuple[Cluster, ...] = ()
    """Live ones, and the recently broken or expired that may still re-form or be revived."""
    last_reading_at: Millis | None = None
    last_price_at: Millis | None = None
    last_price: float | None = None
    candles: tuple[Candle, ...] = ()
    """Warm-up bars in time order, for volatility and confirmation."""
    funding: Funding | None = None
    open_interest: tuple[tuple[Millis, float], ...] = ()
    """(known at, base coins) of the past, thinned out: what size is usual here."""


class Snapshot(Value, frozen=True, kw_only=True):
    """Everything `core.state.State` is rebuilt from, besides settings and instruments."""

    at: Millis
    """When the ledger was last written; 0 for a new one."""
    symbols: tuple[SymbolSnapshot, ...] = ()
    next_cluster_id: ClusterId = ClusterId(1)
    orders: tuple[Order, ...] = ()
    """Not final, or of an open bracket, or ended within the tombstone period."""
    brackets: tuple[Bracket, ...] = ()
    """Not closed or abandoned."""
    signals_used: tuple[SignalId, ...] = ()
    fills_seen: tuple[FillId, ...] = ()
    """Ids of the fills within the tombstone period, as `symbol|id`."""
    funding_seen: tuple[str, ...] = ()
    fills_cursor: Millis = Millis(0)
    account: Account | None = None
    """None: a new ledger; the first account reading makes it."""
    operation: Operation = Operation()
    gate: ProviderGate = ProviderGate()
    provider: str = ""
