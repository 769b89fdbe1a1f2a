"""Under which stop of ours a fill of the carried one is booked."""

from typing import Any

import msgspec

from bot.model.order import OrderKind, OrderReport
from bot.model.primitives import ClientOrderId, Side
from bot.venue.bybit_stops import OwnStops
from bot.venue.decode import bybit as decode
from bot.venue.decode.bybit_rows import OrderRow
from tests.fakes.live_bybit import BTC, ETH, IDS, order_row, request, stop_request


def listed(**fields: Any) -> OrderReport:
    base = {"stopOrderType": "Stop", "orderStatus": "Untriggered", "reduceOnly": True}
    row = order_row(**{**base, "side": "Sell", "orderLinkId": "old1", **fields})
    report = decode.report(
        msgspec.convert(row, OrderRow), {market_id: symbol for symbol, market_id in IDS.items()}
    )
    assert report is not None
    return report


def test_a_stop_stands_for_its_side_of_its_symbol() -> None:
    stops = OwnStops()
    stops.placed(stop_request())

    assert ClientOrderId("stop1") == stops.of(BTC, Side.SELL)
    assert stops.of(BTC, Side.BUY) is None
    assert stops.of(ETH, Side.SELL) is None


def test_the_newest_stop_is_the_one() -> None:
    stops = OwnStops()
    stops.placed(stop_request())
    stops.placed(stop_request(client_id=ClientOrderId("stop2")))

    assert ClientOrderId("stop2") == stops.of(BTC, Side.SELL)


def test_an_entry_ends_what_was_known() -> None:
    stops = OwnStops()
    stops.placed(stop_request())
    stops.placed(request())

    assert stops.of(BTC, Side.SELL) is None


def test_an_exit_or_a_target_ends_nothing() -> None:
    stops = OwnStops()
    stops.placed(stop_request())
    stops.placed(request(side=Side.SELL, is_reduce_only=True, kind=OrderKind.MARKET))

    assert ClientOrderId("stop1") == stops.of(BTC, Side.SELL)


def test_a_stop_that_was_refused_stands_for_nothing() -> None:
    stops = OwnStops()
    first, second = stop_request(), stop_request(client_id=ClientOrderId("stop2"))
    stops.placed(first)
    stops.placed(second)
    stops.placed(second)
    stops.refused(second)
    before = stops.of(BTC, Side.SELL)
    stops.refused(first)

    assert ClientOrderId("stop1") == before
    assert stops.of(BTC, Side.SELL) is None


def test_a_refusal_of_an_older_one_changes_nothing() -> None:
    stops = OwnStops()
    first, second = stop_request(), stop_request(client_id=ClientOrderId("stop2"))
    stops.placed(first)
    stops.placed(second)
    stops.refused(first)

    assert ClientOrderId("stop2") == stops.of(BTC, Side.SELL)


def test_after_a_restart_the_list_tells_it() -> None:
    stops = OwnStops()
    stops.listed(listed())

    assert ClientOrderId("old1") == stops.of(BTC, Side.SELL)


def test_what_was_placed_goes_before_what_is_listed() -> None:
    stops = OwnStops()
    stops.placed(stop_request())
    stops.listed(listed())

    assert ClientOrderId("stop1") == stops.of(BTC, Side.SELL)


def test_only_a_working_stop_of_ours_counts() -> None:
    stops = OwnStops()
    for fields in (
        {"orderLinkId": ""},
        {"reduceOnly": False},
        {"orderStatus": "Deactivated"},
        {"stopOrderType": ""},
    ):
        stops.listed(listed(**fields))

    assert stops.of(BTC, Side.SELL) is None
