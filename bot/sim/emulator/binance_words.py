"""Binance's words: refusals with their codes, and numbers as it writes them.

Source of codes: Binance USD-M futures "Error Codes", as of its change log of 2026-08-26.
"""

from decimal import Decimal
from typing import Any

import msgspec

from bot.gateway.http import HttpReply
from bot.model.instrument import Instrument
from bot.model.order import OrderKind
from bot.model.primitives import ZERO, Side
from bot.sim.emulator.state import NewOrder, Why

QUOTE = "USDT"


class Refused(Exception):  # noqa: N818  (an exchange's answer, not an error of the emulator)
    """A request is answered with a code instead of a result."""

    def __init__(
        self, code: int, message: str, *, status: int = 400, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.reply = reply_of({"code": code, "msg": message}, status=status, headers=headers)


def reply_of(body: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> HttpReply:
    """A reply with a JSON body."""
    return HttpReply(
        status=status,
        headers={"content-type": "application/json;charset=UTF-8", **(headers or {})},
        body=msgspec.json.encode(body),
    )


_WORDS: dict[Why, tuple[int, str]] = {
    Why.UNKNOWN_SYMBOL: (-1121, "Invalid symbol."),
    Why.HALTED: (-4140, "Invalid symbol status for opening position."),
    Why.NO_MARGIN: (-2019, "Margin is insufficient."),
    Why.NOTHING_TO_REDUCE: (-2022, "ReduceOnly Order is rejected."),
    Why.WOULD_TRIGGER: (-2021, "Order would immediately trigger."),
    Why.WOULD_TAKE: (
        -5022,
        "Due to the order could not be executed as maker, the Post Only order will be rejected.",
    ),
    Why.DUPLICATE_ID: (-4116, "ClientOrderId is duplicated."),
    Why.TOO_MANY_STOPS: (-4045, "Reach max stop order limit."),
    Why.WRONG_POSITION_SIDE: (-4061, "Order's position side does not match user's setting."),
    Why.REDUCE_ONLY_MODE: (
        -4400,
        "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed.",
    ),
    Why.REDUCE_ONLY_BLOCKED: (
        -4118,
        "ReduceOnly Order Failed. Please check your existing position and open orders.",
    ),
    Why.CLOSE_EXISTS: (
        -4130,
        "An open stop or take profit order with closePosition in the direction is existing.",
    ),
    Why.UNKNOWN_ORDER: (-2011, "Unknown order sent."),
}


def refusal_of(why: Why, asked: NewOrder, instrument: Instrument | None) -> Refused:
    """The code for an order that is refused."""
    if why in _WORDS:
        return Refused(*_WORDS[why])
    assert instrument is not None, "only a known symbol's grid can be missed"
    if why is Why.BAD_PRICE:
        return _bad_price(asked, instrument)
    if why is Why.BAD_QTY:
        return _bad_qty(asked.qty, instrument)
    if why is Why.NOTIONAL_TOO_SMALL:
        least = plain(instrument.notional_min_usd)
        said = f"Order's notional must be no smaller than {least} (unless you choose reduce only)."
        return Refused(-4164, said)
    assert why is Why.PRICE_TOO_FAR, why
    return _too_far(asked)


def _too_far(asked: NewOrder) -> Refused:
    if asked.kind is not OrderKind.LIMIT:
        said = "The counterparty's best price does not meet the PERCENT_PRICE filter limit."
        return Refused(-4131, said)
    if asked.side is Side.BUY:
        return Refused(-4016, "Limit price can't be higher than the PERCENT_PRICE filter allows.")
    return Refused(-4024, "Limit price can't be lower than the PERCENT_PRICE filter allows.")


def _bad_price(asked: NewOrder, instrument: Instrument) -> Refused:
    prices = [price for price in (asked.price, asked.trigger_price) if price is not None]
    if any(price <= 0 for price in prices):
        return Refused(-4001, "Price less than 0.")
    if any(decimals_of(price) > decimals_of(instrument.tick_size) for price in prices):
        return Refused(-1111, "Precision is over the maximum defined for this asset.")
    return Refused(-4014, "Price not increased by tick size.")


def _bad_qty(qty: Decimal, instrument: Instrument) -> Refused:
    if qty <= 0:
        return Refused(-4003, "Quantity less than or equal to zero.")
    if decimals_of(qty) > decimals_of(instrument.lot_size):
        return Refused(-1111, "Precision is over the maximum defined for this asset.")
    if qty > instrument.qty_max:
        return Refused(-4005, "Quantity greater than max quantity.")
    if qty < instrument.qty_min:
        return Refused(-4004, "Quantity less than min quantity.")
    return Refused(-4023, "Qty not increased by step size.")


# --- numbers


def decimals_of(value: Decimal) -> int:
    """Digits behind the point that are not zeros at the end."""
    exponent = value.normalize().as_tuple().exponent
    return max(-int(exponent), 0)


def plain(value: Decimal) -> str:
    """A number without exponent and without zeros at the end."""
    return f"{value.normalize():f}" if value else "0"


def fixed(value: Decimal, decimals: int) -> str:
    """A number with so many digits behind the point."""
    return f"{value:.{decimals}f}"


def price_text(value: Decimal | None, instrument: Instrument) -> str:
    """A price with the digits of its grid."""
    return fixed(value or ZERO, decimals_of(instrument.tick_size))


def qty_text(value: Decimal, instrument: Instrument) -> str:
    """A quantity with the digits of its grid."""
    return fixed(value, decimals_of(instrument.lot_size))


def usd_text(value: Decimal) -> str:
    """An amount of the quote currency, 8 digits behind the point."""
    return fixed(value, 8)
