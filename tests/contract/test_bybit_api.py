"""Bybit's private interface and the emulated Bybit, written apart, understand each other."""

from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.connection import CANCEL, ENTRY, PROTECT, QUERY
from bot.gateway.failures import RefusedError, Verdict
from bot.model.account import VenueSnapshot
from bot.model.events import Event, FundingRead, OrderFilled, OrderUpdated
from bot.model.market import Funding
from bot.model.order import Leg, OrderKind, OrderReport, OrderStatus, TimeInForce
from bot.model.primitives import ClientOrderId, Millis, PositionSide, Price, Qty, Side
from bot.venue.bybit import BybitApi
from bot.venue.bybit_stream import UserStream
from tests.fakes.contracts import BALANCE, BTC, ETH, NOON
from tests.fakes.live_bybit import request, stop_request
from tests.fakes.live_bybit_emulated import Wire, trade

ONE = Qty(Decimal(1))
HOUR_MS = 3_600_000


def priced(text: str) -> Price:
    return Price(Decimal(text))


async def enter(
    api: BybitApi, name: str = "in", stop: str | None = None, **fields: Any
) -> OrderReport:
    asked = request(
        **{"client_id": ClientOrderId(name), "qty": ONE, "price": priced("101"), **fields}
    )
    stop_loss_price = None if stop is None else priced(stop)
    return await api.place(asked, stop_loss_price=stop_loss_price, lane=ENTRY, window_ms=3_000)


async def protect(api: BybitApi, name: str = "stop", trigger: str = "95") -> OrderReport:
    asked = stop_request(client_id=ClientOrderId(name), qty=ONE, trigger_price=priced(trigger))
    return await api.place(asked, stop_loss_price=None, lane=PROTECT, window_ms=3_000)


async def leave(api: BybitApi, name: str = "out") -> OrderReport:
    return await enter(
        api,
        name,
        leg=Leg.EXIT,
        kind=OrderKind.MARKET,
        price=None,
        side=Side.SELL,
        is_reduce_only=True,
    )


async def read(api: BybitApi, wire: Wire) -> VenueSnapshot:
    snapshot, _ = await api.account(
        asked_at=wire.clock.now(), fills_since=Millis(NOON - 1_000), touched=[]
    )
    return snapshot


async def find(api: BybitApi, name: str) -> OrderReport | None:
    return await api.query(BTC, ClientOrderId(name), is_trigger=False, lane=QUERY)


def test_an_entry_fills_and_is_a_position_with_its_fill() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        report = await enter(api)
        snapshot = await read(api, wire)

        assert OrderStatus.FILLED is report.status
        assert ONE == report.filled_qty
        assert report.average_price is not None
        assert [(PositionSide.LONG, ONE)] == [
            (row.position_side, row.qty) for row in snapshot.positions
        ]
        assert ["in"] == [row.client_id for row in snapshot.fills]
        assert report.average_price == snapshot.fills[0].price
        assert Decimal(BALANCE) - snapshot.fills[0].fee_usd == snapshot.balance_usd
        assert () == snapshot.orders

    trade(story)


def test_an_immediate_order_that_finds_nothing_is_over() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        report = await enter(api, price=priced("90"))
        found = await find(api, "in")

        assert OrderStatus.CANCELED is report.status
        assert found is not None
        assert OrderStatus.CANCELED is found.status
        assert () == (await read(api, wire)).positions

    trade(story)


def test_a_post_only_order_rests_and_is_canceled_by_its_name() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api, price=priced("90"), time_in_force=TimeInForce.POST_ONLY)
        listed = (await read(api, wire)).orders
        canceled = await api.cancel(BTC, ClientOrderId("in"), is_trigger=False, lane=CANCEL)
        again = await api.cancel(BTC, ClientOrderId("in"), is_trigger=False, lane=CANCEL)

        assert ["in"] == [row.client_id for row in listed]
        assert canceled is not None
        assert OrderStatus.CANCELED is canceled.status
        assert again is None

    trade(story)


def test_e7_a_name_is_used_up_for_ever() -> None:
    async def story(api: BybitApi, _: Wire) -> None:
        await enter(api)
        with pytest.raises(RefusedError) as caught:
            await enter(api)

        assert Verdict.DUPLICATE is caught.value.verdict

    trade(story)


def test_a_name_that_was_never_sent_is_not_found() -> None:
    async def story(api: BybitApi, _: Wire) -> None:
        assert await find(api, "nobody") is None

    trade(story)


def test_an_entry_is_never_bare_and_its_stop_is_no_order_of_somebody_else() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api, stop="95")
        before = await read(api, wire)
        await wire.move(94.0)
        after = await read(api, wire)

        assert 1 == len(before.positions)
        assert () == before.orders
        assert () == after.positions
        assert [("in", Side.BUY), (None, Side.SELL)] == [
            (row.client_id, row.side) for row in after.fills
        ]

    trade(story)


def test_with_a_stop_of_ours_whatever_fires_is_booked_under_it() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api, stop="95")
        report = await protect(api)
        before = await read(api, wire)
        await wire.move(94.0)
        after = await read(api, wire)

        assert OrderStatus.OPEN is report.status
        assert [("stop", OrderKind.STOP_MARKET, Decimal(95))] == [
            (row.client_id, row.kind, row.trigger_price) for row in before.orders
        ]
        assert () == after.positions
        assert () == after.orders
        assert ["in", "stop"] == [row.client_id for row in after.fills]

    trade(story)


def test_a_stop_keeps_its_name_when_it_fires() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api)
        await protect(api)
        waiting = await find(api, "stop")
        await wire.move(94.0)
        fired = await find(api, "stop")
        fills = (await read(api, wire)).fills

        assert waiting is not None
        assert OrderStatus.OPEN is waiting.status
        assert fired is not None
        assert OrderStatus.FILLED is fired.status
        assert OrderKind.STOP_MARKET is fired.kind
        assert ONE == fired.filled_qty
        assert waiting.venue_id == fired.venue_id
        assert ["in", "stop"] == [row.client_id for row in fills]

    trade(story)


def test_a_stop_is_canceled_by_its_name_as_any_order() -> None:
    async def story(api: BybitApi, _: Wire) -> None:
        await enter(api)
        await protect(api)
        report = await api.cancel(BTC, ClientOrderId("stop"), is_trigger=True, lane=CANCEL)

        assert report is not None
        assert OrderStatus.CANCELED is report.status

    trade(story)


def test_e14_a_stop_behind_the_price_is_refused_with_its_code() -> None:
    async def story(api: BybitApi, _: Wire) -> None:
        await enter(api)
        with pytest.raises(RefusedError) as caught:
            await protect(api, trigger="105")

        assert Verdict.REJECTED is caught.value.verdict
        assert caught.value.code in {"110092", "110093"}

    trade(story)


def test_e17_what_was_closed_by_hand_is_told_as_not_ours() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api)
        wire.core.trade_by_hand(BTC, Side.SELL, Decimal(1), wire.clock.now())
        snapshot = await read(api, wire)

        assert () == snapshot.positions
        assert ["in", None] == [row.client_id for row in snapshot.fills]

    trade(story)


def test_an_exit_closes_and_what_reduces_nothing_is_refused() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api)
        report = await leave(api)
        with pytest.raises(RefusedError) as caught:
            await leave(api, "again")

        assert OrderStatus.FILLED is report.status
        assert () == (await read(api, wire)).positions
        assert Verdict.REJECTED is caught.value.verdict

    trade(story)


def test_settings_are_set_and_read_back() -> None:
    async def story(api: BybitApi, _: Wire) -> None:
        await api.set_one_way()
        await api.set_one_way()
        await api.set_margin_mode(BTC, "isolated")
        await api.set_leverage(BTC, 7)
        await api.set_leverage(BTC, 7)
        await api.set_leverage(ETH, 3)
        modes = await api.modes()

        assert modes.is_one_way
        assert {BTC: "isolated", ETH: "isolated"} == modes.margin_modes
        assert {BTC: 7.0, ETH: 3.0} == modes.leverages

    trade(story)


def test_e28_hedge_mode_is_seen() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        wire.core.is_hedge = True

        assert not (await api.modes()).is_one_way

    trade(story)


def test_whose_key_it_is_and_what_trading_costs() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        wire.dialect.door.key.can_withdraw = True
        identity = await api.identity()
        fees = await api.fees(BTC)

        assert "2001" == identity.account_id
        assert identity.can_trade
        assert identity.rights.can_withdraw is True
        assert fees.taker_bps > fees.maker_bps > 0

    trade(story)


def test_e37_a_request_that_arrives_after_its_window_is_turned_away() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        wire.late_ms = 3_001
        with pytest.raises(RefusedError) as caught:
            await enter(api)

        assert Verdict.CLOCK is caught.value.verdict

    trade(story)


def test_funding_that_was_paid_is_read_and_is_no_fill() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await enter(api)
        funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + HOUR_MS))
        wire.core.on_market(FundingRead(at=NOON, funding=funding))
        await wire.move(100.0, after_s=3_601.0)
        paid = await api.funding_paid(NOON)

        assert [(BTC, Decimal("-0.01"))] == [(row.symbol, row.usd) for row in paid]
        assert [row.id for row in await api.funding_paid(NOON)] == [row.id for row in paid]
        assert ["in"] == [row.client_id for row in (await read(api, wire)).fills]

    trade(story)


def test_e16_a_liquidation_is_told_as_one() -> None:
    async def story(api: BybitApi, wire: Wire) -> None:
        await api.set_margin_mode(BTC, "isolated")
        await api.set_leverage(BTC, 20)
        await enter(api)
        liquidation_price = (await read(api, wire)).positions[0].liquidation_price
        await wire.move(90.0)
        snapshot = await read(api, wire)

        assert liquidation_price is not None
        assert () == snapshot.positions
        assert [("in", False), (None, True)] == [
            (row.client_id, row.is_liquidation) for row in snapshot.fills
        ]

    trade(story)


def test_its_stream_is_understood() -> None:
    """Everything the emulated stream says of a round trip, through the interface's own reading."""

    async def story(api: BybitApi, wire: Wire) -> None:
        events: list[Event] = []
        wakes: list[str] = []
        stream = UserStream(
            api._client,
            symbols=api._symbols,
            stop_of=api._stops.of,
            is_changed=api._is_changed,
            clock=wire.clock,
        )
        await enter(api)
        await protect(api)
        await wire.move(94.0)
        for happening in wire.core.take_happenings():
            for message in wire.dialect.user_messages(happening):
                stream._take(message, events.append, wakes.append)

        fills = [row.fill.client_id for row in events if isinstance(row, OrderFilled)]
        reports = [row.report for row in events if isinstance(row, OrderUpdated)]
        assert ["in", "stop"] == fills
        assert OrderStatus.FILLED is [row for row in reports if row.client_id == "stop"][-1].status
        assert [] == wakes

    trade(story)
