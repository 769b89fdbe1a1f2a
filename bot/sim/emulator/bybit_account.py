"""Settings of the account, its wallet, its fees and its key, in Bybit's words.

Sources: pages "Position", "Account" and "User" of Bybit's v5 documentation.
"""

from decimal import Decimal
from typing import Any

from bot.model.instrument import display_symbol
from bot.model.primitives import Millis, Symbol
from bot.sim.emulator.bybit_call import Call, Route, get, market_ids, post
from bot.sim.emulator.bybit_door import Key
from bot.sim.emulator.bybit_rows import BybitRows
from bot.sim.emulator.bybit_words import (
    MARGIN_MODE_NAMES,
    MARGIN_MODES,
    Refused,
    bad,
    number,
    plain,
    refused,
)
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Why

BPS = Decimal("0.0001")
MODES = {"0": False, "3": True}
"""Position modes: one position a symbol, or one for each side."""


class BybitAccount:
    """Answers and changes what concerns the account as a whole."""

    def __init__(self, core: Emulator, rows: BybitRows, key: Key, account_id: str) -> None:
        self._core = core
        self._rows = rows
        self._key = key
        self._account_id = account_id

    def routes(self) -> dict[str, Route]:
        """By path."""
        return {
            "/v5/position/set-leverage": post(
                "category symbol buyLeverage sellLeverage", self._set_leverage
            ),
            "/v5/position/switch-mode": post("category symbol coin mode", self._switch_mode),
            "/v5/position/switch-isolated": post(
                "category symbol tradeMode buyLeverage sellLeverage", self._switch_isolated
            ),
            "/v5/account/wallet-balance": get("accountType coin", self._wallet),
            "/v5/account/info": get("", self._info),
            "/v5/account/set-margin-mode": post("setMarginMode", self._set_margin_mode),
            "/v5/account/fee-rate": get("category symbol baseCoin", self._fees),
            "/v5/user/query-api": get("", self._key_info),
            "/v5/asset/coin/query-info": get("coin", self._coins),
        }

    def _symbol(self, call: Call) -> Symbol | None:
        if call.text("symbol"):
            return call.one_of("symbol", market_ids(list(self._core.instruments)))
        return None

    # --- settings

    def _set_leverage(self, call: Call) -> dict[str, Any]:
        call.need_linear()
        symbol = call.one_of("symbol", market_ids(list(self._core.instruments)))
        leverage = number(call.needed("buyLeverage"), "buyLeverage")
        if leverage != number(call.needed("sellLeverage"), "sellLeverage"):
            raise bad("buy leverage not equal sell leverage")
        if leverage < 1 or leverage % 1:
            raise bad("leverage invalid: only whole numbers are emulated")
        if leverage == self._core.leverages[symbol]:
            raise Refused(110043, "leverage not modified")
        why = self._core.set_leverage(symbol, int(leverage), call.at)
        if why is Why.LEVERAGE_CUT:
            self._cut_leverage(symbol, int(leverage), call.at)
        elif why is not None:
            raise refused(why)
        return {}

    def _cut_leverage(self, symbol: Symbol, leverage: int, at: Millis) -> None:
        """Bybit lowers leverage under a position where there is margin for it."""
        core = self._core
        more = core.margin_used(symbol) * (Decimal(core.leverages[symbol]) / leverage - 1)
        if more > core.available_usd():
            raise Refused(110044, "Insufficient available margin")
        core.leverages[symbol] = leverage
        core.desk.tell_holding(symbol, at, "settings")

    def _switch_mode(self, call: Call) -> dict[str, Any]:
        """One-way (0) or hedge (3)."""
        call.need_linear()
        if not (self._symbol(call) or call.text("coin")):
            raise bad("params error: symbol or coin is required")
        mode = call.one_of("mode", MODES)
        if mode is self._core.is_hedge:
            raise Refused(110025, "Position mode is not modified")
        why = self._core.set_hedge(is_hedge=mode)
        if why is not None:
            raise refused(why)
        return {}

    def _switch_isolated(self, call: Call) -> dict[str, Any]:
        """A unified account has one margin mode for everything."""
        raise Refused(100028, f"unified account is forbidden: {call.text('symbol')}")

    # --- the account

    def _wallet(self, call: Call) -> dict[str, Any]:
        if call.needed("accountType") != "UNIFIED":
            raise bad("accountType only support UNIFIED.")
        return {"list": [self._rows.wallet()]}

    def _info(self, call: Call) -> dict[str, Any]:
        return {
            "marginMode": MARGIN_MODE_NAMES[self._core.account_margin_mode],
            "updatedTime": str(call.at),
            "unifiedMarginStatus": 6,
            "dcpStatus": "OFF",
            "timeWindow": 10,
            "smpGroup": 0,
            "isMasterTrader": False,
            "spotHedgingStatus": "OFF",
        }

    def _set_margin_mode(self, call: Call) -> dict[str, Any]:
        """For the whole account, while nothing is held or open; already so is a success."""
        core = self._core
        mode = call.one_of("setMarginMode", MARGIN_MODES)
        if mode == core.account_margin_mode:
            return {"reasons": []}
        if core.holdings or core.desk.book.working(None, conditional=None):
            raise Refused(3400045, "Set margin mode failed")
        core.account_margin_mode = mode
        for symbol in core.instruments:
            core.set_margin_mode(symbol, mode, call.at)
        return {"reasons": []}

    def _fees(self, call: Call) -> dict[str, Any]:
        symbol = self._symbol(call)
        symbols = list(self._core.instruments) if symbol is None else [symbol]
        rows = []
        for each in symbols:
            instrument = self._core.instruments[each]
            rows.append(
                {
                    "symbol": display_symbol(each),
                    "takerFeeRate": plain(instrument.taker_fee_bps * BPS),
                    "makerFeeRate": plain(instrument.maker_fee_bps * BPS),
                }
            )
        return {"list": rows}

    # --- the key

    def _key_info(self, _call: Call) -> dict[str, Any]:
        key = self._key
        wallet = ["AccountTransfer", "Withdraw"] if key.can_withdraw else ["AccountTransfer"]
        return {
            "id": "13770661",
            "note": "emulator",
            "apiKey": key.api_key,
            "readOnly": 1 if key.is_read_only else 0,
            "secret": "",
            "permissions": {
                "ContractTrade": ["Order", "Position"],
                "Spot": [],
                "Wallet": wallet,
                "Options": [],
                "Derivatives": ["DerivativesTrade"],
                "CopyTrading": [],
                "BlockTrade": [],
                "Exchange": [],
                "NFT": [],
                "Affiliate": [],
            },
            "ips": ["*"],
            "type": 1,
            "deadlineDay": 90,
            "expiredAt": "2030-01-01T00:00:00Z",
            "createdAt": "2024-01-01T00:00:00Z",
            "unified": 0,
            "uta": 1,
            "userID": int(self._account_id),
            "inviterID": 0,
            "vipLevel": "No VIP",
            "mktMakerLevel": "0",
            "affiliateID": 0,
            "rsaPublicKey": "",
            "isMaster": True,
            "parentUid": "0",
            "kycLevel": "LEVEL_1",
            "kycRegion": "",
        }

    def _coins(self, call: Call) -> dict[str, Any]:
        """The one coin that the emulator keeps; no network to move it over."""
        if call.text("coin", "USDT") != "USDT":
            raise bad("coin invalid")
        return {"rows": [{"name": "USDT", "coin": "USDT", "remainAmount": "0", "chains": []}]}
