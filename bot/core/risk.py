"""The risk gate: a signal becomes `Approved` or `Denied`, and only Approved can become an order.

The checks run from the state of the bot over the state of the account to the numbers of this
signal; the first no wins and names its rule with what it saw and the limit.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Final, TypeAlias

from bot.core import accounting, exposure, operation, rounds, sizing
from bot.core.sizing import refusal
from bot.core.state import State
from bot.model.account import OperatingState
from bot.model.instrument import Instrument
from bot.model.order import Leg
from bot.model.primitives import ZERO, Millis, PositionSide, Qty, Usd, Value
from bot.model.signal import Refusal, Rule, Signal

_MINUTE_MS: Final = 60_000
_HUNDRED: Final = Decimal(100)
READING_AGE_PERIODS_MAX: Final = 3.0
"""An account that was read longer ago, in idle reconcile periods, says nothing."""


class Approved(Value, frozen=True, kw_only=True):
    """A signal that may become an order of this size."""

    signal: Signal
    qty: Qty
    risk_usd: Usd
    """Planned net loss at the stop."""


class Denied(Value, frozen=True, kw_only=True):
    """Our own no; the venue never heard of it."""

    refusal: Refusal


_Check: TypeAlias = Callable[[State, Signal, Millis], Refusal | None]


def approve(state: State, signal: Signal, at: Millis) -> Approved | Denied:
    """Judge a signal at `at`. Pure: the same state and signal give the same verdict."""
    for check in _CHECKS:
        found = check(state, signal, at)
        if found is not None:
            return Denied(refusal=found)
    return _sized(state, signal, at)


def account_notional_usd(state: State) -> Usd:
    """Worst-case notional of all brackets: an entry that may still fill counts in full."""
    total = ZERO
    for bracket in state.brackets.values():
        entries = exposure.live_of(state, bracket.id, Leg.ENTRY)
        qty = max(exposure.held_qty(state, bracket), bracket.qty if entries else ZERO)
        price = exposure.mark_of(state, bracket.symbol) or bracket.entry_price
        if price is None and bracket.signal is not None:
            price = bracket.signal.entry_price
        total += qty * (price or ZERO)
    return Usd(total)


def liquidation_price(
    instrument: Instrument,
    *,
    position_side: PositionSide,
    qty: Decimal,
    entry: Decimal,
    margin_usd: Decimal,
) -> Decimal:
    """Where the venue would close the position, with `margin_usd` behind it."""
    tier = instrument.tier_at(float(qty * entry))
    rate, amount = Decimal(repr(tier.maintenance_rate)), Decimal(repr(tier.cum_usd))
    sign = position_side.sign
    return (entry * qty - (margin_usd + amount) * sign) / (qty * (1 - rate * sign))


# --- the bot


def _check_trading(state: State, signal: Signal, at: Millis) -> Refusal | None:
    if state.desk.is_stopping or state.operation.state is not OperatingState.TRADING:
        return refusal(signal, Rule.NOT_TRADING, at)
    if not operation.may_enter(state, signal.symbol):
        return refusal(signal, Rule.SYMBOL_REDUCE_ONLY, at)
    if signal.id in state.signals_used:
        return refusal(signal, Rule.ALREADY_USED, at)
    return None


def _check_inputs(state: State, signal: Signal, at: Millis) -> Refusal | None:
    """Late data blocks entries, and the account must have been read since the last write there.

    Writes on other symbols are no reason to wait: sizing reserves the worst that they may become.
    """
    price = state.symbols[signal.symbol].price
    limit_s = state.settings.risk.input_age_max_s
    age_s = (at - price.at) / 1000 if price is not None else float("inf")
    if age_s > limit_s:
        return refusal(signal, Rule.INPUT_TOO_OLD, at, saw=age_s, limit=limit_s)
    read_at = state.last_snapshot_at
    written_at = state.written_at.get(signal.symbol)
    if read_at is None or (written_at is not None and read_at <= written_at):
        return refusal(
            signal, Rule.INPUT_TOO_OLD, at, numbers={"account_not_read_since_last_write": 1.0}
        )
    limit_s = READING_AGE_PERIODS_MAX * rounds.idle_ms(state) / 1000
    age_s = (at - read_at) / 1000
    if age_s > limit_s:
        return refusal(signal, Rule.INPUT_TOO_OLD, at, saw=age_s, limit=limit_s)
    return None


def _check_doubts(state: State, signal: Signal, at: Millis) -> Refusal | None:
    """One order in doubt on a symbol is enough: nothing more is opened there."""
    for client_id in state.desk.live():
        request = state.orders[client_id].request
        if request.symbol == signal.symbol and not request.is_reduce_only:
            return refusal(signal, Rule.SYMBOL_REDUCE_ONLY, at)
    return None


def _check_positions(state: State, signal: Signal, at: Millis) -> Refusal | None:
    limits = state.settings.risk
    is_taken = bool(exposure.brackets_on(state, signal.symbol))
    if is_taken or exposure.venue_qty(state, signal.symbol):
        return refusal(signal, Rule.POSITION_OPEN, at)
    held = len(state.brackets)
    if held >= limits.max_positions:
        return refusal(signal, Rule.MAX_POSITIONS, at, saw=held, limit=limits.max_positions)
    sides = [row.position_side for row in state.brackets.values()]
    same = sides.count(signal.position_side)
    if same >= limits.max_positions_per_side:
        limit = limits.max_positions_per_side
        return refusal(signal, Rule.MAX_SIDE_POSITIONS, at, saw=same, limit=limit)
    return None


def _check_pace(state: State, signal: Signal, at: Millis) -> Refusal | None:
    account = state.account
    assert account is not None, "that the account has been read was checked first"
    until = account.cool_downs.get(signal.symbol, at)
    if at < until:
        limit_s = state.settings.risk.cool_down_s
        return refusal(signal, Rule.COOL_DOWN, at, saw=limit_s - (until - at) / 1000, limit=limit_s)
    recent = sum(1 for placed_at in state.placed_at if placed_at > at - _MINUTE_MS)
    limit = state.settings.risk.orders_per_minute_max
    if recent >= limit:
        return refusal(signal, Rule.ORDER_RATE, at, saw=recent, limit=limit)
    return None


# --- the signal


def _check_prices(state: State, signal: Signal, at: Millis) -> Refusal | None:
    tick = state.instruments[signal.symbol].tick_size
    entry, stop, target = signal.entry_price, signal.stop_price, signal.target_price
    for price in (entry, stop, target):
        if not price.is_finite() or price <= 0 or price % tick:
            saw = float(price) if price.is_finite() else None
            return refusal(signal, Rule.PRECISION, at, saw=saw, limit=float(tick))
    low, high = (stop, target) if signal.position_side is PositionSide.LONG else (target, stop)
    if not low < entry < high:
        return refusal(signal, Rule.OUT_OF_ORDER, at)
    limits = state.settings.risk
    if not signal.loss_per_unit_usd > 0 or signal.risk_reward < limits.min_net_rr:
        saw, limit = signal.risk_reward, limits.min_net_rr
        return refusal(signal, Rule.PAYS_TOO_LITTLE, at, saw=saw, limit=limit)
    mark = exposure.mark_of(state, signal.symbol)
    assert mark is not None, "the age of the price was checked first"
    away_pct = float(abs(entry - mark) / mark * _HUNDRED)
    if away_pct > limits.price_collar_pct:
        return refusal(signal, Rule.PRICE_COLLAR, at, saw=away_pct, limit=limits.price_collar_pct)
    return None


_CHECKS: Final[tuple[_Check, ...]] = (
    _check_trading,
    _check_inputs,
    _check_doubts,
    _check_positions,
    _check_pace,
    _check_prices,
)


# --- the size


def _sized(state: State, signal: Signal, at: Millis) -> Approved | Denied:
    equity = accounting.equity_usd(state)
    symbol = state.symbols[signal.symbol]
    assert symbol.price is not None, "the age of the price was checked first"
    sized = sizing.size(
        signal,
        state.instruments[signal.symbol],
        equity,
        sizing.Liquidity(minute_volume=symbol.bars.minute_volume, depth_usd=symbol.price.depth_usd),
        state.settings,
        at=at,
    )
    if isinstance(sized, Refusal):
        return Denied(refusal=sized)
    qty, found = _within_account(state, signal, sized.qty, equity, at)
    found = found or _check_size(state, signal, qty, equity, at)
    if found is not None:
        return Denied(refusal=found)
    return Approved(signal=signal, qty=qty, risk_usd=Usd(qty * signal.loss_per_unit_usd))


def _within_account(
    state: State, signal: Signal, qty: Qty, equity: Usd, at: Millis
) -> tuple[Qty, Refusal | None]:
    """Shrink to what the account's notional and leverage leave; refuse what is then too small."""
    limits, instrument = state.settings.risk, state.instruments[signal.symbol]
    used = account_notional_usd(state)
    by_leverage = equity * _exact(limits.max_leverage)
    most, rule = min(
        (_exact(limits.max_account_notional_usd), Rule.NOTIONAL_LIMIT),
        (by_leverage, Rule.LEVERAGE_LIMIT),
    )
    room = max(most - used, ZERO)
    shrunk = instrument.qty_down(min(qty, room / signal.entry_price))
    notional = instrument.notional(shrunk, signal.entry_price)
    if shrunk < instrument.qty_min or shrunk == 0 or notional < instrument.notional_min_usd:
        asked = instrument.notional(qty, signal.entry_price)
        return shrunk, refusal(signal, rule, at, saw=float(used + asked), limit=float(most))
    return shrunk, None


def _check_size(state: State, signal: Signal, qty: Qty, equity: Usd, at: Millis) -> Refusal | None:
    """Check the final figures once more, whoever computed them."""
    limits, instrument = state.settings.risk, state.instruments[signal.symbol]
    notional = instrument.notional(qty, signal.entry_price)
    if qty % instrument.lot_size or qty > instrument.qty_max:
        return refusal(signal, Rule.PRECISION, at, saw=float(qty), limit=float(instrument.lot_size))
    if notional > _exact(limits.max_notional_usd):
        saw, limit = float(notional), limits.max_notional_usd
        return refusal(signal, Rule.NOTIONAL_LIMIT, at, saw=saw, limit=limit)
    risked_pct = float(qty * signal.loss_per_unit_usd / equity * _HUNDRED)
    if risked_pct > limits.risk_pct:
        return refusal(signal, Rule.RISK_TOO_LARGE, at, saw=risked_pct, limit=limits.risk_pct)
    # The smallest margin that the venue may hold for it: as if at the highest leverage there is.
    leverage = _exact(max(limits.max_leverage, state.settings.venue_leverage))
    liquidation = liquidation_price(
        instrument,
        position_side=signal.position_side,
        qty=qty,
        entry=signal.entry_price,
        margin_usd=min(equity, notional / leverage),
    )
    away = (signal.entry_price - liquidation) * signal.position_side.sign
    spare = float(away / abs(signal.entry_price - signal.stop_price))
    if spare < limits.liquidation_spare:
        limit = limits.liquidation_spare
        return refusal(signal, Rule.LIQUIDATION_TOO_NEAR, at, saw=spare, limit=limit)
    return None


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))
