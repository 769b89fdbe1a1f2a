"""State loaded from the ledger equals the facts folded, and the journal loses nothing."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.account import Account, Operation
from bot.model.bracket import BracketStatus
from bot.model.cluster import LIVE_STATES, Cluster, ClusterState, Ending, ProviderGate
from bot.model.commands import CancelOrder, Command, FetchAccount, PlaceOrder
from bot.model.events import Event, HoldAsked, OrderFilled, PriceMoved, Ticked
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    ClusterChanged,
    Decision,
    Fact,
    FillBooked,
    FundingBooked,
    GateChanged,
    OperationChanged,
    OrderChanged,
    Refused,
    SignalRaised,
)
from bot.model.order import FINAL_STATUSES, OrderStatus
from bot.model.primitives import (
    BracketId,
    ClientOrderId,
    ClusterId,
    FillId,
    Millis,
    Price,
    SignalId,
    Symbol,
    Usd,
)
from bot.model.signal import Rule
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.store import check, codec, journal
from bot.store.loader import Windows
from tests.fakes.rows import (
    BTC,
    ETH,
    T0,
    a_bracket,
    a_cluster,
    a_fill,
    a_ledger,
    a_price,
    a_reading,
    a_refusal,
    a_signal,
    an_account,
    an_operation,
    an_order,
)

DAY_MS = 86_400_000
WINDOWS = Windows()
OPEN = {BracketStatus.ENTERING, BracketStatus.OPEN, BracketStatus.CLOSING}

symbols = st.sampled_from([BTC, ETH])
instants = st.integers(T0 - 2 * DAY_MS, T0 + 2 * DAY_MS).map(Millis)
maybe_instants = st.none() | instants
money = st.decimals(
    allow_nan=False, allow_infinity=False, places=8, min_value=-(10**9), max_value=10**9
)
prices = st.decimals("0.000000001", 10**9, allow_nan=False, allow_infinity=False)
levels = st.floats(1e-6, 1e9)
few = st.integers(1, 4)


def replaced(struct: Any, **parts: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries(parts).map(lambda new: msgspec.structs.replace(struct, **new))


clusters = replaced(
    a_cluster(),
    id=few.map(ClusterId),
    gen=st.integers(1, 2),
    symbol=symbols,
    state=st.sampled_from(ClusterState),
    ending=st.sampled_from(Ending),
    level=levels,
    last_seen_at=instants,
    broken_at=maybe_instants,
    ended_at=maybe_instants,
    touched_at=st.lists(instants, max_size=3).map(tuple),
)
orders = st.builds(
    lambda order, name, bracket: msgspec.structs.replace(
        order,
        request=msgspec.structs.replace(
            order.request, client_id=ClientOrderId(f"c{name}"), bracket_id=BracketId(f"b{bracket}")
        ),
    ),
    replaced(
        an_order(),
        status=st.sampled_from(OrderStatus),
        ended_at=maybe_instants,
        average_price=st.none() | prices.map(Price),
        intended_at=instants,
    ),
    few,
    few,
)
brackets = replaced(
    a_bracket(),
    id=few.map(lambda number: BracketId(f"b{number}")),
    status=st.sampled_from(BracketStatus),
    exit_notional_usd=money.map(Usd),
    opened_at=instants,
    signal=st.none() | st.just(a_signal()),
)
signals = replaced(a_signal(), id=few.map(lambda n: SignalId(f"s{n}")), entry_price=prices)
accounts = replaced(an_account(), balance_usd=money, losses_in_a_row=few)
gates = replaced(ProviderGate(), samples=few, stability=st.none() | st.floats(0, 1))

facts: st.SearchStrategy[Fact] = st.one_of(
    clusters.map(lambda row: ClusterChanged(cluster=row)),
    orders.map(lambda row: OrderChanged(order=row)),
    brackets.map(lambda row: BracketChanged(bracket=row)),
    accounts.map(lambda row: AccountChanged(account=row)),
    gates.map(lambda row: GateChanged(provider="http", gate=row)),
    st.sampled_from([Operation(), an_operation()]).map(lambda row: OperationChanged(operation=row)),
    st.builds(
        lambda row, is_denied: SignalRaised(
            signal=row, denied=a_refusal(Rule.COOL_DOWN) if is_denied else None
        ),
        signals,
        st.booleans(),
    ),
    st.sampled_from(Rule).map(lambda rule: Refused(refusal=a_refusal(rule))),
)
once_facts: st.SearchStrategy[list[Fact]] = st.lists(
    st.tuples(st.booleans(), few, symbols, instants, money),
    unique_by=lambda row: row[:3],
    max_size=6,
).map(lambda rows: [_booked(*row) for row in rows])


def _booked(is_fill: bool, number: int, symbol: Symbol, at: Millis, usd: Decimal) -> Fact:  # noqa: FBT001
    if is_fill:
        fill = a_fill(f"f{number}", symbol=symbol, at=at, fee_usd=Usd(usd))
        return FillBooked(fill=fill, bracket_id=BracketId("b1"))
    name = f"{symbol}-{number}"
    return FundingBooked(id=name, symbol=symbol, bracket_id=None, usd=Usd(usd), at=at)


events: st.SearchStrategy[Event] = st.one_of(
    instants.map(lambda at: Ticked(at=at)),
    st.builds(
        lambda at, symbol, mark: a_price(at, symbol=symbol, mark=mark), instants, symbols, levels
    ),
    st.builds(lambda at, rows: a_reading(at, rows=rows), instants, st.integers(0, 5)),
    st.builds(lambda at, text: HoldAsked(at=at, reason=text), instants, st.text(max_size=20)),
    st.builds(
        lambda at, price: OrderFilled(at=at, fill=a_fill(price=price, at=at)), instants, prices
    ),
)
commands: st.SearchStrategy[Command] = st.one_of(
    orders.map(lambda row: PlaceOrder(symbol=BTC, request=row.request)),
    st.just(CancelOrder(symbol=BTC, client_id=ClientOrderId("c1"), is_trigger=True)),
    instants.map(lambda at: FetchAccount(symbol=Symbol(""), fills_since=at)),
)
decisions = st.builds(
    lambda facts, commands: Decision(facts=tuple(facts), commands=tuple(commands)),
    st.lists(facts, max_size=6),
    st.lists(commands, max_size=2),
)
batches = st.lists(st.lists(st.tuples(events, decisions), max_size=5), max_size=4)


class Folded:
    """The plainest possible memory: dictionaries, the newest value stands."""

    def __init__(self) -> None:
        self.at = 0
        self.rows: dict[type, dict[Any, Any]] = {}
        self.prices: dict[Symbol, PriceMoved] = {}

    def fold(self, event: Event, decision: Decision) -> None:
        if journal.matters(event, decision):
            self.at = max(self.at, event.at)
        if isinstance(event, PriceMoved):
            self.prices[event.symbol] = event
        for fact in decision.facts:
            self._keep(event.at, fact)

    def _keep(self, at: Millis, fact: Fact) -> None:
        rows = self.rows.setdefault(type(fact), {})
        match fact:
            case ClusterChanged(cluster=row):
                rows[(row.id, row.gen)] = row
            case OrderChanged(order=row):
                rows[row.request.client_id] = row
            case BracketChanged(bracket=row):
                rows[row.id] = row
            case SignalRaised(signal=row, denied=None):
                rows[row.id] = row
            case FillBooked(fill=row):
                rows[f"{row.symbol}|{row.id}"] = row
            case FundingBooked():
                rows[fact.id] = fact
            case AccountChanged(account=row) | OperationChanged(operation=row):
                rows[1] = row
            case GateChanged(gate=row):
                rows[fact.provider] = (at, row)
            case _:
                pass

    def all_of(self, kind: type) -> dict[Any, Any]:
        return self.rows.get(kind, {})

    def snapshot(self) -> Snapshot:
        since = self.at - WINDOWS.tombstone_ms
        fills, funding = self.all_of(FillBooked), self.all_of(FundingBooked)
        cursor = max((row.at for row in fills.values()), default=0)
        clusters = self.all_of(ClusterChanged)
        open_ids = {b.id for b in self.all_of(BracketChanged).values() if b.status in OPEN}
        account: Account | None = self.all_of(AccountChanged).get(1)
        gate = self.all_of(GateChanged).get("http")
        return Snapshot(
            at=Millis(self.at),
            symbols=self._symbols(),
            next_cluster_id=ClusterId(max((row.id for row in clusters.values()), default=0) + 1),
            orders=tuple(
                sorted(
                    (
                        row
                        for row in self.all_of(OrderChanged).values()
                        if row.status not in FINAL_STATUSES
                        or (row.ended_at is not None and row.ended_at >= since)
                        or row.request.bracket_id in open_ids
                    ),
                    key=lambda row: (row.intended_at, row.request.client_id),
                )
            ),
            brackets=tuple(
                sorted(
                    (b for b in self.all_of(BracketChanged).values() if b.status in OPEN),
                    key=lambda row: (row.opened_at, row.id),
                )
            ),
            signals_used=tuple(sorted(self.all_of(SignalRaised))),
            fills_seen=tuple(
                FillId(key)
                for key, row in sorted(fills.items())
                if row.at >= cursor - WINDOWS.tombstone_ms
            ),
            funding_seen=tuple(key for key, row in sorted(funding.items()) if row.at >= since),
            fills_cursor=Millis(cursor),
            account=account,
            operation=self.all_of(OperationChanged).get(1, Operation()),
            gate=gate[1] if gate else ProviderGate(),
            provider="http" if gate else "",
        )

    def _symbols(self) -> tuple[SymbolSnapshot, ...]:
        rows = [row for _, row in sorted(self.all_of(ClusterChanged).items()) if self._is_due(row)]
        names = sorted({row.symbol for row in rows} | set(self.prices))
        return tuple(
            SymbolSnapshot(
                symbol=name,
                clusters=tuple(row for row in rows if row.symbol == name),
                last_reading_at=max(
                    (row.last_seen_at for row in rows if row.symbol == name), default=None
                ),
                last_price_at=self.prices[name].at if name in self.prices else None,
                last_price=self.prices[name].mark if name in self.prices else None,
            )
            for name in names
        )

    def _is_due(self, row: Cluster) -> bool:
        since = self.at - WINDOWS.ended_clusters_ms
        ends = [at for at in (row.broken_at, row.ended_at) if at is not None]
        return row.state in LIVE_STATES or any(at >= since for at in ends)


@settings(max_examples=60, deadline=None)
@given(batches=batches, once=once_facts)
def test_state_loaded_equals_facts_folded(
    batches: list[list[tuple[Event, Decision]]], once: list[Fact]
) -> None:
    """Whatever the order, the batches and the repeats: recovery starts from what was decided."""
    batches = [*batches, [(Ticked(at=T0), Decision(facts=tuple(once)))]]
    folded = Folded()
    with tempfile.TemporaryDirectory() as folder:
        ledger = a_ledger(Path(folder) / "data", is_synced=False)
        for batch in batches:
            ledger.record_now(batch)
            for event, decision in batch:
                folded.fold(event, decision)
        ledger.close()
        again = a_ledger(Path(folder) / "data", is_synced=False)
        loaded = again.load()
        again.close()
        gaps = [p for p in check.examine(again.files.ledger).problems if "journal" in p.lower()]

    assert folded.snapshot() == loaded
    assert [] == gaps


@settings(deadline=None)
@given(batch=st.lists(st.tuples(events, decisions), max_size=8))
def test_the_journal_gives_back_what_it_was_given(batch: list[tuple[Event, Decision]]) -> None:
    kept = [entry for entry in batch if journal.matters(*entry)]
    packed = journal.pack(batch, journal.Memory())
    entries = journal.unpack(1, packed.body, journal.Memory()) if packed else []

    assert [(event, d.commands) for event, d in kept] == [(e.event, e.commands) for e in entries]
    assert [journal.digest_of(d.facts) for _, d in kept] == [e.digest for e in entries]


@settings(deadline=None)
@given(fact=facts)
def test_a_row_never_lacks_what_its_column_demands(fact: Fact) -> None:
    placed = codec.place(T0, fact)

    assert placed is not None
    assert all(value == value for value in placed[2])  # noqa: PLR0124  (NaN would become NULL)


@settings(deadline=None)
@given(raw=st.binary(max_size=2_000))
def test_compression_is_exact(raw: bytes) -> None:
    assert raw == journal.decompress(journal.compress(raw))
