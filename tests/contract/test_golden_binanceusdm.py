"""What leaves for Binance, to the last parameter: ccxt signs it, the files say what it must be.

    LIQBOT_GOLDEN=write .venv/bin/python -m pytest tests/contract/test_golden_binanceusdm.py

writes the files anew; read the difference before it is committed. Timestamps and signatures are
put in words; everything else is exact.
"""

import json
import os
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.gateway.connection import CANCEL, QUERY
from bot.gateway.time import ExchangeClock
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Millis, Price, Side, VenueOrderId
from bot.venue.binanceusdm import BinanceApi
from bot.venue.requests import binanceusdm as requests
from tests.fakes.contracts import BTC
from tests.fakes.live_binance import (
    Desk,
    answering,
    exit_request,
    id_of,
    place,
    read,
    request,
    stop_request,
    target_request,
    use,
)

FOLDER = Path(__file__).parents[1] / "golden" / "binanceusdm"
WORDS = {"timestamp": "<now>", "signature": "<signature>"}

Work = Callable[[BinanceApi, ExchangeClock], Awaitable[Any]]


def placed(asked: Any) -> Work:
    return lambda api, _: place(api, asked)


async def queried(api: BinanceApi, _: ExchangeClock) -> None:
    await api.query(BTC, id_of("absent"), is_trigger=False, lane=QUERY)


async def stop_queried(api: BinanceApi, _: ExchangeClock) -> None:
    await api.query(BTC, id_of("absent"), is_trigger=True, lane=QUERY)


async def canceled(api: BinanceApi, _: ExchangeClock) -> None:
    await api.cancel(BTC, id_of("absent"), is_trigger=False, lane=CANCEL)


async def stop_canceled(api: BinanceApi, _: ExchangeClock) -> None:
    await api.cancel(BTC, id_of("absent"), is_trigger=True, lane=CANCEL)


async def foreign_canceled(api: BinanceApi, _: ExchangeClock) -> None:
    await api.cancel_foreign(BTC, VenueOrderId("77"), is_trigger=False, lane=CANCEL)


async def foreign_stop_canceled(api: BinanceApi, _: ExchangeClock) -> None:
    await api.cancel_foreign(BTC, VenueOrderId("77"), is_trigger=True, lane=CANCEL)


async def read_after_two_weeks(api: BinanceApi, clock: ExchangeClock) -> None:
    await read(api, clock, since=15 * 86_400_000)


async def funding_read(api: BinanceApi, clock: ExchangeClock) -> None:
    await api.funding_paid(Millis(clock.now() - 3_600_000))


async def listen_key(api: BinanceApi, _: ExchangeClock) -> None:
    await api._client.call(requests.OPEN_LISTEN_KEY)
    await api._client.call(requests.KEEP_LISTEN_KEY)


CASES: dict[str, Work] = {
    "entry_ioc_buy": placed(request()),
    "entry_ioc_sell": placed(request(side=Side.SELL, price=Price(Decimal("99.8")))),
    "entry_post_only_buy": placed(
        request(time_in_force=TimeInForce.POST_ONLY, price=Price(Decimal(99)))
    ),
    "entry_post_only_sell": placed(
        request(side=Side.SELL, time_in_force=TimeInForce.POST_ONLY, price=Price(Decimal(101)))
    ),
    "entry_market": placed(request(kind=OrderKind.MARKET, price=None)),
    "exit_of_long": placed(exit_request()),
    "exit_of_short": placed(exit_request(side=Side.BUY)),
    "target_of_long": placed(target_request()),
    "target_of_short": placed(target_request(side=Side.BUY, price=Price(Decimal(90)))),
    "stop_of_long": placed(stop_request()),
    "stop_of_short": placed(stop_request(side=Side.BUY, trigger_price=Price(Decimal(105)))),
    "query": queried,
    "query_stop": stop_queried,
    "cancel": canceled,
    "cancel_stop": stop_canceled,
    "cancel_foreign": foreign_canceled,
    "cancel_foreign_stop": foreign_stop_canceled,
    "account": read,
    "account_after_two_weeks": read_after_two_weeks,
    "account_with_a_strange_trade": read,
    "modes": lambda api, _: api.modes(),
    "identity": lambda api, _: api.identity(),
    "fees": lambda api, _: api.fees(BTC),
    "funding": funding_read,
    "listen_key": listen_key,
    "set_one_way": lambda api, _: api.set_one_way(),
    "set_margin_mode_isolated": lambda api, _: api.set_margin_mode(BTC, "isolated"),
    "set_margin_mode_cross": lambda api, _: api.set_margin_mode(BTC, "cross"),
    "set_leverage": lambda api, _: api.set_leverage(BTC, 5),
    "time": lambda api, _: api._client.sync_time(),
}
TRADED = {
    "exit_of_long": Side.BUY,
    "exit_of_short": Side.SELL,
    "target_of_long": Side.BUY,
    "target_of_short": Side.SELL,
    "stop_of_long": Side.BUY,
    "stop_of_short": Side.SELL,
    # Nobody's trade: its order is asked for, and the stops that may have sent it.
    "account_with_a_strange_trade": Side.BUY,
}
"""What was traded by hand before."""
UNORDERED = {
    "account",
    "account_after_two_weeks",
    "account_with_a_strange_trade",
    "modes",
    "identity",
}
"""What is asked at the same time has no order."""


def requests_of(name: str) -> list[dict[str, Any]]:
    desk = Desk()
    if name in TRADED:
        desk.core.trade_by_hand(BTC, TRADED[name], Decimal("0.5"), Millis(desk.now - 20_000))
    if name == "listen_key":
        desk.answers["POST /fapi/v1/listenKey"] = answering({"listenKey": "key"})
        desk.answers["PUT /fapi/v1/listenKey"] = answering({"listenKey": "key"})
    use(desk, CASES[name])
    rows = [
        {
            "method": row.method,
            "url": f"https://{row.host}{row.path}",
            "params": {key: WORDS.get(key, value) for key, value in sorted(row.params.items())},
        }
        for row in desk.sent
    ]
    return sorted(rows, key=json.dumps) if name in UNORDERED else rows


@pytest.mark.parametrize("name", sorted(CASES))
def test_what_leaves_is_what_the_file_says(name: str) -> None:
    file = FOLDER / f"{name}.json"
    found = requests_of(name)
    if os.environ.get("LIQBOT_GOLDEN") == "write":
        file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    expected = json.loads(file.read_text(encoding="utf-8"))

    assert expected == found


def test_every_file_has_its_case() -> None:
    assert sorted(CASES) == sorted(path.stem for path in FOLDER.glob("*.json"))


def test_every_route_is_in_a_file() -> None:
    endpoints = {
        (row["method"], row["url"])
        for path in FOLDER.glob("*.json")
        for row in json.loads(path.read_text(encoding="utf-8"))
    }

    assert len(requests.ROUTES) == len(endpoints)


@pytest.mark.parametrize("route", requests.ROUTES, ids=lambda route: route.name)
def test_a_parameter_that_is_not_declared_never_leaves(route: Any) -> None:
    """ccxt would send `stopLoss` as text with an order, and leave the position naked."""
    desk = Desk()

    async def work(api: BinanceApi, _: ExchangeClock) -> None:
        await api._client.call(route, {"stopLoss": "lost"})

    with pytest.raises(ValueError, match="does not take stopLoss"):
        use(desk, work)
    assert [] == desk.sent
