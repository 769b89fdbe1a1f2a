"""Does the ledger agree with itself? Asked by the start, by backups and by the operator.

Works on any driver's connection, opened for reading only, and imports nothing heavy.
"""

from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import msgspec

from bot.model.primitives import PositionSide
from bot.store.sqlite import loaded_driver, open_read_only

_PROBLEMS_SHOWN: Final = 20
_ZERO: Final = Decimal(0)
_ROUNDING_USD: Final = Decimal("0.0001")
"""Profit is rounded when it is credited; sums of many trades may differ by this much."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a ledger says of itself, and what is wrong with it."""

    revision: str = ""
    mode: str = ""
    account_id: str = ""
    instance: str = ""
    open_positions: int = 0
    journal_rows: int = 0
    newest_seq: int = 0
    problems: tuple[str, ...] = ()
    """Plain sentences; empty: sound."""


def examine(path: Path, *, module: ModuleType | None = None) -> Report:
    """Everything that can be checked without the venue; never raises for a bad file."""
    driver = module or loaded_driver()
    try:
        connection = open_read_only(path, module=driver)
    except driver.Error as error:
        return Report(problems=(f"The ledger cannot be opened: {error}.",))
    try:
        problem = integrity(connection, module=driver)
        if problem:
            return Report(problems=(problem,))
        return _report(connection)
    except driver.Error as error:
        return Report(problems=(f"The ledger cannot be read: {error}.",))
    finally:
        connection.close()


def integrity(connection: Any, *, module: ModuleType) -> str:
    """SQLite's own quick check as a sentence; empty when sound. The check itself may fail."""
    try:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except module.DatabaseError as error:
        return f"The ledger is damaged: {error}."
    return "" if found == ["ok"] else f"The ledger is damaged: {'; '.join(found)}."


def newest_seq(connection: Any, *, module: ModuleType) -> int:
    """Number of the newest journal row; 0 where there is no journal."""
    try:
        found = connection.execute("SELECT max(seq) FROM journal").fetchone()
    except module.DatabaseError:
        return 0
    return int(found[0] or 0)


def instance_of(connection: Any, *, module: ModuleType) -> str:
    """The ledger's own name; empty where it has none yet."""
    try:
        found = connection.execute("SELECT value FROM meta WHERE key = 'instance'").fetchone()
    except module.DatabaseError:
        return ""
    return str(found[0]) if found else ""


def last_writer(connection: Any, *, module: ModuleType) -> str:
    """Which ledger the newest journal row was written for; empty where there is none."""
    query = "SELECT instance FROM journal ORDER BY seq DESC LIMIT 1"
    try:
        found = connection.execute(query).fetchone()
    except module.DatabaseError:
        return ""
    return str(found[0]) if found else ""


def disagreements(connection: Any) -> list[str]:
    """Sums that should be equal and are not, as sentences."""
    return [*_journal(connection), *_brackets_and_fills(connection), *_account(connection)]


def _report(connection: Any) -> Report:
    meta = dict(connection.execute("SELECT key, value FROM meta").fetchall())
    rows, newest = connection.execute(
        "SELECT count(*), coalesce(max(seq), 0) FROM journal"
    ).fetchone()
    return Report(
        revision=connection.execute("SELECT version_num FROM alembic_version").fetchone()[0],
        mode=meta.get("mode", ""),
        account_id=meta.get("account_id", ""),
        instance=meta.get("instance", ""),
        open_positions=connection.execute(
            "SELECT count(*) FROM bracket WHERE status IN ('open', 'closing')"
        ).fetchone()[0],
        journal_rows=rows,
        newest_seq=newest,
        problems=tuple(disagreements(connection)[:_PROBLEMS_SHOWN]),
    )


def _journal(connection: Any) -> list[str]:
    rows, low, high = connection.execute(
        "SELECT count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) FROM journal"
    ).fetchone()
    lost = high - low + 1 - rows
    foreign = connection.execute(
        "SELECT count(*) FROM journal"
        " WHERE instance != (SELECT value FROM meta WHERE key = 'instance')"
    ).fetchone()[0]
    problems = []
    if lost:
        problems.append(f"The journal lacks {lost} rows between {low} and {high}.")
    if foreign:
        problems.append(f"The journal holds {foreign} rows of another ledger.")
    return problems


def _brackets_and_fills(connection: Any) -> list[str]:
    entered: dict[str, Decimal] = defaultdict(Decimal)
    exited: dict[str, Decimal] = defaultdict(Decimal)
    fees: dict[str, Decimal] = defaultdict(Decimal)
    query = (
        "SELECT b.id, b.position_side, f.side, f.qty, f.fee_usd FROM fill f"
        " JOIN bracket b ON b.id = f.bracket_id"
    )
    for bracket_id, position_side, side, qty, fee in connection.execute(query):
        is_entry = side == PositionSide(position_side).entry_side.value
        (entered if is_entry else exited)[bracket_id] += Decimal(qty)
        fees[bracket_id] += Decimal(fee)
    problems = []
    # What was adopted, or closed from outside, is booked from fills that are only partly its own.
    query = (
        "SELECT id, entered_qty, exited_qty, fees_usd FROM bracket WHERE strategy IS NOT NULL"
        " AND id NOT IN (SELECT bracket_id FROM fill"
        " WHERE client_id IS NULL AND bracket_id IS NOT NULL) ORDER BY opened_at, id"
    )
    for bracket_id, *stated in connection.execute(query):
        sums = (entered[bracket_id], exited[bracket_id], fees[bracket_id])
        for name, says, is_really in zip(
            ("entered", "exited", "fees"), map(Decimal, stated), sums, strict=True
        ):
            if says != is_really:
                problems.append(
                    f"Bracket {bracket_id}: {name} {says}, but its fills add up to {is_really}."
                )
    return problems


def _account(connection: Any) -> list[str]:
    """The account is the sum of all trades ever; brackets and funding are never deleted."""
    query = "SELECT realized_usd, fees_usd, funding_usd FROM account"
    stated = connection.execute(query).fetchone()
    if stated is None:
        return []
    gross = fees = _ZERO
    query = "SELECT pnl_usd, fees_usd, funding_usd FROM bracket"
    for row in connection.execute(query):
        net, fee, funding = map(Decimal, row)
        gross += net + fee - funding
        fees += fee
    paid = (Decimal(row[0]) for row in connection.execute("SELECT usd FROM funding"))
    sums = (gross, fees, sum(paid, _ZERO))
    return [
        f"The account says {name} {says}, but the rows add up to {is_really}."
        for name, says, is_really in zip(
            ("realized", "fees", "funding"), map(Decimal, stated), sums, strict=True
        )
        if abs(says - is_really) > _ROUNDING_USD
    ]
