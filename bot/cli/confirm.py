"""`liqbot confirm`: the typed word of a person that real orders may leave for one account."""

import asyncio
import os
import socket
import sys

import click

from bot import credentials
from bot.cli.context import Place, find_place, paste_command, place_options, start_command
from bot.errors import AccessError, UsageError
from bot.request import Confirmation


@click.command("confirm")
@place_options
def confirm_command(config: str | None, data_dir: str | None) -> None:
    """Confirm live trading for an account, once."""
    place = find_place(config, data_dir)
    if not place.config.is_live:
        raise UsageError(
            "mode is paper: there is nothing to confirm.",
            where=str(place.config_path),
            remedy="Set mode: live first; rehearse on paper before that.",
        )
    os.umask(0o077)
    from bot import __version__, going_live, logs  # noqa: PLC0415  (ccxt, only for this)
    from bot.app import instance_of  # noqa: PLC0415
    from bot.clock import wall_now  # noqa: PLC0415
    from bot.store.files import DataFiles  # noqa: PLC0415
    from bot.store.opening import OpenRequest, is_confirmed, open_ledger  # noqa: PLC0415

    logs.set_up(level="error", story=None)  # Only a person is talked to here.
    keys = credentials.find(os.environ, place.config_path.with_name(credentials.FILE_NAME))
    credentials.require(keys, mode="live")
    request = OpenRequest(
        files=DataFiles(folder=place.data_dir),
        mode="live",
        instance=instance_of(place.config),
        wall=wall_now(),
        pid=os.getpid(),
        host=socket.gethostname(),
        version=__version__,
    )
    ledger = open_ledger(request)
    try:
        # Asked outside of the loop: a person takes their time, and may end it with Ctrl-C.
        question = asyncio.run(_question(place, keys))
        if is_confirmed(ledger, question.account):
            click.echo(f"Live trading on {question.account} is confirmed already.")
            return
        going_live.require_confirmed(ledger, question, ask=ask)
        check, run = paste_command(place, "check"), start_command(place)
        click.echo(f"Confirmed. `{check}` tells what else is to know; then `{run}`.")
    finally:
        ledger.close(wall=wall_now())


async def _question(place: Place, keys: credentials.Credentials) -> Confirmation:
    """Whose key it is, asked at the exchange."""
    from bot import going_live  # noqa: PLC0415  (ccxt, only for this)
    from bot.link import connect  # noqa: PLC0415  (the same)

    link = await connect(place.config, keys, lambda *_: None)
    try:
        api = going_live.open_api(link, list(place.config.symbol_settings))
        return going_live.confirmation_of(link, await going_live.identify(link, api))
    finally:
        await link.close()


def ask(question: Confirmation) -> bool:
    """Ask for the phrase on the terminal, or read it from a pipe; a wrong word raises."""
    say = click.echo
    say(f"mode: live sends real orders for {question.account}.")
    for line in question.told:
        say(f"  {line}")
    say("Losses are real, and no software is without mistakes. To go on, type:")
    say(f"  {question.phrase}")
    say("> ", nl=False)
    typed = sys.stdin.readline().strip()
    if typed != question.phrase:
        raise AccessError(
            "That is not the phrase: live trading stays off.",
            where=question.account,
            remedy="Run it again and type the phrase as it stands, or set mode: paper.",
        )
    return True
