"""The order of the checks at start, and what is given back when one fails."""

import os
from pathlib import Path

import pytest

from bot.errors import DataDirError
from bot.store.lock import holder_of
from bot.store.opening import bind_account, require_account
from tests.fakes.rows import T0, WALL, a_ledger, an_intent


def test_p8_a_second_instance_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    first = a_ledger(tmp_path)
    with pytest.raises(DataDirError) as caught:
        a_ledger(tmp_path)
    first.close()

    assert 73 == caught.value.exit_code
    assert f"pid {os.getpid()} on here" in caught.value.what


def test_a_refused_start_gives_the_lock_back(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.close()
    with pytest.raises(DataDirError):
        a_ledger(tmp_path, mode="live")

    assert "" == holder_of(ledger.files.lock)


def test_a_refused_start_is_not_counted_as_a_crash(tmp_path: Path) -> None:
    a_ledger(tmp_path).close(wall=WALL)
    for _ in range(4):
        with pytest.raises(DataDirError):
            a_ledger(tmp_path, mode="live")
    ledger = a_ledger(tmp_path)
    ledger.close()

    assert 0 == ledger.boot.crashes


def test_a_start_leaves_the_wal_empty(tmp_path: Path) -> None:
    """So a -wal that vanishes can only take away what the witness has seen."""
    a_ledger(tmp_path).close()
    ledger = a_ledger(tmp_path)
    size = ledger.files.wal.stat().st_size
    ledger.close()

    assert 0 == size


def test_what_was_recorded_is_there_after_the_next_start(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent("c1")])
    ledger.close()
    again = a_ledger(tmp_path)
    snapshot = again.load()
    again.close()

    assert ["c1"] == [order.request.client_id for order in snapshot.orders]
    assert T0 == snapshot.at


def test_an_unsynced_ledger_is_for_runs_that_can_be_made_again(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path, is_synced=False)
    level = ledger.writer.run(lambda c: c.exec_driver_sql("PRAGMA synchronous").scalar())
    ledger.close()

    assert 1 == level


def test_c15_a_ledger_is_refused_to_another_account_and_says_whose_it_is(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path, mode="live")
    require_account(ledger, "acc-1")
    bind_account(ledger, "acc-1")
    require_account(ledger, "acc-1")
    with pytest.raises(DataDirError, match="belongs to acc-1, and this run is for acc-2"):
        require_account(ledger, "acc-2")
    ledger.close()


def test_to_look_whose_a_ledger_is_binds_it_to_nobody(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path, mode="live")
    require_account(ledger, "acc-1")
    require_account(ledger, "acc-2")
    ledger.close()

    assert "" == ledger.meta.account_id
