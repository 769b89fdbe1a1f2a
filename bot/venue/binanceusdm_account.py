"""One reading of a Binance account: what is held, what is open, and what has traded since.

Trades can only be asked for symbol by symbol, and twenty symbols each time would be too much. So
they are read where something happened: all at first, then those that the bot or the stream has
touched, those whose position has changed, and one more in turn. A trade may be shown later than the
position that it made, so what is read once is read again for some readings. Each symbol goes on
from its own last reading with an overlap, whatever the core's cursor does.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple

from msgspec.structs import replace

from bot.gateway.client import Client
from bot.gateway.connection import QUERY
from bot.gateway.failures import NoAnswerError, RefusedError
from bot.model.account import Position, VenueSnapshot
from bot.model.order import Fill, OrderReport
from bot.model.primitives import Millis, Symbol, VenueOrderId
from bot.ports import Clock
from bot.venue.api import Modes
from bot.venue.binanceusdm_memory import Memory
from bot.venue.binanceusdm_owners import OwnerSearch
from bot.venue.decode import binanceusdm as decode
from bot.venue.decode import binanceusdm_account as decode_account
from bot.venue.decode.binanceusdm import Trade
from bot.venue.decode.fields import as_rows
from bot.venue.requests import binanceusdm as requests
from bot.venue.requests.binanceusdm import HISTORY_WINDOW_MS, PAGE_MAX, QUOTE, Asked
from bot.venue.together import together

OVERLAP_MS: Final = 120_000
READINGS: Final = 3
"""How often trades are read in a row after something happened."""
HISTORY_MS: Final = 89 * 86_400_000
"""Trades are kept for three months (change log 2026-08-26); older ones cannot be asked for."""
GONE_CODES: Final = frozenset({"-1121", "-1122"})
"""There is no such symbol (any more): it has no trades, and hides none of the others (E30)."""
PAGES_MAX: Final = 100
"""A list that does not end is no answer."""
AT_ONCE: Final = 6

RATES_DEFAULT: Final[Mapping[bool, Decimal]] = {True: Decimal("0.0002"), False: Decimal("0.0005")}
"""Of makers and of takers, without any discount: used until the account's own are known."""


class _Standing(NamedTuple):
    """What was answered but trades."""

    positions: list[Position]
    orders: list[OrderReport]
    settings: dict[Symbol, decode_account.Setting]
    is_one_way: bool
    balance: Any


class AccountReader:
    """Reads the account, and remembers how far each symbol's trades were read."""

    def __init__(
        self, client: Client, market_ids: dict[Symbol, str], *, memory: Memory, clock: Clock
    ) -> None:
        self._client = client
        self._ids = market_ids
        self._symbols = {market_id: symbol for symbol, market_id in market_ids.items()}
        self._memory = memory
        self._clock = clock
        self._cursors: dict[Symbol, Millis] = {}
        self._held: dict[Symbol, tuple[Decimal, Millis]] = {}
        """Signed quantity and time of each position, as of the last reading."""
        self._wanted: dict[Symbol, int] = {}
        """How many readings yet are to read a symbol's trades."""
        self._turn = 0
        self._has_shown_mode = False
        """The last list of positions has told the position mode."""
        self.rates: dict[bool, Decimal] = dict(RATES_DEFAULT)
        """Commission by whether it is a maker's, as a share of notional."""

    def want(self, symbol: Symbol) -> None:
        """Something happened there: the next readings read its trades."""
        if symbol in self._ids:
            self._wanted[symbol] = READINGS

    async def read(
        self, *, asked_at: Millis, fills_since: Millis, touched: Sequence[Symbol]
    ) -> tuple[VenueSnapshot, Modes]:
        """Read everything once.

        Raises:
            GatewayError: any part of it was not had; nothing is remembered of the others.

        """
        for symbol in touched:
            self.want(symbol)
        standing = await self._standing()
        held = {
            row.symbol: (row.qty * row.position_side.sign, row.venue_at)
            for row in standing.positions
        }
        # Where only what is now was asked for, trades are left to the first reading of a past:
        # else what traded before, on symbols that are flat again, would wait for its turn.
        is_of_now = fills_since >= asked_at and not self._cursors
        due = [] if is_of_now else self._due(held)
        read_to = self._clock.now()
        found: dict[Symbol, tuple[list[Fill], bool]] = {}
        # Positions first, trades then: a position is never newer than the trades that explain it.
        for first in range(0, len(due), AT_ONCE):
            async with together() as group:
                tasks = {
                    symbol: group.create_task(self._fills(symbol, fills_since, read_to))
                    for symbol in due[first : first + AT_ONCE]
                }
            found |= {symbol: task.result() for symbol, task in tasks.items()}
        snapshot = VenueSnapshot(
            at=asked_at,
            symbols=tuple(self._ids),
            positions=tuple(standing.positions),
            orders=tuple(standing.orders),
            fills=tuple(fill for fills, _ in found.values() for fill in fills),
            balance_usd=decode_account.balance_of(standing.balance, QUOTE),
        )
        self._held = held
        self._turn += 1
        for symbol, (_, is_complete) in found.items():
            self._cursors[symbol] = read_to
            # What is wanted meanwhile begins at READINGS again, and is not used up by this.
            left = self._wanted.pop(symbol, 0) - 1
            if left > 0 or not is_complete:
                self._wanted[symbol] = max(left, 1)
        return snapshot, modes_from(standing.settings, is_one_way=standing.is_one_way)

    async def _standing(self) -> _Standing:
        async with together() as group:
            positions = group.create_task(self._ask(Asked(requests.POSITIONS, {})))
            orders = group.create_task(self._ask(Asked(requests.OPEN_ORDERS, {})))
            stops = group.create_task(self._ask(Asked(requests.OPEN_STOPS, {})))
            balance = group.create_task(self._ask(Asked(requests.BALANCE, {})))
            symbols = group.create_task(self._ask(Asked(requests.SYMBOL_CONFIG, {})))
            asked = None if self._has_shown_mode else group.create_task(self._asked_one_way())
        shown = decode_account.shows_one_way(positions.result())
        self._has_shown_mode = shown is not None
        if shown is not None:
            is_one_way = shown
        else:
            is_one_way = asked.result() if asked is not None else await self._asked_one_way()
        settings = decode_account.settings_of(symbols.result(), self._symbols, may_lack=True)
        return _Standing(
            positions=decode_account.positions_of(positions.result(), self._symbols, settings),
            orders=self._reports(orders.result(), stops.result()),
            settings=settings,
            is_one_way=is_one_way,
            balance=balance.result(),
        )

    async def _asked_one_way(self) -> bool:
        return decode_account.is_one_way_of(await self._ask(Asked(requests.ACCOUNT_CONFIG, {})))

    def _reports(self, orders: Any, stops: Any) -> list[OrderReport]:
        """Open orders of both services; a stop's child is told under the stop's name."""
        found = decode.stops_of(stops, self._symbols)
        for stop in found:
            self._memory.see_stop(stop)
        by_name = {stop.report.venue_id: stop.report for stop in found}
        others: list[OrderReport] = []
        for report in decode.orders_of(orders, self._symbols):
            parent = self._memory.parent(report.symbol, report.venue_id)
            if parent is not None:
                by_name[parent.venue_id] = decode.with_child(parent, report)
                continue
            self._memory.see(report)
            others.append(report)
        return [*others, *by_name.values()]

    def _due(self, held: Mapping[Symbol, tuple[Decimal, Millis]]) -> list[Symbol]:
        """Symbols whose trades are read this time, in the order of the settings."""
        symbols = list(self._ids)
        if not symbols:
            return []
        for symbol in symbols:
            if held.get(symbol) != self._held.get(symbol):
                self.want(symbol)
        next_one = symbols[self._turn % len(symbols)]
        return [
            symbol
            for symbol in symbols
            if symbol not in self._cursors or symbol in self._wanted or symbol == next_one
        ]

    async def _fills(
        self, symbol: Symbol, fills_since: Millis, read_to: Millis
    ) -> tuple[list[Fill], bool]:
        """Fills with their owners; False where some were left for the next time."""
        cursor = self._cursors.get(symbol)
        start_at = fills_since if cursor is None else min(fills_since, cursor - OVERLAP_MS)
        oldest = read_to - HISTORY_MS
        try:
            trades = await self._trades(symbol, Millis(max(start_at, oldest)), read_to)
        except RefusedError as error:
            if error.code not in GONE_CODES:
                raise
            trades = []
        search = OwnerSearch(
            self._client, symbol, self._ids[symbol], memory=self._memory, clock=self._clock
        )
        newest: dict[VenueOrderId, Millis] = {}
        for trade in trades:
            newest[trade.order_id] = max(newest.get(trade.order_id, Millis(0)), trade.fill.at)
        fills: list[Fill] = []
        is_complete = True
        owners = {order_id: await search.find(order_id, at) for order_id, at in newest.items()}
        for trade in trades:
            owner = owners[trade.order_id]
            if owner is None:
                is_complete = False
                continue
            fills.append(
                replace(trade.fill, client_id=owner.client_id, is_liquidation=owner.is_liquidation)
            )
        return fills, is_complete

    async def _trades(self, symbol: Symbol, start_at: Millis, end_at: Millis) -> list[Trade]:
        """All trades of a symbol from one instant on, in windows of a week, page by page."""
        market_id = self._ids[symbol]
        found: dict[int, Trade] = {}
        asked: Asked | None = requests.trades_since(
            market_id, start_at, Millis(min(start_at + HISTORY_WINDOW_MS, end_at))
        )
        for _ in range(PAGES_MAX):
            if asked is None:
                return [found[number] for number in sorted(found)]
            rows = as_rows(await self._ask(asked), "trades")
            page = [decode.trade_of(row, symbol, quote=QUOTE, rates=self.rates) for row in rows]
            found |= {trade.number: trade for trade in page}
            asked, start_at = self._next_page(market_id, asked, page, start_at, end_at)
        raise NoAnswerError(f"the trades of {market_id} do not end")

    def _next_page(
        self,
        market_id: str,
        asked: Asked,
        page: Sequence[Trade],
        start_at: Millis,
        end_at: Millis,
    ) -> tuple[Asked | None, Millis]:
        if len(page) >= PAGE_MAX:
            return requests.trades_from(market_id, max(row.number for row in page) + 1), start_at
        window_end = asked.params.get("endTime")
        if window_end is None or window_end >= end_at:
            return None, start_at  # A page by trade ids has no end but the newest trade.
        start_at = Millis(window_end + 1)
        window_end = Millis(min(start_at + HISTORY_WINDOW_MS, end_at))
        return requests.trades_since(market_id, start_at, window_end), start_at

    async def _ask(self, asked: Asked) -> Any:
        return await self._client.call(asked.route, asked.params, lane=QUERY)


def modes_from(settings: Mapping[Symbol, decode_account.Setting], *, is_one_way: bool) -> Modes:
    """How the account stands, from what was decoded."""
    return Modes(
        is_one_way=is_one_way,
        margin_modes={symbol: row.margin_mode for symbol, row in settings.items()},
        leverages={symbol: row.leverage for symbol, row in settings.items()},
    )
