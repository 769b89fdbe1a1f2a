"""Binance's account: balances, positions, trades, incomes and whose it is.

Sources: Binance USD-M futures "Account" and "Trade" pages; the account's number and the rights of
a key are told by the spot interface alone ("Account Information", "Get API Key Permission").
"""

from decimal import Decimal
from typing import Any

from bot.model.instrument import display_symbol
from bot.model.primitives import ZERO, Millis, Symbol
from bot.sim.emulator.binance_call import Call, Route, signed_route
from bot.sim.emulator.binance_door import Key
from bot.sim.emulator.binance_orders import Orders, span_of
from bot.sim.emulator.binance_rows import Risk, trade_row
from bot.sim.emulator.binance_words import QUOTE, Refused, plain, usd_text
from bot.sim.emulator.core import Emulator

INCOMES = {"funding": "FUNDING_FEE", "realized": "REALIZED_PNL", "commission": "COMMISSION"}
INCOME_TYPES = {"TRANSFER", "WELCOME_BONUS", "INSURANCE_CLEAR", *INCOMES.values()}
LISTED_MAX = 1_000


class Account:
    """The account's endpoints over the core."""

    def __init__(self, core: Emulator, orders: Orders, *, key: Key, account_id: str) -> None:
        self.core = core
        self.key = key
        self.account_id = account_id
        self._symbol = orders.symbol
        self._orders = orders

    def routes(self) -> dict[str, Route]:
        """By method and path."""
        listed = "symbol orderId startTime endTime fromId limit"
        return {
            "GET /fapi/v1/userTrades": signed_route(listed, self.trades, 5),
            "GET /fapi/v1/income": signed_route(
                "symbol incomeType startTime endTime page limit", self.incomes, 30
            ),
            "GET /fapi/v3/positionRisk": signed_route("symbol", self.positions_v3, 5),
            "GET /fapi/v2/positionRisk": signed_route("symbol", self.positions_v2, 5),
            "GET /fapi/v3/account": signed_route("", self.account_v3, 5),
            "GET /fapi/v2/account": signed_route("", self.account_v2, 5),
            "GET /fapi/v3/balance": signed_route("", self.balance, 5),
            "GET /fapi/v2/balance": signed_route("", self.balance, 5),
            "GET /api/v3/account": signed_route("omitZeroBalances", self.spot_account, 0),
            "GET /sapi/v1/account/apiRestrictions": signed_route("", self.rights, 0),
            "GET /sapi/v1/capital/config/getall": signed_route("", _nothing, 0),
            "GET /sapi/v1/margin/allPairs": signed_route("", _nothing, 0),
            "GET /sapi/v1/margin/isolated/allPairs": signed_route("", _nothing, 0),
        }

    # --- what has happened

    def trades(self, call: Call) -> list[dict[str, Any]]:
        """Account Trade List of one symbol, oldest first."""
        symbol = self._symbol(call)
        limit = call.limit(500, LISTED_MAX)
        first, number = call.whole("fromId", 0), call.whole("orderId", 0)
        if first and {"startTime", "endTime"} & set(call.params):
            raise Refused(-1128, "Combination of optional parameters invalid.")
        start, end = span_of(call, whole=bool(first))
        rows = [
            row
            for row in self.core.trades
            if row.symbol == symbol
            and row.id >= first
            and start <= row.at <= end
            and number in {0, row.order_id}
        ]
        from_start = first or "startTime" in call.params
        chosen = rows[:limit] if from_start else rows[-limit:]
        return [trade_row(row, self.core.instruments[symbol]) for row in chosen]

    def incomes(self, call: Call) -> list[dict[str, Any]]:
        """Income History, oldest first: page by page, of the last week unless told."""
        symbol = self._symbol(call) if "symbol" in call.params else None
        kind = call.text("incomeType")
        if kind and kind not in INCOME_TYPES:
            raise Refused(-1130, "Data sent for parameter 'incomeType' is not valid.")
        limit = call.limit(100, LISTED_MAX)
        has_time = {"startTime", "endTime"} & set(call.params)
        end = call.whole("endTime", call.at)
        start = call.whole("startTime", 0 if has_time else end - 7 * 86_400_000)
        rows = [
            row
            for row in self.core.incomes
            if symbol in {None, row.symbol}
            and kind in {"", INCOMES[row.kind]}
            and start <= row.at <= end
        ]
        first = max(call.whole("page", 1) - 1, 0) * limit
        return [
            {
                "symbol": display_symbol(row.symbol),
                "incomeType": INCOMES[row.kind],
                "income": usd_text(row.usd),
                "asset": QUOTE,
                "info": str(row.trade_id or INCOMES[row.kind]),
                "time": row.at,
                "tranId": row.id,
                "tradeId": str(row.trade_id or ""),
            }
            for row in rows[first : first + limit]
        ]

    # --- what is

    def positions_v3(self, call: Call) -> list[dict[str, Any]]:
        """Position Information V3: only symbols with a position or open orders."""
        return [row.v3() for row in self._risks(call) if self._is_busy(row.symbol)]

    def positions_v2(self, call: Call) -> list[dict[str, Any]]:
        """Position Information V2: every symbol, flat ones included."""
        return [row.v2() for row in self._risks(call)]

    def account_v3(self, call: Call) -> dict[str, Any]:
        """Account Information V3."""
        risks = [row for row in self._risks(call) if self._is_busy(row.symbol)]
        return self._totals() | {
            "assets": [self._asset(call.at)],
            "positions": [row.account_v3() for row in risks],
        }

    def account_v2(self, call: Call) -> dict[str, Any]:
        """Account Information V2."""
        positions = [
            row.account_v3()
            | {
                "leverage": str(self.core.leverages[row.symbol]),
                "isolated": row.is_isolated,
                "entryPrice": plain(row.entry),
                "positionInitialMargin": usd_text(row.margin),
                "openOrderInitialMargin": "0",
                "maxNotional": row.notional_max(),
            }
            for row in self._risks(call)
        ]
        return {
            "feeTier": 0,
            "canTrade": self.key.can_trade,
            "canDeposit": True,
            "canWithdraw": True,
            "updateTime": 0,
            "multiAssetsMargin": False,
            **self._totals(),
            "assets": [self._asset(call.at)],
            "positions": positions,
        }

    def balance(self, call: Call) -> list[dict[str, Any]]:
        """Futures Account Balance."""
        wallet = usd_text(self.core.balance_usd)
        unrealized = usd_text(self._unrealized())
        return [
            {
                "accountAlias": "emulated",
                "asset": QUOTE,
                "balance": wallet,
                "crossWalletBalance": wallet,
                "crossUnPnl": unrealized,
                "availableBalance": usd_text(max(self.core.available_usd(), ZERO)),
                "maxWithdrawAmount": usd_text(max(self.core.available_usd(), ZERO)),
                "marginAvailable": True,
                "updateTime": call.at,
            }
        ]

    def spot_account(self, call: Call) -> dict[str, Any]:
        """The spot account: where the account's number is told."""
        return {
            "canTrade": True,
            "canWithdraw": True,
            "canDeposit": True,
            "accountType": "SPOT",
            "updateTime": call.at,
            "balances": [],
            "permissions": ["SPOT"],
            "uid": int(self.account_id),
        }

    def rights(self, call: Call) -> dict[str, Any]:
        """Get API Key Permission."""
        return {
            "ipRestrict": self.key.is_ip_restricted,
            "createTime": call.at - 86_400_000,
            "enableReading": True,
            "enableFutures": self.key.can_trade,
            "enableWithdrawals": self.key.can_withdraw,
            "enableInternalTransfer": False,
            "permitsUniversalTransfer": False,
            "enableMargin": False,
            "enableVanillaOptions": False,
            "enableFixApiTrade": False,
            "enableFixReadOnly": True,
            "enableSpotAndMarginTrading": False,
            "enablePortfolioMarginTrading": False,
        }

    # --- parts

    def _risks(self, call: Call) -> list[Risk]:
        return [Risk(self.core, symbol) for symbol in self._orders.symbols(call)]

    def _is_busy(self, symbol: Symbol) -> bool:
        book = self.core.desk.book
        return symbol in self.core.holdings or bool(book.working(symbol, conditional=None))

    def _unrealized(self) -> Decimal:
        return sum((self.core.unrealized_usd(symbol) for symbol in self.core.holdings), ZERO)

    def _totals(self) -> dict[str, Any]:
        unrealized = self._unrealized()
        bound = self.core.desk.ledger.margins_used()
        available = self.core.available_usd()
        wallet = self.core.balance_usd
        risks = [Risk(self.core, symbol) for symbol in self.core.holdings]
        return {
            "totalInitialMargin": usd_text(wallet - available),
            "totalMaintMargin": usd_text(sum((row.maintenance for row in risks), ZERO)),
            "totalWalletBalance": usd_text(wallet),
            "totalUnrealizedProfit": usd_text(unrealized),
            "totalMarginBalance": usd_text(wallet + unrealized),
            "totalPositionInitialMargin": usd_text(bound),
            "totalOpenOrderInitialMargin": usd_text(wallet - available - bound),
            "totalCrossWalletBalance": usd_text(wallet),
            "totalCrossUnPnl": usd_text(unrealized),
            "availableBalance": usd_text(max(available, ZERO)),
            "maxWithdrawAmount": usd_text(max(available, ZERO)),
        }

    def _asset(self, at: Millis) -> dict[str, Any]:
        totals = self._totals()
        return {
            "asset": QUOTE,
            "walletBalance": totals["totalWalletBalance"],
            "unrealizedProfit": totals["totalUnrealizedProfit"],
            "marginBalance": totals["totalMarginBalance"],
            "maintMargin": totals["totalMaintMargin"],
            "initialMargin": totals["totalInitialMargin"],
            "positionInitialMargin": totals["totalPositionInitialMargin"],
            "openOrderInitialMargin": totals["totalOpenOrderInitialMargin"],
            "crossWalletBalance": totals["totalCrossWalletBalance"],
            "crossUnPnl": totals["totalCrossUnPnl"],
            "availableBalance": totals["availableBalance"],
            "maxWithdrawAmount": totals["maxWithdrawAmount"],
            "marginAvailable": True,
            "updateTime": at,
        }


def _nothing(call: Call) -> list[Any]:
    del call
    return []
