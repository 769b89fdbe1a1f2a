"""What the files say before anything writes to them."""

import shutil
from pathlib import Path

from bot.store.files import DataFiles
from bot.store.inspection import Finding, inspect
from tests.fakes.rows import a_ledger, an_intent


def a_stopped_ledger(folder: Path, rows: int = 2) -> DataFiles:
    ledger = a_ledger(folder)
    for number in range(rows):
        ledger.record_now([an_intent(f"c{number}")])
    ledger.close()
    return ledger.files


def test_nothing_there_is_new(tmp_path: Path) -> None:
    assert Finding.NEW == inspect(DataFiles(folder=tmp_path)).finding


def test_a_stopped_ledger_is_sound_and_witnessed(tmp_path: Path) -> None:
    found = inspect(a_stopped_ledger(tmp_path))

    assert (Finding.SOUND, True) == (found.finding, found.is_witnessed)


def test_a_ledger_without_its_witness_was_put_there_by_hand(tmp_path: Path) -> None:
    files = a_stopped_ledger(tmp_path)
    files.seen.unlink()
    found = inspect(files)

    assert (Finding.SOUND, False) == (found.finding, found.is_witnessed)


def test_p17_an_older_copy_is_behind(tmp_path: Path) -> None:
    files = a_stopped_ledger(tmp_path)
    older = tmp_path / "copy.db"
    shutil.copyfile(files.ledger, older)
    a_stopped_ledger(tmp_path, rows=1)
    shutil.copyfile(older, files.ledger)
    found = inspect(files)

    assert Finding.BEHIND == found.finding
    assert "ends at journal row 2, but 3 were written" in found.detail


def test_p17_an_emptied_ledger_is_behind(tmp_path: Path) -> None:
    files = a_stopped_ledger(tmp_path)
    files.ledger.write_bytes(b"")

    assert Finding.BEHIND == inspect(files).finding


def test_p16_a_deleted_ledger_is_gone_and_not_new(tmp_path: Path) -> None:
    files = a_stopped_ledger(tmp_path)
    files.ledger.unlink()
    found = inspect(files)

    assert (Finding.GONE, "2 journal rows were written") == (found.finding, found.detail)


def test_p15_a_file_of_rubbish_is_damaged(tmp_path: Path) -> None:
    files = a_stopped_ledger(tmp_path)
    files.ledger.write_bytes(b"rubbish " * 4_000)

    assert Finding.DAMAGED == inspect(files).finding


def test_looking_changes_nothing(tmp_path: Path) -> None:
    files = a_stopped_ledger(tmp_path)
    before = files.ledger.read_bytes()
    inspect(files)

    assert before == files.ledger.read_bytes()
