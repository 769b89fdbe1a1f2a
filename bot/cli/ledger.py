"""`liqbot db` and `liqbot replay`: the ledger kept sound, and its journal gone through again."""

import os
import socket
import sys
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

PROGRESS_AFTER_S = 2.0
PROGRESS_EVERY_S = 0.2
BAR_WIDTH = 30


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
        bar = Bar("replaying", starts[0], _newest_row(path))
        try:
            outcome = replay(
                reader.journal(since=starts[0]), digest_of=digest_of, report=bar.advance
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


class Bar:
    """A progress bar on a terminal for what takes longer than two seconds."""

    def __init__(self, what: str, first: int, last: int) -> None:
        from bot.clock import monotonic_s  # noqa: PLC0415  (asyncio: only where it is needed)

        self._what = what
        self._first = first
        self._rows = max(last - first, 1)
        self._now = monotonic_s
        self._began_s = monotonic_s()
        self._shown_s = 0.0
        self._is_terminal = sys.stderr.isatty()

    def advance(self, seq: int) -> None:
        """Row `seq` is done."""
        if not self._is_terminal:
            return
        passed_s = self._now() - self._began_s
        if passed_s < PROGRESS_AFTER_S or passed_s - self._shown_s < PROGRESS_EVERY_S:
            return
        self._shown_s = passed_s
        share = min((seq - self._first) / self._rows, 1.0)
        bar = ("#" * round(share * BAR_WIDTH)).ljust(BAR_WIDTH)
        click.echo(f"\r{self._what} [{bar}] {share * 100:3.0f} %", nl=False, err=True)

    def close(self) -> None:
        """Leave no half line behind."""
        if self._shown_s:
            click.echo("\r" + " " * (tables.WIDTH - 1) + "\r", nl=False, err=True)


def _require_ledger(place: Place) -> None:
    if not place.ledger.exists():
        raise DataDirError(
            "There is no ledger here yet.",
            where=str(place.ledger),
            remedy="Start the bot with `liqbot run`, or name its --data-dir.",
        )
