"""Binance's settings, rights, fees and funding over the real client."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError, RefusedError
from bot.gateway.time import ExchangeClock
from bot.model.primitives import Millis
from bot.venue.api import Fees
from bot.venue.binanceusdm import BinanceApi
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.live_binance import (
    Desk,
    answering,
    failing,
    refusing,
    use,
)
from tests.fakes.live_binance_rows import COMMISSION_ROW, FUNDING_ROW

LOST = NoAnswerError("no reply")


def test_whose_account_it_is_and_what_the_key_may_do() -> None:
    desk = Desk()
    identity = use(desk, lambda api, _: api.identity())

    assert ("1001", True) == (identity.account_id, identity.can_trade)
    assert (False, False) == (identity.rights.can_withdraw, identity.rights.is_ip_restricted)

    desk.dialect.key.can_withdraw = True
    desk.dialect.key.can_trade = False
    identity = use(desk, lambda api, _: api.identity())

    assert (True, False) == (identity.rights.can_withdraw, identity.can_trade)


def test_an_account_whose_number_cannot_be_asked_for_gets_no_other() -> None:
    desk = Desk()
    desk.answers["GET /api/v3/account"] = failing(LOST)

    with pytest.raises(NoAnswerError):
        use(desk, lambda api, _: api.identity())


def test_modes_are_set_and_read_back() -> None:
    desk = Desk()
    desk.core.is_hedge = True

    async def work(api: BinanceApi, _: ExchangeClock) -> Any:
        before = await api.modes()
        await api.set_one_way()
        await api.set_margin_mode(BTC, "isolated")
        await api.set_margin_mode(ETH, "cross")
        await api.set_leverage(BTC, 7)
        return before, await api.modes()

    before, after = use(desk, work)

    assert (False, True) == (before.is_one_way, after.is_one_way)
    assert {BTC: "isolated", ETH: "cross"} == after.margin_modes
    assert 7.0 == after.leverages[BTC]


def test_what_is_so_already_counts_as_done() -> None:
    desk = Desk()

    async def work(api: BinanceApi, _: ExchangeClock) -> None:
        for _turn in range(2):
            await api.set_one_way()
            await api.set_margin_mode(BTC, "isolated")
            await api.set_leverage(BTC, 5)

    use(desk, work)

    assert 6 == len(desk.sent)


def test_a_setting_that_is_refused_raises() -> None:
    desk = Desk()
    desk.answers["POST /fapi/v1/marginType"] = refusing(-4048)

    with pytest.raises(RefusedError) as caught:
        use(desk, lambda api, _: api.set_margin_mode(BTC, "isolated"))
    assert "-4048" == caught.value.code


def test_fees_are_those_of_the_account() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/commissionRate"] = answering(COMMISSION_ROW)
    fees = use(desk, lambda api, _: api.fees(BTC))

    assert (4.5, 1.8) == (fees.taker_bps, fees.maker_bps)


def test_the_fees_of_all_symbols_are_one_question() -> None:
    """Thirty were a quarter of what a minute allows."""
    desk = Desk()
    desk.answers["GET /fapi/v1/commissionRate"] = answering(COMMISSION_ROW)

    async def work(api: BinanceApi, clock: ExchangeClock) -> list[Fees]:
        del clock
        async with asyncio.TaskGroup() as group:
            asked = [group.create_task(api.fees(symbol)) for symbol in (BTC, ETH, BTC)]
        return [task.result() for task in asked]

    assert [4.5] * 3 == [row.taker_bps for row in use(desk, work)]
    assert 1 == sum(row.name == "GET /fapi/v1/commissionRate" for row in desk.sent)


def test_funding_is_read_week_by_week_and_once() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/income"] = answering([FUNDING_ROW])
    paid = use(desk, lambda api, clock: api.funding_paid(Millis(clock.now() - 15 * 86_400_000)))
    windows = [int(row.params["endTime"]) - int(row.params["startTime"]) for row in desk.sent]

    assert [Decimal("-0.0375")] == [row.usd for row in paid]
    assert 3 == len(windows)
    assert max(windows) < 7 * 86_400_000


def test_a_full_page_of_funding_is_followed_by_the_next() -> None:
    desk = Desk()
    rows: list[dict[str, Any]] = [
        FUNDING_ROW | {"tranId": number, "time": NOON - 1_000 + number // 2}
        for number in range(1_001)
    ]

    def page(sent: Any) -> Any:
        start = int(sent.params["startTime"])
        found = [row for row in rows if row["time"] >= start][:1_000]
        return answering(found)(sent)

    desk.answers["GET /fapi/v1/income"] = page
    paid = use(desk, lambda api, clock: api.funding_paid(Millis(clock.now() - 60_000)))

    assert 1_001 == len(paid)
    assert 2 == len(desk.sent)


def test_a_list_that_does_not_end_is_no_answer() -> None:
    desk = Desk()
    desk.answers["GET /fapi/v1/income"] = answering([FUNDING_ROW | {"time": 1}] * 1_000)

    with pytest.raises(NoAnswerError, match="end"):
        use(desk, lambda api, clock: api.funding_paid(Millis(clock.now() - 60_000)))
