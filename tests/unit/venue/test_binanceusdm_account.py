"""Readings of a Binance account: what there is, whose trades are read, and from when on."""

from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.gateway.http import HttpReply
from bot.gateway.time import ExchangeClock
from bot.model.account import VenueSnapshot
from bot.model.order import OrderKind
from bot.model.primitives import PositionSide, Side
from bot.venue.binanceusdm import BinanceApi
from bot.venue.binanceusdm_account import READINGS
from bot.venue.requests.binanceusdm import PAGE_MAX
from tests.fakes.contracts import BALANCE, BTC, ETH, NOON
from tests.fakes.emu_market import limit, market, placed
from tests.fakes.emu_market import stop as stop_order
from tests.fakes.live_binance import (
    Answer,
    Desk,
    Sent,
    answering,
    failing,
    id_of,
    place,
    read,
    refusing,
    request,
    stop_request,
    target_request,
    use,
)
from tests.fakes.live_binance_rows import trade_row

TRADES = "GET /fapi/v1/userTrades"
PARTS = (
    "GET /fapi/v3/positionRisk",
    "GET /fapi/v1/openOrders",
    "GET /fapi/v1/openAlgoOrders",
    "GET /fapi/v3/balance",
    "GET /fapi/v1/symbolConfig",
    "GET /fapi/v1/accountConfig",
)


def symbols_read(desk: Desk) -> list[str]:
    """Whose trades were asked for."""
    return [row.params["symbol"] for row in desk.sent if row.name == TRADES]


def reads(desk: Desk, count: int, *touched: Any) -> list[list[str]]:
    """The symbols whose trades each of some readings asks for; the first one touches."""

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[list[str]]:
        await read(api, clock)
        found = []
        for number in range(count):
            desk.sent.clear()
            await read(api, clock, touched=touched if not number else ())
            found.append(symbols_read(desk))
        return found

    return use(desk, work)


# --- what there is


def test_one_reading_tells_positions_orders_of_both_kinds_fills_and_balance() -> None:
    """ccxt #27486: a stop is in no list of open orders unless it is asked for by itself."""
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> VenueSnapshot:
        await place(api, request())
        await place(api, stop_request())
        await place(api, target_request())
        snapshot: VenueSnapshot = await read(api, clock)
        return snapshot

    snapshot = use(desk, work)
    (position,) = snapshot.positions

    assert (BTC, ETH) == snapshot.symbols
    assert (BTC, PositionSide.LONG, Decimal("0.5")) == (
        position.symbol,
        position.position_side,
        position.qty,
    )
    assert float(desk.core.leverages[BTC]) == position.leverage
    assert {
        (id_of("stop"), OrderKind.STOP_MARKET, True),
        (id_of("target"), OrderKind.LIMIT, True),
    } == {(row.client_id, row.kind, row.is_reduce_only) for row in snapshot.orders}
    assert [id_of("entry")] == [row.client_id for row in snapshot.fills]
    assert desk.core.balance_usd == snapshot.balance_usd


def test_the_modes_come_with_every_reading() -> None:
    desk = Desk()
    desk.core.margin_modes[BTC] = "isolated"

    async def work(api: BinanceApi, clock: ExchangeClock) -> Any:
        return await api.account(asked_at=clock.now(), fills_since=clock.now(), touched=())

    snapshot, modes = use(desk, work)

    assert (NOON, True) == (snapshot.at, modes.is_one_way)
    assert "isolated" == modes.margin_modes[BTC]


def test_the_position_mode_is_asked_for_only_where_positions_do_not_show_it() -> None:
    """Thirty positions are read with six requests, one of them for trades."""
    desk = Desk()
    modes: list[Any] = []

    async def one(api: BinanceApi, clock: ExchangeClock) -> list[str]:
        desk.sent.clear()
        modes.append(
            (await api.account(asked_at=clock.now(), fills_since=clock.now(), touched=()))[1]
        )
        return [row.name for row in desk.sent if row.name == PARTS[-1]]

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[int]:
        asked = [len(await one(api, clock))]
        placed(desk.core, market(Side.BUY, "0.5"))
        asked += [len(await one(api, clock)), len(await one(api, clock))]
        placed(desk.core, market(Side.SELL, "0.5"))
        asked += [len(await one(api, clock)), len(await one(api, clock))]
        return asked

    assert [1, 1, 0, 1, 1] == use(desk, work)
    assert [True] * 5 == [row.is_one_way for row in modes]


def test_orders_of_others_are_told_without_a_name() -> None:
    desk = Desk()
    placed(desk.core, limit(Side.BUY, "1", "90", client_id="web_1"))
    placed(desk.core, stop_order(Side.SELL, "1", "80", client_id="web_2"))
    snapshot = use(desk, read)

    assert [None, None] == [row.client_id for row in snapshot.orders]


def test_an_account_where_nothing_is_is_flat() -> None:
    snapshot = use(Desk(), read)

    assert ((), (), ()) == (snapshot.positions, snapshot.orders, snapshot.fills)
    assert BALANCE == snapshot.balance_usd


@pytest.mark.parametrize("name", [*PARTS, TRADES])
@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"null", b'[{"symbol":'])
def test_e8_one_part_that_cannot_be_read_makes_the_reading_no_answer(
    name: str, body: bytes
) -> None:
    """Never flat, never without orders, and an error by itself, not a group of them."""
    desk = Desk()
    desk.answers[name] = answering(body)

    with pytest.raises(NoAnswerError):
        use(desk, read)


def test_no_more_than_six_questions_are_asked_at_once() -> None:
    desk = Desk()
    use(desk, read)

    assert len(PARTS) == desk.underway_max


# --- whose trades are read


def test_the_first_reading_reads_the_trades_of_every_symbol() -> None:
    desk = Desk()
    use(desk, read)

    assert ["BTCUSDT", "ETHUSDT"] == symbols_read(desk)


def test_a_quiet_account_reads_one_symbol_in_turn() -> None:
    assert [["ETHUSDT"], ["BTCUSDT"], ["ETHUSDT"]] == reads(Desk(), 3)


def test_a_symbol_that_was_touched_is_read_three_times_for_trades_may_be_shown_late() -> None:
    both, one, other = ["BTCUSDT", "ETHUSDT"], ["BTCUSDT"], ["ETHUSDT"]

    assert [both, one, both, one, other] == reads(Desk(), 5, BTC)


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_symbol_whose_position_has_changed_or_vanished_is_read(is_gone: Any) -> None:
    desk = Desk()
    placed(desk.core, market(Side.BUY, "1"))

    async def work(api: BinanceApi, clock: ExchangeClock) -> VenueSnapshot:
        # Two turns later it is ETH's.
        for _ in range(READINGS + 2):
            await read(api, clock)
        desk.sent.clear()
        placed(desk.core, market(Side.SELL, "1" if is_gone else "0.4"), clock.now())
        snapshot: VenueSnapshot = await read(api, clock)
        return snapshot

    snapshot = use(desk, work)

    assert "BTCUSDT" in symbols_read(desk)
    assert [Side.SELL] == [row.side for row in snapshot.fills][-1:]


def test_a_reading_that_fails_forgets_nothing_of_what_is_to_be_read() -> None:
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> None:
        desk.answers["GET /fapi/v3/balance"] = failing(NoAnswerError("no reply"))
        with pytest.raises(NoAnswerError):
            await read(api, clock)
        del desk.answers["GET /fapi/v3/balance"]
        desk.sent.clear()
        await read(api, clock)

    use(desk, work)

    assert ["BTCUSDT", "ETHUSDT"] == symbols_read(desk)


def test_what_is_wanted_while_a_reading_is_under_way_is_read_by_the_next() -> None:
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> None:
        for _ in range(2):
            await read(api, clock)

        def wanted(_: Sent) -> None:
            api._reader.want(ETH)

        desk.answers[TRADES] = wanted
        await read(api, clock)
        del desk.answers[TRADES]
        desk.sent.clear()
        await read(api, clock)

    use(desk, work)

    assert "ETHUSDT" in symbols_read(desk)


# --- from when on


def starts(desk: Desk) -> list[int]:
    return [int(row.params["startTime"]) for row in desk.sent if row.name == TRADES]


def test_a_symbol_goes_on_from_its_own_reading_though_the_core_s_cursor_moved_on() -> None:
    """The trade is shown late, and the core asks for nothing so old any more."""
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[Any]:
        await read(api, clock)
        await place(api, request())
        desk.answers[TRADES] = answering([])
        first = await read(api, clock, touched=(BTC,), since=0)
        del desk.answers[TRADES]
        await clock.sleep(60.0)
        return [first, await read(api, clock, since=0)]

    first, second = use(desk, work)

    assert () == first.fills
    assert [id_of("entry")] == [row.client_id for row in second.fills]


def test_a_look_at_what_is_now_leaves_the_trades_of_before_to_the_first_reading() -> None:
    """The account is looked at before it is set; a stop may have fired while we were away."""
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> Any:
        await place(api, request())
        await clock.sleep(60.0)
        await read(api, clock, since=0)
        looked = symbols_read(desk)
        snapshot = await read(api, clock, since=600_000)
        return looked, snapshot

    looked, snapshot = use(desk, work)

    assert [] == looked
    assert [id_of("entry")] == [row.client_id for row in snapshot.fills]
    assert {"BTCUSDT", "ETHUSDT"} == set(symbols_read(desk))


def test_what_the_core_asks_for_is_read_though_it_was_read_before() -> None:
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> None:
        await read(api, clock)
        await read(api, clock, since=600_000)

    use(desk, work)

    assert desk.now - 700_000 < starts(desk)[-1] < desk.now - 599_000


def test_e30_a_symbol_that_is_gone_hides_nothing_of_the_others() -> None:
    desk = Desk()
    setting = {"symbol": "BTCUSDT", "marginType": "ISOLATED", "leverage": 5}
    desk.answers["GET /fapi/v1/symbolConfig"] = answering([setting])

    def trades(sent: Sent) -> HttpReply | Exception | None:
        return refusing(-1121)(sent) if sent.params["symbol"] == "ETHUSDT" else None

    async def work(api: BinanceApi, clock: ExchangeClock) -> Any:
        await place(api, request())
        desk.answers["GET /fapi/v1/userTrades"] = trades
        return await read(api, clock)

    snapshot = use(desk, work)

    assert [id_of("entry")] == [row.client_id for row in snapshot.fills]
    assert [BTC] == [row.symbol for row in snapshot.positions]


def test_e44_trades_older_than_the_exchange_keeps_them_are_not_asked_for() -> None:
    desk = Desk()

    async def work(api: BinanceApi, clock: ExchangeClock) -> Any:
        return await read(api, clock, since=200 * 86_400_000)

    use(desk, work)
    windows = {
        (int(row.params["startTime"]), int(row.params["endTime"]))
        for row in desk.sent
        if row.name == TRADES
    }

    assert min(start for start, _ in windows) >= NOON - 90 * 86_400_000
    assert max(end - start for start, end in windows) < 7 * 86_400_000
    assert 13 == len(windows)


def pages(count: int) -> Answer:
    """So many trades of our entry, page by page, from the oldest on."""
    rows = [trade_row(id=number, orderId=17, time=NOON - 1_000) for number in range(count)]

    def answer(sent: Sent) -> Any:
        if sent.params["symbol"] != "BTCUSDT":
            return answering([])(sent)
        first = int(sent.params.get("fromId", 0))
        return answering(rows[first : first + PAGE_MAX])(sent)

    return answer


def test_a_full_page_is_followed_by_the_next_from_its_last_trade_on() -> None:
    desk = Desk()
    desk.answers[TRADES] = pages(PAGE_MAX + 1)
    desk.answers["GET /fapi/v1/order"] = answering({**trade_row(), "clientOrderId": id_of("entry")})
    snapshot = use(desk, read)
    asked = [row for row in desk.sent if row.name == TRADES and "fromId" in row.params]

    assert PAGE_MAX + 1 == len(snapshot.fills)
    assert [str(PAGE_MAX)] == [row.params["fromId"] for row in asked]
    assert "startTime" not in asked[0].params
    assert 1 == desk.count("GET /fapi/v1/order")


def test_trades_that_do_not_end_are_no_answer() -> None:
    desk = Desk()
    desk.answers[TRADES] = answering([trade_row(id=1)] * PAGE_MAX)

    with pytest.raises(NoAnswerError, match="end"):
        use(desk, read)
