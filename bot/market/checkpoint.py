"""One file that is either the old content or the new, whole, and known to be so.

Eight bytes of name and version, the checksum, then the parts, each after its length. Written
beside and renamed, so a kill or a power cut leaves the one or the other.
"""

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bot.errors import DataError

_HEAD: Final = struct.Struct("<8sI")
_LENGTH: Final = struct.Struct("<I")
_NAME: Final = b"liqbotm1"
_MODE: Final = 0o600


def write(path: Path, parts: Sequence[bytes]) -> None:
    """Replace the file by `parts`, synced; raises OSError and then leaves the old one."""
    pieces = [piece for part in parts for piece in (_LENGTH.pack(len(part)), part)]
    checksum = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    beside = path.with_name(path.name + ".new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, _MODE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_HEAD.pack(_NAME, checksum))
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        beside.unlink(missing_ok=True)  # On a full disk half a file takes room from the ledger.
        raise
    beside.replace(path)


def read(path: Path) -> list[bytes] | None:
    """The parts, or None where there is no file; raises DataError when it is damaged."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot be read: {error.strerror}", where=str(path)) from error
    content = data[_HEAD.size :]
    if len(data) < _HEAD.size or _HEAD.unpack_from(data) != (_NAME, zlib.crc32(content)):
        raise DataError("is not a whole checkpoint of the market", where=str(path))
    return _split(content)


def _split(content: bytes) -> list[bytes]:
    parts, place = [], 0
    while place < len(content):
        (length,) = _LENGTH.unpack_from(content, place)
        place += _LENGTH.size
        parts.append(content[place : place + length])
        place += length
    return parts
