"""`status`: running, holding, or not running at all."""

from pathlib import Path

from tests.fakes.rows import WALL, a_ledger
from tests.fakes.verbs import (
    Bot,
    a_config,
    a_hold,
    a_position,
    a_refusal_document,
    a_status,
    a_written_ledger,
    running,
    say,
)


def test_a_running_bot_is_told_in_80_columns(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    document = a_status(positions=[a_position()], last_refusal=a_refusal_document())
    with running(tmp_path / "data", Bot(status=document)):
        said = say("status", "-c", str(config))

    lines = said.out.splitlines()

    assert 0 == said.code
    assert "TRADING  paper, up 52 s, 1 position open and protected" == lines[0]
    assert "today +28.36 (+0.28 %)" in said.out
    assert "funding in 1 h 7 min" in said.out
    assert "97,910.5  96,914.4  98,651.2  +28.36  +0.57" in said.out
    assert "stop on the venue, confirmed 0.2 s after the fill" in said.out
    assert "1.02 % from the stop, 0.76 % from the target, open for 20 min 43 s" in said.out
    assert "BTCUSDT hunt LONG refused, pays too little (0.62, limit 1.50)" in said.out.replace(
        "\n  ", " "
    )
    assert max(map(len, lines)) <= 80


def test_live_is_said_with_its_account(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    document = a_status(mode="live", account="binanceusdm account 1001", positions=[a_position()])
    with running(tmp_path / "data", Bot(status=document)):
        first, second, *_ = say("status", "-c", str(config)).out.splitlines()

    assert "TRADING  LIVE, up 52 s, 1 position open and protected" == first
    assert "  on binanceusdm account 1001" == second


def test_a_live_bot_that_is_not_running_is_named_too(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path / "data", mode="live", account_id="bybit account 7")
    ledger.close(wall=WALL)
    text = "mode: live\nmarket: {source: exchange}\nexchange: {id: bybit}\n"
    config = str(a_config(tmp_path, text))

    said = say("status", "-c", config)
    assert said.out.startswith("Not running (bybit account 7). Last seen")
    document = say("status", "--json", "-c", config).document

    assert ("live", "bybit account 7") == (document["mode"], document["account"])


def test_a_hold_is_told_with_its_end(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    timed = a_hold(
        cause="day_loss",
        needs_operator=False,
        until="2026-01-02T00:00:00.000Z",
        detail="2.1 % lost",
    )
    document = a_status(state="HOLD", holds=[a_hold(), timed])
    with running(tmp_path / "data", Bot(status=document)):
        said = say("status", "-c", str(config))

    told = " ".join(said.out.split())

    assert told.startswith("HOLD paper")
    assert "HOLD since 01-01 09:14:02 UTC because by hand; ends with `liqbot resume`" in told
    assert "because 2.1 % lost; ends by itself at 01-02 00:00:00 UTC" in told


def test_a_position_without_a_stop_is_said_loudly(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    bare = a_position(stop_confirmed=False, stop_delay_ms=None, is_floating=True, mark_price=None)
    with running(tmp_path / "data", Bot(status=a_status(positions=[bare]))):
        said = say("status", "-c", str(config))

    assert "1 WITHOUT A CONFIRMED STOP" in said.out
    assert "NO CONFIRMED STOP; the bot is placing one; levels ride on the price" in said.out


def test_json_is_the_document_and_nothing_else(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    with running(tmp_path / "data", Bot(status=a_status())):
        said = say("status", "-c", str(config), "--json")

    assert a_status() == said.document
    assert "" == said.err


def test_not_running_ends_with_3_and_says_what_stays(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    a_written_ledger(tmp_path)

    said = say("status", "-c", str(config))
    told = " ".join(said.out.split())

    assert 3 == said.code
    assert told.startswith("Not running. Last seen")
    assert "stopped in order, 1 position open with its stop on the venue." in told
    assert f"Start: liqbot run -c {config}" in said.out

    said = say("status", "-c", str(config), "--json")

    assert 3 == said.code
    assert "STOPPED" == said.document["state"]
    assert ["b3"] == [row["bracket"] for row in said.document["positions"]]


def test_never_run_is_said_plainly(tmp_path: Path) -> None:
    said = say("status", "-c", str(a_config(tmp_path)))

    assert 3 == said.code
    assert "it has never run here" in said.out


def test_a_socket_left_by_a_killed_bot_is_not_running(tmp_path: Path) -> None:
    data_dir = a_written_ledger(tmp_path)
    (data_dir / "control.sock").touch()

    assert 3 == say("status", "-c", str(a_config(tmp_path))).code
