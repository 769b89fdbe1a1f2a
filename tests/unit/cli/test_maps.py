"""`clusters`, `levels` and `best`: one symbol's map."""

from pathlib import Path

from tests.fakes.verbs import Bot, a_config, a_look, a_written_ledger, running, say


def test_clusters_stand_by_level_with_the_price_between_them(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("clusters", "BTCUSDT", "-c", str(a_config(tmp_path)))
    lines = said.out.splitlines()

    assert 0 == said.code
    assert lines[1].startswith("89,366.2  short  +0.21 %  1.2 M      0.73   25x  active")
    assert "89,175.1  price" == lines[2].strip()
    assert lines[3].startswith("88,900.0  long   -0.31 %")
    assert "Not running: this is how it was at 01-01 00:00:00 UTC." in said.err


def test_clusters_as_json_are_an_array(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    rows = say("clusters", "BTCUSDT", "-c", str(a_config(tmp_path)), "--json").document

    assert [("short", 1), ("long", 2)] == [(row["side"], row["cluster"]) for row in rows]
    assert 0.2144 == rows[0]["distance_pct"]


def test_a_running_bot_gives_the_price(tmp_path: Path) -> None:
    data_dir = a_written_ledger(tmp_path)
    with running(data_dir, Bot(look=a_look(price=89_000.0, staleness="the feed is silent"))):
        said = say("clusters", "BTCUSDT", "-c", str(a_config(tmp_path)))

    assert "89,000.0  price" in said.out
    assert "Stale: the feed is silent." in said.err


def test_levels_are_the_nearest_worth_trading_on(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    config = str(a_config(tmp_path))

    said = say("levels", "BTCUSDT", "-c", config)
    rows = say("levels", "BTCUSDT", "-c", config, "--json").document

    assert [line.split()[:2] for line in said.out.splitlines()[1:]] == [
        ["resistance", "1"],
        ["price", "89,175.1"],
        ["support", "1"],
    ]
    assert [("resistance", 1, 89366.25), ("support", 1, 88900.0)] == [
        (row["kind"], row["rank"], row["level"]) for row in rows
    ]


def test_best_is_the_strongest_or_none(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    config = str(a_config(tmp_path))

    assert "short 89,366.2, 0.21 % above the price 89,175.1: 1.2 M USD, strength 0.73" in " ".join(
        say("best", "BTCUSDT", "-c", config).out.split()
    )
    assert 1 == say("best", "BTCUSDT", "-c", config, "--json").document["cluster"]
    assert say("best", "BTCUSDT", "-c", config, "--min-strength", "0.9").out.startswith("None:")
    said = say("best", "BTCUSDT", "-c", config, "--min-strength", "0.9", "--json")
    assert "null\n" == said.out


def test_nothing_known_of_a_symbol_is_said(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    config = str(a_config(tmp_path))

    assert "No live cluster on SOLUSDT." in say("clusters", "sol", "-c", config).out
    assert "No level on SOLUSDT" in say("levels", "sol", "-c", config).out
    assert 2 == say("best", "sol", "-c", config).code
