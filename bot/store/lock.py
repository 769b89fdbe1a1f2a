"""One instance: a file lock that the kernel frees whenever its holder dies."""

import fcntl
import os
from pathlib import Path

from bot.errors import DataDirError

_MODE = 0o600
_NOTE_MAX_BYTES = 200


class InstanceLock:
    """`flock` on a file of its own, which also says who holds it.

    The note inside is for people; the kernel's lock decides. It is given back by `release`, by
    exit and by kill -9 alike, and never inherited by a child.
    """

    def __init__(self, path: Path, *, host: str, pid: int) -> None:
        """Take the lock or raise at once.

        Raises:
            DataDirError: another instance holds it; the sentence names its pid.

        """
        self._path = path
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            self._descriptor = os.open(path, flags, _MODE)
        except OSError as error:
            raise DataDirError(
                f"The lock file cannot be opened: {error.strerror}.",
                where=str(path),
                remedy="Mend the permissions of the data directory, or use another --data-dir.",
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = _note_of(self._descriptor)
            os.close(self._descriptor)
            raise DataDirError(
                f"Another liqbot holds this data directory: {holder or 'it left no name'}.",
                where=str(path),
                remedy="Stop it first, or give this one a --data-dir of its own.",
            ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"pid {pid} on {host}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise DataDirError(
                f"Nothing can be written here: {error.strerror}.",
                where=str(path),
                remedy="Free some space, then start again.",
            ) from error

    def release(self) -> None:
        """Give the lock back. The file stays: removing it would race with who opens it next."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


def holder_of(path: Path) -> str:
    """Who says it holds the lock: `pid 123 on host`; empty when nobody does.

    Only asks: a shared lock is tried on a descriptor of its own and given back at once.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _note_of(descriptor) or "another process"
    else:
        return ""
    finally:
        os.close(descriptor)


def _note_of(descriptor: int) -> str:
    return os.pread(descriptor, _NOTE_MAX_BYTES, 0).decode(errors="replace").strip()
