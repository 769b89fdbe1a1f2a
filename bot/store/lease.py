"""The lease row: one instance also where two machines share the data directory.

On one machine the file lock decides and this row only says who. Between machines, where locks may
not reach, a lease that was renewed lately keeps the other one out.
"""

from typing import Final

import sqlalchemy as sa

from bot.errors import DataDirError
from bot.model.primitives import Millis
from bot.store import statements

LEASE_MS: Final = 180_000
"""Without renewal it ends; the holder renews it each minute."""


def take(connection: sa.Connection, *, host: str, pid: int, wall: Millis, where: str) -> None:
    """Take or renew the lease; the file lock is already ours.

    Raises:
        DataDirError: another machine holds it.

    """
    found = connection.exec_driver_sql("SELECT host, pid, renewed_at FROM lease").first()
    if found is not None and found.host != host:
        left_ms = found.renewed_at + LEASE_MS - wall
        if 0 < left_ms <= LEASE_MS:  # More than a whole lease: that clock is not to be believed.
            raise DataDirError(
                f"Another liqbot holds this data directory: pid {found.pid} on {found.host}.",
                where=where,
                remedy=f"Stop it there; if it is dead already, wait {left_ms // 1000 + 1} s.",
            )
    connection.exec_driver_sql(statements.LEASE, (1, host, pid, wall))
