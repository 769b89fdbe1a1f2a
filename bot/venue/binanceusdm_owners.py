"""Whose a trade is: found by the exchange's id of its order, the only name that a trade carries.

An order of ours tells its client id. The order that a stop has sent carries a name of the
exchange's making; it is recognized by the stop, which tells what it has sent. Both may be shown
later than the trade itself, and a trade booked as a stranger's cannot be called back: so a young
trade that could be a stop's is left for the next reading.
"""

from typing import Final

from bot.gateway.client import Client
from bot.gateway.connection import QUERY
from bot.gateway.failures import RefusedError, Verdict
from bot.model.order import OrderStatus
from bot.model.primitives import Millis, Side, Symbol, VenueOrderId
from bot.ports import Clock
from bot.venue.binanceusdm_memory import Memory
from bot.venue.decode.binanceusdm import Owner, Stop, order_of, owner_of, stops_of
from bot.venue.decode.fields import as_row, optional_text_of
from bot.venue.requests import binanceusdm as requests
from bot.venue.requests.binanceusdm import HISTORY_WINDOW_MS

YOUNG_MS: Final = 10_000
PLACED_BEFORE_MS: Final = HISTORY_WINDOW_MS
"""So long before it fires a stop may have been placed; our positions last days at most."""
_BY_THE_EXCHANGE: Final = ("autoclose-", "adl_autoclose", "settlement_autoclose-")


class OwnerSearch:
    """The search within one symbol, for the time of one reading."""

    def __init__(
        self, client: Client, symbol: Symbol, market_id: str, *, memory: Memory, clock: Clock
    ) -> None:
        self._client = client
        self._symbol = symbol
        self._market_id = market_id
        self._memory = memory
        self._clock = clock
        self._stops: list[Stop] = []
        self._stops_from = Millis(clock.now() + 1)
        """Stops placed from then on have been asked for."""

    async def find(self, order_id: VenueOrderId, traded_at: Millis) -> Owner | None:
        """Give the owner of an order; None where that cannot be said yet.

        Raises:
            GatewayError: a question was not answered.

        """
        known = self._memory.owner(self._symbol, order_id)
        if known is not None:
            return known
        is_young = self._clock.now() - traded_at < YOUNG_MS
        try:
            asked = requests.query_id(order_id, self._market_id)
            reply = await self._client.call(asked.route, asked.params, lane=QUERY)
        except RefusedError as error:
            if error.verdict is not Verdict.NOT_FOUND:
                raise
            return None if is_young else Owner(None)
        name = optional_text_of(as_row(reply, "order"), "clientOrderId")
        owner = owner_of(name)
        if owner.client_id is None and not name.startswith(_BY_THE_EXCHANGE):
            side = order_of(reply, self._symbol).side
            await self._look_for_stop(order_id, Millis(traded_at - PLACED_BEFORE_MS))
            found = self._memory.owner(self._symbol, order_id)
            if found is None and not (is_young and self._may_be_a_stops(side)):
                found = Owner(None)
            if found is None:
                return None
            owner = found
        self._memory.learn(self._symbol, order_id, owner)
        return owner

    async def _look_for_stop(self, order_id: VenueOrderId, placed_from: Millis) -> None:
        """Ask for stops, week by week back to that instant, until one tells that it sent this."""
        while self._memory.owner(self._symbol, order_id) is None and self._stops_from > placed_from:
            end_at = Millis(self._stops_from - 1)
            start_at = Millis(max(end_at - HISTORY_WINDOW_MS, 0))
            asked = requests.stops_since(self._market_id, start_at, end_at)
            reply = await self._client.call(asked.route, asked.params, lane=QUERY)
            for stop in stops_of(reply, {self._market_id: self._symbol}):
                self._memory.see_stop(stop)
                self._stops.append(stop)
            self._stops_from = start_at

    def _may_be_a_stops(self, side: Side) -> bool:
        """A stop of ours on that side has not told yet what it has sent, or that it is over."""
        return any(
            stop.report.client_id is not None
            and stop.report.side is side
            and stop.report.status is OrderStatus.OPEN
            and stop.child_id is None
            for stop in self._stops
        )
