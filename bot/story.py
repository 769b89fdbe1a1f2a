"""The story of a run for a person: one event, one or a few plain lines of 80 columns.

Words before numbers, no box drawing, works without colour; times are market time, UTC.
"""

import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from structlog.typing import EventDict

from bot.model.instrument import display_symbol
from bot.model.order import Leg

_COLOURS = {"green": "32", "red": "31", "yellow": "33", "bold": "1"}
_BRIEF = frozenset({"bracket.closed", "order.rejected", "provider.judged"})
WIDTH = 80
_INDENT = " " * 29


class Story:
    """Renders the events that people follow; the rest is for the JSON log.

    With `is_brief` (a recording flat out: months in a minute) only what ended is told, with dates.
    """

    def __init__(self, *, colour: bool, is_brief: bool = False) -> None:
        self._colour = colour
        self._is_brief = is_brief
        self._tellers: dict[str, Callable[[EventDict], str]] = {
            "signal.raised": self._signal,
            "order.intended": self._intended,
            "order.filled": self._filled,
            "order.rejected": self._rejected,
            "order.outcome_lost": self._lost,
            "bracket.protected": self._protected,
            "bracket.closed": self._closed,
            "cluster.accepted": self._accepted,
            "cluster.swept": self._swept,
            "candidates.refused": self._refused,
            "provider.judged": self._judged,
        }

    def __call__(self, event: EventDict) -> str | None:
        """The lines for one event, or None where it is not for people."""
        name = str(event.get("event"))
        teller = self._tellers.get(name)
        if teller is not None and "text" not in event:
            return None if self._is_brief and name not in _BRIEF else teller(event)
        is_urgent = event.get("level") in {"warning", "error", "critical"}
        if is_urgent or ("text" in event and not self._is_brief):
            return self._other(event)
        return None

    def _line(self, event: EventDict, word: str, text: str) -> str:
        symbol = display_symbol(event["symbol"]) if event.get("symbol") else ""
        return f"{self._clock(event.get('at'))}  {symbol:<9} {word:<8} {text}"

    def _clock(self, at: Any) -> str:
        return f"{day(at)} {clock(at)}" if self._is_brief else clock(at)

    def _paint(self, text: str, colour: str) -> str:
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self._colour else text

    def _signal(self, e: EventDict) -> str:
        thesis, *more = str(e["reason"]).split("; ")
        pays = f"pays {e['risk_reward']:.2f} for 1 risked after costs"
        told = [thesis, *more[:1], pays]
        if e.get("floating"):
            told.append("levels ride on the price")
        lines = [line for part in told for line in textwrap.wrap(part, WIDTH - len(_INDENT))]
        return self._line(e, "SIGNAL", f"\n{_INDENT}".join(lines))

    def _intended(self, e: EventDict) -> str:
        verb = f"{e['side']} {e['qty']}"
        if e["leg"] == Leg.ENTRY:
            return self._line(e, "ENTRY", f"{verb} at {money(e['price'])} or better")
        if e["leg"] == Leg.TARGET:
            return self._line(e, "TARGET", f"{money(e['price'])} {verb}, resting")
        if e["leg"] == Leg.EXIT:
            return self._line(e, "EXIT", f"{verb} at the market")
        return ""

    def _filled(self, e: EventDict) -> str:
        liquidation = " by LIQUIDATION" if e.get("liquidation") else ""
        text = f"{e['qty']} at {money(e['price'])}, fee {money(e['fee_usd'])}{liquidation}"
        return self._line(e, "FILLED", text)

    def _rejected(self, e: EventDict) -> str:
        return self._line(e, "REJECTED", f"{e['leg']} by the venue: {e['reason']}")

    def _lost(self, e: EventDict) -> str:
        return self._line(e, "UNKNOWN", f"{e['leg']}: no answer that proves anything; asking")

    def _protected(self, e: EventDict) -> str:
        delay = f"confirmed {e['delay_ms'] / 1000:.1f} s after the fill"
        if e.get("is_again"):
            delay = "in place again"
        text = f"{money(e['stop_price'])} {delay} (risk {money(e['risk_usd'])})"
        return self._line(e, "STOP", text)

    def _closed(self, e: EventDict) -> str:
        pnl = Decimal(e["pnl_usd"])
        result = f"{pnl:+,.2f} USDT" + (f", {e['r']:+.2f} R" if e.get("r") is not None else "")
        how = f"{str(e['closed_by']).replace('_', ' ')} at {money(e['exit_price'])}: "
        return self._line(e, "CLOSED", how + self._paint(result, "green" if pnl > 0 else "red"))

    def _accepted(self, e: EventDict) -> str:
        level, to = money(e["broken_level"] or e["level"]), money(e["extreme"] or e["price"])
        return self._line(e, "CLUSTER", f"{e['side']} {level} broken, price went on to {to}")

    def _swept(self, e: EventDict) -> str:
        level = e["broken_level"] or e["level"]
        through = abs((e["extreme"] or level) - level) / level * 1e4
        back_s = (e["at"] - (e["broken_at"] or e["at"])) / 1000
        how = f"through by {through:.0f} bps, back in {back_s:.0f} s"
        return self._line(e, "CLUSTER", f"{e['side']} {money(level)} swept: {how}")

    def _refused(self, e: EventDict) -> str:
        rules = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in e["rules"].items())
        count = f"{e['count']} candidates refused in {e['minutes']} min"
        head = f"{self._clock(e['at'])}  no trade: {count}"
        return f"{head}\n          ({rules}); `liqbot why SYMBOL` explains"

    def _judged(self, e: EventDict) -> str:
        return f"{self._clock(e['at'])}  provider: {e['reason']}"

    def _other(self, e: EventDict) -> str:
        text = str(e.get("text") or _plain(e))
        if str(e.get("level")) in {"error", "critical"}:
            text = self._paint(text, "red")
        if e.get("symbol"):
            return f"{self._line(e, '', '').rstrip()}  {text}"
        return (
            f"{self._clock(e['at'])}  {text}"
            if isinstance(e.get("at"), int)
            else f"          {text}"
        )


def _plain(e: EventDict) -> str:
    """`store slowed, took_ms 120` for an event that brings no sentence."""
    fields = [f"{k} {v}" for k, v in e.items() if k not in {"event", "level", "at", "symbol"}]
    return ", ".join([str(e.get("event")).replace(".", " "), *fields])


def clock(at: Any) -> str:
    """HH:MM:SS of an instant in milliseconds, UTC."""
    if not isinstance(at, int):
        return "--:--:--"
    return datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%H:%M:%S")


def day(at: Any) -> str:
    """YYYY-MM-DD of an instant in milliseconds, UTC."""
    if not isinstance(at, int):
        return "----------"
    return datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%Y-%m-%d")


def money(value: Any) -> str:
    """A price or an amount as people read it: thousands separated, no trailing noise."""
    if value is None:
        return "-"
    number = Decimal(str(value))
    size = abs(number)
    digits = 1 if size >= 10_000 else 2  # noqa: PLR2004  (five figures need no cents)
    if 0 < size < 1:
        digits = 6
    return f"{number:,.{digits}f}"
