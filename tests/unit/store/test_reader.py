"""What reading verbs see, and what they must not import."""

import subprocess
import sys
from pathlib import Path

import pytest

from bot.errors import DataDirError, DataError
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.cluster import ClusterState, ProviderGate
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    ClusterChanged,
    ClusterEventHappened,
    Decision,
    FillBooked,
    GateChanged,
    Noted,
    OperationChanged,
    OrderChanged,
    Refused,
    SignalRaised,
)
from bot.model.order import OrderStatus
from bot.model.primitives import BracketId, ClusterId, Millis
from bot.model.signal import Rule
from bot.store.reader import Reader
from tests.fakes.rows import (
    BTC,
    ETH,
    T0,
    WALL,
    a_bracket,
    a_cluster,
    a_cluster_event,
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

CLOSED = {"status": BracketStatus.CLOSED, "closed_by": ClosedBy.TARGET}


@pytest.fixture(scope="module")
def ledger_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One ledger with a little of everything; the tests only read it."""
    ledger = a_ledger(tmp_path_factory.mktemp("data"))
    ledger.record_now(
        [
            (a_price(T0), Decision()),
            *with_facts(
                BracketChanged(bracket=a_bracket("early", **CLOSED, closed_at=T0)),
                BracketChanged(bracket=a_bracket("late", **CLOSED, closed_at=Millis(T0 + 1))),
                BracketChanged(bracket=a_bracket("b1")),
                BracketChanged(bracket=a_bracket("b2", symbol=ETH)),
                OrderChanged(order=an_order("c1")),
                OrderChanged(order=an_order("c2", status=OrderStatus.FILLED, ended_at=T0)),
                FillBooked(fill=a_fill(), bracket_id=BracketId("b1")),
                SignalRaised(signal=a_signal("s1")),
                SignalRaised(signal=a_signal("s2"), denied=a_refusal(Rule.COOL_DOWN)),
                Refused(refusal=a_refusal(count=31)),
                Refused(refusal=a_refusal(Rule.TOO_NEAR, count=9)),
                Refused(refusal=a_refusal(Rule.TOO_NEAR, symbol=ETH, at=Millis(T0 + 1))),
                ClusterChanged(cluster=a_cluster(1)),
                ClusterChanged(cluster=a_cluster(2, state=ClusterState.BROKEN, broken_at=T0)),
                ClusterEventHappened(event=a_cluster_event()),
                AccountChanged(account=an_account()),
                OperationChanged(operation=an_operation()),
                GateChanged(provider="http", gate=ProviderGate(samples=5)),
                Noted(severity="error", name="venue.disconnected", text="Gone.", at=T0),
            ),
        ]
    )
    ledger.close(wall=WALL)
    return ledger.files.ledger


def test_trades_are_closed_brackets_newest_first(ledger_path: Path) -> None:
    with Reader(ledger_path) as reader:
        assert ["late", "early"] == [row.id for row in reader.trades()]
        assert ["late"] == [row.id for row in reader.trades(limit=1)]
        assert [] == reader.trades(symbol=ETH)
        assert ["b1", "b2"] == [row.id for row in reader.open_brackets()]
        assert ["b2"] == [row.id for row in reader.open_brackets(symbol=ETH)]
        assert a_bracket("b1") == reader.bracket(BracketId("b1"))
        assert reader.bracket(BracketId("none")) is None


def test_orders_and_fills_are_listed(ledger_path: Path) -> None:
    with Reader(ledger_path) as reader:
        assert ["c1", "c2"] == [row.request.client_id for row in reader.orders()]
        assert ["c1"] == [row.request.client_id for row in reader.orders(only_open=True)]
        assert [a_fill()] == reader.fills(bracket_id=BracketId("b1"))
        assert [] == reader.fills(bracket_id=BracketId("b2"))


def test_signals_say_whether_the_risk_gate_denied_them(ledger_path: Path) -> None:
    with Reader(ledger_path) as reader:
        found = {row.signal.id: row.denied for row in reader.signals(symbol=BTC)}

    assert {"s1": None, "s2": a_refusal(Rule.COOL_DOWN)} == found


def test_refusals_are_counted_by_rule(ledger_path: Path) -> None:
    with Reader(ledger_path) as reader:
        counts = [(row.symbol, row.rule, row.count) for row in reader.refusal_counts()]
        late = reader.refusals(since=Millis(T0 + 1))

    assert [
        (BTC, Rule.PAYS_TOO_LITTLE, 31),
        (BTC, Rule.TOO_NEAR, 9),
        (ETH, Rule.TOO_NEAR, 1),
    ] == counts
    assert [ETH] == [row.symbol for row in late]


def test_clusters_are_listed_by_level(ledger_path: Path) -> None:
    with Reader(ledger_path) as reader:
        assert [1] == [row.id for row in reader.clusters(BTC)]
        assert [2, 1] == [row.id for row in reader.clusters(BTC, only_live=False)]
        assert [a_cluster_event()] == reader.cluster_events(ClusterId(1))
        assert [] == reader.cluster_events(ClusterId(1), gen=2)
        assert [a_cluster_event()] == reader.recent_cluster_events(symbol=BTC)


def test_the_state_of_things_is_told(ledger_path: Path) -> None:
    with Reader(ledger_path) as reader:
        boot = reader.last_boot()

        assert an_account() == reader.account()
        assert an_operation() == reader.operation()
        assert {"http": ProviderGate(samples=5)} == reader.gates()
        assert {BTC: (T0, 89_175.1)} == reader.prices()
        assert T0 == reader.last_at()
        assert ["Gone."] == [note.text for note in reader.notes()]
        assert "paper" == reader.meta["mode"]
        assert [] == reader.starts()
        assert 2 == len(list(reader.journal()))
        assert boot is not None
        assert boot.is_clean


def test_a_new_ledger_has_nothing_to_list(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    with Reader(ledger.files.ledger) as reader:
        assert reader.account() is None
        assert "TRADING" == reader.operation().state
        assert 0 == reader.last_at()
        assert reader.last_boot() is not None
    ledger.close()


def test_no_ledger_and_no_ledger_at_all_are_said_plainly(tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match="no ledger here yet"):
        Reader(tmp_path / "ledger.db")
    (tmp_path / "ledger.db").write_text("rubbish " * 4_000)
    with pytest.raises(DataError, match="cannot be read"):
        Reader(tmp_path / "ledger.db")


def test_reading_imports_nothing_heavy() -> None:
    """A verb has 0.15 s."""
    heavy = {"sqlalchemy", "numpy", "aiohttp", "ccxt", "alembic", "talib", "structlog", "asyncio"}
    code = "import sys, bot.store.reader, bot.store.check; print(*sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )

    assert set() == heavy & set(found.stdout.split())
