"""Funding that was settled on the account: asked for after each settlement, told once.

Settlement times come with the market's funding; the payment itself only from the account, some
seconds later.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

import msgspec

from bot.gateway.failures import GatewayError
from bot.model.events import FundingPaid
from bot.model.market import Funding
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit
from bot.venue.answers import careful

LOOK_S: Final = 5.0
ASK_AFTER_MS: Final = (15_000, 60_000, 300_000, 900_000)
"""From a settlement to each question for it; after the last one it is given up."""
SPAN_MS: Final = 60_000
"""A payment is stamped within so long of its settlement."""
KEPT_MS: Final = 7 * 86_400_000
"""A payment that is older is not asked for, and one that was told is remembered for twice as
long."""

Ask = Callable[[Millis], Awaitable[Sequence[FundingPaid]]]


class _Settlement(msgspec.Struct, kw_only=True):
    """One instant of settlement."""

    symbols: set[Symbol]
    """Whose funding is settled then; once it is past, those that were held and are unpaid."""
    is_past: bool = False
    asked: int = 0


class FundingWatch:
    """Knows when to ask, and what has been told."""

    def __init__(self, *, ask: Ask, clock: Clock) -> None:
        self.emit: Emit = lambda _: None
        self._ask = ask
        self._clock = clock
        self._settlements: dict[Millis, _Settlement] = {}
        self._told: dict[str, FundingPaid] = {}

    def on_funding(self, funding: Funding) -> None:
        """The next settlement of a symbol is known."""
        if funding.next_at > self._clock.now():
            empty = _Settlement(symbols=set())
            self._settlements.setdefault(funding.next_at, empty).symbols.add(funding.symbol)

    async def run(self, is_held: Callable[[Symbol], bool]) -> None:
        """Ask after every settlement of a symbol that is held then; until canceled."""
        while True:
            await self._clock.sleep(LOOK_S)
            now = self._clock.now()
            for at in sorted(at for at in self._settlements if at <= now):
                await self._look(at, is_held)

    async def catch_up(self, since: Millis) -> bool:
        """Tell what was settled since then and was not told yet; False where nobody answers."""
        now = self._clock.now()
        try:
            payments = await careful(self._ask(Millis(max(since, now - KEPT_MS))))
        except GatewayError:
            return False
        known = {name: row for name, row in self._told.items() if row.at >= now - 2 * KEPT_MS}
        self._told = known
        for payment in sorted(payments, key=lambda row: (row.at, row.id)):
            if payment.id not in known:
                known[payment.id] = payment
                self.emit(payment)
        return True

    async def _look(self, at: Millis, is_held: Callable[[Symbol], bool]) -> None:
        row = self._settlements[at]
        if not row.is_past:
            row.is_past = True
            row.symbols = {symbol for symbol in row.symbols if is_held(symbol)}
        if row.symbols and self._clock.now() >= at + ASK_AFTER_MS[row.asked]:
            row.asked += 1
            await self.catch_up(Millis(at - SPAN_MS))
            paid = (paid for paid in self._told.values() if abs(paid.at - at) <= SPAN_MS)
            row.symbols -= {paid.symbol for paid in paid}
        if not row.symbols or row.asked == len(ASK_AFTER_MS):
            del self._settlements[at]
