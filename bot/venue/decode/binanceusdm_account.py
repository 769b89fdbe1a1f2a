"""What Binance USDⓈ-M answers of the account: positions, balance, settings, rights, funding."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NamedTuple

from bot.model.account import KeyRights, Position
from bot.model.events import FundingPaid
from bot.model.primitives import Millis, PositionSide, Price, Qty, Symbol, Usd
from bot.venue.api import Fees
from bot.venue.decode.binanceusdm import price_or_none, traded
from bot.venue.decode.fields import (
    ShapeError,
    as_row,
    as_rows,
    decimal_of,
    flag_of,
    millis_of,
    optional_text_of,
    text_of,
)

BPS: Final = Decimal(10_000)
_MARGIN_MODES: Final = {"ISOLATED": "isolated", "CROSSED": "cross"}


class Setting(NamedTuple):
    """How one symbol is set."""

    margin_mode: str
    leverage: float


def positions_of(
    reply: Any, symbols: Mapping[str, Symbol], settings: Mapping[Symbol, Setting]
) -> list[Position]:
    """What is held on the symbols that we trade; the leverage comes from their settings.

    Where the account holds both sides of a symbol, one position is given: what is left of both.
    """
    found: dict[Symbol, Position] = {}
    for row, symbol in traded(as_rows(reply, "positions"), symbols):
        held = found.get(symbol)
        signed = decimal_of(row, "positionAmt")
        entry = decimal_of(row, "entryPrice")
        at = millis_of(row, "updateTime")
        if held is not None:
            before = held.qty * held.position_side.sign
            entry = held.entry_price if abs(before) > abs(signed) else entry
            at = Millis(max(at, held.venue_at))
            signed += before
        if not signed:
            found.pop(symbol, None)
            continue
        setting = settings.get(symbol)
        found[symbol] = Position(
            symbol=symbol,
            position_side=PositionSide.LONG if signed > 0 else PositionSide.SHORT,
            qty=Qty(abs(signed)),
            entry_price=Price(entry),
            liquidation_price=price_or_none(row, "liquidationPrice"),
            leverage=setting.leverage if setting is not None else None,
            venue_at=at,
        )
    return list(found.values())


def balance_of(reply: Any, quote: str) -> Usd:
    """The wallet balance in the quote currency; no row of it is no answer, and never zero."""
    for row in as_rows(reply, "balance"):
        if row.get("asset") == quote:
            return Usd(decimal_of(row, "balance"))
    raise ShapeError(f"balance: no row for {quote}")


def settings_of(
    reply: Any, symbols: Mapping[str, Symbol], *, may_lack: bool = False
) -> dict[Symbol, Setting]:
    """Margin mode and leverage of every symbol that we trade; one that is missing is no answer.

    With `may_lack` one that the exchange has delisted meanwhile is left out, and hides nothing of
    the others (E30); a reply without any of them is no answer all the same.
    """
    found: dict[Symbol, Setting] = {}
    for row, symbol in traded(as_rows(reply, "symbol settings"), symbols):
        mode = text_of(row, "marginType")
        if mode not in _MARGIN_MODES:
            raise ShapeError(f"symbol settings: unknown margin mode {mode!r}")
        found[symbol] = Setting(_MARGIN_MODES[mode], float(decimal_of(row, "leverage")))
    missing = set(symbols.values()) - set(found)
    if missing and not (found and may_lack):
        raise ShapeError(f"symbol settings: none for {', '.join(sorted(missing))}")
    return found


def is_one_way_of(reply: Any) -> bool:
    """One position a symbol, for the whole account."""
    return not flag_of(as_row(reply, "account settings"), "dualSidePosition")


def shows_one_way(positions: Any) -> bool | None:
    """Whether the list of positions is that of one-way mode: BOTH instead of LONG and SHORT.

    None where it has no row: it has those of symbols with a position or an order, and while there
    is one the mode cannot be changed (-4067, -4068).
    """
    sides = {row.get("positionSide") for row in as_rows(positions, "positions")}
    if sides and sides <= {"BOTH", "LONG", "SHORT"}:
        return sides == {"BOTH"}
    return None


def can_trade_of(config: Any, rights: Any) -> bool:
    """The account may trade futures, and so may the key."""
    key = as_row(rights, "key rights")
    may = flag_of(key, "enableFutures") and flag_of(key, "enableReading")
    return may and flag_of(as_row(config, "account settings"), "canTrade")


def rights_of(reply: Any) -> KeyRights:
    """What the key may do besides."""
    row = as_row(reply, "key rights")
    return KeyRights(
        can_withdraw=flag_of(row, "enableWithdrawals"),
        is_ip_restricted=flag_of(row, "ipRestrict"),
    )


def account_id_of(spot: Any, balances: Any) -> str:
    """The account's number, the same for every key of it.

    It is `uid` of the spot account; a reply without one is answered by `accountAlias` of the
    futures balance, which is as unique. Which of the two it is depends on the shape of replies
    alone and never on a failure: an account may not change its name between two runs.
    """
    uid = optional_text_of(as_row(spot, "spot account"), "uid")
    if uid:
        return uid
    for row in as_rows(balances, "balance"):
        return text_of(row, "accountAlias")
    raise ShapeError("neither reply tells the account's number")


def fees_of(reply: Any) -> Fees:
    """In basis points."""
    row = as_row(reply, "commission rate")
    return Fees(
        taker_bps=float(decimal_of(row, "takerCommissionRate") * BPS),
        maker_bps=float(decimal_of(row, "makerCommissionRate") * BPS),
    )


def rates_of(reply: Any) -> dict[bool, Decimal]:
    """Commission as a share of notional, by whether it is a maker's."""
    row = as_row(reply, "commission rate")
    return {
        True: decimal_of(row, "makerCommissionRate"),
        False: decimal_of(row, "takerCommissionRate"),
    }


def income_at(row: Mapping[str, Any]) -> Millis:
    """When an income was booked."""
    return millis_of(row, "time")


def funding_of(reply: Any, symbols: Mapping[str, Symbol], quote: str) -> list[FundingPaid]:
    """Funding settled on the symbols that we trade, in the quote currency."""
    rows = as_rows(reply, "income")
    return [
        FundingPaid(
            at=millis_of(row, "time"),
            id=f"{text_of(row, 'symbol')}-{text_of(row, 'tranId')}",
            symbol=symbol,
            usd=Usd(decimal_of(row, "income")),
        )
        for row, symbol in traded(rows, symbols)
        if text_of(row, "incomeType") == "FUNDING_FEE" and text_of(row, "asset") == quote
    ]
