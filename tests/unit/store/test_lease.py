"""The lease keeps another machine out for as long as it is renewed."""

from pathlib import Path

import pytest

from bot.errors import DataDirError
from bot.model.primitives import Millis
from bot.store.lease import LEASE_MS
from tests.fakes.rows import WALL, a_ledger


def crashed_on(host: str, folder: Path) -> None:
    """A ledger whose holder left without giving the lease back."""
    a_ledger(folder, host=host, pid=77).close()


def test_another_machine_is_kept_out_and_told_how_long(tmp_path: Path) -> None:
    crashed_on("left", tmp_path)
    with pytest.raises(DataDirError) as caught:
        a_ledger(tmp_path, host="right", wall=Millis(WALL + 60_000))

    assert "pid 77 on left" in caught.value.what
    assert "wait 121 s" in caught.value.remedy


def test_a_lease_that_ran_out_is_free(tmp_path: Path) -> None:
    crashed_on("left", tmp_path)

    a_ledger(tmp_path, host="right", wall=Millis(WALL + LEASE_MS)).close()


def test_the_same_machine_goes_by_the_file_lock_alone(tmp_path: Path) -> None:
    crashed_on("left", tmp_path)

    a_ledger(tmp_path, host="left", wall=Millis(WALL + 1)).close()


def test_a_clean_stop_gives_the_lease_back(tmp_path: Path) -> None:
    a_ledger(tmp_path, host="left").close(wall=Millis(WALL + 1))

    a_ledger(tmp_path, host="right", wall=Millis(WALL + 2)).close()


def test_a_lease_from_the_future_locks_nobody_out(tmp_path: Path) -> None:
    """The other machine's clock was wrong; ours may be right."""
    a_ledger(tmp_path, host="left", wall=Millis(WALL + 86_400_000)).close()

    a_ledger(tmp_path, host="right", wall=WALL).close()
