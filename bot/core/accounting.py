"""Money by our own books: what fills and funding do to brackets and to the account.

Every fill is booked exactly once, by the venue's own trade id, in whatever order it arrives. The
profit of a fill is the growth of its bracket's profit, so the sums end the same in any order.
"""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bot.core import exposure, orders
from bot.core.draft import Draft, fill_key
from bot.core.state import State
from bot.model.account import Account
from bot.model.bracket import Bracket, BracketStatus, ClosedBy
from bot.model.events import FundingPaid
from bot.model.order import Fill, Leg, Order
from bot.model.primitives import ZERO, Millis, Qty, Symbol, Usd

DAY_MS: Final = 86_400_000
_CENT_MILLIONTH: Final = Decimal("1e-8")
"""Realized profit is rounded to this, so that sums of differences are exact."""


def equity_usd(state: State) -> Usd:
    """Balance and what open positions would bring at the mark; zero before the first reading."""
    if state.account is None:
        return Usd(ZERO)
    unrealized = sum((unrealized_usd(state, row) for row in state.brackets.values()), ZERO)
    return Usd(state.account.balance_usd + unrealized)


def unrealized_usd(state: State, bracket: Bracket) -> Usd:
    """Price difference of what is still held, at the mark; zero where there is no price.

    Until the first price of a run the last one of the run before counts: a restart is no profit.
    """
    mark = exposure.mark_of(state, bracket.symbol) or _last_mark(state, bracket.symbol)
    entry = bracket.entry_price
    if mark is None or entry is None:
        return Usd(ZERO)
    return Usd((mark - entry) * bracket.open_qty * bracket.position_side.sign)


def _last_mark(state: State, symbol: Symbol) -> Decimal | None:
    row = state.symbols.get(symbol)
    last = row.tracker.last_price if row is not None else None
    return Decimal(repr(last)) if last is not None else None


def book_own(state: State, draft: Draft, order: Order, fill: Fill) -> bool:
    """Book a fill of an order of ours; False where the books have no room for it.

    A fill without a bracket in memory is the caller's to adopt.
    """
    assumed = Qty(min(order.assumed_qty, fill.qty))
    if assumed:
        # The same trade was booked from the venue's report when its fills did not come.
        order = replace(order, assumed_qty=Qty(order.assumed_qty - assumed))
        draft.put_order(order)
        if assumed == fill.qty:
            draft.put_fill(fill, None)
            return True
        rest = Qty(fill.qty - assumed)
        fill = replace(fill, qty=rest, fee_usd=Usd(fill.fee_usd * rest / fill.qty))
    bracket = state.brackets.get(order.request.bracket_id)
    if bracket is None or fill.qty > order.request.qty - order.booked_qty:
        return False
    draft.put_fill(fill, bracket.id)
    draft.put_order(orders.filled(order, fill, at=draft.at))
    _grow(state, draft, bracket, fill, is_entry=order.request.leg is Leg.ENTRY)
    return True


def book_external(state: State, draft: Draft, bracket: Bracket, fill: Fill, qty: Qty) -> None:
    """Book `qty` of a fill that is not ours as an exit of a bracket.

    A split fill brings the bracket its share of the fee; the rest of it is not ours.
    """
    share = replace(fill, qty=qty, fee_usd=Usd(fill.fee_usd * qty / fill.qty))
    if fill.is_liquidation:
        bracket = replace(bracket, closed_by=ClosedBy.LIQUIDATION)
    _grow(state, draft, bracket, share, is_entry=False)


def book_adopted(state: State, draft: Draft, bracket: Bracket, fill: Fill) -> None:
    """Book the entry of a position that was found; the fill may be made up from its price."""
    if fill_key(fill) not in state.fills_seen:
        draft.put_fill(fill, bracket.id)
    _grow(state, draft, bracket, fill, is_entry=True)


def return_excess(state: State, draft: Draft, bracket: Bracket) -> Bracket:
    """Give back what was booked as closed from outside before our own fills came to light.

    More cannot have been taken out than was put in: the rest of the outside trade is foreign.
    """
    excess = -bracket.open_qty
    rows = exposure.orders_of(state, bracket.id)
    own = sum((row.booked_qty for row in rows if row.request.leg is not Leg.ENTRY), ZERO)
    excess = min(excess, bracket.exited_qty - own)
    if excess <= 0 or bracket.exit_price is None:
        return bracket
    shrunk = replace(
        bracket,
        exited_qty=Qty(bracket.exited_qty - excess),
        exit_notional_usd=Usd(bracket.exit_notional_usd - excess * bracket.exit_price),
    )
    draft.put_bracket(shrunk)
    _credit(state, draft, realized=_gross(shrunk) - _gross(bracket))
    add_foreign(state, draft, bracket.symbol, -excess * bracket.position_side.sign)
    return shrunk


def add_foreign(state: State, draft: Draft, symbol: Symbol, signed_qty: Decimal) -> None:
    """Count a quantity that fills not ours have built up or taken down."""
    if state.account is None or not signed_qty:
        return
    foreign = dict(state.account.foreign)
    total = foreign.pop(symbol, ZERO) + signed_qty
    if total:
        foreign[symbol] = total
    draft.put_account(replace(state.account, foreign=foreign))


def _grow(state: State, draft: Draft, bracket: Bracket, fill: Fill, *, is_entry: bool) -> None:
    usd = fill.qty * fill.price
    if is_entry:
        grown = replace(
            bracket,
            entered_qty=Qty(bracket.entered_qty + fill.qty),
            entry_notional_usd=Usd(bracket.entry_notional_usd + usd),
            first_fill_at=min(bracket.first_fill_at or fill.at, fill.at),
        )
    else:
        grown = replace(
            bracket,
            exited_qty=Qty(bracket.exited_qty + fill.qty),
            exit_notional_usd=Usd(bracket.exit_notional_usd + usd),
        )
    grown = replace(grown, fees_usd=Usd(grown.fees_usd + fill.fee_usd))
    draft.put_bracket(grown)
    profit = _gross(grown) - _gross(bracket)
    _credit(state, draft, realized=profit, fee=grown.fees_usd - bracket.fees_usd)


def _gross(bracket: Bracket) -> Decimal:
    """Profit before fees and funding, exact to 1e-8."""
    gross = bracket.pnl_usd + bracket.fees_usd - bracket.funding_usd
    return Decimal(gross).quantize(_CENT_MILLIONTH)


def _credit(
    state: State,
    draft: Draft,
    *,
    realized: Decimal = ZERO,
    fee: Decimal = ZERO,
    funding: Decimal = ZERO,
) -> None:
    account = state.account
    if account is None:
        return
    draft.put_account(
        replace(
            account,
            balance_usd=Usd(account.balance_usd + realized - fee + funding),
            realized_usd=Usd(account.realized_usd + realized),
            fees_usd=Usd(account.fees_usd + fee),
            funding_usd=Usd(account.funding_usd + funding),
        )
    )
    raise_peak(state, draft)


def book_funding(state: State, draft: Draft, event: FundingPaid) -> None:
    """Book a funding payment once, on the bracket that holds the symbol."""
    if event.id in state.funding_seen:
        return
    rows = exposure.brackets_on(state, event.symbol)
    bracket = next((row for row in rows if row.open_qty > 0), None)
    draft.put_funding(
        funding_id=event.id,
        symbol=event.symbol,
        bracket_id=bracket.id if bracket else None,
        usd=event.usd,
    )
    if bracket is not None:
        draft.put_bracket(replace(bracket, funding_usd=Usd(bracket.funding_usd + event.usd)))
    _credit(state, draft, funding=event.usd)


# --- the account's counters


def open_account(state: State, draft: Draft, balance: Usd, at: Millis) -> None:
    """Begin the books with what the venue says at the first reading."""
    draft.put_account(
        Account(
            balance_usd=balance,
            equity_peak_usd=balance,
            day=utc_day(at),
            day_start_equity_usd=balance,
            fills_cursor=at,
        )
    )
    raise_peak(state, draft)


def take_balance(state: State, draft: Draft, balance: Usd) -> None:
    """Take the venue's balance; a deposit or withdrawal is neither profit nor loss."""
    account = state.account
    if account is None or account.balance_usd == balance:
        return
    moved = balance - account.balance_usd
    draft.put_account(
        replace(
            account,
            balance_usd=balance,
            equity_peak_usd=Usd(account.equity_peak_usd + moved),
            day_start_equity_usd=Usd(account.day_start_equity_usd + moved),
        )
    )


def roll_day(state: State, draft: Draft, at: Millis) -> None:
    """Begin a new day at UTC midnight: the day's loss counts from here."""
    account = state.account
    if account is None or utc_day(at) <= account.day:
        return
    draft.put_account(replace(account, day=utc_day(at), day_start_equity_usd=equity_usd(state)))
    raise_peak(state, draft)


def raise_peak(state: State, draft: Draft) -> None:
    """Remember the highest equity."""
    account = state.account
    equity = equity_usd(state)
    if account is not None and equity > account.equity_peak_usd:
        draft.put_account(replace(account, equity_peak_usd=equity))


def with_peak(account: Account, peak: Usd) -> Account:
    """The drawdown counts from `peak` on."""
    return replace(account, equity_peak_usd=peak)


def with_losses(account: Account, losses_in_a_row: int) -> Account:
    """The losing streak counts from there on."""
    return replace(account, losses_in_a_row=losses_in_a_row)


def utc_day(at: Millis) -> str:
    """The UTC date of an instant, `2026-01-31`."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d")


def next_midnight(at: Millis) -> Millis:
    """The next UTC midnight after `at`."""
    return Millis((at // DAY_MS + 1) * DAY_MS)


# --- the end of a bracket


def close(state: State, draft: Draft, bracket: Bracket) -> Bracket:
    """End a bracket that is flat and whose orders are over: count it, start the cool-down."""
    at = draft.at
    if not bracket.entered_qty:
        ended = replace(bracket, status=BracketStatus.ABANDONED, closed_at=at)
        draft.put_bracket(ended)
        return ended
    ended = replace(
        bracket,
        status=BracketStatus.CLOSED,
        closed_at=at,
        closed_by=_closed_by(state, bracket),
        unprotected_since=None,
        beyond_stop_at=None,
    )
    draft.put_bracket(ended)
    account = state.account
    if account is None:
        return ended
    until = Millis(at + int(state.settings.risk.cool_down_s * 1000))
    cool_downs = {k: v for k, v in account.cool_downs.items() if v > at}
    cool_downs[bracket.symbol] = until
    losses = account.losses_in_a_row
    if bracket.signal is not None:
        losses = losses + 1 if ended.pnl_usd < 0 else 0
    draft.put_account(replace(account, cool_downs=cool_downs, losses_in_a_row=losses))
    return ended


def _closed_by(state: State, bracket: Bracket) -> ClosedBy:
    """Whatever took most of the position out; fills in any order give the same answer."""
    if bracket.closed_by is ClosedBy.LIQUIDATION:
        return bracket.closed_by
    reasons = {
        Leg.STOP: ClosedBy.STOP,
        Leg.TARGET: ClosedBy.TARGET,
        Leg.EXIT: bracket.closed_by or ClosedBy.EXTERNAL,
    }
    taken = dict.fromkeys((ClosedBy.STOP, ClosedBy.TARGET, *reasons.values()), ZERO)
    for order in exposure.orders_of(state, bracket.id):
        if order.request.leg is not Leg.ENTRY:
            taken[reasons[order.request.leg]] += order.booked_qty
    outside = bracket.exited_qty - sum(taken.values(), ZERO)
    taken[ClosedBy.EXTERNAL] = taken.get(ClosedBy.EXTERNAL, ZERO) + outside
    return max(taken, key=lambda reason: taken[reason])
