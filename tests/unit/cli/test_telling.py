"""What a person sees around a run: what account, which market, what to type, and the sum."""

import io
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from bot.cli import telling
from bot.cli.context import Place
from bot.cli.telling import Told
from bot.config import load
from bot.core.state import State
from bot.model.account import Hold, HoldCause, OperatingState, Operation
from bot.model.facts import BracketChanged
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.request import Confirmation, Opened
from tests.fakes.rows import BTC, T0, a_bracket, a_ledger, an_account, with_facts
from tests.fakes.views import INSTRUMENT

RECORDED = "market: {source: recorded, recorded: {folder: x}}\nheatmap: {provider: local}\n"


def a_place(tmp_path: Path, text: str = "") -> Place:
    path = tmp_path / "config.yaml"
    path.write_text(f"symbols: [BTCUSDT]\n{text}", encoding="utf-8")
    return Place(config_path=path, config=load(path), data_dir=tmp_path / "data")


def a_told(tmp_path: Path, text: str = "", *, is_story: bool = True) -> Told:
    return Told(a_place(tmp_path, text), is_story=is_story, is_terminal=False)


def a_state(**changes: Any) -> State:
    return State(
        settings=CoreSettings(instance="test", symbols=(BTC,)),
        instruments={BTC: INSTRUMENT},
        snapshot=msgspec.structs.replace(Snapshot(at=T0), **changes),
    )


def opened(**changes: Any) -> Opened:
    snapshot = msgspec.structs.replace(Snapshot(at=T0), **changes)
    return Opened(
        snapshot=snapshot,
        is_new=snapshot.account is None,
        start_at=Millis(T0),
        ledger_note="",
    )


def test_a_new_account_is_told_with_its_risk(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_told(tmp_path).opened(opened())
    out = capsys.readouterr().out

    assert "account   10,000.00 USDT, new, risk 0.50 % a trade, at most 3 positions" in out
    assert "1 symbols, 30 days of history, now 2026-01-01 00:00 UTC" in out
    assert "60 times faster than the clock" in out


def test_a_resumed_account_is_told_with_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = a_told(tmp_path)
    told.opened(opened(account=an_account(), brackets=(a_bracket(),)))

    assert "9,999.55 USDT, resumed, 1 open position with its stop" in capsys.readouterr().out


def test_a_recording_is_told_with_its_pace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_told(tmp_path, RECORDED).opened(opened())

    assert "recorded, 1 symbols from 2026-01-01 00:00 UTC, flat out" in capsys.readouterr().out


def test_a_ledger_that_was_repaired_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    note = "Taken from the backup of yesterday."
    a_told(tmp_path).opened(msgspec.structs.replace(opened(), ledger_note=note))

    assert f"ledger    {note}" in capsys.readouterr().out


def test_ready_says_what_to_type_and_what_to_expect_of_a_new_account(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    new, resumed = a_told(tmp_path), a_told(tmp_path)
    new.opened(opened())
    resumed.opened(opened(account=an_account()))
    capsys.readouterr()
    new.ready(a_state())
    first = capsys.readouterr().out
    resumed.ready(a_state())
    again = capsys.readouterr().out

    assert "ready in 0." in first
    assert "Ctrl-C (positions are kept)" in first
    assert " status" in first
    assert "why BTCUSDT" in first
    assert "first trade within two minutes" in first
    assert "first trade within two minutes" not in again


def test_a_hold_that_an_earlier_run_left_is_no_surprise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hold = Hold(
        cause=HoldCause.DAY_LOSS,
        state=OperatingState.HOLD,
        since=T0,
        detail="the day lost 200.00",
        needs_operator=True,
    )
    told = a_told(tmp_path)
    told.opened(opened())
    told.ready(a_state(operation=Operation(holds=(hold,))))
    out = capsys.readouterr().out

    assert "HOLD: no new entries, because the day lost 200.00." in out
    assert " resume" in out


def test_the_end_says_why_what_stays_and_the_sum(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = a_told(tmp_path)
    ledger = a_ledger(tmp_path / "data")
    ledger.record_now(with_facts(BracketChanged(bracket=a_bracket())))
    ledger.close()
    told.stopping("Ctrl-C")
    told.stopped(a_state(brackets=(a_bracket(),)))
    out = capsys.readouterr().out

    assert "Stopping: Ctrl-C." in out
    assert "1 paper position stays open with its stop; the next run resumes." in out
    assert "0 trades closed so far: +0.00 USDT, 0 won, 0 lost." in out
    assert str(tmp_path / "data") in out


LIVE = "mode: live\nmarket: {source: exchange}\n"


def test_a_live_account_is_told_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = "binanceusdm account 1001"
    told = a_told(tmp_path, LIVE)
    told.opened(msgspec.structs.replace(opened(), account=named))
    told.opened(msgspec.structs.replace(opened(account=an_account()), account=named))
    told.ready(a_state())
    out = capsys.readouterr().out

    assert f"account   {named}, new here, risk 0.50 % a trade, at most 3 positions" in out
    assert f"account   {named}, 9,999.55 USDT, resumed" in out
    assert "market    binanceusdm, 1 symbols, now 2026-01-01 00:00 UTC; times below are UTC" in out
    assert "Ctrl-C (positions keep their stops at the exchange)" in out
    assert "first trade within" not in out


def test_a_rehearsal_is_told_with_its_address_and_pace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = 'exchange: {id: bybit, base_url: "http://127.0.0.1:1", speed: 20}\n'
    a_told(tmp_path, LIVE + more).opened(opened())

    assert "bybit at http://127.0.0.1:1, 1 symbols" in (out := capsys.readouterr().out)
    assert "20 times real time" in out


def test_positions_at_an_exchange_are_no_paper_positions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a_ledger(tmp_path / "data", mode="live").close()
    a_told(tmp_path, LIVE).stopped(a_state(brackets=(a_bracket(),)))

    assert "1 position stays open with its stop" in capsys.readouterr().out


def test_nobody_is_asked_to_confirm_where_nobody_sits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither a service nor a run in a pipe has somebody who could type."""
    question = Confirmation(account="an account", phrase="the phrase")
    piped = Told(a_place(tmp_path, LIVE), is_story=True, is_terminal=False)

    assert not piped.confirm(question)
    assert not Told(a_place(tmp_path, LIVE), is_story=True, is_terminal=True).confirm(question)
    assert "" == capsys.readouterr().out


def test_a_service_gets_events_and_no_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = a_told(tmp_path, is_story=False)
    with structlog.testing.capture_logs() as logs:
        told.begin()
        told.opened(opened())
        told.ready(a_state())
        told.stopping("SIGTERM")
        told.stopped(a_state())

    assert "" == capsys.readouterr().out
    assert ["run.started", "run.ready", "run.stopping", "run.stopped"] == [
        entry["event"] for entry in logs
    ]
    assert "SIGTERM" == logs[2]["why"]


@pytest.mark.parametrize("is_terminal", [True, False])
def test_a_bar_is_drawn_on_a_terminal_once_it_takes_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, is_terminal: bool
) -> None:
    screen = io.StringIO()
    monkeypatch.setitem(vars(sys), "stdout", screen)
    told = Told(a_place(tmp_path), is_story=True, is_terminal=is_terminal)
    told.progress(0.1, "history")
    early = told._progress
    told._began_s -= telling.BAR_AFTER_S
    told.progress(0.5, "history")
    late = told._progress
    told.opened(opened())

    assert early is None
    assert is_terminal == (late is not None)
    assert told._progress is None, "the lines that follow do not run into it"
