"""Doubtful files are set aside, never deleted; a person decides what is lost."""

from pathlib import Path

import pytest

from bot.errors import DataError
from bot.model.facts import ClusterChanged
from bot.model.primitives import Millis
from bot.store import backup
from bot.store.files import DataFiles
from tests.fakes.rows import WALL, a_cluster, a_ledger, an_intent, with_facts


def a_damaged_ledger(folder: Path, *, with_backup: bool) -> DataFiles:
    ledger = a_ledger(folder)
    ledger.record_now(with_facts(ClusterChanged(cluster=a_cluster(5))))
    if with_backup:
        backup.make(ledger.files, wall=WALL, kept=7)
    ledger.record_now([an_intent("c2")])
    ledger.close()
    ledger.files.ledger.write_bytes(b"rubbish " * 4_000)
    return ledger.files


def test_p15_a_damaged_ledger_is_replaced_by_the_newest_backup(tmp_path: Path) -> None:
    files = a_damaged_ledger(tmp_path, with_backup=True)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 1_000))
    snapshot = ledger.load()
    ledger.close()
    aside = files.quarantine / "20260921T141321Z" / "ledger.db"

    assert b"rubbish " * 4_000 == aside.read_bytes()
    assert "the backup ledger-20260921T141320Z.db was taken" in ledger.trouble
    assert 1 == ledger.seq
    assert (5,) == tuple(row.id for row in snapshot.symbols[0].clusters)


def test_p15_numbers_given_out_since_the_backup_are_not_given_again(tmp_path: Path) -> None:
    """Order ids derive from them, and the venue remembers what this ledger does not."""
    a_damaged_ledger(tmp_path, with_backup=True)
    ledger = a_ledger(tmp_path)
    snapshot = ledger.load()
    ledger.close()

    assert WALL // 1000 == snapshot.next_cluster_id


def test_p15_without_a_backup_a_new_ledger_goes_by_the_old_name(tmp_path: Path) -> None:
    """Open orders at the venue carry it: they must still be recognised as ours."""
    a_damaged_ledger(tmp_path, with_backup=False)
    ledger = a_ledger(tmp_path, instance="another")
    snapshot = ledger.load()
    ledger.close()

    assert "there is no backup, so it is new" in ledger.trouble
    assert "test1" == ledger.meta.instance
    assert WALL // 1000 == snapshot.next_cluster_id
    assert "" == a_healthy_start(tmp_path)


def a_healthy_start(folder: Path) -> str:
    ledger = a_ledger(folder)
    ledger.close()
    return ledger.trouble


def test_p16_a_ledger_that_is_gone_is_refused_until_a_person_says_how_to_go_on(
    tmp_path: Path,
) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent()])
    ledger.close()
    ledger.files.ledger.unlink()
    with pytest.raises(DataError):
        a_ledger(tmp_path)
    with pytest.raises(DataError) as caught:
        a_ledger(tmp_path)
    ledger.files.seen.unlink()
    anew = a_ledger(tmp_path)
    anew.close()

    assert 65 == caught.value.exit_code
    assert "The ledger is gone" in caught.value.what
    assert "ledger.seen" in caught.value.remedy
    assert 0 == anew.seq


def test_a_ledger_put_back_by_hand_starts_its_numbers_afresh(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now(with_facts(ClusterChanged(cluster=a_cluster(5))))
    ledger.close()
    ledger.files.seen.unlink()
    again = a_ledger(tmp_path)
    snapshot = again.load()
    again.close()

    assert WALL // 1000 == snapshot.next_cluster_id


def test_a_wal_without_a_ledger_is_set_aside(tmp_path: Path) -> None:
    files = DataFiles(folder=tmp_path)
    files.wal.write_bytes(b"of something else")
    tmp_path.chmod(0o700)
    ledger = a_ledger(tmp_path)
    ledger.close()

    assert b"of something else" == next(files.quarantine.rglob("ledger.db-wal")).read_bytes()
