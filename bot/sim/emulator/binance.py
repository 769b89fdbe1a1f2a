"""The emulated exchange in Binance's words: USD-M futures over REST, and its user stream.

Beside futures it answers the two spot endpoints that alone tell the account's number and a key's
rights. It holds to what real replies do and leave out, because unmodified ccxt reads them.
"""

from typing import Any
from urllib.parse import urlsplit

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.instrument import display_symbol
from bot.model.primitives import Millis
from bot.sim.emulator.binance_account import Account
from bot.sim.emulator.binance_call import Route, check_names, read
from bot.sim.emulator.binance_door import Door, Key, forbidden
from bot.sim.emulator.binance_orders import Orders
from bot.sim.emulator.binance_public import Public
from bot.sim.emulator.binance_settings import Settings
from bot.sim.emulator.binance_user import user_messages
from bot.sim.emulator.binance_words import Refused, reply_of
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Happening

ORDER_PATHS = ("/fapi/v1/order", "/fapi/v1/algoOrder")


class BinanceDialect:
    """Answers requests, counts them, and tells the user stream's messages."""

    def __init__(
        self, core: Emulator, *, api_key: str, secret: str, account_id: str = "1001"
    ) -> None:
        """`account_id` is a number: the `uid` of Binance."""
        self.core = core
        self.door = Door(Key(api_key=api_key, secret=secret))
        ids = {display_symbol(symbol): symbol for symbol in core.instruments}
        self.orders = Orders(core, ids)
        self.account = Account(core, self.orders, key=self.door.key, account_id=account_id)
        self.settings = Settings(core, self.orders, key=self.door.key, account_id=account_id)
        self._routes: dict[str, Route] = {
            **Public(core, self.orders).routes(),
            **self.orders.routes(),
            **self.account.routes(),
            **self.settings.routes(),
        }

    @property
    def key(self) -> Key:
        """The API key, and what may be changed about it."""
        return self.door.key

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        """Answer a request that arrives at `at`."""
        self.pass_time(at)
        path = urlsplit(request.url).path
        route = self._routes.get(f"{request.method} {path}")
        is_order = route is not None and route.is_order
        try:
            reply = reply_of(self._answer(request, route, at))
        except Refused as refused:
            reply = refused.reply
        told = self.door.headers(at, is_order=is_order)
        return HttpReply(status=reply.status, headers={**told, **reply.headers}, body=reply.body)

    def pass_time(self, at: Millis) -> None:
        """Let what is due happen: the dead man's switch."""
        self.orders.pass_time(at)

    def user_messages(self, happening: Happening) -> list[dict[str, Any]]:
        """What the user stream tells of a happening."""
        return user_messages(self.core, happening)

    def fork(self) -> "BinanceDialect":
        """An independent copy, with a fork of the core and limits that are not used yet."""
        key = self.door.key
        twin = BinanceDialect(
            self.core.fork(),
            api_key=key.api_key,
            secret=key.secret,
            account_id=self.account.account_id,
        )
        for name in ("is_revoked", "is_ip_restricted", "can_trade", "can_withdraw"):
            setattr(twin.key, name, getattr(key, name))
        twin.orders.countdowns = dict(self.orders.countdowns)
        return twin

    def _answer(self, request: HttpRequest, route: Route | None, at: Millis) -> Any:
        if route is None:
            self.door.knock(1, at, is_order=False)
            raise Refused(-5000, f"Path {request.method} is not emulated.", status=404)
        call = read(request, at)
        self.door.knock(route.weight(call), at, is_order=route.is_order)
        if route.is_signed:
            self.door.check(call)
        elif route.needs_key:
            self.door.check_key(call)
        check_names(call, route)
        if route.is_signed and request.method != "GET" and not self.key.can_trade:
            raise forbidden()
        return route.answer(call)
