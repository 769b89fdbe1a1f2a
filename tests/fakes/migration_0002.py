"""A second schema, for the tests: it kills itself after the statement that KILL_AT names."""

import os
import signal

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    statements = (
        "CREATE TABLE extra (a INTEGER)",
        "CREATE INDEX ix_extra_a ON extra (a)",
        "ALTER TABLE note ADD COLUMN colour TEXT",
    )
    for number, statement in enumerate(statements):
        if os.environ["KILL_AT"] == str(number):
            os.kill(os.getpid(), signal.SIGKILL)
        op.execute(statement)
    if os.environ["KILL_AT"] == str(len(statements)):
        os.kill(os.getpid(), signal.SIGKILL)
