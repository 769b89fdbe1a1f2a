"""What a start loads, and what it leaves alone."""

from pathlib import Path

import msgspec

from bot.model.bracket import BracketStatus
from bot.model.cluster import ClusterState, Ending, ProviderGate
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
    SignalRaised,
)
from bot.model.order import Order, OrderStatus
from bot.model.primitives import BracketId, Millis, Usd
from bot.model.signal import Rule
from bot.model.snapshot import Snapshot
from bot.store import meta
from tests.fakes.rows import (
    BTC,
    ETH,
    T0,
    a_bracket,
    a_cluster,
    a_fill,
    a_ledger,
    a_price,
    a_refusal,
    a_signal,
    an_account,
    an_operation,
    an_order,
    with_facts,
)

DAY_MS = 86_400_000


def loaded(folder: Path, *facts: Fact, at: Millis = T0) -> Snapshot:
    ledger = a_ledger(folder)
    ledger.record_now(with_facts(*facts, at=at))
    ledger.close()
    again = a_ledger(folder)
    snapshot = again.load()
    again.close()
    return snapshot


def ended(order: Order, at: int, bracket: str = "b9") -> Order:
    request = msgspec.structs.replace(order.request, bracket_id=BracketId(bracket))
    return msgspec.structs.replace(
        order, request=request, status=OrderStatus.FILLED, ended_at=Millis(at)
    )


def test_a_new_ledger_knows_nothing(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    snapshot = ledger.load()
    ledger.close()

    assert Snapshot(at=Millis(0)) == snapshot


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    gate = ProviderGate(samples=300, stability=0.9, is_open=True)
    snapshot = loaded(
        tmp_path,
        OrderChanged(order=an_order()),
        BracketChanged(bracket=a_bracket()),
        AccountChanged(account=an_account()),
        OperationChanged(operation=an_operation()),
        GateChanged(provider="http", gate=gate),
        ClusterChanged(cluster=a_cluster(4)),
    )

    assert (an_order(),) == snapshot.orders
    assert (a_bracket(),) == snapshot.brackets
    assert an_account() == snapshot.account
    assert an_operation() == snapshot.operation
    assert (gate, "http") == (snapshot.gate, snapshot.provider)
    assert (a_cluster(4),) == snapshot.symbols[0].clusters
    assert a_cluster(4).last_seen_at == snapshot.symbols[0].last_reading_at
    assert 5 == snapshot.next_cluster_id
    assert T0 == snapshot.at


def test_closed_brackets_and_long_ended_orders_stay_behind(tmp_path: Path) -> None:
    old, young = T0 - DAY_MS - 1, T0 - DAY_MS
    snapshot = loaded(
        tmp_path,
        BracketChanged(bracket=a_bracket("b1")),
        BracketChanged(bracket=a_bracket("b2", status=BracketStatus.CLOSED, closed_at=T0)),
        BracketChanged(bracket=a_bracket("b3", status=BracketStatus.ABANDONED)),
        OrderChanged(order=ended(an_order("forgotten"), old)),
        OrderChanged(order=ended(an_order("tombstone"), young)),
        OrderChanged(order=ended(an_order("of-an-open-bracket"), old, bracket="b1")),
    )

    assert ["b1"] == [row.id for row in snapshot.brackets]
    assert ["of-an-open-bracket", "tombstone"] == [o.request.client_id for o in snapshot.orders]


def test_fills_are_remembered_from_the_newest_back(tmp_path: Path) -> None:
    """The venue is asked for fills from the newest on, so that one must always be known."""
    snapshot = loaded(
        tmp_path,
        FillBooked(fill=a_fill("old", at=Millis(T0 - DAY_MS - 1)), bracket_id=None),
        FillBooked(fill=a_fill("young", at=Millis(T0 - DAY_MS)), bracket_id=None),
        FillBooked(fill=a_fill("newest", at=T0), bracket_id=None),
        FundingBooked(id="fu0", symbol=BTC, bracket_id=None, usd=Usd(a_fill().fee_usd), at=T0),
        at=Millis(T0 + 30 * DAY_MS),
    )

    assert (f"{BTC}|newest", f"{BTC}|young") == snapshot.fills_seen
    assert T0 == snapshot.fills_cursor
    assert () == snapshot.funding_seen


def test_a_denied_signal_has_not_been_used(tmp_path: Path) -> None:
    snapshot = loaded(
        tmp_path,
        SignalRaised(signal=a_signal("taken")),
        SignalRaised(signal=a_signal("denied"), denied=a_refusal(Rule.COOL_DOWN)),
    )

    assert ("taken",) == snapshot.signals_used


def test_clusters_that_ended_lately_are_loaded_and_older_ones_are_not(tmp_path: Path) -> None:
    broken = {"state": ClusterState.BROKEN, "ending": Ending.PENDING}
    gone = {"state": ClusterState.EXPIRED, "ending": Ending.EXPIRED}
    late, early = Millis(T0 - 1_200_000), Millis(T0 - 1_200_001)
    snapshot = loaded(
        tmp_path,
        ClusterChanged(cluster=a_cluster(1, **broken, broken_at=late)),
        ClusterChanged(cluster=a_cluster(2, **broken, broken_at=early)),
        ClusterChanged(cluster=a_cluster(3, **gone, ended_at=late)),
        ClusterChanged(cluster=a_cluster(4, **gone, ended_at=early)),
    )

    assert [1, 3] == [row.id for row in snapshot.symbols[0].clusters]
    assert 5 == snapshot.next_cluster_id


def test_the_newest_price_of_each_symbol_is_known(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    first, second = a_price(T0, mark=1.5), a_price(Millis(T0 + 1_000), mark=2.5)
    other = a_price(T0, mark=7.5, symbol=ETH)
    ledger.record_now([(event, Decision()) for event in (first, second, other)])
    snapshot = ledger.load()
    ledger.close()

    assert [(BTC, T0 + 1_000, 2.5), (ETH, T0, 7.5)] == [
        (row.symbol, row.last_price_at, row.last_price) for row in snapshot.symbols
    ]


def test_cluster_numbers_never_fall_below_the_floor_of_a_repair(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now(with_facts(ClusterChanged(cluster=a_cluster(4))))
    ledger.writer.run(lambda connection: meta.set_floor(connection, 1_000))
    snapshot = ledger.load()
    ledger.close()

    assert 1_000 == snapshot.next_cluster_id
