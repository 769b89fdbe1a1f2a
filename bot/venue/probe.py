"""Whether the exchange takes a stop: a small one far away is placed and canceled at once.

Binance moved its stops to another service in December 2025 (-4120): a bot that found out with a
position open had none. Until the proof is there, and while it is refused, nothing is opened.
"""

import asyncio
from collections.abc import Callable, Iterable
from decimal import Decimal
from enum import StrEnum
from typing import Final

import structlog

from bot.core import ids
from bot.gateway.connection import CANCEL, ENTRY
from bot.gateway.failures import GatewayError, RefusedError, Verdict
from bot.model.account import HoldCause
from bot.model.instrument import Instrument, display_symbol
from bot.model.order import Leg, OrderKind, OrderReport, OrderRequest
from bot.model.primitives import BracketId, ClientOrderId, Millis, Qty, Side, Symbol
from bot.model.settings import OrderSettings
from bot.ports import Clock
from bot.venue.answers import careful, is_unread
from bot.venue.api import PrivateApi
from bot.venue.trouble import Troubles
from bot.venue.writes import Writes

DAY_S: Final = 86_400.0
AGAIN_S: Final = 300.0
"""After a probe that did not pass."""
DENIED_S: Final = 10.0
"""The same while the key is refused for orders: nothing else would find out that it is not."""
WAIT_S: Final = 0.5
"""Between two looks at whether a probe can begin, and two tries within one."""
TRIES_MAX: Final = 20
AWAY: Final = (Decimal("0.5"), Decimal("0.9"))
"""Triggers as a share of the mark; the nearer one where the far one is refused for its price."""
NOTHING_TO_REDUCE_CODES: Final = frozenset({"-2022", "-4118", "110017"})
"""Refusals that judge the order as a stop, and find no position: the service is there."""
MISSING_MIN: Final = 3
"""Answers that there is no such order, after it could no longer arrive."""
KEPT_HOURS: Final = 8 * 24
"""A probe that a crash has left behind is known for so long."""
_HOUR_MS: Final = 3_600_000

log = structlog.get_logger()


class _Outcome(StrEnum):
    PASSED = "passed"
    REFUSED = "refused"
    AGAIN = "again"
    """Not judged: turned away unread, or proved not to have arrived."""


class Probe:
    """Knows on which symbols a stop can be placed, and which orders are its own."""

    def __init__(
        self,
        *,
        api: PrivateApi,
        instruments: dict[Symbol, Instrument],
        clock: Clock,
        orders: OrderSettings,
        troubles: Troubles,
        base_ids: Callable[[Symbol], ClientOrderId],
        mark_of: Callable[[Symbol], float | None],
        writes: Writes,
    ) -> None:
        """`base_ids` names the instance and the symbol; each hour's probe has an id of its own."""
        self._api = api
        self._instruments = instruments
        self._clock = clock
        self._window_ms = int(orders.receive_window_s * 1000)
        self._skew_ms = int(orders.clock_skew_max_s * 1000)
        self._troubles = troubles
        self._base_ids = base_ids
        self._mark_of = mark_of
        self._writes = writes
        self._proved: set[Symbol] = set()
        self._own: dict[ClientOrderId, int] = {}
        """By hour."""
        self._under_way: set[ClientOrderId] = set()
        self._left: dict[ClientOrderId, Symbol] = {}
        self._has_left = asyncio.Event()
        self._why: dict[Symbol, str] = {}

    def is_proved(self, symbol: Symbol) -> bool:
        """Whether the last probe of a symbol has passed."""
        return symbol in self._proved

    def owns(self, client_id: ClientOrderId | None) -> bool:
        """Whether an order is a probe, of this run or of one before."""
        return client_id is not None and client_id in self._known()

    def found(self, reports: Iterable[OrderReport]) -> None:
        """Probes that rest at the exchange: the one under way is seen to, others are canceled."""
        for report in reports:
            name = report.client_id
            if name is not None and name not in self._under_way and self.owns(name):
                self._leave(name, report.symbol)

    async def run(
        self, is_ready: Callable[[Symbol], bool], is_stopped: Callable[[Symbol], bool]
    ) -> None:
        """Probe every symbol now and daily, until canceled.

        `is_ready`: the account has been read; `is_stopped`: a stop of ours rests on a position,
        which is proof enough.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sweep())
            for symbol in self._instruments:
                group.create_task(self._watch(symbol, is_ready, is_stopped))

    # --- inside

    async def _watch(
        self,
        symbol: Symbol,
        is_ready: Callable[[Symbol], bool],
        is_stopped: Callable[[Symbol], bool],
    ) -> None:
        while True:
            while not is_ready(symbol) or self._mark_of(symbol) is None:
                await self._clock.sleep(WAIT_S)
            if is_stopped(symbol) or await self._probe(symbol):
                self._proved.add(symbol)
                self._troubles.tell_over(HoldCause.STOPS_REFUSED, symbol)
                await self._rest(DAY_S)
                continue
            self._proved.discard(symbol)
            detail = f"a stop cannot be placed on {display_symbol(symbol)}: {self._why[symbol]}"
            self._troubles.tell(HoldCause.STOPS_REFUSED, detail, symbol)
            await self._rest(AGAIN_S)

    async def _rest(self, seconds: float) -> None:
        """Sleep, but not on while the key is refused."""
        end = self._clock.now() + seconds * 1000
        while (now := self._clock.now()) < end:
            await self._clock.sleep(min(DENIED_S, (end - now) / 1000))
            if self._troubles.is_write_denied:
                return

    async def _probe(self, symbol: Symbol) -> bool:
        """Place and cancel; False with `_why` where it cannot be."""
        away = list(AWAY)
        for _ in range(TRIES_MAX):
            request = self._request(symbol, away[0])
            if request is None:
                return False
            # A probe that was placed is canceled, also where the bot stops in between.
            outcome = await self._writes.shielded(self._try(request))
            if outcome is _Outcome.PASSED:
                return True
            if outcome is _Outcome.REFUSED and len(away) == 1:
                return False
            if outcome is _Outcome.REFUSED:
                away.pop(0)
            await self._clock.sleep(WAIT_S)
        return False

    async def _try(self, request: OrderRequest) -> _Outcome:
        name = request.client_id
        self._under_way.add(name)
        window_ms = request.valid_until - self._clock.now()
        try:
            await careful(
                self._api.place(request, stop_loss_price=None, lane=ENTRY, window_ms=window_ms)
            )
        except GatewayError as error:
            return await self._judge(request, error)
        else:
            self._troubles.answered(is_write=True)
            await self._remove(request.symbol, name, settled_at=Millis(0))
            return _Outcome.PASSED
        finally:
            self._under_way.discard(name)

    async def _judge(self, request: OrderRequest, error: GatewayError) -> _Outcome:
        self._troubles.failed(error, is_write=True)
        symbol, name = request.symbol, request.client_id
        self._why[symbol] = error.reason
        if is_unread(error):
            return _Outcome.AGAIN
        if isinstance(error, RefusedError):
            if error.code in NOTHING_TO_REDUCE_CODES:
                return _Outcome.PASSED
            if error.verdict is Verdict.DUPLICATE:
                # A stop of this name was taken within the hour.
                await self._remove(symbol, name, settled_at=Millis(0))
                return _Outcome.PASSED
            if error.verdict is not Verdict.UNKNOWN:
                return _Outcome.REFUSED
        # Nobody knows: nothing is opened until it is found or proved not to be there.
        self._proved.discard(symbol)
        detail = f"it is not known whether a stop was placed on {display_symbol(symbol)}"
        self._troubles.tell(HoldCause.STOPS_REFUSED, f"{detail}: {error.reason}", symbol)
        settled_at = Millis(request.valid_until + self._skew_ms)
        was_there = await self._remove(symbol, name, settled_at=settled_at)
        return _Outcome.PASSED if was_there else _Outcome.AGAIN

    async def _remove(self, symbol: Symbol, name: ClientOrderId, *, settled_at: Millis) -> bool:
        """Cancel until it is gone; whether it was there.

        `settled_at`: from then on it can no longer arrive; "no such order" counts only after.
        """
        missing = 0
        for _ in range(TRIES_MAX):
            asked_at = self._clock.now()
            try:
                report = await careful(self._api.cancel(symbol, name, is_trigger=True, lane=CANCEL))
            except GatewayError as error:
                self._troubles.failed(error, is_write=True)
            else:
                self._troubles.answered(is_write=True)
                if report is not None:
                    return True
                missing += asked_at > settled_at
                if missing == MISSING_MIN:
                    return False
            await self._clock.sleep(WAIT_S)
        text = f"The probe {name} on {symbol} could not be canceled; it is tried again."
        log.warning("probe.left", text=text)
        self._leave(name, symbol)
        return False

    def _leave(self, name: ClientOrderId, symbol: Symbol) -> None:
        self._left[name] = symbol
        self._has_left.set()

    async def _sweep(self) -> None:
        """Cancel what was left behind; it sleeps while nothing is."""
        while True:
            await self._has_left.wait()
            await self._clock.sleep(WAIT_S)
            self._has_left.clear()
            left, self._left = self._left, {}
            for name, symbol in left.items():
                await self._remove(symbol, name, settled_at=Millis(0))

    def _request(self, symbol: Symbol, away: Decimal) -> OrderRequest | None:
        mark = self._mark_of(symbol)
        if mark is None:
            self._why[symbol] = "its price is not known"
            return None
        instrument = self._instruments[symbol]
        trigger = instrument.price_down(Decimal(repr(mark)) * away)
        if trigger <= 0:
            self._why[symbol] = "its price is too small for its tick"
            return None
        now = self._clock.now()
        return OrderRequest(
            client_id=self._name(symbol, now // _HOUR_MS),
            symbol=symbol,
            bracket_id=BracketId("probe"),
            leg=Leg.STOP,
            attempt=1,
            side=Side.SELL,
            kind=OrderKind.STOP_MARKET,
            qty=_smallest(instrument, trigger),
            trigger_price=trigger,
            is_reduce_only=True,
            valid_until=Millis(now + self._window_ms),
        )

    def _name(self, symbol: Symbol, hour: int) -> ClientOrderId:
        return ClientOrderId(ids.derive("probe", self._base_ids(symbol), str(hour)))

    def _known(self) -> dict[ClientOrderId, int]:
        """The names of the last days' probes."""
        this_hour = self._clock.now() // _HOUR_MS
        newest = max(self._own.values(), default=this_hour - KEPT_HOURS)
        for hour in range(newest + 1, this_hour + 1):
            self._own.update({self._name(symbol, hour): hour for symbol in self._instruments})
        if newest < this_hour:
            oldest = this_hour - KEPT_HOURS
            self._own = {name: hour for name, hour in self._own.items() if hour > oldest}
        return self._own


def _smallest(instrument: Instrument, price: Decimal) -> Qty:
    """The smallest quantity that the exchange takes at a price."""
    raw = max(instrument.qty_min, instrument.notional_min_usd / price)
    lots = instrument.qty_down(raw)
    return lots if lots >= raw else Qty(lots + instrument.lot_size)
