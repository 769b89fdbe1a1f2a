"""What a verb's `--json` prints and the control socket answers: one document a thing.

Pure, and light to import. Money, prices and quantities are strings, evidence is numbers, instants
are RFC 3339; the names are those of docs/words.md.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot.model.bracket import Bracket
from bot.model.cluster import Cluster
from bot.model.order import Order
from bot.model.primitives import Millis
from bot.model.signal import Refusal, Signal


def rfc3339(at: Millis | None) -> str | None:
    """`2026-11-23T14:52:04.120Z`."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at / 1000, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def money(value: Decimal | None) -> str | None:
    """To the cent: `-28.36`."""
    return None if value is None else str(round(value, 2))


def price(value: Decimal | None) -> str | None:
    """At most 12 significant digits: an average has no end."""
    return None if value is None else f"{Decimal(f'{value:.12g}').normalize():f}"


def is_protected(bracket: Bracket) -> bool:
    """The venue has confirmed a stop for all that is held."""
    return bracket.stop_confirmed_at is not None and bracket.unprotected_since is None


def stop_delay_ms(bracket: Bracket) -> int | None:
    """From the first fill to the first confirmed stop; None where one of them is missing."""
    if bracket.stop_confirmed_at is None or bracket.first_fill_at is None:
        return None
    return bracket.stop_confirmed_at - bracket.first_fill_at


def unrealized_usd(bracket: Bracket, mark: float | None) -> Decimal | None:
    """What the open part would bring at the mark, before exit costs; None without a price."""
    entry = bracket.entry_price
    if mark is None or entry is None:
        return None
    return (Decimal(str(mark)) - entry) * bracket.open_qty * bracket.position_side.sign


def position(bracket: Bracket, mark: float | None) -> dict[str, Any]:
    """One open position; `mark_price` is None where no price is known."""
    gained = unrealized_usd(bracket, mark)
    risk = Decimal(bracket.risk_usd)
    return {
        "bracket": bracket.id,
        "symbol": bracket.symbol,
        "side": bracket.position_side,
        "strategy": bracket.signal.strategy if bracket.signal is not None else None,
        "qty": str(bracket.open_qty),
        "entry_price": price(bracket.entry_price),
        "mark_price": None if mark is None else price(Decimal(str(mark))),
        "stop_price": price(bracket.stop_price),
        "stop_confirmed": is_protected(bracket),
        "stop_delay_ms": stop_delay_ms(bracket),
        "target_price": price(bracket.target_price),
        "pnl_usd": money(gained),
        "r": round(float(gained / risk), 2) if gained is not None and risk else None,
        "risk_usd": money(risk),
        "fees_usd": money(bracket.fees_usd),
        "funding_usd": money(bracket.funding_usd),
        "opened_at": rfc3339(bracket.first_fill_at or bracket.opened_at),
        "is_floating": bracket.is_floating,
    }


def trade(number: int, bracket: Bracket) -> dict[str, Any]:
    """One closed bracket, net of everything; `number` counts from the first one closed."""
    return {
        "number": number,
        "bracket": bracket.id,
        "symbol": bracket.symbol,
        "side": bracket.position_side,
        "strategy": bracket.signal.strategy if bracket.signal is not None else None,
        "qty": str(bracket.entered_qty),
        "entry_price": price(bracket.entry_price),
        "exit_price": price(bracket.exit_price),
        "stop_price": price(bracket.stop_price),
        "target_price": price(bracket.target_price),
        "pnl_usd": money(bracket.pnl_usd),
        "r": round(bracket.r, 3) if bracket.r is not None else None,
        "risk_usd": money(bracket.risk_usd),
        "fees_usd": money(bracket.fees_usd),
        "funding_usd": money(bracket.funding_usd),
        "closed_by": bracket.closed_by,
        "stop_delay_ms": stop_delay_ms(bracket),
        "opened_at": rfc3339(bracket.first_fill_at or bracket.opened_at),
        "closed_at": rfc3339(bracket.closed_at),
        "is_floating": bracket.is_floating,
    }


def order(row: Order) -> dict[str, Any]:
    """One order; `symbol side price status reduce_only client_order_id` mean what ccxt means."""
    request = row.request
    return {
        "client_order_id": request.client_id,
        "venue_order_id": row.venue_id,
        "bracket": request.bracket_id,
        "symbol": request.symbol,
        "leg": request.leg,
        "side": request.side,
        "kind": request.kind,
        "time_in_force": request.time_in_force,
        "status": row.status,
        "qty": str(request.qty),
        "filled_qty": str(row.filled_qty),
        "price": price(request.price),
        "trigger_price": price(request.trigger_price),
        "average_price": price(row.average_price),
        "fee_usd": str(row.fee_usd),
        "reduce_only": request.is_reduce_only,
        "reason": row.reason or None,
        "intended_at": rfc3339(row.intended_at),
        "accepted_at": rfc3339(row.accepted_at),
        "ended_at": rfc3339(row.ended_at),
    }


def signal(row: Signal, *, is_used: bool, denied: Refusal | None) -> dict[str, Any]:
    """One signal: the fields of the provider's guide unchanged, and ours."""
    return {
        "id": row.id,
        "at": rfc3339(row.at),
        "symbol": row.symbol,
        "signal": row.position_side.name,
        "current_price": price(row.current_price),
        "entry_price": price(row.entry_price),
        "stop_loss": price(row.stop_price),
        "take_profit": price(row.target_price),
        "risk_reward": row.risk_reward,
        "confidence": row.strength,
        "reason": row.reason,
        "clusters": {
            "support": list(row.levels.support),
            "resistance": list(row.levels.resistance),
        },
        "oi_data": {
            "total_oi_usd": row.total_oi_usd,
            "long_short_ratio": row.long_short_ratio,
        },
        "side": row.position_side,
        "strategy": row.strategy,
        "stop_price": price(row.stop_price),
        "target_price": price(row.target_price),
        "risk_reward_gross": row.risk_reward_gross,
        "win_per_unit_usd": str(row.win_per_unit_usd),
        "loss_per_unit_usd": str(row.loss_per_unit_usd),
        "break_even_probability": row.break_even_probability,
        "strength": row.strength,
        "cluster": row.cluster_id,
        "cluster_level": row.cluster_level,
        "size_multiplier": row.size_multiplier,
        "is_floating": row.is_floating,
        "is_used": is_used,
        "denied": None if denied is None else refusal(denied),
    }


def refusal(row: Refusal) -> dict[str, Any]:
    """One refusal episode: the rule, what it saw, the limit, and how often."""
    return {
        "symbol": row.symbol,
        "strategy": row.strategy,
        "rule": row.rule,
        "side": row.position_side,
        "cluster": row.cluster_id,
        "cluster_level": row.cluster_level,
        "saw": row.saw,
        "limit": row.limit,
        "numbers": row.numbers,
        "count": row.count,
        "first_at": rfc3339(row.first_at),
        "at": rfc3339(row.at),
    }


def cluster(row: Cluster, mark: float | None) -> dict[str, Any]:
    """One cluster; `side` is that of the positions at risk, distances are of the price."""
    return {
        "cluster": row.id,
        "gen": row.gen,
        "symbol": row.symbol,
        "side": row.side,
        "state": row.state,
        "ending": row.ending,
        "level": row.level,
        "low": row.low,
        "high": row.high,
        "distance_pct": None if not mark else round(row.distance_pct(mark), 4),
        "leverage_tier": row.leverage_tier,
        "notional_usd": row.notional_usd,
        "strength": row.strength,
        "seen": row.seen,
        "absent": row.absent,
        "touches": row.touches,
        "is_floating": row.is_floating,
        "first_seen_at": rfc3339(row.first_seen_at),
        "last_seen_at": rfc3339(row.last_seen_at),
    }
