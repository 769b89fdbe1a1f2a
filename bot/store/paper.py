"""The paper venue's books, kept in the ledger's file.

They are the other side of the trade: the bot never reads them, and they are written in short
synced transactions of their own, as a real exchange would. One row holds everything; `Writer`'s
lock puts a save before or after a batch of the ledger, never into it.
"""

import sqlalchemy as sa

from bot.store import statements
from bot.store.writer import Writer


class PaperBooks:
    """Load and save one blob."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def load(self) -> bytes | None:
        """What was saved last; None before the first time."""

        def read(connection: sa.Connection) -> bytes | None:
            query = "SELECT body FROM paper_state WHERE id = 1"
            found = connection.exec_driver_sql(query).scalar()
            return None if found is None else bytes(found)

        return self._writer.run(read)

    def save(self, body: bytes) -> None:
        """Replace what was saved; on disk when it returns.

        Raises:
            StoreError: it is not saved.

        """
        self._writer.run(
            lambda connection: connection.exec_driver_sql(statements.PAPER_STATE, (1, body))
        )
