"""The operator's verbs: `liqbot VERB`. Each lives in a small module, imported when it is used.

Data goes to stdout, talk to stderr. `--json` prints one document and nothing else; errors too
are then one document, on stderr. Exit codes: `bot.errors`.
"""

import importlib
import sys
from typing import Any

import click
import msgspec

from bot import __version__
from bot.errors import LiqbotError

# verb: (module, caption it stands under)
_VERBS = {
    "run": ("run", "Run"),
    "init": ("setup", "Run"),
    "check": ("check", "Run"),
    "confirm": ("confirm", "Run"),
    "sim": ("sim", "Run"),
    "status": ("status", "Look"),
    "why": ("why", "Look"),
    "clusters": ("maps", "Look"),
    "levels": ("maps", "Look"),
    "best": ("maps", "Look"),
    "signals": ("signals", "Look"),
    "positions": ("books", "Look"),
    "orders": ("books", "Look"),
    "trades": ("trades", "Look"),
    "hold": ("operate", "Act"),
    "resume": ("operate", "Act"),
    "flatten": ("operate", "Act"),
    "db": ("ledger", "Keep"),
    "replay": ("ledger", "Keep"),
}


class Verbs(click.Group):
    """Verbs in our order under four captions, loaded one at a time."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, in the order people meet them."""
        del ctx
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the one module that holds the verb."""
        del ctx
        if cmd_name not in _VERBS:
            return None
        module = importlib.import_module(f"bot.cli.{_VERBS[cmd_name][0]}")
        command: click.Command = getattr(module, f"{cmd_name}_command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb, or say which one may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=_VERBS, ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs under their captions."""
        for caption in dict.fromkeys(caption for _, caption in _VERBS.values()):
            rows = [
                (name, command.get_short_help_str(60))
                for name, (_, under) in _VERBS.items()
                if under == caption and (command := self.get_command(ctx, name)) is not None
            ]
            with formatter.section(caption):
                formatter.write_dl(rows)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="liqbot")
def liqbot() -> None:
    """Trade linear perpetuals on predicted liquidation clusters.

    Start with `liqbot run`; ask `liqbot why BTCUSDT` when it does not trade.
    """


def main() -> None:
    """Run the verb and end with its exit code."""
    wants_json = "--json" in sys.argv
    try:
        code = liqbot.main(prog_name="liqbot", standalone_mode=False)
    except click.exceptions.Abort:
        code = 130
    except click.ClickException as error:
        code = _say_usage(error, wants_json=wants_json)
    except LiqbotError as error:
        code = _say(error, wants_json=wants_json)
    except BaseExceptionGroup as group:
        # A task of a run failed: a known failure is said, a bug is shown whole.
        known = first_known(group)
        if known is None:
            raise
        code = _say(known, wants_json=wants_json)
    except BrokenPipeError:
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)


def first_known(group: BaseExceptionGroup[BaseException]) -> LiqbotError | None:
    """The first failure of a kind that has a sentence; None if any other is among them."""
    found: LiqbotError | None = None
    for error in group.exceptions:
        inner = first_known(error) if isinstance(error, BaseExceptionGroup) else error
        if not isinstance(inner, LiqbotError):
            return None
        found = found or inner
    return found


def _say(error: LiqbotError, *, wants_json: bool) -> int:
    if wants_json:
        _say_json(error.exit_code, error.what, error.where, error.remedy)
    else:
        click.echo(str(error), err=True)
    return error.exit_code


def _say_usage(error: click.ClickException, *, wants_json: bool) -> int:
    if wants_json:
        _say_json(error.exit_code, error.format_message(), "", "liqbot --help")
    else:
        error.show()
    return error.exit_code


def _say_json(code: int, what: str, where: str, remedy: str) -> None:
    body: dict[str, Any] = {"code": code, "where": where, "what": what, "remedy": remedy}
    click.echo(msgspec.json.encode({"error": body}).decode(), err=True)
