"""The rows of Bybit's replies, and reading them: what is not there is not taken for empty.

A reply that lacks what it must have is no reply: NoAnswerError, never an empty list (E8).
"""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, TypeVar

import msgspec

from bot.gateway.failures import NoAnswerError
from bot.model.primitives import Millis, Price

T = TypeVar("T")

_POSITION_STOPS: Final = frozenset(
    {"StopLoss", "TakeProfit", "TrailingStop", "PartialStopLoss", "PartialTakeProfit"}
)
_STOP_FILLS: Final = frozenset({"CreateByStopLoss", "CreateByPartialStopLoss"})


class _Row(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A part of a reply; fields we do not name are passed over."""


class OrderRow(_Row, frozen=True, kw_only=True):
    """An order as REST and the stream tell it."""

    symbol: str
    order_id: str
    order_link_id: str = ""
    side: str
    order_type: str
    order_status: str
    qty: str
    cum_exec_qty: str
    avg_price: str = ""
    price: str = ""
    trigger_price: str = ""
    stop_order_type: str = ""
    reduce_only: bool = False
    updated_time: str
    category: str = "linear"

    @property
    def belongs_to_position(self) -> bool:
        """The exchange made it for the position; nobody has named it."""
        return not self.order_link_id and self.stop_order_type in _POSITION_STOPS


class ExecutionRow(_Row, frozen=True, kw_only=True):
    """An execution as REST and the stream tell it."""

    symbol: str
    order_id: str = ""
    order_link_id: str = ""
    side: str
    exec_id: str
    exec_price: str
    exec_qty: str
    exec_fee: str
    exec_time: str
    exec_type: str
    create_type: str = ""
    stop_order_type: str = ""
    closed_size: str = ""
    is_maker: bool = False
    category: str = "linear"

    @property
    def is_by_position_stop(self) -> bool:
        """A stop that came with an entry has fired."""
        return not self.order_link_id and (
            self.create_type in _STOP_FILLS or self.stop_order_type == "StopLoss"
        )


class PositionRow(_Row, frozen=True, kw_only=True):
    """A position, or the settings of a symbol where nothing is held."""

    symbol: str
    position_idx: int
    side: str = ""
    size: str
    avg_price: str = ""
    """`entryPrice` on the stream."""
    entry_price: str = ""
    liq_price: str = ""
    leverage: str = ""
    updated_time: str = "0"


class CoinRow(_Row, frozen=True, kw_only=True):
    """One coin of a wallet."""

    coin: str
    wallet_balance: str


class WalletRow(_Row, frozen=True, kw_only=True):
    """One account's wallet."""

    coin: list[CoinRow]


class LogRow(_Row, frozen=True, kw_only=True):
    """A line of the transaction log."""

    id: str
    symbol: str
    type: str
    change: str
    trade_price: str = ""
    transaction_time: str


class IdsRow(_Row, frozen=True, kw_only=True):
    """What an order is called."""

    order_id: str
    order_link_id: str = ""


class Permissions(msgspec.Struct, frozen=True, kw_only=True, rename="pascal"):
    """What a key may do, by kind."""

    contract_trade: list[str] = []
    derivatives: list[str] = []
    wallet: list[str] = []


class KeyRow(_Row, frozen=True, kw_only=True):
    """A key."""

    user_id: int | str = msgspec.field(name="userID")
    read_only: int
    permissions: Permissions
    ips: list[str]


class FeeRow(_Row, frozen=True, kw_only=True):
    """The rates on a symbol."""

    symbol: str
    taker_fee_rate: str
    maker_fee_rate: str


class InfoRow(_Row, frozen=True, kw_only=True):
    """The account's settings."""

    margin_mode: str


def result_of(reply: Any, row_type: type[T], what: str) -> T:
    """The `result` of a reply.

    Raises:
        NoAnswerError: it is not there, or is not what it must be.

    """
    try:
        return msgspec.convert(reply["result"], row_type)
    except (msgspec.ValidationError, KeyError, TypeError) as error:
        raise NoAnswerError(f"the reply to {what} cannot be read") from error


def page_of(reply: Any, row_type: type[T], what: str) -> tuple[list[T], str]:
    """The rows of a list and the cursor of the next page.

    Raises:
        NoAnswerError: there is no list: that is not an empty one.

    """
    result = result_of(reply, dict[str, Any], what)
    cursor = result.get("nextPageCursor") or ""
    return rows_of(result.get("list"), row_type, what), str(cursor)


def rows_of(rows: Any, row_type: type[T], what: str) -> list[T]:
    """Rows of one kind, from a list or from a message of the stream."""
    if not isinstance(rows, list):
        raise NoAnswerError(f"the reply to {what} has no list")
    try:
        return msgspec.convert(rows, list[row_type])  # type: ignore[valid-type]
    except msgspec.ValidationError as error:
        raise NoAnswerError(f"the reply to {what} cannot be read") from error


def word(words: Mapping[str, T], text: str) -> T:
    """The meaning of a word; one that is not known makes the reply unreadable."""
    if text not in words:
        raise NoAnswerError(f"the exchange says {text!r}, which means nothing here")
    return words[text]


def number(text: str) -> Decimal:
    """A finite number from text.

    Raises:
        NoAnswerError: it is none.

    """
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise NoAnswerError(f"{text!r} is not a number") from error
    if not value.is_finite():
        raise NoAnswerError(f"{text!r} is not a number")
    return value


def instant(value: Any) -> Millis:
    """Milliseconds, from a whole number or its text.

    Raises:
        NoAnswerError: it is none.

    """
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise NoAnswerError(f"{text!r} is not an instant")
    return Millis(int(text))


def price_or_none(text: str) -> Price | None:
    """A price above zero; None for an empty one or for zero, which stand for no price."""
    value = number(text or "0")
    return Price(value) if value > 0 else None
