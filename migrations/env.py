# ruff: noqa: INP001  (alembic loads this by path; it is no package)
"""How alembic runs here: on the connection and inside the transaction that it is given.

`bot.store.migrate` holds the lock, has made the backup and has begun; so a kill leaves the old
schema or the new one, never half of it.
"""

from alembic import context

from bot.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
