"""What happens to files that cannot be believed: set aside, never deleted, never written to.

A damaged ledger is replaced by the newest sound backup, and the start is told to protect only. A
ledger that lost rows is refused: which truth to go on from is for a person to say.
"""

import shutil
from pathlib import Path

import msgspec

from bot.errors import DataError
from bot.model.primitives import Millis
from bot.store import backup, witness
from bot.store.files import (
    DataFiles,
    create_private,
    make_private_directory,
    stamp,
    sync_directory,
)
from bot.store.inspection import Finding, Inspection


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """The files are fit to be opened; what had to be done for it."""

    trouble: str = ""
    """A sentence for the operator; the start goes no further than PROTECT."""
    instance: str = ""
    """The lost ledger's name, to be carried on by a new one: its orders stay recognised."""
    needs_floor: bool = False
    """Numbers may have been given out that this ledger knows nothing of."""


def settle(files: DataFiles, found: Inspection, *, wall: Millis) -> Settled:
    """Make the files fit to be opened.

    Raises:
        DataError: what is lost cannot be restored without a person's word.

    """
    match found.finding:
        case Finding.SOUND:
            return Settled(needs_floor=not found.is_witnessed)
        case Finding.NEW:
            _set_aside(files, (files.wal, files.shm), wall=wall)
            create_private(files.ledger)
            return Settled()
        case Finding.DAMAGED:
            return _replace(files, found, wall=wall)
        case Finding.FOREIGN_WAL:
            place = _set_aside(files, (files.wal, files.shm), wall=wall)
            raise DataError(
                f"The ledger's -wal is not its own and was moved to {place}. {found.detail}",
                where=str(files.wal),
                remedy=f"Put the right one back, or start again to go on without. {_HELP}",
            )
        case Finding.BEHIND:
            raise DataError(
                f"The ledger has lost what was written last: {found.detail}.",
                where=str(files.ledger),
                remedy=f"Put {files.wal.name} or a newer copy back. If this ledger is the one "
                f"you want, delete {files.seen} and start again. {_HELP}",
            )
        case Finding.GONE:
            raise DataError(
                f"The ledger is gone: {found.detail}.",
                where=str(files.ledger),
                remedy=f"Put it back, or copy the newest file of {files.backups} to it and "
                f"delete {files.seen}. To begin anew, delete {files.seen} alone.",
            )


_HELP = "Open orders and positions at the venue are untouched."


def _replace(files: DataFiles, found: Inspection, *, wall: Millis) -> Settled:
    """Set the damaged ledger aside and put the newest sound backup in its place."""
    seen = witness.read(files.seen)
    instance = seen.instance if seen else ""
    source = backup.newest_sound(files, instance=instance)
    draft = files.folder / "ledger.db.part"
    draft.unlink(missing_ok=True)
    create_private(draft)
    if source is not None:
        shutil.copyfile(source, draft)
    place = _set_aside(files, (files.ledger, files.wal, files.shm), wall=wall)
    draft.rename(files.ledger)
    files.seen.unlink(missing_ok=True)
    sync_directory(files.folder)
    what = f"the backup {source.name} was taken" if source else "there is no backup, so it is new"
    return Settled(
        trouble=f"{found.detail} It was moved to {place}; {what}. Only protection runs until "
        "`liqbot resume`.",
        instance="" if source else instance,
        needs_floor=True,
    )


def _set_aside(files: DataFiles, paths: tuple[Path, ...], *, wall: Millis) -> Path:
    place = files.quarantine / stamp(wall)
    present = [path for path in paths if path.exists()]
    if not present:
        return place
    make_private_directory(files.quarantine)
    make_private_directory(place)
    for path in present:
        path.rename(place / path.name)
    sync_directory(place)
    sync_directory(files.folder)
    return place
