"""Keys of live trading with real processes: what is refused, what is said, what never leaks."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.fakes.emu_process import EmulatorProcess, environment
from tests.fakes.live_process import Live, live_config, phrase_of
from tests.fakes.sim_process import Run, ended

EXCHANGES = ("binanceusdm", "bybit")
SPEED = 30.0
CONFIG_EXIT, DATA_EXIT, ACCESS_EXIT = 78, 73, 77
CANARY = {
    "LIQBOT_EXCHANGE_API_KEY": "CanaryKeyThatMustNeverBeSeen0123456789",
    "LIQBOT_EXCHANGE_SECRET": "CanarySecretThatMustNeverBeSeen9876543210",
}


@pytest.fixture(scope="module", params=EXCHANGES)
def emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmulatorProcess]:
    folder = tmp_path_factory.mktemp(request.param)
    with EmulatorProcess(folder, exchange=request.param, speed=SPEED) as running:
        yield running


@pytest.fixture
def config(tmp_path: Path, emulator: EmulatorProcess) -> Path:
    return live_config(tmp_path, emulator)


def verb(*words: object, typed: str = "", **keys: str) -> subprocess.CompletedProcess[str]:
    return ended(*words, typed=typed, environ=environment() | keys)


def checked(config: Path, **keys: str) -> tuple[int, dict[str, str]]:
    """The exit code of `check`, and what it says under each name that is not in order."""
    done = verb("check", "-c", config, "--json", **keys)
    rows: list[dict[str, Any]] = msgspec.json.decode(done.stdout)
    bad = {row["name"]: row["what"] for row in rows if row["verdict"] == "FAIL"}
    return done.returncode, bad


def orders_ever(emulator: EmulatorProcess) -> int:
    count: int = emulator.state()["orders_ever"]
    return count


def test_keys_in_the_configuration_are_refused(config: Path) -> None:
    text = config.read_text(encoding="utf-8")
    line = f"  api_key: {CANARY['LIQBOT_EXCHANGE_API_KEY']}\n"
    config.write_text(text.replace("exchange:\n", f"exchange:\n{line}", 1), encoding="utf-8")

    done = verb("run", "-c", config)

    assert CONFIG_EXIT == done.returncode, done.stdout + done.stderr
    assert "api_key" in done.stderr
    assert CANARY["LIQBOT_EXCHANGE_API_KEY"] not in done.stdout + done.stderr


def test_check_tells_before_any_order_that_nobody_has_confirmed(
    config: Path, emulator: EmulatorProcess
) -> None:
    code, bad = checked(config)

    assert ACCESS_EXIT == code
    assert {"confirmed"} == set(bad)
    assert 0 == orders_ever(emulator)


def test_check_tells_of_a_key_that_is_not_accepted(config: Path) -> None:
    code, bad = checked(config, LIQBOT_EXCHANGE_API_KEY="another")

    assert ACCESS_EXIT == code
    assert {"account"} == set(bad)
    assert "key is not accepted" in bad["account"]


def test_check_tells_of_a_symbol_that_is_not_listed(
    tmp_path: Path, emulator: EmulatorProcess
) -> None:
    code, bad = checked(live_config(tmp_path, emulator, symbols=["BTCUSDT", "LTCUSDT"]))

    assert CONFIG_EXIT == code
    assert "LTCUSDT" in bad["exchange"]


def test_a_run_that_nobody_has_confirmed_sends_nothing(
    config: Path, emulator: EmulatorProcess
) -> None:
    wrong = verb("confirm", "-c", config, typed="trade live on my account\n")
    run = verb("run", "-c", config)

    assert ACCESS_EXIT == wrong.returncode, wrong.stdout + wrong.stderr
    assert "That is not the phrase" in wrong.stderr
    assert ACCESS_EXIT == run.returncode, run.stdout + run.stderr
    assert "confirm" in run.stdout + run.stderr
    assert 0 == orders_ever(emulator)


@pytest.mark.parametrize(
    ("right", "words"),
    [
        pytest.param("withdraw", "may withdraw money", id="e46"),
        pytest.param("read_only", "may look and not trade", id="e47"),
    ],
)
def test_a_key_that_may_too_much_or_too_little_is_refused(
    config: Path, emulator: EmulatorProcess, right: str, words: str
) -> None:
    emulator.do("set-key", right=right)
    try:
        confirmed = verb("confirm", "-c", config, typed=phrase_of(emulator))
        run = verb("run", "-c", config)
        code, bad = checked(config)
    finally:
        emulator.do("set-key", right=right, is_on=False)

    assert [ACCESS_EXIT] * 3 == [confirmed.returncode, run.returncode, code], run.stderr
    assert words in confirmed.stderr
    assert words in run.stdout + run.stderr
    assert words in bad["account"]
    assert 0 == orders_ever(emulator)


def test_c15_a_key_of_another_account_is_refused_on_this_ledger(
    tmp_path: Path, emulator: EmulatorProcess
) -> None:
    live = Live(tmp_path, emulator)
    folder = tmp_path / "other"
    folder.mkdir()
    with EmulatorProcess(folder, exchange=emulator.exchange, speed=SPEED, account="2002") as other:
        live_config(tmp_path, other)
        run = verb("run", "-c", live.config)
        code, bad = checked(live.config)

        assert DATA_EXIT == run.returncode, run.stdout + run.stderr
        assert "1001" in run.stdout + run.stderr
        assert 0 != code
        assert bad
        assert 0 == orders_ever(other)


def test_e28_check_tells_of_hedge_mode(tmp_path: Path) -> None:
    """What the start does about it is told in the sim and wiring tests."""
    with EmulatorProcess(tmp_path, speed=SPEED) as emulator:
        live = Live(tmp_path, emulator)
        emulator.do("set-hedge", is_hedge=True)
        done = verb("check", "-c", live.config)

    assert "hedge mode" in done.stdout


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_e45_a_key_revoked_while_it_runs_ends_the_run_with_77(
    tmp_path: Path, exchange: str
) -> None:
    """77 is not restarted by the unit (systemd/liqbot.service)."""
    with EmulatorProcess(tmp_path, exchange=exchange, speed=SPEED) as emulator:
        live = Live(tmp_path, emulator)
        run = live.start()
        try:
            live.hear("ready in", 30.0)
            emulator.do("set-key", right="revoked")
            code = run.end()
            live.run = None
            again = verb("run", "-c", live.config)
        finally:
            live.close()

    assert ACCESS_EXIT == code, run.said
    assert ACCESS_EXIT == again.returncode, again.stdout + again.stderr
    unit = (Path(__file__).parents[2] / "systemd/liqbot.service").read_text(encoding="utf-8")
    assert "77" in next(
        row for row in unit.splitlines() if row.startswith("RestartPreventExitStatus=")
    )


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_canary_key_is_nowhere_but_in_the_signature(tmp_path: Path, exchange: str) -> None:
    """At debug level, through faults of every kind, kills, refusals and a key that is revoked."""
    options = [
        "--api-key", CANARY["LIQBOT_EXCHANGE_API_KEY"],
        "--secret", CANARY["LIQBOT_EXCHANGE_SECRET"],
    ]  # fmt: skip
    keys = environment() | CANARY | {"LIQBOT_LOG_LEVEL": "debug"}
    folder = tmp_path / "emulator"
    folder.mkdir()
    heard: list[str] = []
    with EmulatorProcess(
        folder, exchange=exchange, speed=SPEED, faults=0.1, options=options
    ) as emulator:
        emulator.do("faults", is_on=False)
        config = live_config(tmp_path, emulator)
        heard += outputs(ended("confirm", "-c", config, typed=phrase_of(emulator), environ=keys))
        emulator.do("faults", is_on=True)
        heard += [
            lived(config, keys, seconds=6.0, is_killed=is_killed) for is_killed in (True, False)
        ]
        emulator.do("faults", is_on=False)
        run = Run(config, environ=keys)
        try:
            assert run.hear("ready in", 30.0), run.said
            for words in (["status", "--json"], ["check"], ["why", "BTCUSDT"], ["db", "backup"]):
                heard += outputs(ended(*words, "-c", config, environ=keys))
            emulator.do("set-key", right="revoked")
            code = run.end()
        finally:
            run.kill()
        heard.append(run.said)
        heard += outputs(ended("run", "-c", config, environ=keys))
        heard += outputs(ended("check", "-c", config, environ=keys))
        counts = emulator.state()["faults"]["counts"]
    written = {path: path.read_bytes() for path in (tmp_path / "data").rglob("*") if path.is_file()}
    secrets = [value.encode() for value in CANARY.values()]

    assert ACCESS_EXIT == code, run.said
    assert 10 <= sum(counts.values())
    assert {"ledger.db", "history.db"} <= {path.name for path in written}
    assert any("backup" in str(path) for path in written)
    assert [] == [text for text in heard if any(row in text.encode() for row in secrets)]
    assert [] == [path for path, body in written.items() if any(row in body for row in secrets)]


def outputs(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [done.stdout, done.stderr]


def lived(config: Path, keys: dict[str, str], *, seconds: float, is_killed: bool) -> str:
    """All that a life of so many seconds has said."""
    run = Run(config, environ=keys)
    run.listen(seconds)
    if not is_killed and run.is_running:
        run.terminate()
        run.end()
    run.kill()
    return run.said
