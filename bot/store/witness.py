"""The witness: how far the journal had come, written beside the ledger after every commit.

A -wal that vanished, a foreign one, or an older copy of the ledger all look healthy to SQLite. They
cannot look newer than what this file has seen. It is not synced: after kill -9 it is exact, after
a power cut it may lag behind, which is the safe side.
"""

import os
from pathlib import Path

import msgspec

_MODE = 0o600
_SEQ_DIGITS = 20
_LINE_MAX_BYTES = 200


class Sighting(msgspec.Struct, frozen=True, kw_only=True):
    """What the witness has seen."""

    instance: str
    seq: int


class Witness:
    """The open file; one small write a commit."""

    def __init__(self, path: Path, *, instance: str, seq: int) -> None:
        flags = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, _MODE)
        self._instance = instance
        os.ftruncate(self._descriptor, 0)
        self.note(seq)

    def note(self, seq: int) -> None:
        """Remember that the journal has come this far."""
        line = f"{seq:0{_SEQ_DIGITS}d} {self._instance}\n"
        os.pwrite(self._descriptor, line.encode(), 0)

    def close(self) -> None:
        """Close the file, which stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def read(path: Path) -> Sighting | None:
    """What was seen; None where there is no witness or it cannot be read."""
    try:
        line = path.read_bytes()[:_LINE_MAX_BYTES].decode()
        seq, instance = line.split()
        return Sighting(instance=instance, seq=int(seq))
    except (OSError, ValueError):
        return None
