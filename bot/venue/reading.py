"""The account read whole: newest answer wins, our probes left out, changed settings told.

It also keeps what the last reading knew, for whoever needs to know what is held.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from bot.gateway.failures import GatewayError
from bot.model.account import HoldCause, VenueSnapshot
from bot.model.events import AccountRead, Event, QueryFailed
from bot.model.instrument import Instrument
from bot.model.order import OrderKind, OrderStatus
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import ExchangeSettings
from bot.ports import Clock
from bot.venue.answers import careful
from bot.venue.api import Modes, PrivateApi
from bot.venue.probe import Probe
from bot.venue.setup import deviations, wanted_of
from bot.venue.trouble import Troubles

TOUCHED_MS: Final = 2_000
"""Fills of a write may be shown so late."""


class AccountReader:
    """Reads one account."""

    def __init__(
        self,
        *,
        api: PrivateApi,
        settings: ExchangeSettings,
        instruments: Mapping[Symbol, Instrument],
        clock: Clock,
        troubles: Troubles,
        probe: Probe,
    ) -> None:
        self.fills_since: Millis | None = None
        """As it was asked for last; None before the first reading."""
        self._api = api
        self._settings = settings
        self._instruments = instruments
        self._clock = clock
        self._troubles = troubles
        self._probe = probe
        self._touched: dict[Symbol, Millis] = {}
        """Until when a write on the symbol may still have led to fills that were not read."""
        self._asked = 0
        self._newest = 0
        self._snapshot: VenueSnapshot | None = None

    def touch(self, symbol: Symbol, until: Millis) -> None:
        """Something may happen on a symbol until then: its fills are read."""
        self._touched[symbol] = max(Millis(until + TOUCHED_MS), self._touched.get(symbol, until))

    async def read(self, fills_since: Millis) -> Event:
        """Read it; an answer that a newer one has overtaken is none."""
        self._asked += 1
        number, asked_at = self._asked, self._clock.now()
        self.fills_since = fills_since
        touched = sorted(self._touched)
        try:
            snapshot, modes = await careful(
                self._api.account(asked_at=asked_at, fills_since=fills_since, touched=touched)
            )
        except GatewayError as error:
            self._troubles.failed(error, is_write=False)
            return QueryFailed(at=self._clock.now(), client_id=None, reason=error.reason)
        self._troubles.answered(is_write=False)
        if number < self._newest:
            reason = "a newer answer came before it"
            return QueryFailed(at=self._clock.now(), client_id=None, reason=reason)
        self._newest = number
        self._touched = {name: until for name, until in self._touched.items() if until > asked_at}
        self._troubles.account_read()
        self._compare(modes)
        self._snapshot = self._without_probes(snapshot)
        return AccountRead(at=self._clock.now(), snapshot=self._snapshot)

    def is_read(self, symbol: Symbol) -> bool:
        """Whether the symbol's part of the account is known."""
        return self._snapshot is not None and symbol in self._snapshot.symbols

    def is_held(self, symbol: Symbol) -> bool:
        """Whether there is a position, or may be one since the last reading."""
        positions = self._snapshot.positions if self._snapshot is not None else ()
        return symbol in self._touched or any(row.symbol == symbol for row in positions if row.qty)

    def is_stopped(self, symbol: Symbol) -> bool:
        """Whether a stop of ours rests on a position: proof that stops are taken."""
        orders = self._snapshot.orders if self._snapshot is not None else ()
        return self.is_held(symbol) and any(
            row.symbol == symbol
            and row.kind is OrderKind.STOP_MARKET
            and row.status is OrderStatus.OPEN
            and row.is_reduce_only
            and row.client_id is not None
            for row in orders
        )

    def _without_probes(self, snapshot: VenueSnapshot) -> VenueSnapshot:
        own = [row for row in snapshot.orders if self._probe.owns(row.client_id)]
        self._probe.found(own)
        rest = tuple(row for row in snapshot.orders if row not in own)
        return replace(snapshot, orders=rest) if own else snapshot

    def _compare(self, modes: Modes) -> None:
        """Tell what somebody has changed in the account's settings, and what is right again."""
        found = deviations(modes, wanted_of(self._settings, self._instruments))
        for symbol in (None, *self._instruments):
            if symbol in found:
                self._troubles.remind(HoldCause.ACCOUNT_CHANGED, found[symbol], symbol)
            else:
                self._troubles.tell_over(HoldCause.ACCOUNT_CHANGED, symbol)
