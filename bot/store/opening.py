"""From a directory to a ledger that may be written: the order of the checks at start.

Lock, files, quick check, schema, mode and account, lease, boot. Nothing is written before the lock
is held, nothing is traded before all of it is done.
"""

import msgspec
import sqlalchemy as sa

from bot.errors import DataDirError
from bot.model.primitives import Millis
from bot.store import boots, lease, meta, migrate
from bot.store.boots import Boot
from bot.store.db import open_engine
from bot.store.files import DataFiles, make_private, prepare_directory, require_writable
from bot.store.inspection import inspect
from bot.store.loader import Windows
from bot.store.lock import InstanceLock
from bot.store.meta import Meta
from bot.store.quarantine import Settled, settle
from bot.store.recorder import Ledger
from bot.store.witness import Witness
from bot.store.writer import Writer


class OpenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Who opens which ledger, for what."""

    files: DataFiles
    mode: str
    """paper | live"""
    instance: str
    """What a new ledger is called, unlike any other; an existing one keeps its name."""
    wall: Millis
    pid: int
    host: str
    version: str
    account_id: str = ""
    """Empty where the venue has not said yet: `bind_account` comes later."""
    is_synced: bool = True
    """False for a run that can simply be made again; see `db.open_engine`."""
    backups_kept: int = 7
    windows: Windows = Windows()


def open_ledger(request: OpenRequest) -> Ledger:
    """Take the lock and open the ledger, making, mending or migrating it as needed.

    Raises:
        DataDirError: the directory cannot be used, another instance holds it, the ledger is
            for another mode or account, or a newer liqbot wrote it.
        DataError: the ledger lost what was written; a person must say how to go on.
        StoreError: what the start itself must write cannot be written.

    """
    files = request.files
    prepare_directory(files)
    lock = InstanceLock(files.lock, host=request.host, pid=request.pid)
    try:
        require_writable(files.ledger)
        settled = settle(files, inspect(files), wall=request.wall)
        make_private(files.ledger)
        writer = Writer(
            open_engine(files.ledger, is_synced=request.is_synced), where=str(files.ledger)
        )
    except sa.exc.DBAPIError as error:
        lock.release()
        raise DataDirError(
            f"The ledger cannot be opened: {error.orig}.",
            where=str(files.ledger),
            remedy="Look at the disk and the permissions of the folder, then start again.",
        ) from error
    except BaseException:
        lock.release()
        raise
    try:
        return _opened(request, settled, writer, lock)
    except BaseException:
        writer.close()
        lock.release()
        raise


def require_account(ledger: Ledger, account_id: str) -> None:
    """See that the ledger is this account's, or nobody's yet.

    Raises:
        DataDirError: the ledger belongs to another account.

    """
    found = ledger.meta
    where = str(ledger.files.ledger)
    meta.require_match(found, mode=found.mode, account_id=account_id, where=where)


def bind_account(ledger: Ledger, account_id: str) -> None:
    """Hold the ledger to an account from now on; raises like `require_account`."""
    require_account(ledger, account_id)
    if not ledger.meta.account_id:
        ledger.writer.run(lambda connection: meta.bind_account(connection, account_id))
        ledger.meta = msgspec.structs.replace(ledger.meta, account_id=account_id)


def is_confirmed(ledger: Ledger, account_id: str) -> bool:
    """Whether a person has typed that real orders may leave for this account."""
    return bool(account_id) and ledger.writer.run(meta.confirmed_account) == account_id


def confirm(ledger: Ledger, account_id: str) -> None:
    """Keep that a person has typed it: once an account, and never for another."""
    ledger.writer.run(lambda connection: meta.confirm(connection, account_id))


def _opened(request: OpenRequest, settled: Settled, writer: Writer, lock: InstanceLock) -> Ledger:
    files = request.files
    wanted = Meta(
        instance=settled.instance or request.instance,
        mode=request.mode,
        account_id=request.account_id,
        created_at=request.wall,
    )
    migrate.bring_up_to_date(
        writer, files, meta=wanted, wall=request.wall, backups_kept=request.backups_kept
    )
    found, boot = writer.run(lambda connection: _signed_in(connection, request, settled))
    writer.checkpoint()
    ledger = Ledger(
        files=files,
        writer=writer,
        lock=lock,
        witness=Witness(files.seen, instance=found.instance, seq=writer.run(_newest_seq)),
        meta=found,
        boot=boot,
        windows=request.windows,
        trouble=settled.trouble,
    )
    if request.account_id:
        bind_account(ledger, request.account_id)
    return ledger


def _signed_in(
    connection: sa.Connection, request: OpenRequest, settled: Settled
) -> tuple[Meta, Boot]:
    """See that the ledger is ours to use, and write down that we do."""
    where = str(request.files.ledger)
    found = meta.read(connection)
    meta.require_match(found, mode=request.mode, account_id=request.account_id, where=where)
    host, pid, wall = request.host, request.pid, request.wall
    lease.take(connection, host=host, pid=pid, wall=wall, where=where)
    if settled.needs_floor:
        # Seconds since 1970 exceed any count of clusters, and rise from repair to repair.
        meta.set_floor(connection, wall // 1000)
    boot = boots.begin(connection, wall=wall, pid=pid, host=host, version=request.version)
    return found, boot


def _newest_seq(connection: sa.Connection) -> int:
    query = "SELECT coalesce(max(seq), 0) FROM journal"
    return int(connection.exec_driver_sql(query).scalar_one())
