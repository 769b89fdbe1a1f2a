"""Answers to the operator's questions: read from the state, or put as events into the inbox.

A command is answered once the state has changed, with the state as it is then; or, where that
takes longer than a person's patience, with the state as it still is.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from bot.core import risk, selector
from bot.core.levels import nearest_levels
from bot.core.state import State
from bot.core.strategies.base import View
from bot.errors import UsageError
from bot.model.account import HoldCause, OperatingState
from bot.model.events import Event, FlattenAsked, HoldAsked, ResumeAsked
from bot.model.primitives import Symbol
from bot.model.signal import Signal
from bot.ops import documents, status
from bot.ports import Clock, Emit

PATIENCE_S = 5.0
"""The longest an answer waits for the state to change, in seconds of this machine."""
LOOK_S = 0.02


class Answers:
    """The verbs that the control socket understands."""

    def __init__(
        self,
        state: State,
        clock: Clock,
        emit: Emit,
        *,
        account: str = "",
        trouble: Callable[[], str] = str,
    ) -> None:
        """`account` is whose books the ledger keeps, in words.

        `trouble` gives the sentence of a ledger that cannot be written now, else nothing.
        """
        self._account = account
        self._state = state
        self._trouble = trouble
        self._clock = clock
        self._emit = emit
        self._started_at = clock.now()

    async def answer(self, request: dict[str, Any]) -> Any:
        """Answer one request. Raises UsageError for what is no verb."""
        verb = request.get("verb")
        at, reason = self._clock.now(), str(request.get("reason", ""))
        match verb:
            case "status":
                return self._status()
            case "look":
                return self._look(str(request.get("symbol", "")))
            case "hold":
                return await self._order(HoldAsked(at=at, reason=reason), self._is_held)
            case "resume":
                return await self._order(ResumeAsked(at=at), self._is_resumed)
            case "flatten":
                before = self._state.operation
                event = FlattenAsked(at=at, reason=reason)
                return await self._order(event, lambda: self._state.operation is not before)
            case "flat":
                await self._wait(self._is_flat)
                return self._status()
            case _:
                raise UsageError(f"{verb!r} is no verb.", where="control socket")

    async def _order(self, event: Event, is_done: Callable[[], bool]) -> Any:
        self._emit(event)
        await self._wait(is_done)
        return self._status()

    async def _wait(self, is_done: Callable[[], bool]) -> None:
        for _ in range(round(PATIENCE_S / LOOK_S)):
            if is_done():
                return
            await asyncio.sleep(LOOK_S)

    def _is_held(self) -> bool:
        return any(hold.cause is HoldCause.OPERATOR for hold in self._state.operation.holds)

    def _is_resumed(self) -> bool:
        return not any(hold.needs_operator for hold in self._state.operation.holds)

    def _is_flat(self) -> bool:
        is_closing = self._state.operation.state is OperatingState.FLATTEN
        return not is_closing and not status.open_brackets(self._state)

    def _status(self) -> dict[str, Any]:
        return status.document(
            self._state,
            self._clock,
            started_at=self._started_at,
            account=self._account,
            trouble=self._trouble(),
        )

    def _look(self, name: str) -> dict[str, Any]:
        """How the strategies see a symbol at this moment, with every refusal."""
        state, symbol = self._state, Symbol(name)
        if symbol not in state.symbols:
            raise UsageError(f"{name} is not traded here.", remedy="See symbols in config.yaml.")
        at = self._clock.now()
        view = selector.view_of(state, symbol, at)
        selection = selector.select(view)
        row = state.symbols[symbol]
        gate = state.gate.gate
        mark = row.price.mark if row.price is not None else None
        held = [bracket for bracket in status.open_brackets(state) if bracket.symbol == symbol]
        return {
            "at": documents.rfc3339(at),
            "started_at": documents.rfc3339(self._started_at),
            "state": state.operation.state_of(symbol),
            "holds": [
                status.hold_document(hold)
                for hold in state.operation.holds
                if hold.symbol in (None, symbol)
            ],
            "price": mark,
            "price_age_s": (at - row.price.at) / 1000 if row.price is not None else None,
            "spread_pct": view.spread_pct if mark is not None else None,
            "reading_age_s": view.reading_age_s,
            "staleness": "" if view.is_fresh else row.tracker.staleness(at),
            "coverage": row.tracker.coverage,
            "stability": gate.stability,
            "is_floating": gate.is_floating,
            "clusters": [documents.cluster(cluster, mark) for cluster in view.clusters],
            "tradable": sorted(view.tradable),
            "levels": _levels(view, mark),
            "refusals": [documents.refusal(refusal) for refusal in selection.refusals],
            "signal": self._verdict(selection.signal),
            "position": status.position_document(state, held[0]) if held else None,
        }

    def _verdict(self, signal: Signal | None) -> dict[str, Any] | None:
        """The signal that leads now, with what the risk gate says of it."""
        if signal is None:
            return None
        verdict = risk.approve(self._state, signal, self._clock.now())
        denied = verdict.refusal if isinstance(verdict, risk.Denied) else None
        return documents.signal(signal, is_used=denied is None, denied=denied)


def _levels(view: View, mark: float | None) -> dict[str, list[float]]:
    if mark is None:
        return {"support": [], "resistance": []}
    found = nearest_levels(view.clusters, mark, view.common)
    return {"support": list(found.support), "resistance": list(found.resistance)}
