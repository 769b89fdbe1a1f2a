"""Binance USDⓈ-M's private interface: one-way mode, linear contracts in USDT.

Orders and conditional orders are two services with an id of their own each. A conditional order
that fires sends an ordinary one, and what became of the stop is what became of that child: a
query follows it. Nothing can be attached to an entry here.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from bot.gateway.client import Client
from bot.gateway.connection import DATA, QUERY, Lane
from bot.gateway.failures import GatewayError, NoAnswerError, RefusedError, Verdict
from bot.gateway.stream import open_stream
from bot.model.account import VenueSnapshot
from bot.model.events import FundingPaid
from bot.model.order import (
    FINAL_STATUSES,
    OrderKind,
    OrderReport,
    OrderRequest,
    OrderStatus,
    TimeInForce,
)
from bot.model.primitives import (
    ZERO,
    ClientOrderId,
    Millis,
    Price,
    Qty,
    Symbol,
    VenueOrderId,
)
from bot.ports import Clock, Emit
from bot.venue.api import Fees, Identity, Modes
from bot.venue.binanceusdm_account import HISTORY_MS, PAGES_MAX, AccountReader, modes_from
from bot.venue.binanceusdm_memory import Memory
from bot.venue.binanceusdm_stream import Connect, UserStream
from bot.venue.decode import binanceusdm as decode
from bot.venue.decode import binanceusdm_account as decode_account
from bot.venue.decode.fields import as_row, as_rows, text_of
from bot.venue.requests import binanceusdm as requests
from bot.venue.requests.binanceusdm import HISTORY_WINDOW_MS, PAGE_MAX, QUOTE, Asked
from bot.venue.together import together


class BinanceApi:
    """The PrivateApi of Binance USDⓈ-M."""

    def __init__(
        self,
        client: Client,
        market_ids: dict[Symbol, str],
        clock: Clock,
        *,
        connect: Connect = open_stream,
    ) -> None:
        self._client = client
        self._ids = market_ids
        self._symbols = {market_id: symbol for symbol, market_id in market_ids.items()}
        self._clock = clock
        self._memory = Memory()
        self._reader = AccountReader(client, market_ids, memory=self._memory, clock=clock)
        self._connect = connect
        self._asking_fees = asyncio.Lock()
        self._fees: Fees | None = None

    # --- settings

    async def identity(self) -> Identity:
        """Whose key it is and what it may do."""
        async with together() as group:
            rights = group.create_task(self._ask(Asked(requests.KEY_RIGHTS, {})))
            spot = group.create_task(
                self._ask(Asked(requests.SPOT_ACCOUNT, {"omitZeroBalances": "true"}))
            )
            config = group.create_task(self._ask(Asked(requests.ACCOUNT_CONFIG, {})))
            balance = group.create_task(self._ask(Asked(requests.BALANCE, {})))
        return Identity(
            account_id=decode_account.account_id_of(spot.result(), balance.result()),
            rights=decode_account.rights_of(rights.result()),
            can_trade=decode_account.can_trade_of(config.result(), rights.result()),
        )

    async def modes(self) -> Modes:
        """How the account stands now, all symbols in one question."""
        async with together() as group:
            config = group.create_task(self._ask(Asked(requests.ACCOUNT_CONFIG, {})))
            symbols = group.create_task(self._ask(Asked(requests.SYMBOL_CONFIG, {})))
        settings = decode_account.settings_of(symbols.result(), self._symbols)
        is_one_way = decode_account.is_one_way_of(config.result())
        return modes_from(settings, is_one_way=is_one_way)

    async def set_one_way(self) -> None:
        """One position a symbol, for the whole account."""
        await self._set(Asked(requests.SET_POSITION_MODE, {"dualSidePosition": "false"}))

    async def set_margin_mode(self, symbol: Symbol, mode: str) -> None:
        """`isolated` or `cross`, for one symbol."""
        await self._set(requests.set_margin_mode(self._ids[symbol], mode))

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        """Set the same again and the exchange says nothing of it."""
        params = {"symbol": self._ids[symbol], "leverage": leverage}
        await self._set(Asked(requests.SET_LEVERAGE, params))

    async def fees(self, symbol: Symbol) -> Fees:
        """What the account pays on a symbol: its tier's rates, asked for once.

        The tier has one pair of rates for contracts in USDT (Binance, "Futures Trading Fee Rate"),
        and an answer costs 20 of the 2,400 that a minute allows: for each of thirty symbols they
        were a quarter of it, and a second start within the minute waited for the rest.
        """
        async with self._asking_fees:
            if self._fees is None:
                asked = Asked(requests.COMMISSION, {"symbol": self._ids[symbol]})
                reply = await self._ask(asked, lane=DATA)
                self._reader.rates = decode_account.rates_of(reply)
                self._fees = decode_account.fees_of(reply)
            return self._fees

    async def _set(self, asked: Asked) -> None:
        try:
            as_row(await self._ask(asked), asked.route.name)
        except RefusedError as error:
            if error.verdict is not Verdict.ALREADY_SO:
                raise

    # --- orders

    async def place(
        self, request: OrderRequest, *, stop_loss_price: Price | None, lane: Lane, window_ms: int
    ) -> OrderReport:
        """Send one order; there is no attached stop here, `stop_loss_price` is not sent."""
        del stop_loss_price
        asked = requests.place(request, self._ids[request.symbol])
        reply = await self._client.call(asked.route, asked.params, lane=lane, window_ms=window_ms)
        if request.kind is OrderKind.STOP_MARKET:
            stop = decode.stop_of(reply, request.symbol)
            self._memory.see_stop(stop)
            return stop.report
        report = decode.order_of(reply, request.symbol)
        self._memory.see(report)
        is_immediate = request.kind is OrderKind.MARKET or request.time_in_force is TimeInForce.IOC
        if not is_immediate or report.status in FINAL_STATUSES:
            return report
        try:
            found = await self.query(request.symbol, request.client_id, is_trigger=False, lane=lane)
        except GatewayError:
            return report
        return found or report

    async def cancel(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """Cancel by client id; None where there is no such open order."""
        asked = requests.cancel(client_id, self._ids[symbol], is_trigger=is_trigger)
        reply = await self._ask_for_order(asked, lane)
        if reply is None:
            return None
        if not is_trigger:
            return self._seen(decode.order_of(reply, symbol))
        known = self._memory.own_stop(client_id)
        return await self._canceled_stop(reply, symbol, known, lane)

    async def cancel_foreign(
        self, symbol: Symbol, venue_id: VenueOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """Cancel by the exchange's id; None where there is no such open order."""
        asked = requests.cancel_id(venue_id, self._ids[symbol], is_trigger=is_trigger)
        reply = await self._ask_for_order(asked, lane)
        if reply is None:
            return None
        if not is_trigger:
            return self._seen(decode.order_of(reply, symbol))
        return await self._canceled_stop(reply, symbol, self._memory.stop(venue_id), lane)

    async def query(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """What became of an order; of a stop that has fired, what became of its child."""
        asked = requests.query(client_id, self._ids[symbol], is_trigger=is_trigger)
        reply = await self._ask_for_order(asked, lane)
        if reply is None:
            return None
        if not is_trigger:
            return self._seen(decode.order_of(reply, symbol))
        stop = decode.stop_of(reply, symbol)
        self._memory.see_stop(stop)
        if stop.child_id is None:
            return decode.without_child(stop, now=self._clock.now())
        child = await self._ask_for_order(requests.query_id(stop.child_id, self._ids[symbol]), lane)
        if child is None:
            return decode.without_child(stop, now=self._clock.now())
        return decode.with_child(stop.report, decode.order_of(child, symbol))

    async def _canceled_stop(
        self, reply: Any, symbol: Symbol, known: OrderReport | None, lane: Lane
    ) -> OrderReport:
        """Report a conditional order whose cancel was acknowledged: the reply has no state.

        One that had fired would not have been canceled: nothing of it has filled.
        """
        venue_id = text_of(as_row(reply, "cancel"), "algoId")
        if known is None:
            asked = Asked(requests.QUERY_STOP, {"algoId": venue_id})
            found = await self._ask_for_order(asked, lane)
            if found is None:
                raise NoAnswerError("the conditional order that was canceled is not to be found")
            known = decode.stop_of(found, symbol).report
        return replace(
            known,
            status=OrderStatus.CANCELED,
            filled_qty=Qty(ZERO),
            venue_at=Millis(max(known.venue_at, self._clock.now())),
        )

    def _seen(self, report: OrderReport) -> OrderReport:
        self._memory.see(report)
        return report

    # --- the account

    async def account(
        self, *, asked_at: Millis, fills_since: Millis, touched: Sequence[Symbol]
    ) -> tuple[VenueSnapshot, Modes]:
        """Positions, open orders of both services, balance, modes, and fills where it is due."""
        return await self._reader.read(asked_at=asked_at, fills_since=fills_since, touched=touched)

    async def funding_paid(self, since: Millis) -> Sequence[FundingPaid]:
        """Funding settled since then, as far back as the exchange keeps it (three months)."""
        now = self._clock.now()
        start_at = Millis(max(since, now - HISTORY_MS))
        found: dict[str, FundingPaid] = {}
        for _ in range(PAGES_MAX):
            end_at = Millis(min(start_at + HISTORY_WINDOW_MS, now))
            reply = await self._ask(requests.funding_since(start_at, end_at), lane=DATA)
            rows = as_rows(reply, "income")
            paid = decode_account.funding_of(rows, self._symbols, QUOTE)
            found |= {row.id: row for row in paid}
            if len(rows) >= PAGE_MAX:
                last = max(decode_account.income_at(row) for row in rows)
                start_at = Millis(max(last, start_at + 1))
            elif end_at >= now:
                return sorted(found.values(), key=lambda row: (row.at, row.id))
            else:
                start_at = Millis(end_at + 1)
        raise NoAnswerError("the list of funding does not end")

    async def watch(self, emit: Emit, wake: Callable[[str], None]) -> None:
        """Follow the user stream until canceled; it mends itself."""
        stream = UserStream(
            self._client,
            symbols=self._symbols,
            memory=self._memory,
            rates_of=lambda: self._reader.rates,
            want=self._reader.want,
            clock=self._clock,
            connect=self._connect,
        )
        await stream.run(emit, wake)

    # --- asking

    async def _ask(self, asked: Asked, *, lane: Lane = QUERY) -> Any:
        return await self._client.call(asked.route, asked.params, lane=lane)

    async def _ask_for_order(self, asked: Asked, lane: Lane) -> Any | None:
        """Give the reply; None where the exchange answers that there is no such order."""
        try:
            return await self._ask(asked, lane=lane)
        except RefusedError as error:
            if error.verdict is Verdict.NOT_FOUND:
                return None
            raise
