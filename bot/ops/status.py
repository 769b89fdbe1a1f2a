"""What the bot would say of itself now: one line for systemd, one document for the operator."""

from decimal import Decimal
from typing import Any

from bot import __version__
from bot.core.state import State
from bot.model.account import Hold, HoldCause, OperatingState, Operation
from bot.model.bracket import Bracket
from bot.model.primitives import Millis, Symbol
from bot.model.signal import Refusal
from bot.ops import documents
from bot.ops.documents import is_protected, rfc3339
from bot.ports import Clock


def headline(state: State) -> str:
    """`TRADING, 2 positions, both protected`."""
    held = open_brackets(state)
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


def document(
    state: State, clock: Clock, *, started_at: Millis, account: str = "", trouble: str = ""
) -> dict[str, Any]:
    """The answer to `status`: plain data, money as strings, instants as RFC 3339.

    `account` is whose books these are, in words. `trouble` says why the ledger cannot be written
    now. The state itself stands still then, so what holds it is added here.
    """
    now = clock.now()
    operation = _troubled(state, trouble) if trouble else state.operation
    return {
        "state": operation.state,
        "reason": "; ".join(hold.detail or hold.cause for hold in operation.holds) or None,
        "holds": [hold_document(hold) for hold in operation.holds],
        "mode": state.settings.mode,
        "account": account,
        "version": __version__,
        "at": rfc3339(now),
        "uptime_s": round((now - started_at) / 1000 / clock.speed, 1),
        **_money(state),
        "heatmap": _heatmap(state, now),
        "market": _market(state, now),
        "limits": _limits(state),
        "positions": [position_document(state, row) for row in open_brackets(state)],
        "last_refusal": _last_refusal(state),
    }


def _troubled(state: State, trouble: str) -> Operation:
    hold = Hold(
        cause=HoldCause.STORE_TROUBLE,
        state=OperatingState.PROTECT,
        since=state.at,
        detail=trouble,
    )
    return Operation(holds=(*state.operation.holds, hold))


def hold_document(hold: Hold) -> dict[str, Any]:
    """One reason not to trade, and what ends it."""
    return {
        "cause": hold.cause,
        "state": hold.state,
        "symbol": hold.symbol,
        "since": rfc3339(hold.since),
        "until": rfc3339(hold.until),
        "needs_operator": hold.needs_operator,
        "detail": hold.detail,
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
        total += documents.unrealized_usd(bracket, _mark(state, bracket.symbol)) or 0
    return total


def position_document(state: State, bracket: Bracket) -> dict[str, Any]:
    """One open position at the newest mark."""
    return documents.position(bracket, _mark(state, bracket.symbol))


def _mark(state: State, symbol: Symbol) -> float | None:
    known = state.symbols.get(symbol)
    return known.price.mark if known is not None and known.price is not None else None


def _money(state: State) -> dict[str, Any]:
    account, equity = state.account, equity_usd(state)
    if account is None or equity is None:
        names = ("equity_usd", "balance_usd", "day_pnl_usd", "drawdown_pct")
        return {**dict.fromkeys(names), "losses_in_a_row": 0}
    peak = account.equity_peak_usd
    return {
        "equity_usd": documents.money(equity),
        "balance_usd": documents.money(account.balance_usd),
        "day_pnl_usd": documents.money(equity - account.day_start_equity_usd),
        "drawdown_pct": round(float((peak - equity) / peak * 100), 3) if peak else None,
        "losses_in_a_row": account.losses_in_a_row,
    }


def _heatmap(state: State, now: Millis) -> dict[str, Any]:
    ages = [now - at for row in state.symbols.values() if (at := row.tracker.last_good_at)]
    fresh = sum(row.tracker.is_fresh(now) for row in state.symbols.values())
    gate = state.gate.gate
    return {
        "provider": state.settings.provider,
        "fresh": fresh > 0,
        "symbols_fresh": fresh,
        "symbols": len(state.symbols),
        "age_s": round(min(ages) / 1000, 1) if ages else None,
        "stability": gate.stability,
        "samples": gate.samples,
        "floating": gate.is_floating,
    }


def _market(state: State, now: Millis) -> dict[str, Any]:
    rows = state.symbols.values()
    ages = [now - row.price.at for row in rows if row.price is not None]
    fundings = [row.funding.next_at for row in rows if row.funding and row.funding.next_at > now]
    return {
        "age_s": round(min(ages) / 1000, 1) if ages else None,
        "next_funding_at": rfc3339(min(fundings)) if fundings else None,
    }


def _limits(state: State) -> dict[str, Any]:
    risk, account = state.settings.risk, state.account
    start = account.day_start_equity_usd if account is not None else None
    allowed = None if start is None else start * Decimal(repr(risk.day_loss_pct)) / 100
    return {
        "day_loss_usd": documents.money(allowed),
        "positions": risk.max_positions,
        "losses_in_a_row": risk.losses_in_a_row,
    }


def _last_refusal(state: State) -> dict[str, Any] | None:
    """The newest no, of those the one that came nearest to a trade."""
    rows = (row for known in state.symbols.values() for row in known.refusals.values())
    found = max(rows, key=_nearness, default=None)
    return None if found is None else documents.refusal(found)


def _nearness(row: Refusal) -> tuple[Millis, float]:
    return row.at, row.numbers.get("rr_net", -1.0)
