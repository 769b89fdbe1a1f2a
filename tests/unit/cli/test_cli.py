"""The command line as a whole: help, usage, errors as JSON, exit codes, and what verbs import."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.fakes.verbs import a_config, a_written_ledger, say

HEAVY = {
    "sqlalchemy",
    "numpy",
    "aiohttp",
    "ccxt",
    "alembic",
    "talib",
    "structlog",
    "rich",
    "asyncio",
}
READERS = (
    "status",
    "why BTCUSDT",
    "clusters BTCUSDT",
    "levels BTCUSDT",
    "best BTCUSDT",
    "signals",
    "positions",
    "orders",
    "trades",
)


def call(*words: str, code: str = "") -> subprocess.CompletedProcess[str]:
    program = f"import sys; from bot.cli import main; sys.argv = ['liqbot', *sys.argv[1:]]\n{code}"
    return subprocess.run(
        [sys.executable, "-c", program + "\nmain()", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PATH": os.environ["PATH"], "NO_COLOR": "1", "PYTHONPATH": os.getcwd()},  # noqa: PTH109
    )


def test_help_lists_the_verbs_under_four_captions() -> None:
    said = say("--help")

    assert 0 == said.code
    places = [said.out.index(f"\n{caption}:") for caption in ("Run", "Look", "Act", "Keep")]
    assert places == sorted(places)
    for verb in (*READERS, "run", "init", "check", "hold", "resume", "flatten", "db", "replay"):
        assert f"\n  {verb.split()[0]} " in said.out
    assert max(map(len, said.out.splitlines())) <= 80


def test_a_typo_is_usage_and_ends_with_2() -> None:
    done = call("stauts")

    assert 2 == done.returncode
    assert "status" in done.stderr
    assert "" == done.stdout


def test_errors_are_one_json_document_on_stderr(tmp_path: Path) -> None:
    config = a_config(tmp_path, "risk:\n  levarage: 3\n")

    done = call("status", "-c", str(config), "--json")

    assert 78 == done.returncode
    assert "" == done.stdout
    assert {
        "error": {
            "code": 78,
            "where": f"{config}:2",
            "what": "risk.levarage is not a key.",
            "remedy": "Did you mean risk.max_leverage (a number, 1 to 10, default 3.0)?",
        }
    } == msgspec.json.decode(done.stderr)

    done = call("status", "--json", "--nonsense")

    assert 2 == msgspec.json.decode(done.stderr)["error"]["code"]


def test_an_error_is_one_sentence_with_its_remedy(tmp_path: Path) -> None:
    done = call("trades", "-c", str(a_config(tmp_path)))

    assert 73 == done.returncode
    assert "There is no ledger here yet." in done.stderr
    assert "liqbot run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("words", READERS)
def test_reading_verbs_import_nothing_heavy(tmp_path: Path, words: str) -> None:
    """They have 0.15 s. (When nothing runs, `status` asks the clock how long ago that was.)"""
    a_written_ledger(tmp_path)
    tell = "import atexit\natexit.register(lambda: print('MODULES', *sys.modules, file=sys.stderr))"

    done = call(*words.split(), "-c", str(a_config(tmp_path)), "--json", code=tell)
    loaded = set(done.stderr.partition("MODULES")[2].split())

    assert done.returncode in {0, 3}
    msgspec.json.decode(done.stdout)
    assert set() == HEAVY & loaded
    assert not any(name.startswith("bot.core.tracker") for name in loaded)


@pytest.mark.parametrize("words", READERS)
def test_json_is_one_document_and_nothing_else(tmp_path: Path, words: str) -> None:
    a_written_ledger(tmp_path)

    said = say(*words.split(), "-c", str(a_config(tmp_path)), "--json")

    msgspec.json.decode(said.out)
    assert 1 == said.out.count("\n")
    lists = {"clusters", "levels", "signals", "positions", "orders", "trades"}
    if words.split(maxsplit=1)[0] in lists:
        assert isinstance(said.document, list)
