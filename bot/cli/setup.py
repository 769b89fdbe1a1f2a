"""`liqbot init`: a commented configuration of your own, its schema, and the data directory."""

import os
from pathlib import Path

import click
import msgspec

import bot
from bot.cli.context import command_name
from bot.config import find_data_dir, json_schema, load
from bot.errors import ConfigError, DataDirError, UsageError
from bot.store.files import DataFiles, prepare_directory

SCHEMA_NAME = "config.schema.json"
_SCHEMA_LINE = "# yaml-language-server: $schema="


@click.command("init")
@click.option(
    "-c", "--config", metavar="FILE", default="config.yaml", show_default=True, help="To write."
)
@click.option("--data-dir", metavar="DIR", help="Where the ledger will live.")
def init_command(config: str, data_dir: str | None) -> None:
    """Write a commented config.yaml and make the data directory."""
    path = Path(config)
    if path.is_dir():
        raise UsageError(
            f"{path} is a folder.", remedy=f"Name the file: -c {path / 'config.yaml'}."
        )
    is_new = _write_new(path, _default_text())
    click.echo(f"{path}  {'written, every key with its default' if is_new else 'kept as it is'}")
    schema = path.with_name(SCHEMA_NAME)
    if _write_new(schema, schema_text()):
        click.echo(f"{schema}  written, for editors")
    folder = find_data_dir(load(path), path, data_dir, os.environ)
    was_there = folder.exists()
    prepare_directory(DataFiles(folder=folder))
    click.echo(f"{folder}  {'there already' if was_there else 'made'}, only you can read it")
    extra = "" if path == Path("config.yaml") else f" -c {path}"
    where = f" --data-dir {data_dir}" if data_dir else ""
    click.echo(
        f"Next: {command_name()} check{extra}{where}, then {command_name()} run{extra}{where}"
    )


def schema_text() -> str:
    """The JSON schema of the configuration, as it is written."""
    encoded = msgspec.json.encode(json_schema(), order="deterministic")
    return msgspec.json.format(encoded, indent=1).decode() + "\n"


def default_config() -> Path:
    """The embedded default: inside a wheel, or at the top of a checkout."""
    package = Path(bot.__file__).parent
    packed = package / "_data" / "config.yaml"
    return packed if packed.is_file() else package.parent / "config.yaml"


def _default_text() -> str:
    lines = default_config().read_text(encoding="utf-8").splitlines(keepends=True)
    return "".join(
        f"{_SCHEMA_LINE}{SCHEMA_NAME}\n" if line.startswith(_SCHEMA_LINE) else line
        for line in lines
    )


def _write_new(path: Path, text: str) -> bool:
    """Write a file that is not there yet; False where it is. Never follows a dangling symlink."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        if not path.parent.is_dir():
            raise ConfigError("Its folder is a file.", where=str(path)) from error
        return False
    except OSError as error:
        raise DataDirError(
            f"It cannot be written: {error.strerror}.",
            where=str(path),
            remedy="Name another place with -c.",
        ) from error
    return True
