"""Where verbs work, and their line to the bot."""

from pathlib import Path

import pytest

from bot.cli import context
from bot.cli.context import Place
from bot.config import Config
from bot.errors import LiqbotError, NotRunningError, UsageError
from tests.fakes.rows import BTC
from tests.fakes.verbs import Bot, a_config, running


def a_place(folder: Path, **changes: object) -> Place:
    config = a_config(folder)
    return Place(config_path=config, config=Config(**changes), data_dir=folder / "data")  # type: ignore[arg-type]


def test_a_symbol_is_found_however_it_is_typed(tmp_path: Path) -> None:
    place = a_place(tmp_path)

    for text in ("btc", "BTCUSDT", "BTC/USDT", "BTC/USDT:USDT"):
        assert context.symbol_of(place, text) == BTC
    with pytest.raises(UsageError, match="is not a symbol"):
        context.symbol_of(place, "-")


def test_the_socket_of_a_service_is_in_its_runtime_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    assert tmp_path / "data" / "control.sock" == a_place(tmp_path).socket
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/liqbot")
    assert Path("/run/liqbot/control.sock") == a_place(tmp_path).socket


def test_an_answer_and_a_refusal_come_through(tmp_path: Path) -> None:
    place = a_place(tmp_path)
    with running(tmp_path / "data", Bot(status={"state": "TRADING"})):
        assert {"state": "TRADING"} == context.ask(place, "status")
        with pytest.raises(LiqbotError, match="is no verb") as caught:
            context.ask(place, "dance")

    assert 2 == caught.value.exit_code
    assert context.ask_or_none(place, "status") is None
    with pytest.raises(NotRunningError):
        context.ask(place, "status")


def test_the_start_command_names_what_is_not_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LIQBOT_DATA_DIR", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    here = Place(config_path=Path("config.yaml"), config=Config(), data_dir=Path("data"))

    assert "liqbot run" == context.start_command(here)
    assert f"liqbot run -c {tmp_path / 'config.yaml'}" == context.start_command(a_place(tmp_path))
    elsewhere = Place(config_path=Path("config.yaml"), config=Config(), data_dir=Path("other"))
    assert "liqbot run --data-dir other" == context.start_command(elsewhere)
