"""What is due each minute, hour and day."""

import asyncio
from pathlib import Path

from bot.model.primitives import Millis
from bot.model.wiring import StoreSettings
from bot.store import backup, check
from bot.store.housekeeping import BACKUP_MS, Housekeeper
from bot.store.lease import LEASE_MS
from bot.store.recorder import Ledger
from tests.fakes.rows import T0, WALL, a_ledger, an_intent


def a_housekeeper(ledger: Ledger) -> Housekeeper:
    return Housekeeper(ledger, StoreSettings(backups_kept=3), host="here", pid=1)


def test_a_backup_is_made_once_a_day(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    keeper = a_housekeeper(ledger)
    troubles = [keeper.tend_now(T0, Millis(WALL + minute * 60_000)) for minute in range(3)]
    after_a_minute = len(backup.listed(ledger.files))
    keeper.tend_now(T0, Millis(WALL + BACKUP_MS))
    after_a_day = len(backup.listed(ledger.files))
    keeper.close()
    ledger.close()

    assert ["", "", ""] == troubles
    assert (1, 2) == (after_a_minute, after_a_day)


def test_the_lease_is_renewed(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    keeper = a_housekeeper(ledger)
    asyncio.run(keeper.tend(at=T0, wall=Millis(WALL + 60_000)))
    query = "SELECT renewed_at FROM lease"
    renewed_at = ledger.writer.run(lambda c: c.exec_driver_sql(query).scalar())
    keeper.close()
    ledger.close()

    assert WALL + 60_000 == renewed_at


def test_the_wal_is_emptied(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent()])
    a_housekeeper(ledger).tend_now(T0, WALL)
    size = ledger.files.wal.stat().st_size
    ledger.close()

    assert 0 == size


def test_p16_a_deleted_ledger_is_saved_through_the_open_connection(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    keeper = a_housekeeper(ledger)
    ledger.record_now([an_intent("c1")])
    for path in (ledger.files.ledger, ledger.files.wal, ledger.files.shm):
        path.unlink()
    ledger.record_now([an_intent("c2")])
    troubles = {keeper.tend_now(T0, Millis(WALL + second)) for second in range(2)}
    copies = backup.listed(ledger.files)
    ledger.close()
    report = check.examine(copies[0])

    assert ["deleted" in trouble for trouble in troubles] == [True]
    assert 1 == len(copies)
    assert (2, ()) == (report.newest_seq, report.problems)


def test_a_writer_that_is_closed_is_trouble(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.writer.close()
    trouble = a_housekeeper(ledger).tend_now(T0, WALL)
    ledger.close()

    assert "Nothing can be written" in trouble


def test_a_backup_that_fails_does_not_stop_trading(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.files.backups.mkdir()
    (ledger.files.backups / "ledger-20260921T141320Z.part").mkdir()
    trouble = a_housekeeper(ledger).tend_now(T0, WALL)
    ledger.close()

    assert "" == trouble
    assert [] == backup.listed(ledger.files)


def test_i17_a_lease_that_another_machine_has_taken_stops_trading(tmp_path: Path) -> None:
    """It is trouble for as long as it lasts, and no failure of the housekeeping."""
    ledger = a_ledger(tmp_path)
    keeper = a_housekeeper(ledger)
    ledger.writer.run(lambda c: c.exec_driver_sql("UPDATE lease SET host = ?", ("there",)))
    trouble = keeper.tend_now(T0, WALL)
    ended = keeper.tend_now(T0, Millis(WALL + 10 * LEASE_MS))
    keeper.close()
    ledger.close()

    assert "there" in trouble
    assert "" == ended
