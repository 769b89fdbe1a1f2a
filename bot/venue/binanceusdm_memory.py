"""Whose Binance's orders are, as far as this process has seen.

Trades name their order by the exchange's id alone, and the order that a stop sends when it fires
has a client id that nobody has chosen. So ids are kept as they are met. Everything is bounded:
what has been forgotten is asked for again.
"""

from typing import Final, Generic, TypeVar

from bot.model.order import OrderReport
from bot.model.primitives import ClientOrderId, Symbol, VenueOrderId
from bot.venue.decode.binanceusdm import Owner, Stop

K = TypeVar("K")
V = TypeVar("V")
KEPT_MAX: Final = 5_000


class Recent(Generic[K, V]):
    """A dict that forgets what was put longest ago."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._rows: dict[K, V] = {}
        self._kept_max = kept_max

    def put(self, key: K, value: V) -> None:
        """Keep it, as the newest."""
        self._rows.pop(key, None)
        self._rows[key] = value
        if len(self._rows) > self._kept_max:
            del self._rows[next(iter(self._rows))]

    def get(self, key: K) -> V | None:
        """Give what is kept."""
        return self._rows.get(key)


class Memory:
    """Owners of ordinary orders, and the conditional orders that were seen."""

    def __init__(self) -> None:
        self._owners: Recent[tuple[Symbol, VenueOrderId], Owner] = Recent()
        self._parents: Recent[tuple[Symbol, VenueOrderId], OrderReport] = Recent()
        self._stops: Recent[VenueOrderId, OrderReport] = Recent()
        self._stop_ids: Recent[ClientOrderId, VenueOrderId] = Recent()

    def owner(self, symbol: Symbol, order_id: VenueOrderId) -> Owner | None:
        """Whose an ordinary order is; None where it is not known."""
        return self._owners.get((symbol, order_id))

    def learn(self, symbol: Symbol, order_id: VenueOrderId, owner: Owner) -> None:
        """Keep whose an ordinary order is."""
        self._owners.put((symbol, order_id), owner)

    def see(self, report: OrderReport) -> None:
        """An ordinary order was told of: its id belongs to its client id, if that is ours."""
        if report.client_id is not None:
            self.learn(report.symbol, report.venue_id, Owner(report.client_id))

    def see_stop(self, stop: Stop) -> None:
        """Keep a conditional order that was told of, and what it has sent."""
        report = stop.report
        self._stops.put(report.venue_id, report)
        if report.client_id is not None:
            self._stop_ids.put(report.client_id, report.venue_id)
        if stop.child_id is not None:
            self._parents.put((report.symbol, stop.child_id), report)
            self.learn(report.symbol, stop.child_id, Owner(report.client_id))

    def parent(self, symbol: Symbol, order_id: VenueOrderId) -> OrderReport | None:
        """The conditional order that has sent this ordinary one."""
        return self._parents.get((symbol, order_id))

    def stop(self, venue_id: VenueOrderId) -> OrderReport | None:
        """A conditional order by the exchange's id, as it was seen last."""
        return self._stops.get(venue_id)

    def own_stop(self, client_id: ClientOrderId) -> OrderReport | None:
        """A conditional order by our id, as it was seen last."""
        venue_id = self._stop_ids.get(client_id)
        return self._stops.get(venue_id) if venue_id is not None else None
