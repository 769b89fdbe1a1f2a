"""`liqbot run` as it is called; what a run does is told elsewhere."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result

from bot.cli.context import Place
from bot.cli.run import banner, money, run_command, secrets_of
from bot.config import load
from bot.errors import ConfigError, DataError, UsageError
from bot.logs import Redactor

EXCHANGE = "market: {source: exchange}\n"
RECORDED = "market: {source: recorded, recorded: {folder: nowhere}}\n"


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("LIQBOT_CONFIG", "LIQBOT_DATA_DIR", "STATE_DIRECTORY", "LIQBOT_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def called(tmp_path: Path, text: str, *words: str) -> Result:
    path = tmp_path / "config.yaml"
    path.write_text(f"symbols: [BTCUSDT]\n{text}", encoding="utf-8")
    return CliRunner().invoke(run_command, ["-c", str(path), *words])


def a_place(tmp_path: Path, text: str) -> Place:
    path = tmp_path / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return Place(config_path=path, config=load(path), data_dir=tmp_path / "data")


def test_the_first_line_says_mode_and_safety(tmp_path: Path) -> None:
    embedded = banner(a_place(tmp_path, "mode: paper\n"))
    recorded = banner(a_place(tmp_path, RECORDED))

    assert "PAPER   embedded market: nothing leaves this machine, no keys" in embedded
    assert "PAPER   recorded market: no order leaves this machine, no keys" in recorded


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("mode: live\n" + EXCHANGE, "LIVE   real orders on binanceusdm"),
        (
            EXCHANGE + "mode: live\nexchange: {id: bybit, base_url: 'http://127.0.0.1:8791'}\n",
            "LIVE   orders for bybit go to 127.0.0.1:8791: a rehearsal, unless that is a proxy",
        ),
        (
            EXCHANGE,
            "PAPER   prices of binanceusdm: no order leaves this machine, no keys",
        ),
        (
            EXCHANGE + "exchange: {base_url: 'http://localhost:1'}\n",
            "PAPER   prices of binanceusdm, asked at localhost:1: no order leaves this machine",
        ),
    ],
)
def test_the_first_line_says_whose_exchange_it_is(tmp_path: Path, text: str, what: str) -> None:
    assert what in banner(a_place(tmp_path, text))


def test_money_is_told_to_the_cent() -> None:
    assert ("10,000.00", "-0.50", "-") == (money("10000"), money("-0.5"), money(None))


def test_a_recording_flat_out_has_no_time_to_ask_a_provider(tmp_path: Path) -> None:
    result = called(tmp_path, RECORDED + "heatmap: {provider: http}\n")

    assert isinstance(result.exception, UsageError)
    assert "provider: local" in result.exception.remedy
    assert not (tmp_path / "data").exists(), "nothing is made for a run that cannot be"


def test_the_first_lines_come_before_anything_can_fail(tmp_path: Path) -> None:
    result = called(tmp_path, RECORDED + "heatmap: {provider: local}\n")

    assert isinstance(result.exception, DataError)
    assert result.output.startswith("liqbot ")
    assert f"data  {tmp_path / 'data'}" in result.output


def test_a_data_directory_that_is_named_wins(tmp_path: Path) -> None:
    other = str(tmp_path / "other")
    result = called(tmp_path, RECORDED + "heatmap: {provider: local}\n", "--data-dir", other)

    assert f"data  {other}" in result.output


def test_a_level_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQBOT_LOG_LEVEL", "loud")
    result = called(tmp_path, "")

    assert isinstance(result.exception, UsageError)
    assert "debug, info, warning, error" in result.exception.remedy


@pytest.mark.parametrize("seconds", ["0", "-1", "soon", "1e9", "nan"])
def test_a_duration_is_a_positive_time(tmp_path: Path, seconds: str) -> None:
    assert 2 == called(tmp_path, "", "--duration", seconds).exit_code


def test_a_configuration_with_a_mistake_starts_nothing(tmp_path: Path) -> None:
    result = called(tmp_path, "risk: {risk_pct: 200}\n")

    assert isinstance(result.exception, ConfigError)
    assert not result.output


def test_the_keys_of_a_live_run_are_taken_out_of_every_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gateway scrubs its own errors; this is for whatever else might print them."""
    monkeypatch.setenv("LIQBOT_EXCHANGE_API_KEY", "canary-key")
    monkeypatch.setenv("LIQBOT_EXCHANGE_SECRET", "canary-secret")
    live = a_place(tmp_path, f"mode: live\n{EXCHANGE}")
    clean = Redactor(secrets_of(live))
    paper = a_place(tmp_path, EXCHANGE)

    assert "*** and ***" == clean("canary-key and canary-secret")
    assert [] == secrets_of(paper)
