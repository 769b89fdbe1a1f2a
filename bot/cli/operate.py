"""`liqbot hold`, `resume` and `flatten`: the operator's three words to the running bot.

Each comes back when the state has changed, and says what it is now.
"""

import sys
from typing import Any

import click

from bot.cli import tables
from bot.cli.context import Place, ask, find_place, json_option, place_options, print_json
from bot.errors import UnavailableError, UsageError
from bot.model.instrument import display_symbol
from bot.model.primitives import Symbol

FLAT_ROUNDS = 12
"""Waits of five seconds each until everything is closed."""


@click.command("hold")
@click.option("--reason", default="", metavar="TEXT", help="Kept, and told by status and why.")
@place_options
@json_option
def hold_command(config: str | None, data_dir: str | None, reason: str, *, as_json: bool) -> None:
    """No new entries; positions keep stops and targets."""
    place = find_place(config, data_dir)
    document = ask(place, "hold", reason=reason)
    if document["state"] == "TRADING":
        raise _not_heard("HOLD")
    _tell(document, as_json=as_json)


@click.command("resume")
@place_options
@json_option
def resume_command(config: str | None, data_dir: str | None, *, as_json: bool) -> None:
    """End every hold that waits for you."""
    place = find_place(config, data_dir)
    document = ask(place, "resume")
    if any(hold["needs_operator"] for hold in document["holds"]):
        raise _not_heard("TRADING")
    _tell(document, as_json=as_json)


@click.command("flatten")
@click.option("--reason", default="", metavar="TEXT", help="Kept, and told by status and why.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-input", is_flag=True, help="Never ask: fails without --yes.")
@place_options
@json_option
def flatten_command(
    config: str | None,
    data_dir: str | None,
    reason: str,
    *,
    yes: bool,
    no_input: bool,
    as_json: bool,
) -> None:
    """Close every position at the market, then hold."""
    place = find_place(config, data_dir)
    before = ask(place, "status")
    if not yes:
        _confirm(before, may_ask=not no_input and sys.stdin.isatty())
    document = _flattened(place, ask(place, "flatten", reason=reason))
    if document["positions"] or document["state"] == "FLATTEN":
        open_ = tables.count(len(document["positions"]), "position")
        raise UnavailableError(
            f"Not flat yet: {open_} open, and the bot goes on closing.",
            where=str(place.data_dir),
            remedy="Look with `liqbot status`; the stops stay at the venue until flat.",
        )
    _tell(document, as_json=as_json)


def _confirm(document: dict[str, Any], *, may_ask: bool) -> None:
    held = document["positions"]
    names = ", ".join(display_symbol(Symbol(row["symbol"])) for row in held)
    what = f"{tables.count(len(held), 'position')} ({names})" if held else "no position"
    if not may_ask:
        raise UsageError(
            f"flatten would close {what}, and nobody can be asked here.",
            remedy="Say it with --yes.",
        )
    click.confirm(f"Close {what} at the market and hold?", abort=True, err=True)


def _flattened(place: Place, document: dict[str, Any]) -> dict[str, Any]:
    for _ in range(FLAT_ROUNDS):
        if not document["positions"] and document["state"] != "FLATTEN":
            break
        document = ask(place, "flat")
    return document


def _not_heard(state: str) -> UnavailableError:
    return UnavailableError(
        f"The bot has not reached {state} yet.",
        remedy="Look with `liqbot status`, and ask again.",
    )


def _tell(document: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(document)
        return
    held = tables.count(len(document["positions"]), "position")
    why = f" because {document['reason']}" if document["reason"] else ""
    click.echo(tables.wrapped(f"Now {document['state']}{why}; {held} open.", indent=2, first=""))
