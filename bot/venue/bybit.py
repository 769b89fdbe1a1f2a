"""Bybit's private interface: one unified account, linear contracts, one position a symbol.

`order/create` answers with ids alone and `order/cancel` only acknowledges, so what became of the
order is asked once more. A conditional order keeps its ids when it fires, and both kinds are in
one list: `is_trigger` decides nothing here.

A fill that the stop of an entry has traded carries no name of ours; it is booked under the stop
that this process has placed or found on that symbol (`bybit_stops.py`), else under none.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from bot.gateway.client import Client
from bot.gateway.connection import DATA, QUERY, Lane, Route
from bot.gateway.failures import GatewayError, RefusedError, Verdict
from bot.gateway.stream import open_stream
from bot.model.account import Position, VenueSnapshot
from bot.model.events import FundingPaid
from bot.model.order import Fill, OrderKind, OrderReport, OrderRequest, OrderStatus, TimeInForce
from bot.model.primitives import (
    ZERO,
    ClientOrderId,
    Millis,
    Price,
    Qty,
    Symbol,
    Usd,
    VenueOrderId,
)
from bot.ports import Clock, Emit
from bot.venue.api import Fees, Identity, Modes
from bot.venue.bybit_stops import OwnStops
from bot.venue.bybit_stream import Connect, UserStream
from bot.venue.decode import bybit as decode
from bot.venue.decode.bybit_rows import (
    ExecutionRow,
    LogRow,
    OrderRow,
    PositionRow,
    number,
    page_of,
    result_of,
)
from bot.venue.requests import bybit as routes
from bot.venue.requests.bybit import Params
from bot.venue.together import together

T = TypeVar("T")

HISTORY_MS = 730 * 86_400_000
"""The exchange keeps executions for two years."""
PAGES_MAX = 200
"""A list that does not end is no answer."""
AFTER_S = 1.0
"""How long the answer to a new order waits for what has become of it."""


class BybitApi:
    """The PrivateApi of Bybit."""

    def __init__(
        self,
        client: Client,
        market_ids: dict[Symbol, str],
        clock: Clock,
        *,
        connect: Connect = open_stream,
    ) -> None:
        self._client = client
        self._connect = connect
        self._ids = market_ids
        self._symbols = {market_id: symbol for symbol, market_id in market_ids.items()}
        self._clock = clock
        self._stops = OwnStops()
        self._leverages: dict[Symbol, float] = {}
        self._hedged: set[Symbol] = set()
        self._turn = 0

    # --- settings

    async def identity(self) -> Identity:
        """Whose key it is and what it may do."""
        return decode.identity(await self._client.call(routes.QUERY_API, lane=QUERY))

    async def modes(self) -> Modes:
        """How the account stands now, every symbol asked."""
        async with together() as group:
            info = group.create_task(self._client.call(routes.ACCOUNT_INFO, lane=QUERY))
            for symbol in self._ids:
                group.create_task(self._look_at(symbol))
        return self._modes(decode.margin_mode(info.result()))

    async def set_one_way(self) -> None:
        """One position a symbol, for every contract settled in USDT."""
        await self._set(routes.SWITCH_MODE, routes.one_way())

    async def set_margin_mode(self, symbol: Symbol, mode: str) -> None:
        """Set the whole account: a unified account has no margin mode of a symbol.

        Raises:
            RefusedError: by ourselves, where a position is held on any symbol, ours or not.

        """
        del symbol
        for coin in routes.COINS:
            params = routes.held_positions(coin)
            rows = await self._all(routes.POSITION_LIST, params, PositionRow, "the positions")
            held = sorted(row.symbol for row in rows if number(row.size or "0"))
            if held:
                raise RefusedError(
                    f"the mode is the whole account's, which holds {', '.join(held)}",
                    code="held",
                    status=0,
                    verdict=Verdict.REJECTED,
                )
        await self._set(routes.SET_MARGIN_MODE, routes.margin_mode(mode))

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        """Both sides alike."""
        await self._set(routes.SET_LEVERAGE, routes.leverage(self._ids[symbol], leverage))
        self._leverages[symbol] = float(leverage)

    async def fees(self, symbol: Symbol) -> Fees:
        """What the account pays on a symbol."""
        market_id = self._ids[symbol]
        reply = await self._client.call(routes.FEE_RATE, routes.fee_rate(market_id), lane=DATA)
        return decode.fees(reply, market_id)

    async def _set(self, route: Route, params: Params) -> None:
        try:
            result_of(await self._client.call(route, params, lane=QUERY), dict, route.name)
        except RefusedError as error:
            if error.verdict is not Verdict.ALREADY_SO:
                raise

    # --- orders

    async def place(
        self, request: OrderRequest, *, stop_loss_price: Price | None, lane: Lane, window_ms: int
    ) -> OrderReport:
        """Send one order; what an immediate one filled is asked for once."""
        params = routes.place(request, self._ids[request.symbol], stop_loss_price)
        self._stops.placed(request)
        try:
            reply = await self._client.call(
                routes.ORDER_CREATE, params, lane=lane, window_ms=window_ms
            )
        except RefusedError as error:
            if error.verdict is Verdict.REJECTED:
                self._stops.refused(request)
            raise
        venue_id, venue_at = decode.order_ids(reply)
        if request.kind is OrderKind.MARKET or request.time_in_force is TimeInForce.IOC:
            found = await self._after(request, lane)
            if found is not None:
                return found
        return OrderReport(
            client_id=request.client_id,
            venue_id=venue_id,
            symbol=request.symbol,
            side=request.side,
            kind=request.kind,
            status=OrderStatus.OPEN,
            qty=request.qty,
            filled_qty=Qty(ZERO),
            price=request.price,
            trigger_price=request.trigger_price,
            is_reduce_only=request.is_reduce_only,
            venue_at=venue_at,
        )

    async def _after(self, request: OrderRequest, lane: Lane) -> OrderReport | None:
        """Ask what a new order has become; a failure of this question is none of the order's.

        That it exists is known, and is not kept waiting for long: what has filled needs a stop.
        """
        try:
            async with asyncio.timeout(AFTER_S / self._clock.speed):
                return await self._find(request.symbol, lane, client_id=request.client_id)
        except (GatewayError, TimeoutError):
            return None

    async def cancel(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """Cancel by client id and ask what became of it; None: there is no such open order."""
        del is_trigger
        return await self._cancel(symbol, lane, client_id=client_id)

    async def cancel_foreign(
        self, symbol: Symbol, venue_id: VenueOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """Cancel by the exchange's id."""
        del is_trigger
        return await self._cancel(symbol, lane, venue_id=venue_id)

    async def _cancel(
        self, symbol: Symbol, lane: Lane, *, client_id: str = "", venue_id: str = ""
    ) -> OrderReport | None:
        params = routes.order_named(self._ids[symbol], client_id=client_id, venue_id=venue_id)
        try:
            reply = await self._client.call(routes.ORDER_CANCEL, params, lane=lane)
        except RefusedError as error:
            if error.verdict is Verdict.NOT_FOUND:
                return None
            raise
        result_of(reply, dict, "a cancel")
        return await self._find(symbol, lane, client_id=client_id, venue_id=venue_id)

    async def query(
        self, symbol: Symbol, client_id: ClientOrderId, *, is_trigger: bool, lane: Lane
    ) -> OrderReport | None:
        """What became of an order; None: neither among the recent ones nor in the history."""
        del is_trigger
        return await self._find(symbol, lane, client_id=client_id)

    async def _find(
        self, symbol: Symbol, lane: Lane, *, client_id: str = "", venue_id: str = ""
    ) -> OrderReport | None:
        params = routes.order_named(self._ids[symbol], client_id=client_id, venue_id=venue_id)
        for route in (routes.ORDER_REALTIME, routes.ORDER_HISTORY):
            try:
                reply = await self._client.call(route, params, lane=lane)
            except RefusedError as error:
                if error.verdict is Verdict.NOT_FOUND:
                    continue
                raise
            for row in page_of(reply, OrderRow, route.name)[0]:
                if row.order_link_id == client_id if client_id else row.order_id == venue_id:
                    return decode.report(row, self._symbols)
        return None

    # --- the account

    async def account(
        self, *, asked_at: Millis, fills_since: Millis, touched: Sequence[Symbol]
    ) -> tuple[VenueSnapshot, Modes]:
        """Everything at once, six requests where every list is one page.

        Positions, orders, executions, the balance and the margin mode are of the whole account,
        so `touched` is not needed. Leverage of symbols that hold nothing is in none of those
        lists: one symbol is looked at each time, in turn.
        """
        del touched
        async with together() as group:
            positions = group.create_task(self._positions())
            orders = group.create_task(self._open_orders())
            executions = group.create_task(self._executions(fills_since, asked_at))
            balance = group.create_task(self._balance())
            info = group.create_task(self._client.call(routes.ACCOUNT_INFO, lane=QUERY))
            group.create_task(self._look_in_turn())
        snapshot = VenueSnapshot(
            at=asked_at,
            symbols=tuple(self._ids),
            positions=positions.result(),
            orders=orders.result(),
            fills=self._fills(executions.result()),
            balance_usd=balance.result(),
        )
        return snapshot, self._modes(decode.margin_mode(info.result()))

    async def _positions(self) -> tuple[Position, ...]:
        rows = await self._all(
            routes.POSITION_LIST, routes.held_positions(), PositionRow, "the positions"
        )
        self._learn(rows)
        return decode.positions(rows, self._symbols)

    async def _open_orders(self) -> tuple[OrderReport, ...]:
        rows = await self._all(
            routes.ORDER_REALTIME, routes.open_orders(), OrderRow, "the open orders"
        )
        reports = (decode.report(row, self._symbols) for row in rows if not row.belongs_to_position)
        found = tuple(row for row in reports if row is not None and row.status is OrderStatus.OPEN)
        for report in found:
            self._stops.listed(report)
        return found

    async def _executions(self, since: Millis, until: Millis) -> list[ExecutionRow]:
        return await self._spans(
            routes.EXECUTION_LIST, routes.executions, ExecutionRow, since, until
        )

    async def _balance(self) -> Usd:
        reply = await self._client.call(routes.WALLET_BALANCE, routes.wallet(), lane=QUERY)
        return decode.balance(reply)

    def _fills(self, rows: Sequence[ExecutionRow]) -> tuple[Fill, ...]:
        fills = (decode.fill(row, self._symbols, self._stops.of) for row in rows)
        found = {(row.symbol, row.id): row for row in fills if row is not None}
        return tuple(sorted(found.values(), key=lambda row: (row.at, row.id)))

    async def funding_paid(self, since: Millis) -> Sequence[FundingPaid]:
        """Funding in the account's transaction log."""
        rows = await self._spans(
            routes.TRANSACTION_LOG, routes.settlements, LogRow, since, self._clock.now()
        )
        found = {row.id: row for row in decode.funding(rows, self._symbols)}
        return sorted(found.values(), key=lambda row: (row.at, row.id))

    # --- the stream

    async def watch(self, emit: Emit, wake: Callable[[str], None]) -> None:
        """Follow the private stream; it reconnects by itself until it is canceled."""
        stream = UserStream(
            self._client,
            symbols=self._symbols,
            stop_of=self._stops.of,
            is_changed=self._is_changed,
            clock=self._clock,
            connect=self._connect,
        )
        await stream.run(emit, wake)

    # --- what is known of the settings

    def _modes(self, margin_mode: str) -> Modes:
        return Modes(
            is_one_way=not self._hedged,
            margin_modes=dict.fromkeys(self._ids, margin_mode),
            leverages=dict(self._leverages),
        )

    async def _look_at(self, symbol: Symbol) -> None:
        """Read the settings of one symbol; its rows come also where nothing is held."""
        params = routes.position_of(self._ids[symbol])
        reply = await self._client.call(routes.POSITION_LIST, params, lane=QUERY)
        self._learn(page_of(reply, PositionRow, "a position")[0])

    async def _look_in_turn(self) -> None:
        """Read the settings of the next symbol; one that is gone (E30) has none to be read."""
        try:
            await self._look_at(self._next_in_turn())
        except RefusedError as error:
            if error.verdict is not Verdict.REJECTED:
                raise

    def _learn(self, rows: Sequence[PositionRow]) -> None:
        for symbol in {self._symbols[row.symbol] for row in rows if row.symbol in self._symbols}:
            own = [row for row in rows if self._symbols.get(row.symbol) == symbol]
            if any(row.position_idx != 0 for row in own):
                self._hedged.add(symbol)
            else:
                self._hedged.discard(symbol)
            times = [value for row in own if (value := decode.leverage(row)) is not None]
            if times:
                self._leverages[symbol] = max(times)

    def _is_changed(self, row: PositionRow) -> bool:
        """A message about a position tells other settings than we know."""
        symbol = self._symbols.get(row.symbol)
        if symbol is None:
            return False
        known = self._leverages.get(symbol)
        return (row.position_idx != 0) != (symbol in self._hedged) or (
            known is not None and decode.leverage(row) not in {known, None}
        )

    def _next_in_turn(self) -> Symbol:
        symbols = list(self._ids)
        self._turn = (self._turn + 1) % len(symbols)
        return symbols[self._turn]

    # --- lists

    async def _spans(
        self,
        route: Route,
        params_of: Callable[[Millis, Millis | None], Params],
        row_type: type[T],
        since: Millis,
        until: Millis,
    ) -> list[T]:
        """Everything since, one question for each week."""
        since = Millis(max(since, until - HISTORY_MS, 0))
        found: list[T] = []
        for start, end in routes.windows(since, until):
            found += await self._all(route, params_of(start, end), row_type, route.name)
        return found

    async def _all(self, route: Route, params: Params, row_type: type[T], what: str) -> list[T]:
        """Every page of a list; a page that fails fails the list."""
        found: list[T] = []
        cursor = ""
        for _ in range(PAGES_MAX):
            asked = params | {"cursor": cursor} if cursor else params
            reply = await self._client.call(route, asked, lane=QUERY)
            rows, following = page_of(reply, row_type, what)
            found += rows
            if not following or not rows or following == cursor:
                return found
            cursor = following
        raise GatewayError(f"{what} do not end")
