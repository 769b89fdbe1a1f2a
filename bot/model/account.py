"""The account, the positions on it, and how far the bot may go: the operating state."""

from collections.abc import Iterable
from decimal import Decimal
from enum import StrEnum

from bot.model.order import Fill, OrderReport
from bot.model.primitives import (
    ZERO,
    Millis,
    PositionSide,
    Price,
    Qty,
    Symbol,
    Usd,
    Value,
)


class Position(Value, frozen=True, kw_only=True):
    """What is held on one symbol, as the venue says."""

    symbol: Symbol
    position_side: PositionSide
    qty: Qty
    entry_price: Price
    liquidation_price: Price | None = None
    leverage: float | None = None
    venue_at: Millis


class VenueSnapshot(Value, frozen=True, kw_only=True):
    """The venue's answer to "what is there?": positions, orders of every kind, fills, balance.

    `symbols` are the ones that were asked about; a symbol that was not asked about says nothing.
    """

    at: Millis
    """When the request was sent: nothing newer than this is contradicted by it."""
    symbols: tuple[Symbol, ...]
    positions: tuple[Position, ...]
    orders: tuple[OrderReport, ...]
    fills: tuple[Fill, ...]
    """All fills since the cursor that was asked for."""
    balance_usd: Usd
    """Wallet balance: deposits, realized profit, fees and funding; not what is unrealized."""


class KeyRights(Value, frozen=True, kw_only=True):
    """What the exchange says a key may do; None where it does not say."""

    can_withdraw: bool | None = None
    is_ip_restricted: bool | None = None


class OperatingState(StrEnum):
    """How far the bot may go. Protection and cancels always pass."""

    TRADING = "TRADING"
    HOLD = "HOLD"
    """No new entries; exits are managed."""
    PROTECT = "PROTECT"
    """Only keep and restore stops, and reconcile."""
    FLATTEN = "FLATTEN"
    """Close everything, verified; then HOLD until resumed."""
    STOPPED = "STOPPED"


class HoldCause(StrEnum):
    """Why the bot is not TRADING. Causes add up; the strictest one decides."""

    OPERATOR = "operator"
    NOT_RECONCILED = "not_reconciled"
    DAY_LOSS = "day_loss"
    DRAWDOWN = "drawdown"
    LOSING_STREAK = "losing_streak"
    HEATMAP_STALE = "heatmap_stale"
    PRICE_STALE = "price_stale"
    ORDER_UNKNOWN = "order_unknown"
    CLOCK_SKEW = "clock_skew"
    CLOCK_JUMPED = "clock_jumped"
    VENUE_ERRORS = "venue_errors"
    STORE_TROUBLE = "store_trouble"
    LEDGER_REPAIRED = "ledger_repaired"
    """The start had to put an older or an empty ledger in a damaged one's place."""
    CRASH_LOOP = "crash_loop"
    WARMING_UP = "warming_up"
    TASK_FAILED = "task_failed"
    UNEXPLAINED_POSITION = "unexplained_position"
    OTHER_INSTANCE = "other_instance"
    """Another bot like this one trades on the account."""
    ACCOUNT_CHANGED = "account_changed"
    """Leverage or mode were changed from outside."""
    STOPS_REFUSED = "stops_refused"
    """The venue does not take a stop, so nothing may be opened that would need one."""


class Hold(Value, frozen=True, kw_only=True):
    """One reason to be more careful, with what ends it."""

    cause: HoldCause
    state: OperatingState
    since: Millis
    until: Millis | None = None
    """Ends by itself then; None: ends when the cause ends, or by `resume`."""
    needs_operator: bool = False
    """Only `resume` ends it."""
    detail: str = ""
    """One plain sentence with the numbers."""
    symbol: Symbol | None = None
    """None: the whole account. Else entries on this symbol alone are held."""


class Operation(Value, frozen=True, kw_only=True):
    """The operating state with its causes; persisted."""

    holds: tuple[Hold, ...] = ()

    @property
    def state(self) -> OperatingState:
        """The strictest state any cause asks for, for the account as a whole."""
        return _strictest(hold for hold in self.holds if hold.symbol is None)

    def state_of(self, symbol: Symbol) -> OperatingState:
        """The strictest state for one symbol: the account's, or its own."""
        return _strictest(hold for hold in self.holds if hold.symbol in (None, symbol))


def _strictest(holds: Iterable[Hold]) -> OperatingState:
    order = list(OperatingState)
    return max((hold.state for hold in holds), key=order.index, default=OperatingState.TRADING)


class Account(Value, frozen=True, kw_only=True):
    """Money and the counters that risk limits read; persisted."""

    balance_usd: Usd
    """Wallet balance by our own books."""
    equity_peak_usd: Usd
    day: str
    """UTC date, `2026-01-31`."""
    day_start_equity_usd: Usd
    losses_in_a_row: int = 0
    realized_usd: Usd = Usd(ZERO)
    fees_usd: Usd = Usd(ZERO)
    funding_usd: Usd = Usd(ZERO)
    cool_downs: dict[str, Millis] = {}
    """By unified symbol: no entry before this instant."""
    foreign: dict[str, Decimal] = {}
    """By unified symbol: signed quantity that fills not ours have built up; never touched."""
    fills_cursor: Millis = Millis(0)
    """Every fill before this instant is booked; the venue is asked for fills from here on."""
