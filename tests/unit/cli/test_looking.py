"""A look at a symbol: the bot's own, or the ledger's, in one shape."""

from pathlib import Path

from bot.cli.context import Place
from bot.cli.looking import look_at
from bot.config import Config
from tests.fakes.rows import BTC
from tests.fakes.verbs import Bot, a_look, a_written_ledger, running


def a_place(folder: Path) -> Place:
    return Place(config_path=folder / "config.yaml", config=Config(), data_dir=folder / "data")


def test_the_ledgers_look_has_what_why_reads_of_the_bots(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    found = look_at(a_place(tmp_path), BTC)

    assert {*a_look()} - {"spread_pct", "coverage", "tradable", "levels"} <= {*found}
    assert not found["is_running"]
    assert "b3" == found["position"]["bracket"]
    assert 89_175.1 == found["price"]


def test_the_bots_look_is_counted_from_the_ledger(tmp_path: Path) -> None:
    data_dir = a_written_ledger(tmp_path)
    with running(data_dir, Bot(look=a_look(at="2026-01-01T03:00:00Z", started_at=None))) as bot:
        found = look_at(a_place(tmp_path), BTC)

    assert [{"verb": "look", "symbol": BTC}] == bot.asked
    assert found["is_running"]
    assert 2 == found["trades"]
    assert [{"rule": "pays_too_little", "count": 31}, {"rule": "too_near", "count": 9}] == found[
        "counts"
    ]


def test_a_bot_without_a_ledger_yet_has_no_counts(tmp_path: Path) -> None:
    with running(tmp_path / "data", Bot(look=a_look())):
        found = look_at(a_place(tmp_path), BTC)

    assert found["since"] is None
    assert [] == found["counts"]
