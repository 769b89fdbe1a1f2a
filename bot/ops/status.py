"""What the bot would say of itself now: one line for systemd, one document for the operator."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from bot import __version__
from bot.core.state import State, SymbolState
from bot.model.account import OperatingState
from bot.model.bracket import Bracket
from bot.model.primitives import Millis
from bot.ports import Clock


def headline(state: State) -> str:
    """`TRADING, 2 positions, both protected`."""
    held = [bracket for bracket in state.brackets.values() if bracket.open_qty > 0]
    bare = [bracket for bracket in held if not is_protected(bracket)]
    if not held:
        positions = "no position"
    elif bare:
        positions = f"{_count(len(held))}, {len(bare)} without a confirmed stop"
    else:
        positions = f"{_count(len(held))}, protected"
    why = "; ".join(hold.detail or hold.cause for hold in state.operation.holds)
    line = f"{state.operation.state}, {positions}"
    return f"{line}: {why}" if state.operation.state is not OperatingState.TRADING else line


def _count(number: int) -> str:
    return "1 position" if number == 1 else f"{number} positions"


def is_protected(bracket: Bracket) -> bool:
    """The venue has confirmed a stop for all that is held."""
    return bracket.stop_confirmed_at is not None and bracket.unprotected_since is None


def document(state: State, clock: Clock, *, started_at: Millis) -> dict[str, Any]:
    """The answer to `status`: plain data, money as strings, instants as RFC 3339."""
    now = clock.now()
    account = state.account
    equity = equity_usd(state)
    ages = [now - at for row in state.symbols.values() if (at := row.tracker.last_good_at)]
    prices = [now - row.price.at for row in state.symbols.values() if row.price is not None]
    fresh = sum(row.tracker.is_fresh(now) for row in state.symbols.values())
    operation = state.operation
    peak = account.equity_peak_usd if account is not None else None
    day_start = account.day_start_equity_usd if account is not None else None
    return {
        "state": operation.state,
        "reason": "; ".join(hold.detail or hold.cause for hold in operation.holds) or None,
        "holds": [
            {
                "cause": hold.cause,
                "state": hold.state,
                "symbol": hold.symbol,
                "since": rfc3339(hold.since),
                "until": rfc3339(hold.until),
                "needs_operator": hold.needs_operator,
                "detail": hold.detail,
            }
            for hold in operation.holds
        ],
        "mode": state.settings.mode,
        "version": __version__,
        "at": rfc3339(now),
        "uptime_s": round((now - started_at) / 1000 / clock.speed, 1),
        "equity_usd": _money(equity),
        "balance_usd": _money(account.balance_usd if account is not None else None),
        "day_pnl_usd": _money(None if day_start is None or equity is None else equity - day_start),
        "drawdown_pct": _share_pct(None if peak is None or equity is None else peak - equity, peak),
        "losses_in_a_row": account.losses_in_a_row if account is not None else 0,
        "heatmap": {
            "provider": state.settings.provider,
            "fresh": fresh > 0,
            "symbols_fresh": fresh,
            "symbols": len(state.symbols),
            "age_s": round(min(ages) / 1000, 1) if ages else None,
            "stability": state.gate.gate.stability,
            "floating": state.gate.gate.is_floating,
        },
        "market": {"age_s": round(min(prices) / 1000, 1) if prices else None},
        "positions": [position_document(state, row) for row in open_brackets(state)],
    }


def open_brackets(state: State) -> list[Bracket]:
    """Brackets that hold something."""
    return [bracket for bracket in state.brackets.values() if bracket.open_qty > 0]


def equity_usd(state: State) -> Decimal | None:
    """Wallet balance and what open positions would bring at the mark; None before the first."""
    if state.account is None:
        return None
    total = Decimal(state.account.balance_usd)
    for bracket in open_brackets(state):
        total += unrealized_usd(bracket, state.symbols.get(bracket.symbol)) or 0
    return total


def unrealized_usd(bracket: Bracket, symbol: SymbolState | None) -> Decimal | None:
    """What the open part would bring at the mark, before exit costs; None without a price."""
    entry = bracket.entry_price
    if symbol is None or symbol.price is None or entry is None:
        return None
    mark = Decimal(str(symbol.price.mark))
    return (mark - entry) * bracket.open_qty * bracket.position_side.sign


def position_document(state: State, bracket: Bracket) -> dict[str, Any]:
    """One open position in the vocabulary's words."""
    symbol = state.symbols.get(bracket.symbol)
    unrealized = unrealized_usd(bracket, symbol)
    risk = Decimal(bracket.risk_usd)
    delay_ms = (
        bracket.stop_confirmed_at - bracket.first_fill_at
        if bracket.stop_confirmed_at is not None and bracket.first_fill_at is not None
        else None
    )
    return {
        "bracket": bracket.id,
        "symbol": bracket.symbol,
        "side": bracket.position_side,
        "strategy": bracket.signal.strategy if bracket.signal is not None else None,
        "qty": str(bracket.open_qty),
        "entry_price": _price(bracket.entry_price),
        "mark_price": symbol.price.mark if symbol is not None and symbol.price else None,
        "stop_price": _price(bracket.stop_price),
        "stop_confirmed": is_protected(bracket),
        "stop_delay_ms": delay_ms,
        "target_price": _price(bracket.target_price),
        "pnl_usd": _money(unrealized),
        "r": round(float(unrealized / risk), 2) if unrealized is not None and risk else None,
        "opened_at": rfc3339(bracket.first_fill_at or bracket.opened_at),
        "is_floating": bracket.is_floating,
    }


def rfc3339(at: Millis | None) -> str | None:
    """`2026-11-23T14:52:04.120Z`."""
    if at is None:
        return None
    text = datetime.fromtimestamp(at / 1000, tz=UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _money(value: Decimal | None) -> str | None:
    return None if value is None else str(round(value, 2))


def _price(value: Decimal | None) -> str | None:
    """At most 12 significant digits: an average has no end."""
    return None if value is None else format(value.normalize(), ".12g")


def _share_pct(part: Decimal | None, whole: Decimal | None) -> float | None:
    return round(float(part / whole * 100), 3) if part is not None and whole else None
