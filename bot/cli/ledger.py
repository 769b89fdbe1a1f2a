"""`liqbot db` and `liqbot replay`: the ledger kept sound, and its journal gone through again."""

import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bot.cli import tables
from bot.cli.context import Place, find_place, json_option, place_options, print_json
from bot.errors import DataDirError, DataError
from bot.ops import documents
from bot.store.files import DataFiles

if TYPE_CHECKING:
    from bot.engine.replay import Outcome


@click.group("db")
def db_command() -> None:
    """Check, back up or upgrade the ledger."""


@db_command.command("check")
@place_options
@json_option
def check_verb(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """See that the ledger is sound and its sums agree."""
    from bot.store import check  # noqa: PLC0415  (other verbs have no use for it)

    place = find_place(config, data_dir)
    _require_ledger(place)
    report = check.examine(place.ledger)
    if as_json:
        print_json(report)
    elif report.problems:
        click.echo("\n".join(report.problems))
    else:
        click.echo(
            f"Sound: schema {report.revision}, account {report.mode}, "
            f"{tables.count(report.open_positions, 'open position')}, "
            f"{tables.count(report.journal_rows, 'journal row')}, sums agree."
        )
    if report.problems:
        if not as_json:
            click.echo(
                "Stop the bot and start it again: the start sets a damaged ledger aside and "
                f"takes the newest sound backup of {place.data_dir / 'backups'}.",
                err=True,
            )
        raise click.exceptions.Exit(DataError.exit_code)


@db_command.command("backup")
@place_options
@json_option
def backup_verb(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """Make a checked copy, also while the bot runs."""
    from bot.clock import wall_now  # noqa: PLC0415  (asyncio: only where it is needed)
    from bot.store import backup  # noqa: PLC0415  (the same)

    place = find_place(config, data_dir)
    _require_ledger(place)
    files = DataFiles(folder=place.data_dir)
    made = backup.make(files, wall=wall_now(), kept=place.config.store.backups_kept)
    size = made.stat().st_size
    if as_json:
        print_json({"path": str(made), "bytes": size, "kept": len(backup.listed(files))})
        return
    click.echo(f"{made}  {size / 1e6:.1f} MB, checked; {len(backup.listed(files))} kept")


@db_command.command("upgrade")
@place_options
@json_option
def upgrade_verb(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """Bring the ledger to this version's schema; `run` does the same by itself."""
    from bot.clock import wall_now  # noqa: PLC0415  (heavy, and for this verb alone)
    from bot.store import meta, migrate, schema  # noqa: PLC0415  (the same)
    from bot.store.db import open_engine  # noqa: PLC0415  (the same)
    from bot.store.lock import InstanceLock  # noqa: PLC0415  (the same)
    from bot.store.writer import Writer  # noqa: PLC0415  (the same)

    place = find_place(config, data_dir)
    _require_ledger(place)
    files = DataFiles(folder=place.data_dir)
    lock = InstanceLock(files.lock, host=socket.gethostname(), pid=os.getpid())
    try:
        writer = Writer(open_engine(files.ledger), where=str(files.ledger))
        try:
            before = migrate.bring_up_to_date(
                writer,
                files,
                meta=meta.Meta(
                    instance="", mode=place.config.mode, account_id="", created_at=wall_now()
                ),
                wall=wall_now(),
                backups_kept=place.config.store.backups_kept,
            )
        finally:
            writer.close()
    finally:
        lock.release()
    now = schema.REVISIONS[-1]
    if as_json:
        print_json({"before": before, "now": now})
    elif before == now:
        click.echo(f"Nothing to do: the ledger has schema {now}.")
    else:
        click.echo(f"Upgraded from schema {before} to {now}; a backup of before is kept.")


@click.command("replay")
@click.argument("journal", required=False, type=click.Path(path_type=Path))
@place_options
@json_option
def replay_command(
    config: str | None, data_dir: str | None, journal: Path | None, *, as_json: bool
) -> None:
    """Run a journal through the core again and compare every decision.

    JOURNAL is a ledger file, or the data directory that holds one; without it, this bot's own.
    """
    from bot.cli.progress import Bar  # noqa: PLC0415  (asyncio: only where it is needed)
    from bot.engine.replay import replay  # noqa: PLC0415  (the whole core: for this verb alone)
    from bot.store.journal import digest_of  # noqa: PLC0415  (the same)
    from bot.store.reader import Reader  # noqa: PLC0415  (the same)

    path = journal if journal is not None else find_place(config, data_dir).ledger
    if path.is_dir():
        path /= "ledger.db"
    with Reader(path) as reader:
        starts = reader.starts()
        if not starts:
            raise DataError(
                "There is no start of a run in this journal: nothing can be replayed.",
                where=str(path),
                remedy="Older rows are pruned after store.journal_days; name a backup instead.",
            )
        bar, first = Bar("replaying"), starts[0]
        rows = max(_newest_row(path) - first, 1)
        try:
            outcome = replay(
                reader.journal(since=first),
                digest_of=digest_of,
                report=lambda seq: bar.advance((seq - first) / rows),
            )
        finally:
            bar.close()
    if as_json:
        print_json(_outcome_document(outcome))
    else:
        click.echo(_outcome_text(outcome))
    if outcome.difference is not None:
        raise click.exceptions.Exit(DataError.exit_code)


def _outcome_document(outcome: "Outcome") -> dict[str, Any]:
    found = outcome.difference
    difference = {} if found is None else msgspec.to_builtins(found)
    return {
        "runs": outcome.runs,
        "events": outcome.events,
        "commands": outcome.commands,
        "is_equal": found is None,
        "difference": difference | {"at": documents.rfc3339(found.at)} if found else None,
    }


def _outcome_text(outcome: "Outcome") -> str:
    head = (
        f"{tables.count(outcome.runs, 'run')}, {tables.count(outcome.events, 'event')}, "
        f"{tables.count(outcome.commands, 'command')}"
    )
    found = outcome.difference
    if found is None:
        return f"{head}: all equal."
    return (
        f"{head}: not equal.\n"
        f"First difference in journal row {found.seq}, {tables.clock(found.at)}, after "
        f"{found.event}: {found.what} differ.\n"
        f"  expected  {found.expected}\n  got       {found.got}"
    )


def _newest_row(path: Path) -> int:
    from bot.store.check import newest_seq  # noqa: PLC0415  (for this verb alone)
    from bot.store.sqlite import loaded_driver, open_read_only  # noqa: PLC0415  (the same)

    module = loaded_driver()
    connection = open_read_only(path, module=module)
    try:
        return newest_seq(connection, module=module)
    finally:
        connection.close()


def _require_ledger(place: Place) -> None:
    if not place.ledger.exists():
        raise DataDirError(
            "There is no ledger here yet.",
            where=str(place.ledger),
            remedy="Start the bot with `liqbot run`, or name its --data-dir.",
        )
