"""Old evidence goes; money and the numbering stay."""

from pathlib import Path

from bot.model.cluster import ClusterState, Ending
from bot.model.facts import (
    BracketChanged,
    ClusterChanged,
    ClusterEventHappened,
    Decision,
    FillBooked,
    Noted,
    Refused,
)
from bot.model.primitives import ClusterId, Millis
from bot.model.wiring import StoreSettings
from bot.store import check, retention
from bot.store.reader import Reader
from tests.fakes.rows import (
    BTC,
    T0,
    a_bracket,
    a_cluster,
    a_cluster_event,
    a_fill,
    a_ledger,
    a_price,
    a_refusal,
    with_facts,
)

DAY_MS = 86_400_000
SETTINGS = StoreSettings(journal_days=14, events_days=90)


def test_the_journal_loses_its_old_beginning_and_has_no_gap(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    for day in range(30):
        ledger.record_now([(a_price(Millis(T0 + day * DAY_MS)), Decision())])
    retention.prune(ledger.writer, Millis(T0 + 29 * DAY_MS), SETTINGS)
    with Reader(ledger.files.ledger) as reader:
        numbers = [entry.seq for entry in reader.journal()]
    report = check.examine(ledger.files.ledger)
    ledger.close()

    assert list(range(16, 31)) == numbers
    assert () == report.problems


def test_the_newest_row_stays_however_old_it_is(tmp_path: Path) -> None:
    """The count goes on from it, and the snapshot's instant is its own."""
    ledger = a_ledger(tmp_path)
    for second in range(3):
        ledger.record_now([(a_price(Millis(T0 + second)), Decision())])
    retention.prune(ledger.writer, Millis(T0 + 400 * DAY_MS), SETTINGS)
    ledger.close()
    again = a_ledger(tmp_path)
    again.close()

    assert 3 == again.seq


def test_evidence_goes_and_money_stays(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    over = a_cluster(1, state=ClusterState.EXPIRED, ending=Ending.EXPIRED, ended_at=T0)
    ledger.record_now(
        with_facts(
            ClusterChanged(cluster=over),
            ClusterChanged(cluster=a_cluster(2)),
            ClusterEventHappened(event=a_cluster_event()),
            Refused(refusal=a_refusal()),
            Noted(severity="error", name="store.slowed", text="slow", at=T0),
            FillBooked(fill=a_fill(), bracket_id=None),
            BracketChanged(bracket=a_bracket()),
        )
    )
    kept = retention.prune(ledger.writer, Millis(T0 + 90 * DAY_MS), SETTINGS)
    gone = retention.prune(ledger.writer, Millis(T0 + 90 * DAY_MS + 1), SETTINGS)
    with Reader(ledger.files.ledger) as reader:
        clusters = [row.id for row in reader.clusters(BTC, only_live=False)]
        rest = (reader.refusals(), reader.notes(), reader.cluster_events(ClusterId(1)))
        money = (len(reader.fills()), len(reader.open_brackets()))
    ledger.close()

    assert (0, 4) == (kept, gone)
    assert [2] == clusters
    assert ([], [], []) == rest
    assert (1, 1) == money


def test_dropped_candidates_go_after_a_day_but_never_the_last_number(tmp_path: Path) -> None:
    """The next number is counted from the largest: giving one out twice would mix two lives."""
    ledger = a_ledger(tmp_path)
    dropped = {"state": ClusterState.EXPIRED, "ending": Ending.DROPPED, "ended_at": T0}
    ledger.record_now(
        with_facts(*(ClusterChanged(cluster=a_cluster(n, **dropped)) for n in (1, 2, 3)))
    )
    gone = retention.prune(ledger.writer, Millis(T0 + DAY_MS + 1), SETTINGS)
    snapshot = ledger.load()
    ledger.close()

    assert 2 == gone
    assert 4 == snapshot.next_cluster_id


def test_space_is_given_back_to_the_file_system(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    for second in range(50):
        many = [(a_price(Millis(T0 + second), mark=100.0 + n), Decision()) for n in range(200)]
        ledger.record_now(many)
    ledger.writer.checkpoint()
    before = ledger.files.ledger.stat().st_size
    retention.prune(ledger.writer, Millis(T0 + 15 * DAY_MS), SETTINGS)
    ledger.writer.run_outside(retention.give_space_back)
    ledger.writer.checkpoint()
    after = ledger.files.ledger.stat().st_size
    ledger.close()

    assert after < before
