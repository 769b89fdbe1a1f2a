"""What state the ledger's files are in before anything writes to them.

Every connection here is for reading only, so that nothing is moved from a doubtful -wal into the
ledger by looking.
"""

from enum import StrEnum
from pathlib import Path

import msgspec

from bot.store import check, witness
from bot.store.files import DataFiles
from bot.store.sqlite import driver, open_read_only
from bot.store.witness import Sighting


class Finding(StrEnum):
    """What to make of it."""

    NEW = "new"
    SOUND = "sound"
    DAMAGED = "damaged"
    """The file itself: set aside, take the newest backup."""
    FOREIGN_WAL = "foreign_wal"
    """The file is sound and its -wal is not its own."""
    BEHIND = "behind"
    """Sound, but it has lost rows that were written: the -wal is gone, or it is an old copy."""
    GONE = "gone"
    """There was a ledger here and there is none now."""


class Inspection(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, with the numbers it rests on."""

    finding: Finding
    detail: str = ""
    is_witnessed: bool = True
    """False where a ledger with rows has no witness: it was put here by hand."""


class _Look(msgspec.Struct, frozen=True, kw_only=True):
    problem: str = ""
    instance: str = ""
    last_writer: str = ""
    newest_seq: int = 0


def inspect(files: DataFiles) -> Inspection:
    """Look at ledger, -wal and witness."""
    seen = witness.read(files.seen)
    if not files.ledger.exists():
        if seen is not None and seen.seq > 0:
            return Inspection(finding=Finding.GONE, detail=f"{seen.seq} journal rows were written")
        return Inspection(finding=Finding.NEW)
    whole = _look(files.ledger)
    alone = _look(files.ledger, is_immutable=True) if _has_wal(files) else whole
    return _judged(whole, alone, seen)


def _judged(whole: _Look, alone: _Look, seen: Sighting | None) -> Inspection:
    """`whole` is with the -wal, `alone` without it."""
    if whole.problem:
        finding = Finding.DAMAGED if alone.problem else Finding.FOREIGN_WAL
        return Inspection(finding=finding, detail=whole.problem)
    writer = whole.last_writer or whole.instance
    if alone.instance and alone.instance != writer:
        owner = writer or "another file"
        detail = f"The ledger is {alone.instance}, its -wal belongs to {owner}."
        return Inspection(finding=Finding.FOREIGN_WAL, detail=detail)
    if seen is None:
        return Inspection(finding=Finding.SOUND, is_witnessed=whole.newest_seq == 0)
    is_other = whole.newest_seq > 0 and whole.instance != seen.instance
    if is_other or whole.newest_seq < seen.seq:
        detail = f"it ends at journal row {whole.newest_seq}, but {seen.seq} were written"
        return Inspection(finding=Finding.BEHIND, detail=detail)
    return Inspection(finding=Finding.SOUND)


def _has_wal(files: DataFiles) -> bool:
    return files.wal.exists() and files.wal.stat().st_size > 0


def _look(ledger: Path, *, is_immutable: bool = False) -> _Look:
    module = driver()
    try:
        connection = open_read_only(ledger, module=module, is_immutable=is_immutable)
    except module.Error as error:
        return _Look(problem=f"The ledger cannot be opened: {error}.")
    try:
        if problem := check.integrity(connection, module=module):
            return _Look(problem=problem)
        return _Look(
            instance=check.instance_of(connection, module=module),
            last_writer=check.last_writer(connection, module=module),
            newest_seq=check.newest_seq(connection, module=module),
        )
    finally:
        connection.close()
