"""`liqbot check`: configuration, data, clock and feeds; one line each, with a remedy.

Nothing is started and nothing is changed; several mistakes are told at once.
"""

import os

import click

from bot.cli import check_exchange, checks, tables
from bot.cli.checks import Check
from bot.cli.context import Place, ask_or_none, json_option, place_options, print_json
from bot.cli.progress import Bar
from bot.config import ConfigFileError, find_config, find_data_dir, load
from bot.errors import ConfigError

INDENT = 22
_CODES = (78, 73, 65, 77, 69)
"""Of several failures the first of these is the exit code: it has to be mended first."""


@click.command("check")
@place_options
@json_option
def check_command(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """See that everything is in order before a run; one line each."""
    path = find_config(config, os.environ)
    try:
        loaded = load(path)
    except ConfigError as error:
        found, place = _config_failures(error), None
    else:
        place = Place(
            config_path=path,
            config=loaded,
            data_dir=find_data_dir(loaded, path, data_dir, os.environ),
        )
        found = _all(place)
    if as_json:
        print_json(found)
    else:
        for row in found:
            click.echo(_line(row))
        click.echo(_verdict(found, place))
    codes = {row.code for row in found if row.verdict == "FAIL"}
    if codes:
        raise click.exceptions.Exit(next((code for code in _CODES if code in codes), max(codes)))


def _config_failures(error: ConfigError) -> list[Check]:
    if not isinstance(error, ConfigFileError):
        return [checks.failed("configuration", error)]
    return [
        Check(
            name="configuration",
            verdict="FAIL",
            what=mistake.what,
            where=f"{error.name}:{mistake.line}",
            remedy=mistake.remedy,
            code=error.exit_code,
        )
        for mistake in error.mistakes
    ]


def _all(place: Place) -> list[Check]:
    status = ask_or_none(place, "status")
    bar = Bar("reading files")
    try:
        market = checks.market(place, lambda share, _: bar.advance(share))
    finally:
        bar.close()
    return [
        Check(
            name="configuration",
            verdict="ok",
            what="every key known",
            where=str(place.config_path),
        ),
        *checks.environment(place, os.environ),
        checks.data_directory(place),
        *checks.ledger(place, is_running=status is not None),
        checks.clock(place),
        checks.heatmap(place, status),
        checks.provider(place),
        market,
        *check_exchange.exchange(place),
        checks.daemon(place, status),
        checks.keys(place, os.environ),
    ]


def _line(row: Check) -> str:
    colour = {"ok": "green", "FAIL": "red", "warn": "yellow"}.get(row.verdict)
    verdict = row.verdict.ljust(4)
    shown = tables.paint(verdict, colour) if colour is not None else verdict
    between = "  " if row.verdict == "FAIL" else ", "
    text = f"{row.where}{between}{row.what}" if row.where else row.what
    head = f"{row.name.ljust(14)}  {shown}  "
    first, *rest = tables.wrapped(text, indent=INDENT).splitlines()
    lines = [head + first[INDENT:], *rest]
    if row.remedy:
        lines += tables.wrapped(row.remedy, indent=INDENT).splitlines()
    return "\n".join(lines)


def _verdict(found: list[Check], place: Place | None) -> str:
    failures = sum(row.verdict == "FAIL" for row in found)
    warnings = sum(row.verdict == "warn" for row in found)
    if place is None:
        return (
            f"{tables.count(failures, 'thing')} to mend. Nothing was started. "
            "Reference: docs/configuration.md"
        )
    if failures:
        also = f", {warnings} to know" if warnings else ""
        return f"{tables.count(failures, 'thing')} to mend{also}."
    ready = f"Ready for {place.config.mode} trading."
    if warnings:
        return f"{ready} {tables.count(warnings, 'thing')} to know."
    return f"{ready} Nothing to mend."
