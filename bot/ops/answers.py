"""Answers to the operator's questions: read from the state, or put as events into the inbox."""

from typing import Any

import msgspec

from bot.core import selector
from bot.core.state import State
from bot.errors import UsageError
from bot.model.events import FlattenAsked, HoldAsked, ResumeAsked
from bot.model.primitives import Symbol
from bot.ops import status
from bot.ports import Clock, Emit


class Answers:
    """The verbs that the control socket understands."""

    def __init__(self, state: State, clock: Clock, emit: Emit) -> None:
        self._state = state
        self._clock = clock
        self._emit = emit
        self._started_at = clock.now()

    async def answer(self, request: dict[str, Any]) -> Any:
        """Answer one request. Raises UsageError for what is no verb."""
        verb = request.get("verb")
        at, reason = self._clock.now(), str(request.get("reason", ""))
        match verb:
            case "status":
                return status.document(self._state, self._clock, started_at=self._started_at)
            case "look":
                return self._look(str(request.get("symbol", "")))
            case "hold":
                self._emit(HoldAsked(at=at, reason=reason))
            case "resume":
                self._emit(ResumeAsked(at=at))
            case "flatten":
                self._emit(FlattenAsked(at=at, reason=reason))
            case _:
                raise UsageError(f"{verb!r} is no verb.", where="control socket")
        return {"at": status.rfc3339(at), "verb": verb}

    def _look(self, name: str) -> dict[str, Any]:
        """How the strategies see a symbol at this moment, with every refusal."""
        state, symbol = self._state, Symbol(name)
        if symbol not in state.symbols:
            raise UsageError(f"{name} is not traded here.", remedy="See symbols in config.yaml.")
        at = self._clock.now()
        view = selector.view_of(state, symbol, at)
        selection = selector.select(view)
        row = state.symbols[symbol]
        return {
            "at": status.rfc3339(at),
            "price": row.price.mark if row.price is not None else None,
            "price_age_s": (at - row.price.at) / 1000 if row.price is not None else None,
            "reading_age_s": view.reading_age_s,
            "staleness": row.tracker.staleness(at),
            "clusters": msgspec.to_builtins(list(view.clusters)),
            "tradable": sorted(view.tradable),
            "refusals": msgspec.to_builtins(list(selection.refusals)),
            "signal": msgspec.to_builtins(selection.signal),
            "spread_pct": view.spread_pct,
            "coverage": row.tracker.coverage,
        }
