"""Starts and stops of the bot, and whether it keeps crashing. Wall time throughout."""

from typing import Final

import msgspec
import sqlalchemy as sa

from bot.model.primitives import Millis
from bot.store import statements

CRASH_LOOP_STARTS: Final = 3
"""This many unclean ends within the window: start in PROTECT."""
CRASH_LOOP_WINDOW_MS: Final = 600_000
_KEPT: Final = 1_000
"""Boots remembered; older ones are forgotten."""


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """This start, and how the ones before it ended."""

    id: int
    crashes: int
    """Unclean ends within the window before this start."""

    @property
    def is_crash_loop(self) -> bool:
        """Entries need the operator: something ends the bot again and again."""
        return self.crashes >= CRASH_LOOP_STARTS


def begin(connection: sa.Connection, *, wall: Millis, pid: int, host: str, version: str) -> Boot:
    """Write down a start; it counts as a crash until `end` says otherwise."""
    crashes = connection.exec_driver_sql(
        "SELECT count(*) FROM boot WHERE is_clean = 0 AND started_at > ?",
        (wall - CRASH_LOOP_WINDOW_MS,),
    ).scalar_one()
    done = connection.exec_driver_sql(statements.BOOT, (wall, None, 0, pid, host, version))
    boot_id = int(done.lastrowid)
    connection.exec_driver_sql("DELETE FROM boot WHERE id <= ?", (boot_id - _KEPT,))
    return Boot(id=boot_id, crashes=int(crashes))


def end(connection: sa.Connection, boot_id: int, *, wall: Millis) -> None:
    """Write down a clean stop, and give the lease back."""
    connection.exec_driver_sql(
        "UPDATE boot SET is_clean = 1, stopped_at = ? WHERE id = ?", (wall, boot_id)
    )
    connection.exec_driver_sql("DELETE FROM lease WHERE id = 1")


def forgive(connection: sa.Connection, boot_id: int) -> None:
    """The operator has resumed: what crashed before this start no longer counts."""
    connection.exec_driver_sql("UPDATE boot SET is_clean = 1 WHERE id < ?", (boot_id,))
