"""One instance at a time, and the kernel is the judge."""

from pathlib import Path

import pytest

from bot.errors import DataDirError
from bot.store.lock import InstanceLock, holder_of


def test_p8_the_second_instance_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    path = tmp_path / "liqbot.lock"
    first = InstanceLock(path, host="rack7", pid=4242)
    with pytest.raises(DataDirError) as caught:
        InstanceLock(path, host="rack7", pid=4243)
    first.release()

    assert 73 == caught.value.exit_code
    assert "pid 4242 on rack7" in caught.value.what


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "liqbot.lock"
    first = InstanceLock(path, host="a", pid=1)
    first.release()
    first.release()
    second = InstanceLock(path, host="a", pid=2)
    held_by = holder_of(path)
    second.release()

    assert "pid 2 on a" == held_by
    assert "" == holder_of(path)


def test_asking_who_holds_it_disturbs_nobody(tmp_path: Path) -> None:
    path = tmp_path / "liqbot.lock"
    before = holder_of(path)
    lock = InstanceLock(path, host="a", pid=1)
    holder_of(path)
    with pytest.raises(DataDirError):
        InstanceLock(path, host="a", pid=2)
    lock.release()

    assert "" == before


def test_a_lock_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match="cannot be opened"):
        InstanceLock(tmp_path / "none" / "liqbot.lock", host="a", pid=1)
