"""Refusals are summed up for a person: candidates, not looks at them."""

from typing import Any

import structlog

from bot.model.events import Event, Ticked
from bot.model.facts import Decision, Refused
from bot.model.primitives import ClusterId, Millis, Symbol
from bot.model.signal import Refusal, Rule, Strategy
from bot.narrator import REFUSALS_TOLD_EVERY_MS, Narrator

BTC = Symbol("BTC/USDT:USDT")
T0 = Millis(1_767_225_600_000)


def refused(at: int, rule: Rule, cluster: int = 1) -> tuple[Event, Decision]:
    refusal = Refusal(
        symbol=BTC,
        strategy=Strategy.HUNT,
        rule=rule,
        cluster_id=ClusterId(cluster),
        first_at=Millis(at),
        at=Millis(at),
    )
    return Ticked(at=Millis(at)), Decision(facts=(Refused(refusal=refusal),))


def told(*entries: tuple[Event, Decision]) -> list[Any]:
    with structlog.testing.capture_logs() as logs:
        narrator = Narrator()
        narrator.tell(entries)
        narrator.tell([(Ticked(at=Millis(T0 + REFUSALS_TOLD_EVERY_MS)), Decision())])
    return [entry for entry in logs if entry["event"] == "candidates.refused"]


def test_a_candidate_looked_at_often_counts_once_for_each_rule() -> None:
    looks = [refused(T0 + n * 5_000, Rule.TOO_FAR) for n in range(50)]
    (entry,) = told(*looks, refused(T0, Rule.TOO_NEAR), refused(T0, Rule.TOO_FAR, cluster=2))

    assert {"too_far": 2, "too_near": 1} == entry["rules"]
    assert (3, 10) == (entry["count"], entry["minutes"])


def test_waiting_for_a_sweep_or_a_break_refuses_no_candidate() -> None:
    assert [] == told(refused(T0, Rule.NO_BREAK), refused(T0, Rule.NOT_SWEPT))
