"""Bybit's replies as ours: orders, executions, positions, balance, settings.

Stops that belong to a position, not to an order of ours (`stopOrderType` StopLoss and its like,
without `orderLinkId`), are no orders to us: they come with an entry and go with the position.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec.structs import replace

from bot.gateway.failures import NoAnswerError
from bot.model.account import KeyRights, Position
from bot.model.events import FundingPaid
from bot.model.order import Fill, OrderKind, OrderReport, OrderStatus
from bot.model.primitives import (
    ZERO,
    ClientOrderId,
    FillId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
    VenueOrderId,
)
from bot.venue.api import Fees, Identity
from bot.venue.decode.bybit_rows import (
    ExecutionRow,
    FeeRow,
    IdsRow,
    InfoRow,
    KeyRow,
    LogRow,
    OrderRow,
    PositionRow,
    WalletRow,
    instant,
    number,
    page_of,
    price_or_none,
    result_of,
    word,
)

Symbols = Mapping[str, Symbol]
"""Ours by the exchange's id; rows of other symbols are left out."""
StopOf = Callable[[Symbol, Side], ClientOrderId | None]
"""Our stop that closes a position by a fill on that side."""

STATUSES: Final[Mapping[str, OrderStatus]] = {
    "Created": OrderStatus.OPEN,
    "New": OrderStatus.OPEN,
    "PartiallyFilled": OrderStatus.OPEN,
    "Untriggered": OrderStatus.OPEN,
    "Triggered": OrderStatus.OPEN,
    "Active": OrderStatus.OPEN,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELED,
    "PartiallyFilledCanceled": OrderStatus.CANCELED,
    "Deactivated": OrderStatus.CANCELED,
    "Rejected": OrderStatus.REJECTED,
}
_SIDES: Final = {"Buy": Side.BUY, "Sell": Side.SELL}
_POSITION_SIDES: Final = {"Buy": PositionSide.LONG, "Sell": PositionSide.SHORT}
_MARGIN_MODES: Final = {"ISOLATED_MARGIN": "isolated", "REGULAR_MARGIN": "cross"}
_NO_STOP_TYPES: Final = frozenset({"", "UNKNOWN"})
_MOVES_POSITION: Final = frozenset(
    {"Trade", "AdlTrade", "BustTrade", "Delivery", "BlockTrade", "MovePosition"}
)
"""Kinds of executions that change a position; the others (Funding) only move money."""
_SETTLED: Final = "Settle"
"""Money of a session, or the end of a position whose contract is delisted (page "Enums")."""
_BY_THE_EXCHANGE: Final = frozenset({"AdlTrade", "BustTrade", "Delivery", _SETTLED})
_LIQUIDATIONS: Final = frozenset({"CreateByLiq", "CreateByTakeOver_PassThrough"})


def order_ids(reply: Any) -> tuple[VenueOrderId, Millis]:
    """The id of a new order and the exchange's time; without an id nothing has been accepted."""
    ids = result_of(reply, IdsRow, "a new order")
    if not ids.order_id:
        raise NoAnswerError("the reply to a new order has no id")
    return VenueOrderId(ids.order_id), instant(reply.get("time"))


def report(row: OrderRow, symbols: Symbols) -> OrderReport | None:
    """An order's state; None for a symbol that is not ours."""
    symbol = symbols.get(row.symbol)
    if symbol is None or row.category != "linear":
        return None
    filled = number(row.cum_exec_qty or "0")
    average = number(row.avg_price or "0")
    is_stop = row.stop_order_type not in _NO_STOP_TYPES
    return OrderReport(
        client_id=ClientOrderId(row.order_link_id) if row.order_link_id else None,
        venue_id=VenueOrderId(row.order_id),
        symbol=symbol,
        side=word(_SIDES, row.side),
        kind=(
            OrderKind.STOP_MARKET
            if is_stop
            else word({"Limit": OrderKind.LIMIT, "Market": OrderKind.MARKET}, row.order_type)
        ),
        status=word(STATUSES, row.order_status),
        qty=Qty(number(row.qty)),
        filled_qty=Qty(filled),
        average_price=Price(average) if filled and average else None,
        price=price_or_none(row.price) if row.order_type == "Limit" else None,
        trigger_price=price_or_none(row.trigger_price),
        is_reduce_only=row.reduce_only,
        venue_at=instant(row.updated_time),
    )


def fill(row: ExecutionRow, symbols: Symbols, stop_of: StopOf) -> Fill | None:
    """What an execution did to a position; None where it did nothing, or to no symbol of ours.

    What the stop that came with an entry has traded is booked under our own stop on that symbol
    and side, because both stand at the same trigger price for the same position.
    """
    symbol = symbols.get(row.symbol)
    if symbol is None or row.category != "linear" or not _moves_position(row):
        return None
    is_liquidation = row.exec_type == "BustTrade" or row.create_type in _LIQUIDATIONS
    client_id: ClientOrderId | None = None
    if row.exec_type not in _BY_THE_EXCHANGE and not is_liquidation:
        client_id = ClientOrderId(row.order_link_id) if row.order_link_id else None
        if row.is_by_position_stop:
            client_id = stop_of(symbol, word(_SIDES, row.side))
    return Fill(
        id=FillId(row.exec_id),
        symbol=symbol,
        client_id=client_id,
        venue_order_id=VenueOrderId(row.order_id) if row.order_id else None,
        side=word(_SIDES, row.side),
        qty=Qty(number(row.exec_qty)),
        price=Price(number(row.exec_price)),
        fee_usd=Usd(number(row.exec_fee or "0")),
        at=instant(row.exec_time),
        is_maker=row.is_maker,
        is_liquidation=is_liquidation,
    )


def _moves_position(row: ExecutionRow) -> bool:
    if row.exec_type == _SETTLED:
        return number(row.closed_size or "0") > 0
    return row.exec_type in _MOVES_POSITION


def position(row: PositionRow, symbols: Symbols) -> Position | None:
    """What is held; None where nothing is, or on no symbol of ours."""
    symbol = symbols.get(row.symbol)
    qty = number(row.size or "0")
    if symbol is None or not qty:
        return None
    return Position(
        symbol=symbol,
        position_side=word(_POSITION_SIDES, row.side),
        qty=Qty(qty),
        entry_price=Price(number(row.avg_price or row.entry_price)),
        liquidation_price=price_or_none(row.liq_price),
        leverage=leverage(row),
        venue_at=instant(row.updated_time),
    )


def positions(rows: Sequence[PositionRow], symbols: Symbols) -> tuple[Position, ...]:
    """What is held, one position a symbol: of both sides in hedge mode, what is left of both."""
    found: dict[Symbol, Position] = {}
    for held in (position(row, symbols) for row in rows):
        if held is None:
            continue
        other = found.pop(held.symbol, None)
        if other is None:
            found[held.symbol] = held
            continue
        larger = max(held, other, key=lambda side: side.qty)
        signed = held.qty * held.position_side.sign + other.qty * other.position_side.sign
        if signed:
            found[held.symbol] = replace(larger, qty=Qty(abs(signed)))
    return tuple(found.values())


def leverage(row: PositionRow) -> float | None:
    """The leverage set on a symbol; None where the account has none (portfolio margin)."""
    times = number(row.leverage or "0")
    return float(times) if times > 0 else None


def balance(reply: Any) -> Usd:
    """The wallet balance in USDT; zero where the account has never held any."""
    wallets = page_of(reply, WalletRow, "the balance")[0]
    if len(wallets) != 1:
        raise NoAnswerError("the reply to the balance has no account")
    held = [row.wallet_balance for row in wallets[0].coin if row.coin == "USDT"]
    return Usd(number(held[0] or "0") if held else ZERO)


def margin_mode(reply: Any) -> str:
    """The account's margin mode: isolated | cross | portfolio."""
    mode = result_of(reply, InfoRow, "the account's settings").margin_mode
    return _MARGIN_MODES.get(mode, mode.removesuffix("_MARGIN").lower())


def identity(reply: Any) -> Identity:
    """Whose key it is and what it may do."""
    key = result_of(reply, KeyRow, "the key's rights")
    rights = key.permissions
    may_order = "Order" in rights.contract_trade or "DerivativesTrade" in rights.derivatives
    return Identity(
        account_id=str(key.user_id),
        rights=KeyRights(
            can_withdraw="Withdraw" in rights.wallet,
            is_ip_restricted=bool(key.ips) and "*" not in key.ips,
        ),
        can_trade=key.read_only == 0 and may_order,
    )


def fees(reply: Any, market_id: str) -> Fees:
    """The account's rates on a symbol, in basis points."""
    for row in page_of(reply, FeeRow, "the fees")[0]:
        if row.symbol == market_id:
            return Fees(
                taker_bps=float(number(row.taker_fee_rate) * 10_000),
                maker_bps=float(number(row.maker_fee_rate) * 10_000),
            )
    raise NoAnswerError(f"the reply to the fees has nothing of {market_id}")


def funding(rows: Sequence[LogRow], symbols: Symbols) -> list[FundingPaid]:
    """Settled funding; `change` is what it did to the wallet: received positive, paid negative."""
    return [
        FundingPaid(
            at=instant(row.transaction_time),
            id=row.id,
            symbol=symbols[row.symbol],
            usd=Usd(number(row.change)),
            mark=price_or_none(row.trade_price),
        )
        for row in rows
        if row.type == "SETTLEMENT" and row.symbol in symbols
    ]
