"""A bot in a test: it sees events, and what it does reads as short sentences.

`does()` gives what it has commanded since the last look: `place stop#1 0.5 @980`,
`cancel target#1`, `query entry#1`, `fetch`.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Self

from msgspec.structs import replace

from bot.core import manager
from bot.core.draft import Draft
from bot.core.state import State
from bot.core.step import step
from bot.model.account import HoldCause
from bot.model.bracket import Bracket
from bot.model.commands import (
    CancelForeign,
    CancelOrder,
    Command,
    FetchAccount,
    PlaceOrder,
    QueryOrder,
)
from bot.model.events import (
    Event,
    Started,
    Ticked,
)
from bot.model.facts import (
    Decision,
    Noted,
)
from bot.model.order import Leg, Order
from bot.model.primitives import (
    ClientOrderId,
    ClusterId,
    Millis,
    PositionSide,
    Price,
    SignalId,
    Symbol,
    Usd,
)
from bot.model.settings import CoreSettings
from bot.model.signal import EntryStyle, Signal, Strategy
from tests.fakes.answers import accepted, account, filled, price
from tests.fakes.contracts import BTC, ETH, INSTRUMENTS, NOON
from tests.fakes.ledger import Ledger


def settings(**changes: object) -> CoreSettings:
    """Core settings for two symbols; sections are replaced whole."""
    return replace(CoreSettings(instance="test", symbols=(BTC, ETH)), **changes)


def signal(
    *,
    symbol: Symbol = BTC,
    side: PositionSide = PositionSide.LONG,
    entry: str = "1000",
    stop: str = "990",
    target: str = "1020",
    style: EntryStyle = EntryStyle.IOC,
    name: str = "s1",
) -> Signal:
    """A complete proposal that the risk gate approves."""
    prices = Decimal(entry), Decimal(stop), Decimal(target)
    return Signal(
        id=SignalId(name),
        symbol=symbol,
        at=NOON,
        strategy=Strategy.HUNT,
        position_side=side,
        entry_style=style,
        current_price=Price(prices[0]),
        entry_price=Price(prices[0]),
        stop_price=Price(prices[1]),
        target_price=Price(prices[2]),
        risk_reward_gross=2.0,
        risk_reward=1.8,
        win_per_unit_usd=Usd(abs(prices[2] - prices[0]) - 1),
        loss_per_unit_usd=Usd(abs(prices[0] - prices[1]) + 1),
        break_even_probability=0.36,
        strength=0.8,
        reason="a test",
        cluster_id=ClusterId(1),
        cluster_gen=1,
        cluster_level=float(entry),
    )


class Bot:
    """The core, its ledger, and what it has commanded so far."""

    def __init__(self, core: CoreSettings, ledger: Ledger, at: Millis) -> None:
        self.ledger = ledger
        self.at = at
        self.state = State(
            settings=core, instruments=dict(INSTRUMENTS), snapshot=ledger.snapshot(at)
        )
        self.commands: list[Command] = []
        self.notes: list[Noted] = []
        self.facts = 0
        """How many facts the last decision left."""
        self.is_watched: Callable[[], None] | None = None
        """Called after every decision: for invariants."""
        self.is_committing: Callable[[], None] | None = None
        """Called before every decision that changes something is kept: for crashes."""

    # --- what it is told

    def sees(self, *events: Event) -> Self:
        """Step each event."""
        for event in events:
            self.at = Millis(max(self.at, event.at))
            self._take(step(self.state, event))
        return self

    def starts(self) -> Self:
        """The first event of a run."""
        snapshot = self.ledger.snapshot(self.at)
        return self.sees(Started(at=self.at, snapshot=snapshot, settings_digest=""))

    def gets(self, proposal: Signal) -> Self:
        """A signal comes before the risk gate."""
        self.state.at = self.at
        draft = Draft(self.state, self.at)
        manager.on_signal(self.state, draft, proposal, self.at)
        self._take(draft.decision())
        return self

    def decides(self, act: Callable[[State, Draft], object]) -> Self:
        """Call anything of the core's that works on a draft."""
        draft = Draft(self.state, self.at)
        act(self.state, draft)
        self._take(draft.decision())
        return self

    def waits(self, ms: int) -> Self:
        """Time passes, with a tick at the end."""
        self.at = Millis(self.at + ms)
        return self.sees(Ticked(at=self.at))

    def price(self, mark: str, symbol: Symbol = BTC) -> Self:
        """The mark moves."""
        return self.sees(price(mark, self.at, symbol))

    # --- what it does

    def takes(self) -> list[Command]:
        """The commands since the last look."""
        commands, self.commands = self.commands, []
        return commands

    def does(self) -> list[str]:
        """The commands since the last look, as short sentences."""
        return [self._said(command) for command in self.takes()]

    # --- what is in it

    @property
    def bracket(self) -> Bracket:
        """The newest bracket, open or ended."""
        return next(reversed(self.ledger.brackets.values()))

    def order(self, leg: Leg, attempt: int | None = None) -> Order:
        """An order of the newest bracket."""
        rows = [row for row in self.ledger.orders.values() if row.request.leg is leg]
        if attempt is not None:
            rows = [row for row in rows if row.request.attempt == attempt]
        return rows[-1]

    def holds(self) -> list[HoldCause]:
        """The causes that hold it now."""
        return [hold.cause for hold in self.state.operation.holds]

    def told(self) -> list[str]:
        """Names of the notes so far."""
        return [note.name for note in self.notes]

    def restarts(self) -> "Bot":
        """A new run over the same ledger."""
        again = Bot(self.state.settings, self.ledger, self.at)
        again.is_watched = self.is_watched
        return again

    def _take(self, decision: Decision) -> None:
        if self.is_committing is not None and not decision.is_empty:
            self.is_committing()
        self.ledger.keep(decision.facts)
        self.facts = len(decision.facts)
        self.commands += decision.commands
        self.notes += [fact for fact in decision.facts if isinstance(fact, Noted)]
        if self.is_watched is not None:
            self.is_watched()

    def _said(self, command: Command) -> str:
        match command:
            case PlaceOrder(request=request):
                price = request.price or request.trigger_price
                at = f" @{price:f}" if price is not None else ""
                return f"place {request.leg.value}#{request.attempt} {request.qty:f}{at}"
            case CancelOrder(client_id=client_id):
                return f"cancel {self._named(client_id)}"
            case QueryOrder(client_id=client_id):
                return f"query {self._named(client_id)}"
            case CancelForeign(venue_id=venue_id):
                return f"cancel foreign {venue_id}"
            case FetchAccount():
                return "fetch"

    def _named(self, client_id: ClientOrderId) -> str:
        request = self.state.orders[client_id].request
        return f"{request.leg.value}#{request.attempt}"


def a_bot(mark: str = "1000", core: CoreSettings | None = None) -> Bot:
    """A bot that has started, read an empty account, and knows the price."""
    bot = Bot(core or settings(), Ledger(), NOON)
    bot.starts().sees(account(bot.at))
    bot.at = Millis(bot.at + 1_000)
    for symbol in INSTRUMENTS:
        bot.price(mark, symbol)
    bot.takes()
    bot.notes.clear()
    return bot


def in_position(qty: str = "4.545", **kwargs: object) -> Bot:
    """A bot whose entry has filled in full and whose stop and target rest."""
    bot = a_bot(**kwargs)  # type: ignore[arg-type]  # the two arguments of a_bot
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, qty))
    bot.sees(accepted(bot, Leg.STOP))
    bot.sees(accepted(bot, Leg.TARGET))
    bot.takes()
    return bot
