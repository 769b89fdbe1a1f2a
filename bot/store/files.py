"""The data directory: what lies in it, who may read it, and whether it is still the same.

Nothing here opens the ledger's files while SQLite has them open: closing any descriptor of a file
drops the whole process's POSIX locks on it, SQLite's among them. Only names are looked at.
"""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bot.errors import DataDirError
from bot.model.primitives import Millis

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


class DataFiles(msgspec.Struct, frozen=True, kw_only=True):
    """The names of everything kept in one data directory."""

    folder: Path

    @property
    def ledger(self) -> Path:
        """The truth."""
        return self.folder / "ledger.db"

    @property
    def wal(self) -> Path:
        """What SQLite has committed but not yet moved into the ledger."""
        return self.folder / "ledger.db-wal"

    @property
    def shm(self) -> Path:
        """SQLite's index of the -wal; rebuilt when missing."""
        return self.folder / "ledger.db-shm"

    @property
    def seen(self) -> Path:
        """The witness: how far the journal had come."""
        return self.folder / "ledger.seen"

    @property
    def lock(self) -> Path:
        """Held by the one instance that may write."""
        return self.folder / "liqbot.lock"

    @property
    def history(self) -> Path:
        """Every accepted poll."""
        return self.folder / "history.db"

    @property
    def backups(self) -> Path:
        """Checked copies of the ledger."""
        return self.folder / "backups"

    @property
    def quarantine(self) -> Path:
        """Files that could not be believed, kept for whoever looks."""
        return self.folder / "quarantine"


def prepare_directory(files: DataFiles) -> None:
    """Make the data directory, or see that it is ours alone; refuse symlinks in place of files.

    Raises:
        DataDirError: it cannot be made, belongs to somebody else, or holds a symlink.

    """
    folder = files.folder
    try:
        folder.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise DataDirError(
            f"The data directory cannot be made: {_plain(error)}.",
            where=str(folder),
            remedy="Name another one with --data-dir or data_dir.",
        ) from error
    _check_owner(files, found)
    for path in (files.ledger, files.wal, files.shm, files.seen, files.lock, files.history):
        if path.is_symlink():
            raise DataDirError(
                "This is a symlink; the files of a ledger must lie in the directory itself.",
                where=str(path),
                remedy="Move the real file here, or name its directory with --data-dir.",
            )


def create_private(path: Path) -> None:
    """Create an empty file that only we can read; SQLite gives -wal and -shm the same mode.

    Raises:
        DataDirError: the directory takes no new file.

    """
    try:
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
        os.close(os.open(path, flags, _FILE_MODE))
    except FileExistsError:
        return
    except OSError as error:
        raise DataDirError(
            f"No file can be made here: {_plain(error)}.",
            where=str(path),
            remedy="Free some space or mend the permissions, or use another --data-dir.",
        ) from error


def make_private_directory(path: Path) -> None:
    """Make a directory that only we can enter, where there is none yet.

    Raises:
        DataDirError: it cannot be made.

    """
    try:
        path.mkdir(mode=_DIRECTORY_MODE, exist_ok=True)
    except OSError as error:
        raise DataDirError(
            f"This directory cannot be made: {_plain(error)}.",
            where=str(path),
            remedy="Free some space or mend the permissions, or use another --data-dir.",
        ) from error


def make_private(path: Path) -> None:
    """Take away what others may do with a file of ours."""
    if path.exists() and stat.S_IMODE(path.stat().st_mode) & _OTHERS:
        path.chmod(_FILE_MODE)


def require_writable(path: Path) -> None:
    """See that an existing ledger can be written, before anything is traded.

    Raises:
        DataDirError: the file or its directory is read-only.

    """
    for place in (path.parent, path):
        if place.exists() and not _is_writable(place):
            raise DataDirError(
                "This cannot be written, and what is not written down is not traded.",
                where=str(place),
                remedy=f"chmod u+w {place}, or mount its file system for writing.",
            )


def stamp(wall: Millis) -> str:
    """A UTC instant as it stands in a file's name, `20260131T120000Z`: names sort as times do."""
    return datetime.fromtimestamp(wall / 1000, tz=UTC).strftime("%Y%m%dT%H%M%SZ")


def sync_directory(folder: Path) -> None:
    """Make renames and new files in a directory survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _check_owner(files: DataFiles, found: os.stat_result) -> None:
    folder = files.folder
    if found.st_uid != os.geteuid():
        raise DataDirError(
            f"The data directory belongs to user {found.st_uid}, not to us.",
            where=str(folder),
            remedy=f"chown it to user {os.geteuid()}, or use another --data-dir.",
        )
    if not stat.S_IMODE(found.st_mode) & _OTHERS:
        return
    is_ours = files.lock.exists() or files.ledger.exists() or not any(folder.iterdir())
    if not is_ours:
        raise DataDirError(
            "The data directory holds other files and is open to other users.",
            where=str(folder),
            remedy=f"Use a directory of its own, or chmod 700 {folder}.",
        )
    folder.chmod(_DIRECTORY_MODE)


def _is_writable(place: Path) -> bool:
    if not os.access(place, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        return False
    # Root passes every permission bit; the bit still says what the owner wants.
    return bool(place.stat().st_mode & stat.S_IWUSR)


def _plain(error: OSError) -> str:
    return error.strerror or str(error)
