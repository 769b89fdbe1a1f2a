"""Bybit's v5 interface on an emulated exchange, as far as linear perpetuals are traded with it.

It is made for clients that know nothing of it: unmodified ccxt trades against it. What a client
must not rely on at Bybit it cannot rely on here: creating an order answers only names, a post-only
order that would take is acknowledged and then canceled, an orderLinkId is used up for ever,
`openOnly` is on by default, parameters under wrong names are refused instead of passed over.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.bybit_account import BybitAccount
from bot.sim.emulator.bybit_call import Route, read
from bot.sim.emulator.bybit_door import Door, Key
from bot.sim.emulator.bybit_orders import BybitOrders
from bot.sim.emulator.bybit_private import BybitPrivate
from bot.sim.emulator.bybit_public import BybitPublic
from bot.sim.emulator.bybit_rows import BybitRows
from bot.sim.emulator.bybit_words import Refused, envelope
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Happening, HoldingChanged, Income, OrderChanged


class BybitDialect:
    """Speaks Bybit's v5 for one account of an Emulator."""

    def __init__(
        self, core: Emulator, *, api_key: str, secret: str, account_id: str = "2001"
    ) -> None:
        self.core = core
        self.door = Door(Key(api_key=api_key, secret=secret))
        self._account_id = account_id
        self._rows = BybitRows(core)
        self._orders = BybitOrders(core, self._rows)
        self._public = BybitPublic(core).routes()
        self._private = {
            **self._orders.routes(),
            **BybitPrivate(core, self._rows, self._orders).routes(),
            **BybitAccount(core, self._rows, self.door.key, account_id).routes(),
        }

    @property
    def key(self) -> Key:
        """The API key, and what may be changed about it."""
        return self.door.key

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        """Answer a request that arrives at `at`: HTTP 200 with a retCode, mostly."""
        headers: dict[str, str] = {}
        try:
            self.door.knock(at)
            path = urlsplit(request.url).path
            if path in self._private:
                headers = self.door.count(path, at)
                self.door.check(request, at)
            route = self._route(path, request.method)
            self._orders.sweep(at)
            body = envelope(route.answer(read(request, route, at)), at)
        except Refused as refusal:
            headers = {**headers, **refusal.headers}
            body = envelope({}, at, code=refusal.code, text=refusal.message)
            return _reply(refusal.status, headers, body)
        return _reply(200, headers, body)

    def _route(self, path: str, method: str) -> Route:
        route = self._private.get(path) or self._public.get(path)
        if route is None or route.method != method:
            raise Refused(10017, "Route not found.", status=404)
        return route

    def is_authentic(self, args: Sequence[object], at: Millis) -> bool:
        """Whether the arguments of the private websocket's `auth` prove the key."""
        return self.door.is_authentic(args, at)

    def user_messages(self, happening: Happening) -> list[dict[str, Any]]:
        """What the topics order, execution, position and wallet tell of a happening.

        Reduce-only conditional orders that a closed position leaves behind are canceled here, so
        that it happens when it does at Bybit; they are told with the next happenings.
        """
        match happening:
            case OrderChanged():
                return self._order_messages(happening)
            case HoldingChanged():
                if happening.holding is None:
                    self._orders.sweep(happening.at)
                return self._account_messages(happening)

    def _order_messages(self, happening: OrderChanged) -> list[dict[str, Any]]:
        order, at = happening.order, happening.at
        root = self._rows.root(order)
        child = None if order.parent_id is None else order
        row = self._rows.order(order) if child is None else self._rows.order(root, child=child)
        messages = []
        if happening.trade is not None:
            messages.append(self._message("execution", at, self._rows.trade(happening.trade)))
        messages.append(self._message("order", at, row))
        return messages

    def _account_messages(self, happening: HoldingChanged) -> list[dict[str, Any]]:
        at = happening.at
        messages = []
        if happening.reason == "funding":
            paid = self._newest_funding(happening.symbol)
            if paid is not None:
                messages.append(self._message("execution", at, self._rows.funding(paid)))
        for row in self._rows.positions(happening.symbol):
            # The stream says entryPrice where the list says avgPrice (pages "Position").
            shown = {name: value for name, value in row.items() if name != "avgPrice"}
            shown |= {"category": "linear", "entryPrice": row["avgPrice"]}
            messages.append(self._message("position", at, shown))
        if happening.reason != "settings":
            messages.append(self._message("wallet", at, self._rows.wallet()))
        return messages

    def _newest_funding(self, symbol: Symbol) -> Income | None:
        rows = reversed(self.core.incomes)
        return next((row for row in rows if row.kind == "funding" and row.symbol == symbol), None)

    def _message(self, topic: str, at: Millis, row: dict[str, Any]) -> dict[str, Any]:
        number = f"{self._account_id}:{self.core.version}:{at}"
        return {"id": number, "topic": topic, "creationTime": at, "data": [row]}


def _reply(status: int, headers: dict[str, str], body: dict[str, Any]) -> HttpReply:
    shown = {"content-type": "application/json; charset=utf-8", **headers}
    return HttpReply(status=status, headers=shown, body=msgspec.json.encode(body))
