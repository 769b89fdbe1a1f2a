"""Backups are checked, private, few, and never half."""

import stat
from pathlib import Path

import pytest

from bot.errors import StoreError
from bot.model.primitives import Millis
from bot.store import backup, check
from bot.store.files import DataFiles
from tests.fakes.rows import WALL, a_ledger, an_intent


def test_a_backup_is_a_sound_copy_that_only_we_can_read(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent("c1")])
    path = backup.make(ledger.files, wall=WALL, kept=7)
    ledger.close()
    report = check.examine(path)

    assert "ledger-20260921T141320Z.db" == path.name
    assert (1, ()) == (report.newest_seq, report.problems)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert 0o700 == stat.S_IMODE(path.parent.stat().st_mode)


def test_the_oldest_go_when_there_are_enough(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    made = [
        backup.make(ledger.files, wall=Millis(WALL + day * 86_400_000), kept=3) for day in range(5)
    ]
    ledger.close()

    assert made[:1:-1] == backup.listed(ledger.files)


def test_two_within_a_second_do_not_replace_each_other(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    first = backup.make(ledger.files, wall=WALL, kept=7)
    second = backup.make(ledger.files, wall=WALL, kept=7)
    ledger.close()

    assert first != second
    assert {first, second} == set(backup.listed(ledger.files))


def test_a_backup_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    files = DataFiles(folder=tmp_path)
    with pytest.raises(StoreError, match="No backup could be made"):
        backup.make(files, wall=WALL, kept=7)

    assert [] == list(files.backups.iterdir())


def test_the_newest_sound_one_is_chosen(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    sound = backup.make(ledger.files, wall=WALL, kept=7)
    damaged = backup.make(ledger.files, wall=Millis(WALL + 1_000), kept=7)
    damaged.write_bytes(b"nothing of the kind" * 500)
    ledger.close()

    assert sound == backup.newest_sound(ledger.files, instance="test1")
    assert sound == backup.newest_sound(ledger.files)
    assert backup.newest_sound(ledger.files, instance="another") is None
