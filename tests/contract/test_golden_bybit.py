"""What leaves for Bybit, to the last parameter: ccxt signs it, the files say what it must be.

    LIQBOT_GOLDEN=write .venv/bin/python -m pytest tests/contract/test_golden_bybit.py

writes the files anew; read the difference before it is committed. Timestamps, windows and
signatures are put in words; everything else is exact.
"""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.gateway.connection import CANCEL, ENTRY, PROTECT, QUERY
from bot.gateway.time import ExchangeClock
from bot.model.order import Leg, OrderKind, TimeInForce
from bot.model.primitives import ClientOrderId, Millis, Price, Side, VenueOrderId
from bot.venue.bybit import BybitApi
from bot.venue.requests.bybit import ROUTES
from tests.fakes.live_bybit import BTC, ETH, NOW, Desk, order_row, request, stop_request, use

FOLDER = Path(__file__).parents[1] / "golden" / "bybit"
WORDS = {
    "X-BAPI-TIMESTAMP": "<now>",
    "X-BAPI-SIGN": "<signature>",
}
HEADERS = {
    "Content-Type",
    "Referer",
    "X-BAPI-API-KEY",
    "X-BAPI-RECV-WINDOW",
    "X-BAPI-SIGN",
    "X-BAPI-TIMESTAMP",
}
STOP = Price(Decimal(88000))

Work = Callable[[BybitApi, ExchangeClock], Awaitable[Any]]


def placed(**fields: Any) -> Work:
    stop_loss_price = fields.pop("stop_loss_price", None)
    lane = fields.pop("lane", ENTRY)
    build = fields.pop("build", request)

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        await api.place(
            build(**fields), stop_loss_price=stop_loss_price, lane=lane, window_ms=3_000
        )

    return work


async def queried(api: BybitApi, _: ExchangeClock) -> None:
    await api.query(BTC, ClientOrderId("absent"), is_trigger=False, lane=QUERY)


async def canceled(api: BybitApi, _: ExchangeClock) -> None:
    await api.cancel(BTC, ClientOrderId("ours1"), is_trigger=False, lane=CANCEL)


async def canceled_foreign(api: BybitApi, _: ExchangeClock) -> None:
    await api.cancel_foreign(BTC, VenueOrderId("venue-1"), is_trigger=True, lane=CANCEL)


async def read_account(api: BybitApi, _: ExchangeClock) -> None:
    await api.account(asked_at=NOW, fills_since=Millis(NOW - 60_000), touched=[])


async def read_after_two_weeks(api: BybitApi, _: ExchangeClock) -> None:
    since = Millis(NOW - 15 * 86_400_000)
    await api.account(asked_at=NOW, fills_since=since, touched=[])


async def read_funding(api: BybitApi, _: ExchangeClock) -> None:
    await api.funding_paid(Millis(NOW - 3_600_000))


CASES: dict[str, Work] = {
    "entry_ioc_buy": placed(),
    "entry_ioc_sell": placed(side=Side.SELL),
    "entry_ioc_buy_with_stop": placed(stop_loss_price=STOP),
    "entry_ioc_sell_with_stop": placed(side=Side.SELL, stop_loss_price=STOP),
    "entry_post_only_buy": placed(time_in_force=TimeInForce.POST_ONLY),
    "entry_post_only_sell_with_stop": placed(
        side=Side.SELL, time_in_force=TimeInForce.POST_ONLY, stop_loss_price=STOP
    ),
    "entry_market": placed(kind=OrderKind.MARKET, price=None),
    "exit_of_long": placed(
        leg=Leg.EXIT,
        kind=OrderKind.MARKET,
        price=None,
        side=Side.SELL,
        is_reduce_only=True,
        lane=PROTECT,
    ),
    "exit_of_short": placed(
        leg=Leg.EXIT, kind=OrderKind.MARKET, price=None, is_reduce_only=True, lane=PROTECT
    ),
    "target_of_long": placed(
        leg=Leg.TARGET,
        side=Side.SELL,
        time_in_force=TimeInForce.GTC,
        is_reduce_only=True,
        lane=PROTECT,
    ),
    "stop_of_long": placed(build=stop_request, lane=PROTECT),
    "stop_of_short": placed(build=stop_request, side=Side.BUY, lane=PROTECT),
    "query": queried,
    "cancel": canceled,
    "cancel_foreign": canceled_foreign,
    "account": read_account,
    "account_after_two_weeks": read_after_two_weeks,
    "modes": lambda api, _: api.modes(),
    "identity": lambda api, _: api.identity(),
    "fees": lambda api, _: api.fees(ETH),
    "funding": read_funding,
    "set_one_way": lambda api, _: api.set_one_way(),
    "set_margin_mode_isolated": lambda api, _: api.set_margin_mode(BTC, "isolated"),
    "set_margin_mode_cross": lambda api, _: api.set_margin_mode(BTC, "cross"),
    "set_leverage": lambda api, _: api.set_leverage(BTC, 5),
    "time": lambda api, _: api._client.sync_time(),
}


def requests_of(work: Work) -> list[dict[str, Any]]:
    desk = Desk()
    if work in {canceled, canceled_foreign}:
        desk.orders.append(order_row())
    use(desk, work)
    rows = [
        {
            "method": row.method,
            "path": row.path,
            "params": dict(sorted(row.params.items())),
            "headers": {
                name: WORDS.get(name, value)
                for name, value in sorted(row.headers.items())
                if name in HEADERS
            },
        }
        for row in desk.sent
    ]
    # What is asked at the same time has no order.
    return sorted(rows, key=json.dumps) if work in UNORDERED else rows


UNORDERED = {read_account, read_after_two_weeks, CASES["modes"]}


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_leaves_is_what_the_file_says(name: str) -> None:
    file = FOLDER / f"{name}.json"
    found = requests_of(CASES[name])
    if os.environ.get("LIQBOT_GOLDEN") == "write":
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    expected = json.loads(file.read_text(encoding="utf-8"))

    assert expected == found


def test_every_file_has_its_case() -> None:
    assert sorted(CASES) == sorted(path.stem for path in FOLDER.glob("*.json"))


def test_every_route_is_in_a_file() -> None:
    paths = {
        row["path"]
        for path in FOLDER.glob("*.json")
        for row in json.loads(path.read_text(encoding="utf-8"))
    }

    assert len(ROUTES) == len(paths)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_a_parameter_that_is_not_declared_never_leaves(route: Any) -> None:
    desk = Desk()

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        await api._client.call(route, {"clientOrderId": "lost"})

    with pytest.raises(ValueError, match="does not take clientOrderId"):
        use(desk, work)
    assert [] == desk.sent


def test_a_window_is_that_of_its_own_request_alone() -> None:
    """A stop and a query at the same time: only the stop has the short window."""
    desk = Desk()

    async def work(api: BybitApi, _: ExchangeClock) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(
                api.place(stop_request(), stop_loss_price=None, lane=PROTECT, window_ms=2_000)
            )
            group.create_task(api.query(BTC, ClientOrderId("x"), is_trigger=False, lane=QUERY))

    use(desk, work)
    windows = {row.path: row.headers["X-BAPI-RECV-WINDOW"] for row in desk.sent}

    assert "2000" == windows["/v5/order/create"]
    assert "5000" == windows["/v5/order/realtime"]
