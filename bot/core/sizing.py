"""How much: the smallest of all caps, times a multiplier that cannot raise the risk.

Open interest and strength only ever shrink a position by default. A multiplier above 1, allowed by
explicit setting, may exceed the caps by liquidity but never those by risk, notional and leverage.
"""

from decimal import Decimal
from enum import StrEnum

from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Qty, Usd, Value
from bot.model.settings import CoreSettings, SizeSettings
from bot.model.signal import Refusal, Rule, Signal

_PERCENT = Decimal(100)


class Cap(StrEnum):
    """What bounds a quantity."""

    RISK = "risk"
    NOTIONAL = "notional"
    LEVERAGE = "leverage"
    VOLUME = "volume"
    DEPTH = "depth"
    INSTRUMENT = "instrument"


_HARD = (Cap.RISK, Cap.NOTIONAL, Cap.LEVERAGE, Cap.INSTRUMENT)
"""Caps that no multiplier can exceed."""


class Liquidity(Value, frozen=True, kw_only=True):
    """What the market can take without noticing; None where unknown, which bounds nothing."""

    minute_volume: float | None = None
    """Base coins traded a minute."""
    depth_usd: float | None = None
    """Resting notional within 10 bps of mid, the smaller side."""


class Sized(Value, frozen=True, kw_only=True):
    """A quantity that may be sent, and what decided it."""

    qty: Qty
    cap: Cap
    """The cap that was the smallest."""
    risk_usd: Usd
    """Planned net loss at the stop."""
    notional_usd: Usd
    caps: dict[str, float]
    """Every cap in base coins, before the multiplier."""


def multiplier(interest_term: float, strength: float, settings: SizeSettings) -> float:
    """Combine the open-interest term with the strength term, 0.5 at strength 0 to 1 at 1."""
    by_interest = min(max(interest_term, settings.multiplier_min), settings.multiplier_max)
    return by_interest * (0.5 + 0.5 * min(max(strength, 0.0), 1.0))


def size(
    signal: Signal,
    instrument: Instrument,
    equity_usd: Decimal,
    liquidity: Liquidity,
    settings: CoreSettings,
    *,
    at: Millis,
) -> Sized | Refusal:
    """Give the quantity for a signal, or the refusal where it is below the venue's minimum.

    What other positions reserve of the account's notional and leverage is the caller's to subtract.
    """
    if equity_usd <= 0:
        return refusal(signal, Rule.NO_EQUITY, at, saw=float(equity_usd), limit=0.0)
    caps = _caps(signal, instrument, equity_usd, liquidity, settings)
    deciding = min(caps, key=lambda cap: caps[cap])
    raw = caps[deciding] * Decimal(repr(signal.size_multiplier))
    qty = instrument.qty_down(min(raw, *(caps[cap] for cap in _HARD)))
    numbers = {f"cap_{cap.value}": float(limit) for cap, limit in caps.items()}
    numbers |= {"multiplier": signal.size_multiplier, "raw_qty": float(raw)}
    if qty < instrument.qty_min or qty == 0:
        limit = float(max(instrument.qty_min, instrument.lot_size))
        return refusal(signal, Rule.BELOW_MINIMUM, at, saw=float(raw), limit=limit, numbers=numbers)
    notional = instrument.notional(qty, signal.entry_price)
    if notional < instrument.notional_min_usd:
        limit = float(instrument.notional_min_usd)
        return refusal(
            signal, Rule.BELOW_MINIMUM, at, saw=float(notional), limit=limit, numbers=numbers
        )
    return Sized(
        qty=qty,
        cap=deciding,
        risk_usd=Usd(qty * signal.loss_per_unit_usd),
        notional_usd=notional,
        caps={cap.value: float(limit) for cap, limit in caps.items()},
    )


def refusal(
    signal: Signal,
    rule: Rule,
    at: Millis,
    *,
    saw: float | None = None,
    limit: float | None = None,
    numbers: dict[str, float] | None = None,
) -> Refusal:
    """Our own no to a signal: the rule, what it saw, and its limit."""
    return Refusal(
        symbol=signal.symbol,
        strategy=signal.strategy,
        rule=rule,
        position_side=signal.position_side,
        cluster_id=signal.cluster_id,
        cluster_gen=signal.cluster_gen,
        cluster_level=signal.cluster_level,
        saw=saw,
        limit=limit,
        numbers=numbers or {},
        first_at=at,
        at=at,
    )


def _caps(
    signal: Signal,
    instrument: Instrument,
    equity_usd: Decimal,
    liquidity: Liquidity,
    settings: CoreSettings,
) -> dict[Cap, Decimal]:
    """Every cap in base coins. The order matters on a tie: the first is named."""
    risk, share, price = settings.risk, settings.strategies.size, signal.entry_price
    risked = equity_usd * _decimal(risk.risk_pct) / _PERCENT
    caps = {
        Cap.RISK: risked / signal.loss_per_unit_usd,
        Cap.NOTIONAL: _decimal(risk.max_notional_usd) / price,
        Cap.LEVERAGE: equity_usd * _decimal(risk.max_leverage) / price,
        Cap.INSTRUMENT: instrument.qty_max,
    }
    if liquidity.minute_volume is not None:
        caps[Cap.VOLUME] = _decimal(liquidity.minute_volume) * _decimal(share.volume_share_max)
    if liquidity.depth_usd is not None:
        depth_usd = _decimal(liquidity.depth_usd)
        caps[Cap.DEPTH] = depth_usd * _decimal(share.depth_share_max) / price
    return caps


def _decimal(number: float) -> Decimal:
    return Decimal(repr(number))
