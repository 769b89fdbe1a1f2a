"""Single looks of `check` that need a state of things of their own."""

from pathlib import Path

from bot.cli import checks
from bot.cli.context import Place
from bot.config import Config
from bot.errors import DataDirError
from bot.model.cluster import ProviderGate
from bot.model.facts import GateChanged
from bot.model.primitives import Millis
from bot.model.wiring import Mode
from bot.store.files import DataFiles
from bot.store.lock import InstanceLock
from tests.fakes.rows import a_ledger, with_facts

PROVIDER = "http:http://127.0.0.1:8790"


def a_place(folder: Path, config: Config | None = None) -> Place:
    return Place(
        config_path=folder / "config.yaml", config=config or Config(), data_dir=folder / "data"
    )


def with_gate(tmp_path: Path, gate: ProviderGate) -> checks.Check:
    ledger = a_ledger(tmp_path / "data")
    ledger.record_now(with_facts(GateChanged(provider=PROVIDER, gate=gate)))
    ledger.close()
    return checks.provider(a_place(tmp_path))


def test_levels_that_ride_on_the_price_are_a_warning(tmp_path: Path) -> None:
    found = with_gate(tmp_path, ProviderGate(stability=0.42, is_floating=True))

    assert "warn" == found.verdict
    assert "levels ride on the price: 42 % still there after 60 s" == found.what


def test_levels_that_stand_still_are_well(tmp_path: Path) -> None:
    found = with_gate(tmp_path, ProviderGate(stability=0.97, is_open=True))

    assert ("ok", "levels stand still: 97 % still there after 60 s") == (found.verdict, found.what)


def test_a_provider_on_probation_is_said(tmp_path: Path) -> None:
    assert "on probation" in with_gate(tmp_path, ProviderGate(stability=0.75)).what


def test_c14_a_ledger_of_the_other_mode_is_refused(tmp_path: Path) -> None:
    a_ledger(tmp_path / "data", mode="live").close()

    (found,) = checks.ledger(a_place(tmp_path), is_running=False)

    assert 73 == found.code
    assert "made for live trading, and mode is paper" in found.what


def test_a_ledger_that_is_gone_is_no_new_one(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path / "data")
    ledger.record_now(with_facts(GateChanged(provider="x", gate=ProviderGate())))
    ledger.close()
    for path in (tmp_path / "data").glob("ledger.db*"):
        path.unlink()

    (found,) = checks.ledger(a_place(tmp_path), is_running=False)

    assert ("FAIL", 65) == (found.verdict, found.code)
    assert found.what.startswith("It is gone")


def test_a_clock_behind_the_last_start_is_a_warning(tmp_path: Path) -> None:
    future = Millis(4_000_000_000_000)
    a_ledger(tmp_path / "data", wall=future).close()

    found = checks.clock(a_place(tmp_path))

    assert "warn" == found.verdict
    assert "before the last start of the bot" in found.what


def test_a_clock_is_called_plausible_and_not_measured(tmp_path: Path) -> None:
    found = checks.clock(a_place(tmp_path))

    assert "ok" == found.verdict
    assert "not measured" in found.what
    assert not (tmp_path / "data").exists()


def test_a_holder_that_does_not_answer_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir(mode=0o700)
    lock = InstanceLock(DataFiles(folder=tmp_path / "data").lock, host="here", pid=12)
    found = checks.daemon(a_place(tmp_path), None)
    lock.release()

    assert "warn" == found.verdict
    assert "pid 12 on here holds the data directory and does not answer" == found.what


def test_c7_live_without_keys_is_refused(tmp_path: Path) -> None:
    found = checks.keys(a_place(tmp_path, Config(mode=Mode.LIVE)), {})

    assert ("FAIL", 77) == (found.verdict, found.code)
    assert "exchange_api_key and exchange_secret are missing" in found.what


def test_an_errors_words_are_kept() -> None:
    error = DataDirError("What.", where="where", remedy="remedy")
    found = checks.failed("name", error)

    assert ("name", "FAIL", "What.", "where", "remedy", 73) == (
        found.name,
        found.verdict,
        found.what,
        found.where,
        found.remedy,
        found.code,
    )
