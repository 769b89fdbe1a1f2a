"""`why`: the first sentence for every state of things, and the numbers behind it."""

from pathlib import Path
from typing import Any

import pytest

from bot.cli.why import best_candidate, first_sentence, would_pass_with
from bot.config import Config
from bot.model.primitives import Symbol
from tests.fakes.verbs import (
    Bot,
    Said,
    a_config,
    a_hold,
    a_look,
    a_position,
    a_refusal_document,
    a_written_ledger,
    running,
    say,
)

BTC = Symbol("BTC/USDT:USDT")


def ask(tmp_path: Path, look: dict[str, Any], *words: str) -> Said:
    config = a_config(tmp_path)
    with running(tmp_path / "data", Bot(look=look)):
        return say("why", "btc", "-c", str(config), *words)


def a_signal_document(denied: dict[str, Any] | None) -> dict[str, Any]:
    return {"strategy": "hunt", "signal": "LONG", "risk_reward": 1.78, "denied": denied}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {},
            (
                "No trade on BTCUSDT now: the best candidate pays 0.62 for 1 risked after costs, "
                "and you ask for 1.50 (risk.min_net_rr)."
            ),
        ),
        (
            {"state": "HOLD", "holds": [a_hold()]},
            (
                "No trade on BTCUSDT: the bot is on HOLD since 09:14:02 because by hand; `liqbot "
                "resume` ends it."
            ),
        ),
        (
            {
                "state": "HOLD",
                "holds": [a_hold(symbol=BTC, needs_operator=False, detail="", cause="price_stale")],
            },
            (
                "No trade on BTCUSDT: it is on HOLD since 09:14:02 because price stale; it ends by "
                "itself with its cause."
            ),
        ),
        (
            {"position": a_position()},
            "A position is open on BTCUSDT (+0.57 R); one per symbol.",
        ),
        ({"price": None}, "No trade on BTCUSDT: no price has been seen yet."),
        (
            {"staleness": "no good heatmap reading for 25 s (502)."},
            "No trade on BTCUSDT: no good heatmap reading for 25 s (502).",
        ),
        (
            {"clusters": []},
            "Nothing to look at: the provider reports no cluster within 3 % of the price.",
        ),
        (
            {
                "refusals": [
                    a_refusal_document(
                        rule="not_active",
                        saw=2,
                        limit=3,
                        numbers={"age_s": 9.0, "age_min_s": 15.0},
                    )
                ]
            },
            "Clusters are still candidates: 2 of 3 readings, 9 of 15 s.",
        ),
        (
            {"signal": a_signal_document(None)},
            (
                "A trade on BTCUSDT qualifies at this moment: hunt LONG pays 1.78 for 1 risked "
                "after costs."
            ),
        ),
        (
            {
                "signal": a_signal_document(
                    a_refusal_document(rule="cool_down", saw=120.0, limit=600.0)
                )
            },
            (
                "No trade on BTCUSDT now: hunt LONG pays 1.78, but cool-down: 2 min seen, limit "
                "10 min (risk.cool_down_s)."
            ),
        ),
        (
            {
                "refusals": [
                    a_refusal_document(rule="too_near", saw=0.42, limit=0.6, numbers={}),
                    a_refusal_document(rule="not_swept", saw=0, limit=1, numbers={}),
                ]
            },
            (
                "No trade on BTCUSDT now: the likeliest (hunt LONG) is refused, too near: 0.42 % "
                "seen, limit 0.60 % (strategies.hunt.distance_min_pct)."
            ),
        ),
        (
            {
                "coverage": 0.174,
                "refusals": [
                    a_refusal_document(
                        rule="warming", numbers={"atr_1m_pct": 0.1, "atr_15m_pct": 0.4}
                    )
                ],
            },
            (
                "No trade on BTCUSDT: the heatmap is still warming up, it explains 17 % of the "
                "open interest, 20 % is asked (heatmap.engine.coverage_min)."
            ),
        ),
        (
            {"refusals": [a_refusal_document(rule="warming", numbers={"atr_1m_pct": 0.1})]},
            ("No trade on BTCUSDT: still warming up, for want of bars to measure volatility with."),
        ),
        (
            {"refusals": [a_refusal_document(rule="no_break", numbers={})]},
            (
                "No trade on BTCUSDT now: nothing has been swept or broken, and no cluster fits a "
                "hunt."
            ),
        ),
    ],
)
def test_the_first_sentence_is_the_reason_that_decides(
    changes: dict[str, Any], expected: str
) -> None:
    assert expected == first_sentence(a_look(**changes), BTC, Config())


def test_the_best_candidate_is_explained_with_what_it_lacks(tmp_path: Path) -> None:
    said = ask(tmp_path, a_look())

    assert 0 == said.code
    assert "hunt      SHORT  long  97,410.0 5.2 M  opposite nearer  11.3 M a %" in said.out
    assert "breakout  -      -                     no fresh break   42 min ago" in said.out
    assert (
        "  entry 98,460.0    stop 98,085.9 (-0.38 %)    target 98,863.7 (+0.41 %)\n"
        "  won 315.01 a coin, lost 511.68 a coin, costs included\n"
        "  it would have to win 62 of 100 times to break even\n"
    ) in said.out
    assert max(len(line) for line in said.out.splitlines()) <= 80


def test_it_says_what_would_pass_and_why_that_is_not_there() -> None:
    look = a_look()
    best = best_candidate(look["refusals"])

    assert best is not None
    assert [
        (
            "a target at 99,316.4 or beyond: the next short cluster is at 99,870.0, but 98,913.2 "
            "stands in the way"
        ),
        (
            "or a stop at 98,387.8 or nearer: refused too, 0.07 % is inside the noise "
            "(smallest stop 0.15 %)"
        ),
    ] == would_pass_with(best, look)


def test_without_a_next_cluster_there_is_nothing_to_wait_for() -> None:
    numbers = a_refusal_document()["numbers"] | {"next_level": None, "stop_needed": 98_200.0}
    best = a_refusal_document(numbers=numbers)

    assert [
        "a target at 99,316.4 or beyond: no other short cluster is in reach",
        (
            "or a stop at 98,200.0 or nearer: but the strategy's own stop lies behind the "
            "structure or one ATR away"
        ),
    ] == would_pass_with(best, a_look())
    assert [] == would_pass_with(a_refusal_document(rule="stop_too_near"), a_look())


def test_levels_that_ride_on_the_price_are_said(tmp_path: Path) -> None:
    said = ask(tmp_path, a_look(is_floating=True, stability=0.42))

    assert "Only paper: levels ride on the price (42 % still there after 60 s)" in said.out


def test_refusals_are_counted_since_the_run_began_or_the_day(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    look = a_look(at="2026-01-01T02:00:00.000Z", started_at="2026-01-01T00:00:00.000Z")

    said = ask(tmp_path, look)

    assert "Since 00:00 on BTCUSDT: 2 trades, 40 refusals" in said.out
    assert "pays too little 31 | too near 9" in said.out


def test_json_holds_the_sentence_and_all_numbers(tmp_path: Path) -> None:
    document = ask(tmp_path, a_look(), "--json").document

    assert "pays 0.62" in document["sentence"]
    assert "pays_too_little" == document["best"]["rule"]
    assert 2 == len(document["would_pass_with"])
    assert document["is_running"]
    assert 3 == len(document["refusals"])


def test_a_bot_that_is_down_is_explained_from_the_ledger(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("why", "ETHUSDT", "-c", str(a_config(tmp_path)))
    held = say("why", "BTCUSDT", "-c", str(a_config(tmp_path)), "--json").document

    assert "No trade on ETHUSDT: no price has been seen yet." in said.out
    assert "The bot is not running: this is how it was at 01-01 00:00:00 UTC." in said.out
    assert held["sentence"].startswith("A position is open on BTCUSDT")
    assert not held["is_running"]
    assert {"pays_too_little", "too_near"} == {row["rule"] for row in held["refusals"]}


def test_a_symbol_that_is_not_traded_is_named_with_its_line(tmp_path: Path) -> None:
    config = a_config(tmp_path, "mode: paper\nsymbols:\n  - ETHUSDT\n")

    said = say("why", "BTCUSDT", "-c", str(config))

    assert 2 == said.code
    assert f"{config}:2  BTCUSDT is not in symbols: ETHUSDT." in said.err


def test_without_a_bot_and_a_ledger_the_start_is_named(tmp_path: Path) -> None:
    said = say("why", "BTCUSDT", "-c", str(a_config(tmp_path)))

    assert 73 == said.code
    assert "no ledger here yet" in said.err
