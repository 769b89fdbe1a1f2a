"""`liqbot sim serve` as it is called."""

from pathlib import Path

import pytest

from tests.fakes.verbs import say

STILL = ("sim", "serve", "--still", "--listen", "127.0.0.1:0", "--history-days", "1")


def test_it_is_found_among_the_verbs() -> None:
    assert "sim" in say("--help").out
    assert "An exchange on this machine" in say("sim", "--help").out
    assert "Serve an emulated exchange until Ctrl-C." in say("sim", "serve", "--help").out


@pytest.mark.parametrize(
    "words",
    [
        ("--exchange", "okx"),
        ("--speed", "0"),
        ("--speed", "1001"),
        ("--seed", "-1"),
        ("--faults", "0.9"),
        ("--lost-replies", "2"),
        ("--duration", "nan"),
        ("--duration", "0"),
        ("--history-days", "0"),
        ("--listen", "0.0.0.0:1"),
        ("--listen", "127.0.0.1"),
        ("--symbols", ""),
        ("--symbols", "///"),
        ("--balance", "0"),
        ("--balance", "much"),
        ("--balance", "nan"),
        ("--start-at", "yesterday"),
        ("--start-at", "2026-01-01T00:01:00Z"),
    ],
)
def test_words_that_it_does_not_take_end_before_anything_is_done(words: tuple[str, ...]) -> None:
    said = say(*STILL, "--duration", "0.1", *words)

    assert said.code in {2, 78}
    assert "" == said.out
    assert "" != said.err


def test_a_short_run_tells_the_way_on_and_the_sum() -> None:
    said = say(*STILL, "--duration", "0.1", "--lost-replies", "0.05", "--exchange", "bybit")

    assert 0 == said.code
    for part in (
        "REHEARSAL   nothing leaves this machine",
        "exchange  Bybit v5, BTCUSDT, ETHUSDT, SOLUSDT",
        "10,000.00 USDT",
        "5 % of requests go wrong",
        "mode: live",
        "source: exchange",
        "id: bybit",
        "export LIQBOT_EXCHANGE_API_KEY=rehearsal",
        "export LIQBOT_EXCHANGE_SECRET=rehearsal",
        "liqbot run -c my.yaml",
        "X-Emulator-Token: ",
        "Stopping: the time is over.",
        "no fills: +0.00 USDT",
    ):
        assert part in said.out


def test_a_file_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine: 1\n")
    said = say(*STILL, "--duration", "0.1", "--write-config", str(path))

    assert 2 == said.code
    assert "The file is there already." in said.err
    assert "mine: 1\n" == path.read_text()
