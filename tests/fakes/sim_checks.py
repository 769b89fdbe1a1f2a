"""What must hold after every event, at every moment outside, and at the end of a life.

Each check has a name, so that a test of the tests can say which one caught a defect. The checks
rest on the world and on the rows, not on what the manager says of itself.
"""

from collections import defaultdict
from decimal import Decimal
from typing import Final

import sqlalchemy as sa

from bot.core.state import State
from bot.model.account import OperatingState
from bot.model.bracket import Bracket
from bot.model.commands import CancelOrder, Command, PlaceOrder
from bot.model.events import Event, HeatmapRead
from bot.model.facts import Decision, FillBooked, OrderChanged
from bot.model.order import Leg, Order, OrderKind, OrderRequest, OrderStatus
from bot.model.primitives import ZERO, BracketId, ClientOrderId, Millis
from bot.store import check
from tests.fakes.exchange import contents_of
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life, loaded_differences
from tests.fakes.sim_exchange import Exchange
from tests.fakes.sim_venue import NotedPaper

PROTECTED_WITHIN_MS: Final = 5_000
"""From a fill, or from a restart, to a stop that the venue has confirmed."""
_BUSY: Final = frozenset({OrderStatus.INTENDED, OrderStatus.UNKNOWN, OrderStatus.CANCELING})


class BrokenError(AssertionError):
    """An invariant does not hold; the first word names the check."""

    def __init__(self, name: str, what: object) -> None:
        super().__init__(f"{name}: {what}")
        self.name = name


class Checks:
    """Watches one life."""

    def __init__(
        self, *, protected_within_ms: int = PROTECTED_WITHIN_MS, is_over_days: bool = False
    ) -> None:
        """`is_over_days`: memory may know fills that are too old to be loaded again."""
        self.protected_within_ms = protected_within_ms
        self._old = ("fills_seen:", "funding_seen:") if is_over_days else ()
        self.exposed_ms = 0
        """The longest that a position had no confirmed stop."""
        self._exposed_since: Millis | None = None
        self._booked: defaultdict[BracketId, Decimal] = defaultdict(Decimal)
        self._entry_signals: set[str] = set()
        self._good_at: Millis | None = None
        self._refused: set[ClientOrderId] = set()

    # --- after every event

    def judge(self, life: Life, event: Event, decision: Decision) -> None:
        """Check one decision and the state after it."""
        state = life.state
        self._note_reading(state, event)
        for command in decision.commands:
            match command:
                case PlaceOrder(request=request) if request.leg is Leg.ENTRY:
                    self._entry(state, request)
                case PlaceOrder(request=request):
                    _exit(state, request)
                case CancelOrder(client_id=client_id):
                    _cancel(state, state.orders[client_id])
                case _:
                    pass
        for fact in decision.facts:
            if isinstance(fact, FillBooked) and fact.bracket_id is not None:
                self._booked[fact.bracket_id] += fact.fill.qty * fact.fill.side.sign
            if isinstance(fact, OrderChanged):
                self._order(fact.order)
        for bracket in state.brackets.values():
            _covered(state, bracket)

    def _note_reading(self, state: State, event: Event) -> None:
        """Judge readings by the plainest rule of all: the price in it is the market's."""
        if isinstance(event, HeatmapRead):
            price = state.symbols[event.reading.symbol].price
            if price is not None and abs(event.reading.price / price.mark - 1.0) <= 0.003:
                self._good_at = event.at

    def _order(self, order: Order) -> None:
        """What was called absent stays so."""
        client_id = order.request.client_id
        if order.status is OrderStatus.REJECTED:
            self._refused.add(client_id)
        elif client_id in self._refused:
            raise BrokenError("absence was proved", order)

    def _entry(self, state: State, request: OrderRequest) -> None:
        bracket = state.brackets[request.bracket_id]
        signal = bracket.signal
        _hold("one entry a signal", signal is not None, request)
        assert signal is not None
        _hold("one entry a signal", signal.id not in self._entry_signals, request)
        self._entry_signals.add(signal.id)
        others = [row for row in state.brackets.values() if row.symbol == request.symbol]
        _hold("one position a symbol", others == [bracket], others)
        known = state.symbols[request.symbol]
        is_fresh = self._good_at is not None and state.at - self._good_at <= 20_000
        _hold("no entry on stale readings", is_fresh, request)
        is_trading = state.operation.state_of(request.symbol) is OperatingState.TRADING
        _hold("no entry while held", is_trading and not state.desk.is_stopping, state.operation)
        account, price = state.account, known.price
        assert account is not None
        assert price is not None
        _hold("no entry on old prices", state.at - price.at <= 10_000, price.at)
        _hold("cool-down", state.at >= account.cool_downs.get(request.symbol, 0), account)
        lost = account.day_start_equity_usd - account.balance_usd
        limit = account.day_start_equity_usd * Decimal(repr(state.settings.risk.day_loss_pct)) / 100
        _hold("day loss", lost < limit, account)
        notional = request.qty * (request.price or ZERO)
        _hold("size", notional <= Decimal(repr(state.settings.risk.max_notional_usd)), request)
        risked = request.qty * signal.loss_per_unit_usd
        most = account.balance_usd * Decimal(repr(state.settings.risk.risk_pct)) / 100
        _hold("size", risked <= most * Decimal("1.001"), request)

    # --- at every moment outside

    def before_send(self, life: Life, command: Command) -> None:
        """A command is about to leave: its row is on disk, and its id means one thing."""
        if not isinstance(command, PlaceOrder):
            return
        request = command.request
        row = life.ledger.writer.run(lambda c: _row_of(c, request.client_id))
        _hold("recorded before sent", row is not None, request)
        _hold("exits are reduce-only", request.is_reduce_only or request.leg is Leg.ENTRY, request)
        for other in life.plan.outside.sent:
            if other.client_id == request.client_id:
                same = contents_of(other) == contents_of(request)
                _hold("one content an id", same, (other, request))
            if Leg.ENTRY is other.leg is request.leg and other.bracket_id == request.bracket_id:
                is_same = other.client_id == request.client_id
                _hold("one entry a bracket", is_same, (other, request))

    def look_outside(self, life: Life) -> None:
        """Time how long the exchange's position has had no stop for all of it."""
        at = life.clock.now()
        position, covered = _held_and_covered(life)
        entries = [row for row in life.plan.outside.sent if row.leg is Leg.ENTRY]
        most = max((row.qty for row in entries), default=ZERO)
        _hold("position within its order", abs(position) <= most, position)
        if abs(position) <= covered:
            self._exposed_since = None
            return
        if self._exposed_since is None:
            self._exposed_since = at
        self.exposed_ms = max(self.exposed_ms, at - self._exposed_since)
        text = f"{position} held, {covered} covered for {self.exposed_ms} ms"
        _hold("position has a stop", self.exposed_ms <= self.protected_within_ms, text)

    # --- at the end of a life

    def finish(self, life: Life, *, is_settled: bool = True) -> None:
        """Ledger, memory and venue say the same; call while the ledger is open."""
        rows = [row for row in loaded_differences(life) if not row.startswith(self._old)]
        _hold("memory is the ledger", not rows, rows)
        for bracket in life.state.brackets.values():
            signed = bracket.open_qty * bracket.position_side.sign
            if life.plan.is_first and bracket.signal is not None:
                _hold("fills add up", signed == self._booked[bracket.id], bracket)
        if not is_settled:
            return
        if isinstance(life.venue, NotedPaper):
            _agree_with_paper(life, life.venue)
        else:
            self._agree_with(life, life.venue.world)

    def must_settle(self, life: Life) -> None:
        """Everything came to rest."""
        orders = [life.state.orders[name] for name in life.state.desk.live()]
        _hold("settles", life.is_done, (orders, life.state.desk.doubts, life.state.brackets))

    def _agree_with(self, life: Life, world: Exchange) -> None:
        state = life.state
        _hold("position is the exchange's", _books(state) == world.position(), world.position())
        resting = world.resting()
        _same_orders(state, {ClientOrderId(order.client_id) for order in resting})
        seen = world.fill_names()
        _hold("fills are the exchange's", seen <= state.fills_seen, seen ^ state.fills_seen)
        _same_balance(state, world.wallet_usd())
        if not world.position():
            _hold("no orphans", not resting, resting)


def examine(life: Life) -> None:
    """The ledger agrees with itself; call once it is closed."""
    report = check.examine(life.files.ledger)
    _hold("ledger's sums", not report.problems, report.problems)


def is_settled(life: Life) -> bool:
    """Recovered, nothing under way or in doubt, and what is held is protected."""
    state = life.state
    if state.last_snapshot_at is None or state.desk.doubts or life.hands.in_flight:
        return False
    orders = [state.orders[client_id] for client_id in state.desk.live()]
    if any(order.status in _BUSY or order.unbooked_qty for order in orders):
        return False
    if any(row.unprotected_since is not None for row in state.brackets.values()):
        return False
    if any(not row.open_qty for row in state.brackets.values()):
        return False
    world = life.plan.outside
    if not isinstance(world, Exchange):
        return True
    is_covered = abs(world.position()) <= world.stop_qty()
    return world.is_quiet() and is_covered and _books(state) == world.position()


# --- parts


def _hold(name: str, holds: object, what: object) -> None:
    if not holds:
        raise BrokenError(name, what)


def _exit(state: State, request: OrderRequest) -> None:
    bracket = state.brackets[request.bracket_id]
    _hold("exits are reduce-only", request.is_reduce_only, request)
    if request.leg is Leg.STOP:
        is_new = state.orders[request.client_id].intended_at == state.at
        is_whole = request.qty >= _held(state, bracket)
        _hold("stop for all of it", is_whole or not is_new, request)
        _hold("stop at its price", request.trigger_price == bracket.stop_price, request)
    if request.leg is Leg.TARGET:
        covered = max((row.remaining_qty for row in _open_stops(state, bracket)), default=ZERO)
        _hold("target after the stop", covered >= _held(state, bracket), request)


def _cancel(state: State, order: Order) -> None:
    """A stop goes only when another covers all of it, or nothing is held."""
    if order.request.leg is not Leg.STOP:
        return
    bracket = state.brackets.get(order.request.bracket_id)
    if bracket is None or not _held(state, bracket):
        return
    covered = max((row.remaining_qty for row in _open_stops(state, bracket)), default=ZERO)
    _hold("old stop outlives the new", covered >= _held(state, bracket), order)


def _covered(state: State, bracket: Bracket) -> None:
    """What is held has a stop or an exit that is there or on its way."""
    if not _held(state, bracket):
        return
    rows = [row for row in state.orders.values() if row.request.bracket_id == bracket.id]
    live = {row.request.leg for row in rows if not row.is_final}
    since = bracket.unprotected_since
    # Between two attempts at a refused stop there is none; by the deadline the position goes.
    limit_ms = state.settings.orders.flatten_deadline_s * 1000
    is_being_mended = since is not None and state.at - since <= limit_ms
    _hold("position has a stop on its way", live & {Leg.STOP, Leg.EXIT} or is_being_mended, rows)


def _open_stops(state: State, bracket: Bracket) -> list[Order]:
    return [
        row
        for row in state.orders.values()
        if row.request.bracket_id == bracket.id
        and row.request.leg is Leg.STOP
        and row.status is OrderStatus.OPEN
    ]


def _held(state: State, bracket: Bracket) -> Decimal:
    """Booked and reported, from the rows themselves."""
    rows = [row for row in state.orders.values() if row.request.bracket_id == bracket.id]
    unbooked = sum(
        (row.unbooked_qty * (1 if row.request.leg is Leg.ENTRY else -1) for row in rows), ZERO
    )
    return max(bracket.open_qty + unbooked, ZERO)


def _books(state: State) -> Decimal:
    foreign = state.account.foreign.get(BTC, ZERO) if state.account else ZERO
    held = (row.open_qty * row.position_side.sign for row in state.brackets.values())
    return sum(held, ZERO) + foreign


def _held_and_covered(life: Life) -> tuple[Decimal, Decimal]:
    """What the venue holds, signed, and what its stops would close of it."""
    if not isinstance(life.venue, NotedPaper):
        return life.venue.world.position(), life.venue.world.stop_qty()
    seen = life.venue.seen(life.clock.now())
    held = sum((row.qty * row.position_side.sign for row in seen.positions), ZERO)
    stops = (row.qty for row in seen.orders if row.kind is OrderKind.STOP_MARKET)
    return held, max(stops, default=ZERO)


def _agree_with_paper(life: Life, venue: NotedPaper) -> None:
    state, seen = life.state, venue.seen(life.clock.now())
    held = sum((row.qty * row.position_side.sign for row in seen.positions), ZERO)
    _hold("position is the exchange's", _books(state) == held, held)
    _same_orders(state, {row.client_id for row in seen.orders if row.client_id is not None})
    fills = {f"{fill.symbol}|{fill.id}" for fill in seen.fills}
    _hold("fills are the exchange's", fills <= state.fills_seen, fills ^ state.fills_seen)
    _same_balance(state, seen.balance_usd)
    if not held:
        _hold("no orphans", not seen.orders, seen.orders)


def _same_orders(state: State, theirs: set[ClientOrderId]) -> None:
    ours = {
        client_id
        for client_id in state.desk.live()
        if state.orders[client_id].status is OrderStatus.OPEN
    }
    _hold("orders are the exchange's", ours == theirs, (ours, theirs))


def _same_balance(state: State, balance_usd: Decimal) -> None:
    assert state.account is not None
    apart = abs(state.account.balance_usd - balance_usd)
    _hold("balance is the exchange's", apart < Decimal("0.000001"), (state.account, balance_usd))


def _row_of(connection: sa.Connection, client_id: str) -> object:
    query = "SELECT 1 FROM orders WHERE client_id = ?"
    return connection.exec_driver_sql(query, (client_id,)).scalar()
