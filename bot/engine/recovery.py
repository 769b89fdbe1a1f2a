"""What the price did while the bot was away, as one recovery step per symbol.

The candle that was open when the last price was seen is skipped: its extreme may be older than
that price. A window that candles do not cover is marked incomplete.
"""

from bot.model.events import PriceMoved
from bot.model.primitives import Millis, Symbol
from bot.model.snapshot import SymbolSnapshot
from bot.ports import History

GAP_MIN_MS = 15_000
"""A shorter pause is no gap: live prices come as far apart."""


def recovery_step(
    symbol: Symbol, known: SymbolSnapshot, history: History, now: Millis
) -> PriceMoved | None:
    """The range of the mark since the last price in the ledger; None where nothing was missed."""
    since = known.last_price_at
    if since is None or now - since < GAP_MIN_MS:
        return None
    missed = [c for c in history.candles if c.open_at >= since and c.close_at <= now]
    if not missed:
        return None
    covered_ms = sum(candle.timeframe_ms for candle in missed)
    longest_ms = max(candle.timeframe_ms for candle in missed)
    last = missed[-1].close
    return PriceMoved(
        at=now,
        symbol=symbol,
        mark=last,
        bid=last,
        ask=last,
        last=last,
        high=max(candle.high for candle in missed),
        low=min(candle.low for candle in missed),
        since_at=since,
        is_recovery=True,
        is_complete=covered_ms + 2 * longest_ms >= now - since,
    )
