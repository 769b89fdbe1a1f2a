"""`trades`: the list, its sums, and one trade whole."""

from pathlib import Path

from tests.fakes.verbs import a_config, a_written_ledger, say


def test_trades_are_numbered_from_the_first_and_summed_up(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("trades", "-c", str(a_config(tmp_path)))
    lines = said.out.splitlines()

    assert 0 == said.code
    assert lines[1].startswith("1  01:00:00  BTCUSDT  LONG  hunt")
    assert lines[1].endswith("+1.45  +0.03  target")
    assert lines[2].startswith("2  02:00:00  ETHUSDT  LONG  hunt")
    assert "2 closed: 1 won, 1 lost    net +0.01 USDT (+0.00 %)    costs 0.89" in said.out
    assert "profit factor 1.01    average +0.00 R    so few trades say nothing yet" in said.out
    assert "1 still open: liqbot positions" == lines[-1]
    assert max(map(len, lines)) <= 80


def test_json_is_an_array_with_the_vocabularys_names(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    rows = say("trades", "-c", str(a_config(tmp_path)), "--json").document

    assert [1, 2] == [row["number"] for row in rows]
    assert {
        "symbol": "BTC/USDT:USDT",
        "side": "long",
        "qty": "0.010",
        "entry_price": "89175.2",
        "exit_price": "89365.2",
        "stop_price": "88750",
        "target_price": "89365",
        "pnl_usd": "1.45",
        "r": 0.029,
        "closed_by": "target",
        "opened_at": "2026-01-01T00:00:00.200Z",
        "closed_at": "2026-01-01T01:00:00.000Z",
        "strategy": "hunt",
        "fees_usd": "0.45",
        "funding_usd": "0.00",
        "stop_delay_ms": 200,
        "is_floating": False,
    }.items() <= rows[0].items()


def test_one_symbol_and_the_newest_can_be_asked_for(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    config = str(a_config(tmp_path))

    def numbers(*words: str) -> list[int]:
        return [row["number"] for row in say("trades", "-c", config, "--json", *words).document]

    assert [2] == numbers("--symbol", "eth")
    assert [2] == numbers("--limit", "1")
    assert "... and 1 before these: --limit" in say("trades", "-c", config, "--limit", "1").out


def test_one_trade_is_told_from_the_clusters_first_sight_to_flat(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("trades", "1", "-c", str(a_config(tmp_path)))
    told = " ".join(said.out.split())
    steps = [
        "Trade 1 BTCUSDT LONG hunt +1.45 USDT +0.03 R held 1 h 2026-01-01",
        "cluster short 89,366.2 first seen (25x, 1.2 M USD, strength 0.73)",
        "signal entry 89,175.2 stop 88,750.0 target 89,365.0 pays 1.70",
        "risk approved: 0.010 coins, 50.00 USDT at risk, notional 891.75",
        "order entry 89,175.2 intended, client id c1, written before sending",
        "fill entry buy 0.010 at 89,175.2 (slippage +0.0 bps, fee 0.45)",
        "order stop 88,750.0 confirmed after 0.2 s",
        "cluster active after 12 readings",
        "position flat, books agree",
        "won 1.90, fees 0.45, funding 0.00: net +1.45",
    ]

    assert steps == sorted(steps, key=told.find)
    assert all(step in told for step in steps)
    assert max(len(line) for line in said.out.splitlines()) <= 80

    document = say("trades", "1", "-c", str(a_config(tmp_path)), "--json").document

    assert 1 == document["number"]
    assert {"at", "topic", "text"} == set(document["story"][0])


def test_a_number_that_is_none_is_a_usage_error(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("trades", "9", "-c", str(a_config(tmp_path)))

    assert 2 == said.code
    assert "There is no trade 9." in said.err
    assert "2 trades closed so far" in said.err
