"""Bybit as far as the private interface meets it: an order book of names behind a Transport.

Orders that are created can be found, paged and canceled; lists answer with what the test puts in
them. Requests stay in `sent`, in order.
"""

import json
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from bot.clock import run_virtual
from bot.credentials import Credentials, Secret, Source
from bot.gateway.client import Client
from bot.gateway.failures import NoAnswerError
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.model.order import Leg, OrderKind, OrderRequest, TimeInForce
from bot.model.primitives import (
    BracketId,
    ClientOrderId,
    Millis,
    Price,
    Qty,
    Side,
    Symbol,
)
from bot.venue.bybit import BybitApi
from bot.venue.profiles.bybit import CONNECTION

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
IDS = {BTC: "BTCUSDT", ETH: "ETHUSDT"}
NOW = Millis(1_767_225_600_000)
"""2026-01-01T00:00:00Z"""
KEYS = Credentials(
    source=Source.ENVIRONMENT, where="a test", api_key=Secret("key"), secret=Secret("secret")
)


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it left."""

    method: str
    path: str
    params: dict[str, Any]
    headers: dict[str, str]


class Desk:
    """The Transport, and the exchange behind it."""

    def __init__(self) -> None:
        self.sent: list[Sent] = []
        self.orders: list[dict[str, Any]] = []
        self.positions: list[dict[str, Any]] = []
        self.executions: list[dict[str, Any]] = []
        self.logs: list[dict[str, Any]] = []
        self.settings: dict[str, dict[str, Any]] = {}
        """By symbol: what position/list adds to a row of a symbol that is asked for."""
        self.balance = "1000.5"
        self.margin_mode = "ISOLATED_MARGIN"
        self.key: dict[str, Any] = {
            "readOnly": 0,
            "permissions": {"ContractTrade": ["Order", "Position"], "Wallet": []},
            "ips": ["10.0.0.1"],
            "userID": 24617703,
            "isMaster": True,
        }
        self.state = "New"
        """What becomes of an order that is created."""
        self.is_shown = True
        """Orders just created can be found."""
        self.is_remembered = True
        """Orders that are over can still be found in `order/realtime`."""
        self.refusals: dict[str, list[tuple[int, str]]] = {}
        """By path: what its next calls are refused with."""
        self.silent: set[str] = set()
        """Paths that bring no reply."""
        self.page = 50
        """Rows a page."""
        self.raw: dict[str, bytes] = {}
        """By path: what is answered in place of anything else."""

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        del timeout_s
        parts = urlsplit(request.url)
        params = (
            json.loads(request.body) if request.method == "POST" else dict(parse_qsl(parts.query))
        )
        self.sent.append(
            Sent(method=request.method, path=parts.path, params=params, headers=request.headers)
        )
        if parts.path in self.silent:
            raise NoAnswerError("no reply within the time limit")
        if parts.path in self.raw:
            return HttpReply(status=200, body=self.raw[parts.path])
        code, text, result = self._answer(parts.path, params)
        reply = {"retCode": code, "retMsg": text, "result": result, "retExtInfo": {}, "time": NOW}
        return HttpReply(status=200, body=json.dumps(reply).encode())

    async def close(self) -> None:
        self.raw.clear()

    def paths(self) -> list[str]:
        """Where requests went, in order."""
        return [row.path.removeprefix("/v5/") for row in self.sent]

    def _answer(self, path: str, params: dict[str, Any]) -> tuple[int, str, Any]:
        if self.refusals.get(path):
            code, text = self.refusals[path].pop(0)
            return code, text, {}
        name = path.removeprefix("/v5/")
        if name in {"order/create", "order/cancel"}:
            return self._create(params) if name == "order/create" else self._cancel(params)
        if name in self._lists:
            return 0, "OK", self._pages(self._lists[name](path, params), params)
        if name in self._facts:
            return 0, "OK", self._facts[name](params)
        return 10017, "route not found", {}

    @property
    def _lists(self) -> dict[str, Callable[[str, dict[str, Any]], list[dict[str, Any]]]]:
        return {
            "order/realtime": self._found,
            "order/history": self._found,
            "position/list": lambda _, params: self._position_rows(params),
            "execution/list": lambda _, params: within("execTime", self.executions, params),
            "account/transaction-log": lambda _, params: within(
                "transactionTime", self.logs, params
            ),
        }

    @property
    def _facts(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        coin = {"coin": "USDT", "walletBalance": self.balance, "equity": "1100"}
        rates = {"takerFeeRate": "0.00055", "makerFeeRate": "0.0002"}
        return {
            "market/time": lambda _: {"timeNano": str(NOW * 1_000_000)},
            "account/wallet-balance": lambda _: {
                "list": [{"accountType": "UNIFIED", "coin": [coin]}]
            },
            "account/info": lambda _: {"marginMode": self.margin_mode, "unifiedMarginStatus": 6},
            "account/fee-rate": lambda params: {"list": [{"symbol": params["symbol"], **rates}]},
            "user/query-api": lambda _: self.key,
            "account/set-margin-mode": lambda _: {"reasons": []},
            "position/switch-mode": lambda _: {},
            "position/set-leverage": lambda _: {},
        }

    def _create(self, params: dict[str, Any]) -> tuple[int, str, Any]:
        if any(row["orderLinkId"] == params["orderLinkId"] for row in self.orders):
            return 110072, "OrderLinkedID is duplicate", {}
        number = len(self.orders) + 1
        is_stop = "triggerPrice" in params
        is_filled = self.state == "Filled"
        self.orders.append(
            order_row(
                orderId=f"venue-{number}",
                orderLinkId=params["orderLinkId"],
                symbol=params["symbol"],
                side=params["side"],
                orderType=params["orderType"],
                qty=params["qty"],
                price=params.get("price", ""),
                triggerPrice=params.get("triggerPrice", ""),
                stopOrderType="Stop" if is_stop else "",
                reduceOnly=params.get("reduceOnly", False),
                orderStatus="Untriggered" if is_stop else self.state,
                cumExecQty=params["qty"] if is_filled else "0",
                avgPrice="90000.5" if is_filled else "",
            )
        )
        return 0, "OK", {"orderId": f"venue-{number}", "orderLinkId": params["orderLinkId"]}

    def _cancel(self, params: dict[str, Any]) -> tuple[int, str, Any]:
        for row in self._named(params):
            if row["orderStatus"] in {"New", "PartiallyFilled", "Untriggered"}:
                row["orderStatus"] = (
                    "Deactivated" if row["orderStatus"] == "Untriggered" else "Cancelled"
                )
                return 0, "OK", {"orderId": row["orderId"], "orderLinkId": row["orderLinkId"]}
        return 110001, "order not exists or too late to cancel", {}

    def _named(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            row
            for row in self.orders
            if row["orderLinkId"] == params.get("orderLinkId")
            or row["orderId"] == params.get("orderId")
        ]

    def _found(self, path: str, params: dict[str, Any]) -> list[dict[str, Any]]:
        if not self.is_shown:
            return []
        open_ones = {"New", "PartiallyFilled", "Untriggered", "Triggered"}
        if "settleCoin" in params:
            return [row for row in self.orders if row["orderStatus"] in open_ones]
        rows = self._named(params)
        if path.endswith("realtime") and not self.is_remembered:
            return [row for row in rows if row["orderStatus"] in open_ones]
        return rows

    def _position_rows(self, params: dict[str, Any]) -> list[dict[str, Any]]:
        if "settleCoin" in params:
            return self.positions
        held = [row for row in self.positions if row["symbol"] == params["symbol"]]
        flat = position_row(symbol=params["symbol"], side="", size="0", avgPrice="", liqPrice="")
        return held or [flat | self.settings.get(params["symbol"], {})]

    def _pages(self, rows: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
        start = int(str(params.get("cursor", "page:0")).removeprefix("page:"))
        end = start + min(int(params.get("limit", 20)), self.page)
        # Percent-encoded as the exchange's own are: it goes back as it came.
        cursor = f"page%3A{end}" if end < len(rows) else ""
        return {"category": "linear", "list": rows[start:end], "nextPageCursor": cursor}


def within(name: str, rows: list[dict[str, Any]], params: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of the week from `startTime`, or of the span to `endTime`; both ends included."""
    start = int(params["startTime"])
    end = int(params.get("endTime", start + 7 * 86_400_000))
    return [row for row in rows if start <= int(row[name]) <= end]


def order_row(**fields: Any) -> dict[str, Any]:
    """An order as `order/realtime` tells it."""
    return {
        "symbol": "BTCUSDT",
        "orderId": "venue-1",
        "orderLinkId": "ours1",
        "side": "Buy",
        "orderType": "Limit",
        "orderStatus": "New",
        "price": "90000",
        "qty": "0.01",
        "cumExecQty": "0",
        "avgPrice": "",
        "triggerPrice": "",
        "stopOrderType": "",
        "reduceOnly": False,
        "positionIdx": 0,
        "updatedTime": str(NOW),
        "createdTime": str(NOW),
        **fields,
    }


def execution_row(**fields: Any) -> dict[str, Any]:
    """An execution as `execution/list` tells it."""
    return {
        "symbol": "BTCUSDT",
        "orderId": "venue-1",
        "orderLinkId": "ours1",
        "side": "Buy",
        "execId": "exec-1",
        "execPrice": "90000.5",
        "execQty": "0.01",
        "execFee": "0.495",
        "execTime": str(NOW),
        "execType": "Trade",
        "createType": "CreateByUser",
        "stopOrderType": "",
        "isMaker": False,
        **fields,
    }


def position_row(**fields: Any) -> dict[str, Any]:
    """A position as `position/list` tells it."""
    return {
        "symbol": "BTCUSDT",
        "positionIdx": 0,
        "side": "Buy",
        "size": "0.01",
        "avgPrice": "90000.5",
        "liqPrice": "72450.5",
        "leverage": "5",
        "tradeMode": 0,
        "updatedTime": str(NOW),
        **fields,
    }


def request(**fields: Any) -> OrderRequest:
    """An IOC entry of 0.01 BTC, changed by `fields`."""
    base: dict[str, Any] = {
        "client_id": ClientOrderId("ours1"),
        "symbol": BTC,
        "bracket_id": BracketId("bracket"),
        "leg": Leg.ENTRY,
        "attempt": 1,
        "side": Side.BUY,
        "kind": OrderKind.LIMIT,
        "qty": Qty(Decimal("0.010")),
        "price": Price(Decimal("90000.50")),
        "time_in_force": TimeInForce.IOC,
        "valid_until": Millis(NOW + 5_000),
    }
    return OrderRequest(**{**base, **fields})


def stop_request(**fields: Any) -> OrderRequest:
    """A stop of a long position, changed by `fields`."""
    base: dict[str, Any] = {
        "client_id": ClientOrderId("stop1"),
        "leg": Leg.STOP,
        "side": Side.SELL,
        "kind": OrderKind.STOP_MARKET,
        "price": None,
        "trigger_price": Price(Decimal(88000)),
        "time_in_force": TimeInForce.GTC,
        "is_reduce_only": True,
    }
    return request(**{**base, **fields})


def use(desk: Desk, work: Callable[[BybitApi, ExchangeClock], Awaitable[Any]]) -> Any:
    """Run `work` with the interface over a client of its own, in virtual time from NOW."""

    async def run() -> Any:
        clock = ExchangeClock(start_at=NOW)
        client = Client(
            CONNECTION,
            transport=desk,
            clock=clock,
            limiter=Limiter(CONNECTION.budgets, clock=clock),
            keys=KEYS,
        )
        try:
            return await work(BybitApi(client, IDS, clock), clock)
        finally:
            await client.close()

    return run_virtual(run())
