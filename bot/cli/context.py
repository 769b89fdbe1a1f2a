"""What every verb shares: its options, the place of its files, and the line to the daemon."""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from bot.config import Config, find_config, find_data_dir, load
from bot.config.document import read_document
from bot.errors import LiqbotError, NotRunningError, UsageError
from bot.model.instrument import display_symbol, unified_symbol
from bot.model.primitives import Symbol

F = TypeVar("F", bound=Callable[..., Any])

ASK_TIMEOUT_S = 10.0


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a verb works: its configuration and its data directory."""

    config_path: Path
    config: Config
    data_dir: Path

    @property
    def ledger(self) -> Path:
        """The ledger file."""
        return self.data_dir / "ledger.db"

    @property
    def socket(self) -> Path:
        """The daemon's control socket."""
        return control_socket(self.data_dir)


def control_socket(data_dir: Path) -> Path:
    """$RUNTIME_DIRECTORY of a service, else the data directory."""
    runtime = os.environ.get("RUNTIME_DIRECTORY")
    return (Path(runtime.split(":")[0]) if runtime else data_dir) / "control.sock"


def place_options(verb: F) -> F:
    """`-c CONFIG` and `--data-dir DIR`, as every verb takes them."""
    verb = click.option("--data-dir", metavar="DIR", help="Where the ledger lives.")(verb)
    return click.option("-c", "--config", metavar="FILE", help="Configuration file.")(verb)


def json_option(verb: F) -> F:
    """`--json`, as every reading verb takes it."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")(verb)


def find_place(config: str | None, data_dir: str | None) -> Place:
    """Load the configuration and find the data directory."""
    path = find_config(config, os.environ)
    loaded = load(path)
    return Place(
        config_path=path,
        config=loaded,
        data_dir=find_data_dir(loaded, path, data_dir, os.environ),
    )


def symbol_of(place: Place, text: str) -> Symbol:
    """The traded symbol that `text` names. Raises UsageError where it is none."""
    try:
        symbol = unified_symbol(text)
    except ValueError as error:
        raise UsageError(f"{text!r} is not a symbol.", remedy="Write it like BTCUSDT.") from error
    if symbol not in place.config.symbol_settings:
        known = ", ".join(display_symbol(s) for s in place.config.symbol_settings)
        line = read_document(place.config_path).line(("symbols",))
        raise UsageError(
            f"{display_symbol(symbol)} is not in symbols: {known}.",
            where=f"{place.config_path}:{line}",
            remedy="Add it there and start again.",
        )
    return symbol


def ask(place: Place, verb: str, **words: Any) -> Any:
    """Put one question to the running daemon. Raises NotRunningError where none answers."""
    request = msgspec.json.encode({"verb": verb, **words}) + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(ASK_TIMEOUT_S)
            line.connect(str(place.socket))
            line.sendall(request)
            reply = line.makefile("rb").readline()
    except (OSError, ValueError) as error:
        raise NotRunningError(
            "liqbot is not running here.",
            where=str(place.data_dir),
            remedy=f"Start it: {start_command(place)}   (service: systemctl start liqbot)",
        ) from error
    if not reply:
        raise NotRunningError(
            "liqbot hung up without an answer: it is stopping.",
            where=str(place.socket),
            remedy="Ask again in a moment.",
        )
    body = msgspec.json.decode(reply, type=dict[str, Any])
    if "error" in body:
        problem = body["error"]
        refusal = LiqbotError(problem["what"], where=problem["where"], remedy=problem["remedy"])
        refusal.exit_code = problem["code"]
        raise refusal
    return body["ok"]


def ask_or_none(place: Place, verb: str, **words: Any) -> Any:
    """The daemon's answer, or None where it is not running."""
    try:
        return ask(place, verb, **words)
    except NotRunningError:
        return None


def command_name() -> str:
    """`liqbot` as it was called, so that what we print can be pasted."""
    name = sys.argv[0]
    return name if name.endswith("liqbot") and not Path(name).is_absolute() else "liqbot"


def start_command(place: Place) -> str:
    """The command that starts the bot on this configuration and data directory."""
    return paste_command(place, "run")


def paste_command(place: Place, verb: str) -> str:
    """A verb for this configuration and data directory, to be pasted as it is."""
    words = [command_name(), verb]
    if place.config_path != Path("config.yaml"):
        words += ["-c", str(place.config_path)]
    if place.data_dir != find_data_dir(place.config, place.config_path, None, os.environ):
        words += ["--data-dir", str(place.data_dir)]
    return " ".join(words)


def print_json(document: Any) -> None:
    """One document on stdout, nothing else."""
    click.echo(msgspec.json.encode(document, order="sorted").decode())
