"""Checked copies of the ledger.

A copy counts only after it was opened and passed the quick check; then it is synced, renamed into
place, and the oldest beyond the wanted number go. Made on a reader's connection, it does not hold
up the writer.
"""

import contextlib
import os
from pathlib import Path
from typing import Any, Final

from bot.errors import DataDirError, StoreError
from bot.model.primitives import Millis
from bot.store import check
from bot.store.files import DataFiles, create_private, make_private_directory, stamp, sync_directory
from bot.store.sqlite import driver, open_read_only

_PREFIX: Final = "ledger-"
_SUFFIX: Final = ".db"


def make(files: DataFiles, *, wall: Millis, kept: int, source: Any = None) -> Path:
    """Copy the ledger and return the copy's path.

    `source` is a driver's connection to copy from; without it a new one is opened for reading.
    With it a ledger whose file was deleted can still be saved.

    Raises:
        StoreError: there is no room, or the copy is not sound; no copy is left behind.

    """
    target = _free_name(files.backups, f"{_PREFIX}{stamp(wall)}")
    draft = target.with_suffix(".part")
    module = driver()
    try:
        make_private_directory(files.backups)
        draft.unlink(missing_ok=True)
        create_private(draft)
        _copy(files.ledger, draft, source)
        _require_sound(draft)
        _sync_file(draft)
        draft.rename(target)
        sync_directory(files.backups)
    except (module.Error, OSError, DataDirError) as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise StoreError(
            f"No backup could be made: {error}.",
            where=str(target),
            remedy="Free some space in the data directory; the ledger itself is untouched.",
        ) from error
    for old in listed(files)[kept:]:
        old.unlink(missing_ok=True)
    return target


def listed(files: DataFiles) -> list[Path]:
    """Every backup, newest first."""
    return sorted(files.backups.glob(f"{_PREFIX}*{_SUFFIX}"), reverse=True)


def has_one_since(files: DataFiles, wall: Millis) -> bool:
    """Whether there is a backup not older than an instant; names sort as times do."""
    newest = next(iter(listed(files)), None)
    return newest is not None and newest.name >= f"{_PREFIX}{stamp(wall)}"


def newest_sound(files: DataFiles, *, instance: str = "") -> Path | None:
    """The newest backup that passes the check, of that ledger where one is named."""
    for path in listed(files):
        report = check.examine(path, module=driver())
        if not report.revision or (instance and report.instance != instance):
            continue
        return path
    return None


def _copy(ledger: Path, draft: Path, source: Any) -> None:
    connection = source or open_read_only(ledger, module=driver())
    try:
        connection.execute("PRAGMA query_only = OFF")  # It would forbid writing the copy, too.
        connection.execute("VACUUM INTO ?", (str(draft),))
    finally:
        if source is None:
            connection.close()


def _require_sound(draft: Path) -> None:
    module = driver()
    connection = open_read_only(draft, module=module)
    try:
        problem = check.integrity(connection, module=module)
    finally:
        connection.close()
    if problem:
        raise OSError(f"the copy is not sound: {problem}")


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _free_name(folder: Path, name: str) -> Path:
    path, number = folder / f"{name}{_SUFFIX}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}{_SUFFIX}"
    return path
