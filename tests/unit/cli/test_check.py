"""`check`: one line each, every mistake at once, and the exit code that matters most."""

import gzip
from pathlib import Path

from tests.fakes.rows import a_ledger
from tests.fakes.verbs import Bot, a_config, a_status, a_written_ledger, running, say


def verdicts(*words: str) -> dict[str, str]:
    return {row["name"]: row["verdict"] for row in say("check", "--json", *words).document}


def test_a_sound_newcomer_has_nothing_to_mend(tmp_path: Path) -> None:
    config = a_config(tmp_path)

    said = say("check", "-c", str(config))
    told = " ".join(said.out.split())

    assert 0 == said.code
    assert f"configuration ok {config}, every key known" in told
    assert "the first run makes it" in told
    assert "ledger ok new: the first run makes it" in told
    assert "heatmap - http://127.0.0.1:8790, the bot's own; it answers while the bot runs" in told
    assert "provider - not judged yet" in told
    assert "market ok simulated, seed 24, 60 times real time" in told
    assert f"bot - not running; start: liqbot run -c {config}" in told
    assert "keys - not needed for paper trading" in told
    assert "Ready for paper trading. Nothing to mend." == said.out.splitlines()[-1]
    assert not (tmp_path / "data").exists()


def test_every_mistake_in_the_file_is_told_at_once(tmp_path: Path) -> None:
    config = a_config(tmp_path, "risk:\n  levarage: 3\nheatmap:\n  provider: htpp\n")

    said = say("check", "-c", str(config))

    assert 78 == said.code
    assert 2 == said.out.count("FAIL")
    assert "risk.levarage is not a key." in said.out
    assert "Did you mean risk.max_leverage" in said.out
    assert "2 things to mend. Nothing was started." in said.out
    assert ["FAIL", "FAIL"] == [
        row["verdict"] for row in say("check", "-c", str(config), "--json").document
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    said = say("check", "-c", str(tmp_path / "none.yaml"))

    assert 78 == said.code
    assert "There is no such file." in said.out


def test_a_ledger_is_looked_through(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    told = " ".join(say("check", "-c", str(a_config(tmp_path))).out.split())

    assert "Bracket b2: entered 0.010, but its fills add up to 0" in told
    assert 65 == say("check", "-c", str(a_config(tmp_path))).code

    fresh = tmp_path / "fresh"
    a_ledger(fresh).close()
    told = " ".join(
        say("check", "-c", str(a_config(tmp_path)), "--data-dir", str(fresh)).out.split()
    )

    assert "ledger ok schema 0001, account paper, 0 open positions, sums agree" in told


def test_a_running_bot_is_seen_and_its_heatmap_is_asked(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    a_ledger(data_dir).close()
    config = a_config(tmp_path, "heatmap:\n  base_url: http://127.0.0.1:9\n  serve: ''\n")
    with running(data_dir, Bot(status=a_status())):
        said = say("check", "-c", str(config))

    told = " ".join(said.out.split())

    assert "bot ok running, TRADING, up 52 s" in told
    assert "heatmap FAIL http://127.0.0.1:9" in told
    assert "1 thing to mend." == said.out.splitlines()[-1]
    assert 69 == said.code


def test_a_data_directory_that_others_can_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data").chmod(0o755)

    said = say("check", "-c", str(a_config(tmp_path)))

    assert 73 == said.code
    assert "its mode is 0755" in said.out
    assert f"chmod 700 {tmp_path / 'data'}" in " ".join(said.out.split())


def test_a_dotenv_file_is_said_to_be_ignored(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("LIQBOT_EXCHANGE_API_KEY=x\n", encoding="utf-8")

    told = " ".join(say("check", "-c", str(a_config(tmp_path))).out.split())

    assert "is ignored To use it: EnvironmentFile=" in told


def test_variables_in_effect_are_named_and_paper_ignores_keys(tmp_path: Path) -> None:
    environ = {"LIQBOT_EXCHANGE_API_KEY": "abc", "LIQBOT_EXCHANGE_SECRET": "def"}

    said = say("check", "-c", str(a_config(tmp_path)), environ=environ)

    assert "in effect: LIQBOT_EXCHANGE_API_KEY, LIQBOT_EXCHANGE_SECRET" in said.out
    assert "ignored: paper trading sends nothing" in " ".join(said.out.split())
    assert "abc" not in said.out


def test_recorded_files_are_read_through(tmp_path: Path) -> None:
    rows = "\n".join(f"{1_764_547_200_000 + i * 300_000},10,11,9,10,5" for i in range(300))
    (tmp_path / "BTCUSDT.csv.gz").write_bytes(gzip.compress(f"t,o,h,l,c,v\n{rows}\n".encode()))
    text = (
        "symbols: [BTCUSDT]\nheatmap: {provider: local}\nmarket:\n  source: recorded\n"
        "  recorded: {folder: '.', candles: '{symbol}.csv*', open_interest: '', funding: '', "
        "tiers: '', warm_up_days: 0}\n"
    )
    config = str(a_config(tmp_path, text))

    told = " ".join(say("check", "-c", config).out.split())

    assert "recorded, 1 symbol, 2025-12-01 to 2025-12-02, flat out" in told
    assert "heatmap ok computed by the bot itself" in told

    (tmp_path / "BTCUSDT.csv.gz").write_bytes(b"t,o,h,l,c,v\nx\n")
    said = say("check", "-c", config)

    assert 65 == said.code
    assert "not a row of numbers" in said.out


def test_flat_out_over_http_is_a_contradiction(tmp_path: Path) -> None:
    text = "market:\n  source: recorded\n  recorded: {folder: '.'}\n"

    said = say("check", "-c", str(a_config(tmp_path, text)))

    assert 78 == said.code
    assert "cannot poll a provider over HTTP" in " ".join(said.out.split())
