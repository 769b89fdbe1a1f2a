"""What has been seen of Binance's orders is remembered, and not for ever."""

from bot.model.primitives import ClientOrderId, VenueOrderId
from bot.venue.binanceusdm_memory import Memory, Recent
from bot.venue.decode.binanceusdm import Owner, order_of, stop_of
from tests.fakes.contracts import BTC, ETH
from tests.fakes.live_binance_rows import OURS, STOP, algo_row, order_row

CHILD = VenueOrderId("99")


def test_what_was_put_longest_ago_is_forgotten() -> None:
    recent: Recent[str, int] = Recent(2)
    for key in ("a", "b", "a", "c"):
        recent.put(key, 1)

    assert (1, None, 1) == (recent.get("a"), recent.get("b"), recent.get("c"))


def test_an_order_of_ours_gives_its_id_away() -> None:
    memory = Memory()
    memory.see(order_of(order_row(orderId=7), BTC))
    memory.see(order_of(order_row(orderId=8, clientOrderId="web_1"), BTC))

    assert Owner(OURS) == memory.owner(BTC, VenueOrderId("7"))
    assert memory.owner(BTC, VenueOrderId("8")) is None
    assert memory.owner(ETH, VenueOrderId("7")) is None


def test_a_stop_gives_away_what_it_has_sent() -> None:
    memory = Memory()
    stop = stop_of(algo_row(algoStatus="TRIGGERED", actualOrderId="99"), BTC)
    memory.see_stop(stop)

    assert Owner(STOP) == memory.owner(BTC, CHILD)
    assert stop.report == memory.parent(BTC, CHILD)
    assert stop.report == memory.own_stop(STOP)
    assert stop.report == memory.stop(stop.report.venue_id)


def test_a_stop_that_waits_has_no_child() -> None:
    memory = Memory()
    memory.see_stop(stop_of(algo_row(), BTC))

    assert memory.parent(BTC, CHILD) is None
    assert memory.own_stop(STOP) is not None
    assert memory.own_stop(ClientOrderId("other")) is None


def test_a_stranger_s_stop_has_a_stranger_s_child() -> None:
    memory = Memory()
    memory.see_stop(
        stop_of(algo_row(clientAlgoId="web_1", algoStatus="FINISHED", actualOrderId="99"), BTC)
    )

    assert Owner(None) == memory.owner(BTC, CHILD)
