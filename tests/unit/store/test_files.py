"""The data directory is ours alone, and its files are real files."""

import os
import stat
import time
from pathlib import Path

import pytest

from bot.errors import DataDirError
from bot.model.primitives import Millis
from bot.store.files import (
    DataFiles,
    create_private,
    make_private,
    make_private_directory,
    prepare_directory,
    require_writable,
    stamp,
    sync_directory,
)
from tests.fakes.rows import T0, a_ledger


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_that_is_made_is_closed_to_others(tmp_path: Path) -> None:
    old_mask = os.umask(0)
    try:
        ledger = a_ledger(tmp_path / "deep" / "data")
        folder = ledger.files.folder
        modes = {path.name: mode(path) for path in folder.iterdir()}
        ledger.close()
    finally:
        os.umask(old_mask)

    assert 0o700 == mode(folder)
    assert {"ledger.db", "ledger.db-wal", "ledger.db-shm", "ledger.seen", "liqbot.lock"} == set(
        modes
    )
    assert {0o600} == set(modes.values())


@pytest.mark.parametrize("name", ["ledger.db", "ledger.db-wal", "liqbot.lock", "history.db"])
def test_a_symlink_in_place_of_a_file_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "elsewhere").touch()
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    (folder / name).symlink_to(tmp_path / "elsewhere")

    with pytest.raises(DataDirError, match="symlink"):
        prepare_directory(DataFiles(folder=folder))


def test_an_empty_directory_that_is_open_to_others_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    folder.chmod(0o775)
    prepare_directory(DataFiles(folder=folder))

    assert 0o700 == mode(folder)


def test_an_open_directory_with_other_files_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    """Somebody may have named their home, or /tmp."""
    folder = tmp_path / "home"
    folder.mkdir()
    folder.chmod(0o755)
    (folder / "letter.txt").touch()
    with pytest.raises(DataDirError, match="holds other files"):
        prepare_directory(DataFiles(folder=folder))

    assert 0o755 == mode(folder)


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataDirError) as caught:
        prepare_directory(DataFiles(folder=tmp_path / "file" / "data"))

    assert 73 == caught.value.exit_code
    assert "Not a directory" in caught.value.what


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    os.chown(folder, 12345, -1)

    with pytest.raises(DataDirError, match="belongs to user 12345"):
        prepare_directory(DataFiles(folder=folder))


@pytest.mark.parametrize("place", ["file", "directory"])
def test_p12_a_read_only_ledger_is_refused_before_anything_is_traded(
    tmp_path: Path, place: str
) -> None:
    folder = tmp_path / "data"
    a_ledger(folder).close()
    closed, bits = (folder / "ledger.db", 0o400) if place == "file" else (folder, 0o500)
    closed.chmod(bits)
    try:
        with pytest.raises(DataDirError) as caught:
            a_ledger(folder)
    finally:
        closed.chmod(0o700)

    assert 73 == caught.value.exit_code
    assert "cannot be written" in caught.value.what
    assert str(closed) == caught.value.where


def test_an_existing_file_is_neither_emptied_nor_opened(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_text("kept")
    create_private(path)

    assert "kept" == path.read_text()


def test_a_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataDirError, match="No file can be made here"):
        create_private(tmp_path / "none" / "f")
    with pytest.raises(DataDirError, match="This directory cannot be made"):
        make_private_directory(tmp_path / "none" / "d")


def test_a_readable_file_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.touch(mode=0o644)
    make_private(path)
    make_private(tmp_path / "none")
    require_writable(path)
    sync_directory(tmp_path)

    assert 0o600 == mode(path)


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Pacific/Apia"])
def test_p23_stamps_are_utc_wherever_and_sort_as_times_do(zone: str) -> None:
    """A change of summer time must not put two backups into one name, or in the wrong order."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = zone
    time.tzset()
    try:
        stamps = [stamp(Millis(T0 + hour * 3_600_000)) for hour in range(24 * 365)]
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()

    assert "20260101T000000Z" == stamps[0]
    assert sorted(set(stamps)) == stamps
