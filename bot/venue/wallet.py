"""The paper account's money: balance, positions, fills and funding; no orders and no prices."""

from collections import deque
from decimal import Decimal

import msgspec

from bot.model.account import Position
from bot.model.events import FundingPaid
from bot.model.instrument import Instrument
from bot.model.market import Funding
from bot.model.order import Fill
from bot.model.primitives import (
    ZERO,
    FillId,
    Millis,
    Price,
    Qty,
    Side,
    Symbol,
    Usd,
)
from bot.venue import matching
from bot.venue.account import Holding, book
from bot.venue.books import KEPT_MS, FundingDue, FundingSettled, PaperOrder, PaperState

BPS = Decimal("0.0001")


class Wallet:
    """What is owned, and how it came to be; folds fills and settlements."""

    def __init__(
        self, *, instruments: dict[Symbol, Instrument], leverage: Decimal, state: PaperState
    ) -> None:
        self._instruments = instruments
        self._leverage = leverage
        self._next_fill = state.next_fill
        self.balance_usd: Usd = state.balance_usd
        self.holdings = {row.symbol: row for row in state.holdings}
        self.due = {row.symbol: row for row in state.funding_due}
        self.fills = deque(state.fills)
        self.settled = deque(state.funding_settled)

    def into(self, state: PaperState) -> PaperState:
        """The state with this wallet's part filled in."""
        return msgspec.structs.replace(
            state,
            balance_usd=self.balance_usd,
            holdings=tuple(self.holdings.values()),
            fills=tuple(self.fills),
            funding_due=tuple(self.due.values()),
            funding_settled=tuple(self.settled),
            next_fill=self._next_fill,
        )

    def prune(self, at: Millis) -> None:
        """Let go of what is older than anyone may ask for."""
        while self.fills and self.fills[0].at < at - KEPT_MS:
            self.fills.popleft()
        while self.settled and self.settled[0].at < at - KEPT_MS:
            self.settled.popleft()

    # --- fills

    def fill(
        self,
        order: PaperOrder | None,
        *,
        symbol: Symbol,
        side: Side,
        taken: matching.Taken,
        at: Millis,
        is_maker: bool = False,
    ) -> Fill:
        """Book a trade of an order, or a liquidation where there is none."""
        instrument = self._instruments[symbol]
        rate_bps = instrument.maker_fee_bps if is_maker else instrument.taker_fee_bps
        fee = Usd(taken.qty * taken.price * rate_bps * BPS)
        held = self.holdings.pop(symbol, None)
        booked = book(held, symbol=symbol, side=side, qty=taken.qty, price=taken.price, at=at)
        if booked.holding is not None:
            self.holdings[symbol] = booked.holding
        if held is None:
            self._skip_settlements(symbol, at)
        self.balance_usd = Usd(self.balance_usd + booked.realized_usd - fee)
        fill = Fill(
            id=FillId(str(self._next_fill)),
            symbol=symbol,
            client_id=None if order is None else order.request.client_id,
            venue_order_id=None if order is None else order.venue_id,
            side=side,
            qty=taken.qty,
            price=taken.price,
            fee_usd=fee,
            at=at,
            is_maker=is_maker,
            is_liquidation=order is None,
        )
        self._next_fill += 1
        self.fills.append(fill)
        return fill

    def fills_since(self, since: Millis, symbols: set[Symbol]) -> tuple[Fill, ...]:
        """Fills of the asked symbols from `since` on, oldest first."""
        return tuple(row for row in self.fills if row.at >= since and row.symbol in symbols)

    # --- margin

    def leverage_of(self, symbol: Symbol, notional: Decimal) -> Decimal:
        """The leverage a notional is held with."""
        instrument = self._instruments.get(symbol)
        if instrument is None:
            return self._leverage
        return matching.leverage_at(instrument, notional, self._leverage)

    def margin_usd(self, symbol: Symbol, notional: Decimal) -> Decimal:
        """Initial margin of a notional."""
        return notional / self.leverage_of(symbol, notional)

    def margin_free_usd(self) -> Decimal:
        """Balance that no position binds; what is unrealized counts for nothing."""
        bound = (self.margin_usd(r.symbol, r.entry_price * r.qty) for r in self.holdings.values())
        return self.balance_usd - sum(bound, ZERO)

    def liquidation_price(self, row: Holding) -> Decimal | None:
        """Where the venue would close a position; None where no price does."""
        instrument = self._instruments.get(row.symbol)
        if instrument is None:
            return None
        return matching.liquidation_price(
            instrument,
            row.position_side,
            entry=row.entry_price,
            qty=row.qty,
            leverage=self._leverage,
        )

    def bankruptcy(self, row: Holding) -> matching.Taken:
        """What a liquidation books: the whole position where its margin is lost."""
        side = row.position_side.exit_side
        leverage = self.leverage_of(row.symbol, row.entry_price * row.qty)
        raw = matching.bankruptcy_price(row.position_side, row.entry_price, leverage)
        instrument = self._instruments[row.symbol]
        price = max(instrument.price_aggressive(raw, side), instrument.tick_size)
        return matching.Taken(qty=row.qty, price=Price(price))

    def position(self, row: Holding) -> Position:
        """A position in the venue's public words."""
        liquidation = self.liquidation_price(row)
        return Position(
            symbol=row.symbol,
            position_side=row.position_side,
            qty=Qty(row.qty),
            entry_price=row.entry_price,
            liquidation_price=None if liquidation is None else Price(liquidation),
            leverage=float(self.leverage_of(row.symbol, row.entry_price * row.qty)),
            venue_at=row.updated_at,
        )

    # --- funding

    def expect(self, funding: Funding) -> None:
        """Learn the next settlement; one that has passed already is not charged again."""
        known = self.due.get(funding.symbol)
        settled_at = Millis(0) if known is None else known.settled_at
        if funding.next_at > settled_at:
            self.due[funding.symbol] = FundingDue(
                symbol=funding.symbol,
                rate=funding.rate,
                next_at=funding.next_at,
                interval_ms=funding.interval_ms,
                settled_at=settled_at,
            )

    def is_due(self, symbol: Symbol, at: Millis) -> bool:
        """Whether a settlement has passed that was not charged."""
        due = self.due.get(symbol)
        return due is not None and due.next_at <= at

    def settle(self, symbol: Symbol, at: Millis, mark: Price) -> list[FundingPaid]:
        """Charge what is due on a position: longs pay a positive rate, shorts receive it."""
        paid: list[FundingPaid] = []
        held = self.holdings.get(symbol)
        while held is not None and self.is_due(symbol, at):
            due = self.due[symbol]
            usd = Usd(-held.signed_qty * mark * Decimal(repr(due.rate)))
            row = FundingSettled(
                id=f"{symbol}|{due.next_at}", symbol=symbol, usd=usd, mark=mark, at=at
            )
            self.balance_usd = Usd(self.balance_usd + usd)
            self.settled.append(row)
            self._pass_settlement(due)
            paid.append(row.event(at))
        self._skip_settlements(symbol, at)
        return paid

    def _skip_settlements(self, symbol: Symbol, at: Millis) -> None:
        while self.is_due(symbol, at):
            self._pass_settlement(self.due[symbol])

    def _pass_settlement(self, due: FundingDue) -> None:
        self.due[due.symbol] = msgspec.structs.replace(
            due, next_at=Millis(due.next_at + due.interval_ms), settled_at=due.next_at
        )
