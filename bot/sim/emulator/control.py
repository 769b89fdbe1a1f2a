"""Routes beside the exchange's own: what the emulator's books say, and what may befall them.

    GET  /_emulator/state
    POST /_emulator/VERB   {"word": value, ...}

For rehearsals and tests. Every request needs the token of this run in `X-Emulator-Token`, which no
web page knows; verbs answer `{"at": ..., "version": ...}`, refusals `{"error": "a sentence"}`.
"""

import hmac
from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final, Protocol

import msgspec
from aiohttp import web

from bot.model.events import MarketHalted
from bot.model.instrument import unified_symbol
from bot.model.primitives import Millis, PositionSide, Side, Symbol
from bot.ports import Clock
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import Faults, FaultSettings, Kind, Ordered
from bot.sim.emulator.state import Origin, Why

PREFIX: Final = "/_emulator"
TOKEN_HEADER: Final = "X-Emulator-Token"  # noqa: S105  (a header's name)


class Right(StrEnum):
    """What may be true of an API key."""

    REVOKED = "revoked"
    READ_ONLY = "read_only"
    WITHDRAW = "withdraw"


class Words(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that a verb may be told; each verb reads its own words."""

    symbol: str = ""
    side: Side = Side.BUY
    qty: Decimal | None = None
    """None: all that is held."""
    client_id: str = ""
    leverage: int = 1
    mode: str = "isolated"
    is_hedge: bool = False
    why: Why = Why.NO_MARGIN
    conditional: bool | None = None
    times: int = 1
    kind: Kind = Kind.LOST_REPLY
    method: str = ""
    path: str = ""
    is_done: bool | None = None
    is_on: bool | None = None
    settings: FaultSettings | None = None
    ms: int = 0
    usd: Decimal | None = None
    is_halted: bool = True
    mark: float = 0.0
    is_reduce_only: bool = False
    right: Right | None = None


class Movable(Protocol):
    """A market whose prices are set and do not move by themselves."""

    def move(self, symbol: Symbol, mark: float) -> None:
        """Have the mark of a symbol be somewhere else, at once."""
        ...


class AnyKey(Protocol):
    """An API key of either exchange."""

    def set_right(self, right: str, *, is_on: bool) -> None:
        """Change what is true of it: a word of Right."""
        ...


class RefusalError(Exception):
    """A verb that makes no sense now; one sentence."""


class Control:
    """The control routes of one emulator."""

    def __init__(
        self,
        *,
        exchange: str,
        core: Emulator,
        faults: Faults,
        clock: Clock,
        token: str,
        after: Callable[[], None],
        count: Callable[[], int],
        market: Movable | None = None,
        key: AnyKey,
    ) -> None:
        """`after` tells what a verb made happen; `count` is how many requests arrived."""
        self._exchange = exchange
        self._core = core
        self._faults = faults
        self._clock = clock
        self._token = token
        self._after = after
        self._count = count
        self._market = market
        self._key = key

    def add_to(self, app: web.Application) -> None:
        """Answer below `/_emulator/`."""
        app.router.add_get(PREFIX + "/state", self._state)
        app.router.add_post(PREFIX + "/{verb}", self._do)
        app.router.add_route("*", PREFIX + "/{rest:.*}", _nothing)

    # --- reading

    async def _state(self, request: web.Request) -> web.Response:
        self._check(request)
        return _json(self.state())

    def state(self) -> dict[str, Any]:
        """All that a ledger can be compared with; orders are those that still work."""
        core, faults = self._core, self._faults
        return {
            "at": self._clock.now(),
            "exchange": self._exchange,
            "version": core.version,
            "requests": self._count(),
            "balance_usd": core.balance_usd,
            "available_usd": core.available_usd(),
            "holdings": list(core.holdings.values()),
            "orders": [order for order in core.orders.values() if order.is_working],
            "orders_ever": len(core.orders),
            "trades": core.trades,
            "incomes": core.incomes,
            "leverages": core.leverages,
            "margin_modes": core.margin_modes,
            "is_hedge": core.is_hedge,
            "prices": {symbol: price.mark for symbol, price in core.prices.items()},
            "faults": {"is_on": faults.is_on, "counts": faults.counts, "ordered": faults.ordered},
        }

    # --- acting

    async def _do(self, request: web.Request) -> web.Response:
        self._check(request)
        verb = request.match_info["verb"]
        act = {
            "close-position": self._close,
            "adl": self._deleverage,
            "trade": self._trade,
            "cancel-order": self._cancel,
            "set-leverage": self._set_leverage,
            "set-margin-mode": self._set_margin_mode,
            "set-hedge": self._set_hedge,
            "set-key": self._set_key,
            "set-reduce-only": self._set_reduce_only,
            "refuse-next": self._refuse_next,
            "refuse-next-trigger": self._refuse_next_trigger,
            "fault-next": self._fault_next,
            "faults": self._set_faults,
            "shows-after": self._show_after,
            "fill-at-most": self._fill_at_most,
            "halt": self._halt,
            "move": self._move,
        }.get(verb)
        if act is None:
            return _refused(f"{verb!r} is not a verb of the emulator.", status=404)
        try:
            words = msgspec.json.decode(await request.read() or b"{}", type=Words)
            act(words, self._clock.now())
        except (msgspec.MsgspecError, ValueError) as error:
            return _refused(f"The words of {verb} are not understood: {error}.", status=422)
        except RefusalError as refusal:
            return _refused(str(refusal), status=409)
        self._after()
        return _json({"at": self._clock.now(), "version": self._core.version})

    def _close(self, words: Words, at: Millis) -> None:
        self._reduce(words, at, Origin.MANUAL)

    def _deleverage(self, words: Words, at: Millis) -> None:
        self._reduce(words, at, Origin.ADL)

    def _reduce(self, words: Words, at: Millis, origin: Origin) -> None:
        symbol = self._symbol(words)
        held = self._core.holdings.get(symbol)
        if held is None:
            raise RefusalError(f"Nothing is held on {words.symbol}.")
        side = (PositionSide.LONG if held.qty > 0 else PositionSide.SHORT).exit_side
        qty = min(abs(held.qty), words.qty or abs(held.qty))
        self._core.trade_by_hand(symbol, side, qty, at, origin=origin)

    def _trade(self, words: Words, at: Millis) -> None:
        if words.qty is None or words.qty <= 0:
            raise RefusalError("A trade by hand needs a qty above 0.")
        self._core.trade_by_hand(self._symbol(words), words.side, words.qty, at)

    def _cancel(self, words: Words, at: Millis) -> None:
        before = self._core.version
        self._core.cancel_by_hand(words.client_id, at)
        if self._core.version == before:
            raise RefusalError(f"No open order is called {words.client_id!r}.")

    def _set_leverage(self, words: Words, at: Millis) -> None:
        _hold(self._core.set_leverage(self._symbol(words), words.leverage, at))

    def _set_margin_mode(self, words: Words, at: Millis) -> None:
        if words.mode not in ("isolated", "cross"):
            raise RefusalError(f"{words.mode!r} is no margin mode: isolated or cross.")
        _hold(self._core.set_margin_mode(self._symbol(words), words.mode, at))

    def _set_hedge(self, words: Words, at: Millis) -> None:
        del at
        _hold(self._core.set_hedge(is_hedge=words.is_hedge))

    def _set_key(self, words: Words, at: Millis) -> None:
        del at
        if words.right is None:
            raise RefusalError(f"A key's right is one of: {', '.join(Right)}.")
        self._key.set_right(words.right, is_on=words.is_on is not False)

    def _set_reduce_only(self, words: Words, at: Millis) -> None:
        del at
        self._core.is_reduce_only_mode = words.is_reduce_only

    def _refuse_next(self, words: Words, at: Millis) -> None:
        del at
        self._core.refuse_next(words.why, conditional=words.conditional, times=words.times)

    def _refuse_next_trigger(self, words: Words, at: Millis) -> None:
        del at
        self._core.refuse_next_trigger(words.why, times=words.times)

    def _fault_next(self, words: Words, at: Millis) -> None:
        del at
        ordered = Ordered(
            kind=words.kind,
            method=words.method.upper(),
            path=words.path,
            times=words.times,
            is_done=words.is_done,
        )
        self._faults.ordered.append(ordered)

    def _set_faults(self, words: Words, at: Millis) -> None:
        del at
        if words.settings is not None:
            self._faults.settings = words.settings
        if words.is_on is not None:
            self._faults.is_on = words.is_on

    def _show_after(self, words: Words, at: Millis) -> None:
        del at
        self._core.shows_after_ms = words.ms

    def _fill_at_most(self, words: Words, at: Millis) -> None:
        del at
        self._core.partial_usd = words.usd

    def _halt(self, words: Words, at: Millis) -> None:
        symbol = self._symbol(words)
        self._core.on_market(MarketHalted(at=at, symbol=symbol, is_halted=words.is_halted))

    def _move(self, words: Words, at: Millis) -> None:
        del at
        if self._market is None:
            raise RefusalError("Prices move by themselves here: start the emulator with --still.")
        if not 0 < words.mark < float("inf"):
            raise RefusalError(f"{words.mark} is no price.")
        self._market.move(self._symbol(words), words.mark)

    def _symbol(self, words: Words) -> Symbol:
        symbol = unified_symbol(words.symbol)
        if symbol not in self._core.instruments:
            raise RefusalError(f"{words.symbol!r} is not listed here.")
        return symbol

    def _check(self, request: web.Request) -> None:
        token = request.headers.get(TOKEN_HEADER, "")
        if not hmac.compare_digest(token.encode(), self._token.encode()):
            text = msgspec.json.encode({"error": f"The header {TOKEN_HEADER} is wrong."}).decode()
            raise web.HTTPForbidden(text=text, content_type="application/json")


def _hold(why: Why | None) -> None:
    if why is not None:
        raise RefusalError(f"The exchange refuses: {why}.")


async def _nothing(request: web.Request) -> web.Response:
    del request
    return _refused("Nothing is here: GET state, or POST a verb.", status=404)


def _refused(sentence: str, *, status: int) -> web.Response:
    return _json({"error": sentence}, status=status)


def _json(value: object, *, status: int = 200) -> web.Response:
    body = msgspec.json.encode(value)
    return web.Response(body=body, status=status, content_type="application/json")
