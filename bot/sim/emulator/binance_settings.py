"""Binance's settings of the account: leverage, modes, fees, brackets and listen keys.

Sources: Binance USD-M futures "Account", "Trade" and "User Data Streams" pages.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from bot.model.instrument import Instrument, LeverageTier, display_symbol
from bot.model.primitives import Millis
from bot.sim.emulator.binance_call import Call, Route, signed_route
from bot.sim.emulator.binance_door import Key
from bot.sim.emulator.binance_orders import Orders
from bot.sim.emulator.binance_rows import Risk
from bot.sim.emulator.binance_words import Refused, plain
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Why

BPS = Decimal("0.0001")
NOTIONAL_CAP = 1_000_000_000
KEY_LIVES_MS = 3_600_000
"""A listen key ends an hour after its last POST or PUT."""

_MODES = {"ISOLATED": "isolated", "CROSSED": "cross"}


class Settings:
    """The endpoints that read and write how the account is set."""

    def __init__(self, core: Emulator, orders: Orders, *, key: Key, account_id: str) -> None:
        self.core = core
        self.key = key
        self.listen_key = ""
        self.listen_key_until = Millis(0)
        self._account_id = account_id
        self._listen_keys = 0
        self._orders = orders

    def routes(self) -> dict[str, Route]:
        """By method and path."""
        return {
            "POST /fapi/v1/leverage": signed_route("symbol leverage", self.set_leverage),
            "POST /fapi/v1/marginType": signed_route("symbol marginType", self.set_margin_mode),
            "GET /fapi/v1/positionSide/dual": signed_route("", self.position_mode, 30),
            "POST /fapi/v1/positionSide/dual": signed_route(
                "dualSidePosition", self.set_position_mode
            ),
            "GET /fapi/v1/symbolConfig": signed_route("symbol", self.symbol_config, 5),
            "GET /fapi/v1/accountConfig": signed_route("", self.account_config, 5),
            "GET /fapi/v1/commissionRate": signed_route("symbol", self.commission, 20),
            "GET /fapi/v1/leverageBracket": signed_route("symbol", self.brackets),
            "GET /fapi/v1/multiAssetsMargin": signed_route("", self.assets_mode, 30),
            "POST /fapi/v1/listenKey": _keyed(self.open_listen_key),
            "PUT /fapi/v1/listenKey": _keyed(self.keep_listen_key),
            "DELETE /fapi/v1/listenKey": _keyed(self.close_listen_key),
        }

    def set_leverage(self, call: Call) -> dict[str, Any]:
        """Change Initial Leverage."""
        symbol, leverage = self._orders.symbol(call), call.whole_needed("leverage")
        match self.core.set_leverage(symbol, leverage, call.at):
            case Why.LEVERAGE_TOO_HIGH:
                raise Refused(-4028, f"Leverage {leverage} is not valid")
            case Why.LEVERAGE_CUT:
                said = "Leverage reduction is not supported in Isolated Margin Mode with positions."
                raise Refused(-4161, said)
            case _:
                pass
        return {
            "leverage": leverage,
            "maxNotionalValue": Risk(self.core, symbol).notional_max(),
            "symbol": call.text("symbol"),
        }

    def set_margin_mode(self, call: Call) -> dict[str, Any]:
        """Change Margin Type."""
        symbol = self._orders.symbol(call)
        mode = call.one_of("marginType", _MODES, no=Refused(-4049, "Invalid margin type."))
        if self.core.margin_modes[symbol] == mode:
            raise Refused(-4046, "No need to change margin type.")
        match self.core.set_margin_mode(symbol, mode, call.at):
            case Why.HAS_POSITION:
                raise Refused(-4048, "Margin type cannot be changed if there exists position.")
            case Why.HAS_ORDERS:
                raise Refused(-4047, "Margin type cannot be changed if there exists open orders.")
            case _:
                pass
        return {"code": 200, "msg": "success"}

    def position_mode(self, call: Call) -> dict[str, Any]:
        """Get Current Position Mode."""
        del call
        return {"dualSidePosition": self.core.is_hedge}

    def set_position_mode(self, call: Call) -> dict[str, Any]:
        """Change Position Mode."""
        call.needed("dualSidePosition")
        is_hedge = call.flag("dualSidePosition")
        if is_hedge is self.core.is_hedge:
            raise Refused(-4059, "No need to change position side.")
        match self.core.set_hedge(is_hedge=is_hedge):
            case Why.HAS_POSITION:
                raise Refused(-4068, "Position side cannot be changed if there exists position.")
            case Why.HAS_ORDERS:
                raise Refused(-4067, "Position side cannot be changed if there exists open orders.")
            case _:
                pass
        return {"code": 200, "msg": "success"}

    def symbol_config(self, call: Call) -> list[dict[str, Any]]:
        """Symbol Configuration."""
        return [
            {
                "symbol": display_symbol(row.symbol),
                "marginType": "ISOLATED" if row.is_isolated else "CROSSED",
                "isAutoAddMargin": False,
                "leverage": self.core.leverages[row.symbol],
                "maxNotionalValue": row.notional_max(),
            }
            for row in self._risks(call)
        ]

    def account_config(self, call: Call) -> dict[str, Any]:
        """Account Configuration."""
        del call
        return {
            "feeTier": 0,
            "canTrade": self.key.can_trade,
            "canDeposit": True,
            "canWithdraw": True,
            "dualSidePosition": self.core.is_hedge,
            "updateTime": 0,
            "multiAssetsMargin": False,
            "tradeGroupId": -1,
        }

    def assets_mode(self, call: Call) -> dict[str, Any]:
        """Get Current Multi-Assets Mode."""
        del call
        return {"multiAssetsMargin": False}

    def commission(self, call: Call) -> dict[str, Any]:
        """User Commission Rate."""
        instrument = self.core.instruments[self._orders.symbol(call)]
        return {
            "symbol": call.text("symbol"),
            "makerCommissionRate": plain(instrument.maker_fee_bps * BPS),
            "takerCommissionRate": plain(instrument.taker_fee_bps * BPS),
        }

    def brackets(self, call: Call) -> list[dict[str, Any]]:
        """Notional and Leverage Brackets."""
        return [_brackets(row.instrument) for row in self._risks(call)]

    # --- listen keys

    def open_listen_key(self, call: Call) -> dict[str, Any]:
        """Start User Data Stream: the key that is there, or a new one."""
        if self.listen_key_until <= call.at:
            self._listen_keys += 1
            self.listen_key = f"{self._listen_keys:04}{self._account_id:0>60}"
        self.listen_key_until = Millis(call.at + KEY_LIVES_MS)
        return {"listenKey": self.listen_key}

    def keep_listen_key(self, call: Call) -> dict[str, Any]:
        """Keepalive User Data Stream."""
        if self.listen_key_until <= call.at:
            raise Refused(-1125, "This listenKey does not exist.")
        self.listen_key_until = Millis(call.at + KEY_LIVES_MS)
        return {"listenKey": self.listen_key}

    def close_listen_key(self, call: Call) -> dict[str, Any]:
        """Close User Data Stream."""
        del call
        self.listen_key_until = Millis(0)
        return {}

    def _risks(self, call: Call) -> list[Risk]:
        return [Risk(self.core, symbol) for symbol in self._orders.symbols(call)]


def _keyed(answer: Callable[[Call], Any]) -> Route:
    return Route(params=frozenset({"listenKey"}), answer=answer, weight=lambda _: 1, needs_key=True)


def _brackets(instrument: Instrument) -> dict[str, Any]:
    tiers: tuple[LeverageTier, ...] = instrument.tiers or (instrument.tier_at(0.0),)
    floors = [int(tier.floor_usd) for tier in tiers]
    caps = [*floors[1:], NOTIONAL_CAP]
    return {
        "symbol": display_symbol(instrument.symbol),
        "notionalCoef": 1.0,
        "brackets": [
            {
                "bracket": number,
                "initialLeverage": int(tier.leverage_max),
                "notionalCap": cap,
                "notionalFloor": floor,
                "maintMarginRatio": tier.maintenance_rate,
                "cum": tier.cum_usd,
            }
            for number, (tier, floor, cap) in enumerate(zip(tiers, floors, caps, strict=True), 1)
        ],
    }
