"""How a symbol looks to the strategies: asked of the running bot, or read from the ledger.

Both give the same document, so that `why` explains a bot that is down in the same words.
"""

from typing import Any

from bot.cli import tables
from bot.cli.context import Place, ask_or_none
from bot.model.primitives import Millis, Symbol
from bot.model.signal import Refusal, Rule, Strategy
from bot.ops import documents
from bot.store.reader import Reader

ONE_LOOK_MS = 15_000
"""Refusals so near to the newest one belong to the same look."""
DAY_MS = 86_400_000


def look_at(place: Place, symbol: Symbol) -> dict[str, Any]:
    """The document of `look`, with `is_running`, and the day's counts from the ledger."""
    found = ask_or_none(place, "look", symbol=symbol)
    if found is not None and not place.ledger.exists():
        return {**found, "is_running": True, "since": None, "trades": 0, "counts": []}
    with Reader(place.ledger) as reader:
        look = {**found, "is_running": True} if found is not None else _from_ledger(reader, symbol)
        return {**look, **_counted(reader, symbol, look)}


def _from_ledger(reader: Reader, symbol: Symbol) -> dict[str, Any]:
    operation = reader.operation()
    refusals = reader.refusals(symbol=symbol)
    newest = max((row.at for row in refusals), default=Millis(0))
    price_at, price = reader.prices().get(symbol, (None, None))
    held = [row for row in reader.open_brackets(symbol=symbol) if row.open_qty > 0]
    gate = next(reversed(reader.gates().values()), None)
    at = max(newest, price_at or 0, reader.last_at())
    return {
        "is_running": False,
        "at": documents.rfc3339(Millis(at)),
        "started_at": None,
        "state": operation.state_of(symbol),
        "holds": [
            {
                "state": hold.state,
                "cause": hold.cause,
                "since": documents.rfc3339(hold.since),
                "until": documents.rfc3339(hold.until),
                "needs_operator": hold.needs_operator,
                "detail": hold.detail,
                "symbol": hold.symbol,
            }
            for hold in operation.holds
            if hold.symbol in (None, symbol)
        ],
        "price": price,
        "price_age_s": None,
        "reading_age_s": None,
        "staleness": "",
        "stability": gate.stability if gate is not None else None,
        "is_floating": gate.is_floating if gate is not None else False,
        "clusters": [documents.cluster(row, price) for row in reader.clusters(symbol)],
        "refusals": [documents.refusal(row) for row in refusals if row.at >= newest - ONE_LOOK_MS],
        "signal": None,
        "position": documents.position(held[0], price) if held else None,
    }


def _by_strategy(row: Refusal) -> tuple[int, str, float]:
    return list(Strategy).index(row.strategy), row.position_side or "", row.cluster_level or 0.0


def _counted(reader: Reader, symbol: Symbol, look: dict[str, Any]) -> dict[str, Any]:
    """Since the start of the UTC day, or of the run where that was later."""
    at = tables.millis(look["at"])
    since = Millis(at - at % DAY_MS)
    if look["started_at"] is not None:
        since = max(since, tables.millis(look["started_at"]))
    counts: dict[Rule, int] = {}
    for row in reader.refusal_counts(symbol=symbol, since=since):
        counts[row.rule] = counts.get(row.rule, 0) + row.count
    brackets = [*reader.open_brackets(symbol=symbol), *reader.trades(symbol=symbol)]
    entered = [row for row in brackets if row.entered_qty and row.opened_at >= since]
    return {
        "since": documents.rfc3339(since),
        "trades": len(entered),
        "counts": [
            {"rule": rule, "count": count}
            for rule, count in sorted(counts.items(), key=lambda item: -item[1])
        ],
    }
