"""The real process from start to stop: bounded, asked to stop, twice at once, and again."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.clock import monotonic_s
from bot.model.order import Leg, OrderStatus
from bot.store.files import DataFiles
from bot.store.reader import Reader
from tests.fakes.sim_process import Run, a_config, asked


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return a_config(tmp_path)


@pytest.fixture
def running(config: Path) -> Iterator[Run]:
    run = Run(config)
    assert run.hear("ready in", 20.0), run.said
    yield run
    run.kill()


def ledger_of(config: Path) -> Path:
    return DataFiles(folder=config.parent / "data").ledger


def test_a_bounded_run_trades_ends_with_0_and_the_next_one_resumes(config: Path) -> None:
    first = Run(config, "--duration", 6)
    first_code = first.end()
    with Reader(ledger_of(config)) as reader:
        account, boot = reader.account(), reader.last_boot()
        symbol = next(iter(reader.prices()))
        clusters = {row.id for row in reader.clusters(symbol)}
        trades = len(reader.trades())
    second = Run(config, "--duration", 1)
    second_code = second.end()
    with Reader(ledger_of(config)) as reader:
        known = {row.id for row in reader.clusters(symbol, only_live=False)}
        later = reader.trades()

    assert (0, 0) == (first_code, second_code), first.said + second.said
    assert account is not None
    assert boot is not None
    assert f"{account.balance_usd:,.2f} USDT, resumed" in second.said
    assert clusters
    assert clusters <= known
    assert trades
    assert len(later) >= trades
    assert "Stopping: 6 s are over." in first.said


def test_p3_sigterm_ends_with_0_within_10_s_and_leaves_the_stops(
    config: Path, running: Run
) -> None:
    assert running.hear("STOP  ", 15.0), running.said
    began_s = monotonic_s()
    running.send(signal.SIGTERM)
    code = running.end()
    took_s = monotonic_s() - began_s
    with Reader(ledger_of(config)) as reader:
        held = [row for row in reader.open_brackets() if row.open_qty]
        live = [row for row in reader.orders(limit=1_000) if not row.is_final]
    stopped = {
        row.request.bracket_id
        for row in live
        if row.request.leg is Leg.STOP and row.status is OrderStatus.OPEN
    }

    assert 0 == code, running.said
    assert took_s < 10.0
    assert {row.id for row in held} <= stopped
    assert not [row for row in live if row.request.leg is Leg.ENTRY]
    assert "SIGTERM" in running.said


def test_p8_a_second_instance_is_refused_with_73_and_the_first_goes_on(
    config: Path, running: Run
) -> None:
    second = Run(config)
    code = second.end()
    status = asked(config, "status")
    running.listen(0.2)

    assert 73 == code, second.said
    assert "holds this data directory" in second.said
    assert status
    assert "Stopping" not in running.said


def test_p4_a_kill_right_after_sigterm_is_a_kill_like_any_other(config: Path, running: Run) -> None:
    running.send(signal.SIGTERM)
    running.kill()
    again = Run(config, "--duration", 1)

    assert 0 == again.end(), again.said
