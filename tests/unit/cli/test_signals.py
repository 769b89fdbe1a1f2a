"""`signals`: what was proposed, and what was refused."""

from pathlib import Path

from tests.fakes.rows import a_ledger
from tests.fakes.verbs import a_config, a_written_ledger, say


def test_signals_say_what_became_of_them(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("signals", "-c", str(a_config(tmp_path)))

    assert "89,175.2  88,750.0  89,365.0  1.70  order" in said.out
    assert "89,175.2  88,750.0  89,365.0  1.70  denied: cool-down" in said.out


def test_the_guides_fields_stand_beside_ours(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    rows = say("signals", "BTCUSDT", "-c", str(a_config(tmp_path)), "--json").document
    guide = {
        "symbol": "BTC/USDT:USDT",
        "current_price": "89175.1",
        "signal": "LONG",
        "entry_price": "89175.2",
        "stop_loss": "88750",
        "take_profit": "89365",
        "risk_reward": 1.7,
        "confidence": 0.73,
        "reason": "toward the short cluster",
        "clusters": {"support": [], "resistance": []},
        "oi_data": {"total_oi_usd": None, "long_short_ratio": None},
    }

    assert guide.items() <= rows[0].items()
    assert [None, "cool_down"] == [row["denied"] and row["denied"]["rule"] for row in rows]


def test_refusals_come_with_what_was_seen_and_the_limit(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    config = str(a_config(tmp_path))

    said = say("signals", "BTCUSDT", "--refused", "-c", config)
    rows = say("signals", "--refused", "-c", config, "--json", "--limit", "1").document

    assert "BTCUSDT  hunt      LONG  89,365.2  pays too little    1.20    1.50     31" in said.out
    assert [("pays_too_little", 1.2, 1.5, 31)] == [
        (row["rule"], row["saw"], row["limit"], row["count"]) for row in rows
    ]
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_an_empty_ledger_points_to_the_refusals(tmp_path: Path) -> None:
    a_ledger(tmp_path / "data").close()
    config = str(a_config(tmp_path))

    assert "No signal yet." in say("signals", "-c", config).out
    assert "Nothing was refused yet." in say("signals", "--refused", "-c", config).out
    assert [] == say("signals", "-c", config, "--json").document
