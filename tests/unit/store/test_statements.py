"""The compiled SQL writes what the tables allow."""

from pathlib import Path

from bot.model.cluster import ClusterEventKind
from bot.model.facts import ClusterEventHappened, Fact, SignalRaised
from bot.model.primitives import Millis
from bot.model.signal import Rule
from bot.store import schema, statements
from bot.store.reader import Reader
from tests.fakes.rows import T0, a_cluster_event, a_ledger, a_refusal, a_signal, with_facts


def test_every_statement_is_for_a_table_and_counts_its_columns() -> None:
    for table, statement in statements.WRITES.items():
        given = [c for c in schema.metadata.tables[table].columns if c.autoincrement is not True]

        assert len(given) == statement.count("?"), table


def recorded(folder: Path, *facts: Fact) -> Reader:
    ledger = a_ledger(folder)
    for fact in facts:
        ledger.record_now(with_facts(fact))
    ledger.close()
    return Reader(ledger.files.ledger)


def test_a_signal_that_acted_stays_used_though_it_is_denied_later(tmp_path: Path) -> None:
    """It acts once: forgetting that it has would let it act again after a restart."""
    denial = a_refusal(Rule.COOL_DOWN)
    with recorded(
        tmp_path, SignalRaised(signal=a_signal()), SignalRaised(signal=a_signal(), denied=denial)
    ) as reader:
        raised = reader.signals()

    assert [(True, None)] == [(row.is_used, row.denied) for row in raised]


def test_a_denied_signal_may_act_later(tmp_path: Path) -> None:
    denial = a_refusal(Rule.COOL_DOWN)
    with recorded(
        tmp_path, SignalRaised(signal=a_signal(), denied=denial), SignalRaised(signal=a_signal())
    ) as reader:
        raised = reader.signals()

    assert [(True, None)] == [(row.is_used, row.denied) for row in raised]


def test_a_one_shot_event_is_recorded_once_and_a_touch_as_often_as_it_happens(
    tmp_path: Path,
) -> None:
    facts = [
        ClusterEventHappened(event=a_cluster_event(kind, at=Millis(T0 + later)))
        for kind in (ClusterEventKind.BROKEN, ClusterEventKind.TOUCHED)
        for later in (0, 1_000)
    ]
    with recorded(tmp_path, *facts) as reader:
        events = reader.cluster_events(a_cluster_event().cluster.id)

    assert [
        (ClusterEventKind.BROKEN, T0),
        (ClusterEventKind.TOUCHED, T0),
        (ClusterEventKind.TOUCHED, T0 + 1_000),
    ] == [(event.kind, event.at) for event in events]
