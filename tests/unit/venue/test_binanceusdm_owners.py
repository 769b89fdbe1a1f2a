"""Whose a trade is: ours, a stop's, the exchange's, a stranger's, or not known yet."""

from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.gateway.time import ExchangeClock
from bot.model.primitives import Millis, VenueOrderId
from bot.venue.binanceusdm import BinanceApi
from bot.venue.binanceusdm_memory import Memory
from bot.venue.binanceusdm_owners import YOUNG_MS, OwnerSearch
from bot.venue.decode.binanceusdm import Owner
from tests.fakes.contracts import BTC, NOON
from tests.fakes.live_binance import Desk, answering, failing, refusing, use
from tests.fakes.live_binance_rows import OURS, STOP, algo_row, order_row

ORDER = "GET /fapi/v1/order"
STOPS = "GET /fapi/v1/allAlgoOrders"
ID = VenueOrderId("99")
CHILD = order_row(orderId=99, clientOrderId="x-child", type="MARKET", side="SELL", status="FILLED")
OLD = Millis(NOON - YOUNG_MS)
YOUNG = Millis(NOON)


def found(desk: Desk, traded_at: Millis = OLD, memory: Memory | None = None) -> Owner | None:
    async def work(api: BinanceApi, clock: ExchangeClock) -> Owner | None:
        search = OwnerSearch(api._client, BTC, "BTCUSDT", memory=memory or Memory(), clock=clock)
        return await search.find(ID, traded_at)

    return use(desk, work)


def desk_with(order: Any, *stops: Any) -> Desk:
    desk = Desk()
    desk.answers[ORDER] = answering(order)
    desk.answers[STOPS] = answering(list(stops))
    return desk


def test_what_was_seen_is_not_asked_for() -> None:
    memory = Memory()
    memory.learn(BTC, ID, Owner(OURS))
    desk = Desk()

    assert Owner(OURS) == found(desk, memory=memory)
    assert [] == desk.sent


def test_an_order_of_ours_tells_its_name() -> None:
    desk = desk_with(order_row(orderId=99))
    memory = Memory()

    assert Owner(OURS) == found(desk, memory=memory)
    assert [ORDER] == desk.names()
    assert Owner(OURS) == memory.owner(BTC, ID)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("autoclose-17", Owner(None, is_liquidation=True)),
        ("adl_autoclose", Owner(None)),
        ("settlement_autoclose-17", Owner(None)),
    ],
)
def test_what_the_exchange_did_is_no_stop_s(name: str, owner: Owner) -> None:
    desk = desk_with(CHILD | {"clientOrderId": name})

    assert owner == found(desk, YOUNG)
    assert [ORDER] == desk.names()


def test_the_child_of_a_stop_is_the_stop_s() -> None:
    desk = desk_with(CHILD, algo_row(algoStatus="FINISHED", actualOrderId="99"))

    assert Owner(STOP) == found(desk, YOUNG)
    assert [ORDER, STOPS] == desk.names()


def test_a_stop_that_was_placed_the_week_before_is_found() -> None:
    desk = desk_with(CHILD)
    stop = algo_row(algoStatus="FINISHED", actualOrderId="99")
    placed_at = NOON - 10 * 86_400_000
    desk.answers[STOPS] = lambda sent: answering(
        [stop] if int(sent.params["startTime"]) <= placed_at <= int(sent.params["endTime"]) else []
    )(sent)

    assert Owner(STOP) == found(desk, Millis(NOON - 4 * 86_400_000))
    assert 2 == desk.count(STOPS)


def test_a_trade_by_hand_is_nobody_s() -> None:
    desk = desk_with(CHILD, algo_row(algoStatus="CANCELED"))

    assert Owner(None) == found(desk, YOUNG)


@pytest.mark.parametrize("word", ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"])
def test_a_young_trade_that_may_be_a_stop_s_is_nobody_s_yet(word: str) -> None:
    """Booked as a stranger's it could not be called back, and the stop's fill would be missing."""
    desk = desk_with(CHILD, algo_row(algoStatus=word))

    assert found(desk, YOUNG) is None
    assert Owner(None) == found(desk, OLD)


@pytest.mark.parametrize("changes", [{"clientAlgoId": "web_1"}, {"side": "BUY"}])
def test_a_stop_of_others_or_of_the_other_side_is_not_waited_for(changes: dict[str, str]) -> None:
    desk = desk_with(CHILD, algo_row(algoStatus="TRIGGERING", **changes))

    assert Owner(None) == found(desk, YOUNG)


def test_e10_an_order_that_is_not_shown_yet_is_waited_for_and_not_for_ever() -> None:
    desk = Desk()
    desk.answers[ORDER] = refusing(-2013)

    assert found(desk, YOUNG) is None
    assert Owner(None) == found(desk, OLD)


@pytest.mark.parametrize("name", [ORDER, STOPS])
def test_a_question_without_an_answer_says_nothing(name: str) -> None:
    desk = desk_with(CHILD)
    desk.answers[name] = failing(NoAnswerError("no reply"))

    with pytest.raises(NoAnswerError):
        found(desk)


def test_stops_are_asked_for_once_for_all_trades_of_a_reading() -> None:
    desk = desk_with(CHILD, algo_row(algoStatus="CANCELED"))

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[Owner | None]:
        search = OwnerSearch(api._client, BTC, "BTCUSDT", memory=Memory(), clock=clock)
        return [await search.find(VenueOrderId(name), OLD) for name in ("99", "98", "99")]

    assert [Owner(None)] * 3 == use(desk, work)
    assert (2, 2) == (desk.count(ORDER), desk.count(STOPS))


def test_what_is_decided_stays_decided() -> None:
    memory = Memory()
    desk = desk_with(CHILD, algo_row(algoStatus="CANCELED"))
    found(desk, memory=memory)
    desk.sent.clear()

    assert Owner(None) == found(desk, memory=memory)
    assert [] == desk.sent
