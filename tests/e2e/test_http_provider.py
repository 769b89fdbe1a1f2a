"""The bot against HTTP providers, process against process: a good one, a floating one, a bad one.

Ten minutes to three hours of a simulated market at 300 times real time.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from bot.engine.replay import Outcome, replay
from bot.model.primitives import Millis
from bot.store.journal import digest_of
from bot.store.reader import Reader
from tests.fakes.heatmap_e2e import HttpRun, Witness
from tests.fakes.heatmap_provider import DOWN, ROTA

GROWTH_MB_MAX = 30.0


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, HttpRun]:
    """The two that nothing goes wrong with, side by side."""
    seconds = {"anchored": 14.0, "riding": 12.0}
    folders = {style: tmp_path_factory.mktemp(style) for style in seconds}

    def made(style: str) -> HttpRun:
        return HttpRun(folders[style], style=style, duration_s=seconds[style])

    with ThreadPoolExecutor() as threads:
        return dict(zip(seconds, threads.map(made, seconds), strict=True))


@pytest.fixture(scope="module")
def anchored(both: Mapping[str, HttpRun]) -> HttpRun:
    return both["anchored"]


@pytest.fixture(scope="module")
def riding(both: Mapping[str, HttpRun]) -> HttpRun:
    return both["riding"]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> HttpRun:
    folder = tmp_path_factory.mktemp("faulty")
    return HttpRun(folder, style="anchored", duration_s=29.0, rota=True)


@pytest.fixture(params=["anchored", "riding", "faulty"])
def run(request: pytest.FixtureRequest) -> HttpRun:
    found: HttpRun = request.getfixturevalue(request.param)
    return found


def replayed(run: HttpRun) -> tuple[Outcome, Witness]:
    """The core's decisions once more, from the journal."""
    witness = Witness()
    with Reader(run.data_dir / "ledger.db") as reader:
        outcome = replay(reader.journal(), digest_of=digest_of, decide=witness.decide)
    return outcome, witness


def first_asked_at(run: HttpRun) -> Millis:
    with Reader(run.data_dir / "ledger.db") as reader:
        [gate] = reader.gates().values()
    assert gate.first_at is not None
    return gate.first_at


def clusters(run: HttpRun) -> list[dict[str, Any]]:
    return [row for name in ("BTCUSDT", "ETHUSDT") for row in run.rows("clusters", name)]


def test_a_run_ends_with_code_0_and_books_that_agree(run: HttpRun) -> None:
    checked = run.verb("db", "check")

    assert 0 == run.exit_code
    assert [] == [line for line in run.lines if "Traceback" in line]
    assert [] == [line for line in run.log if line["level"] in {"error", "critical"}]
    assert 0 == checked.returncode
    assert "sums agree" in checked.stdout


def test_trades_are_made_on_paper_and_each_had_a_confirmed_stop(run: HttpRun) -> None:
    trades = run.rows("trades")

    assert [] != trades
    assert [] == [trade for trade in trades if trade["stop_delay_ms"] is None]


def test_no_entry_is_decided_on_stale_clusters(run: HttpRun) -> None:
    outcome, witness = replayed(run)

    assert outcome.difference is None
    assert [] != witness.entries
    assert [] == [entry for entry in witness.entries if entry.is_held or not entry.is_fresh]


def test_memory_does_not_grow(run: HttpRun) -> None:
    settled, end = run.rss_mb[len(run.rss_mb) // 10], run.rss_mb[-1]

    assert end - settled < GROWTH_MB_MAX


def test_clusters_of_a_good_provider_are_followed_and_its_gate_opens(anchored: HttpRun) -> None:
    [verdict] = anchored.told("provider.judged")

    assert {"active", "touched"} & {row["state"] for row in clusters(anchored)}
    assert verdict["open"]
    assert not verdict["floating"]
    assert anchored.answers["heatmap"]["samples"] >= 200
    assert verdict["at"] - first_asked_at(anchored) >= 3_600_000
    assert "levels stand still" in verdict["reason"]
    assert "levels stand still" in anchored.checked.stdout


def test_levels_that_ride_on_the_price_are_recognized_and_said(riding: HttpRun) -> None:
    [verdict] = riding.told("provider.judged")

    assert verdict["floating"]
    assert not verdict["open"]
    assert verdict["stability"] < 0.7
    assert "levels ride on the price; paper trades are marked" in verdict["reason"]
    assert riding.answers["heatmap"]["floating"]
    assert "ride on the price" in riding.answers["words"]
    assert "levels ride on the price" in riding.checked.stdout
    assert {True} == {row["is_floating"] for row in clusters(riding)}


def test_trades_on_levels_that_ride_on_the_price_carry_the_mark(riding: HttpRun) -> None:
    [verdict] = riding.told("provider.judged")
    signals = riding.told("signal.raised")
    marked = [trade for trade in riding.rows("trades") if trade["is_floating"]]

    assert [] != marked
    assert {(line["at"] >= verdict["at"], line["floating"]) for line in signals} <= {
        (True, True),
        (False, False),
    }


def test_h01_to_h32_every_fault_has_its_turn_and_the_bot_lives_through_all(faulty: HttpRun) -> None:
    numbers = {int(name[1:3]) for name in faulty.turns if name.startswith("h")}

    assert DOWN == faulty.turns[0]
    assert [*ROTA, "all had their turn"] == faulty.turns
    assert numbers == set(range(1, 33)) - {29, 31}


def test_h01_to_h32_hold_begins_and_ends_by_itself_each_time(faulty: HttpRun) -> None:
    """One alert an episode: what was held is released before it is held again."""
    turns = [
        line["event"].removeprefix("operator.")
        for line in faulty.log
        if line["event"] in {"operator.held", "operator.resumed"}
    ]
    first_held = turns.index("held")  # The start itself ends with a "resumed".
    held, resumed = turns[first_held::2], turns[first_held + 1 :: 2]

    assert len(resumed) >= 20
    assert {"held"} == set(held)
    assert {"resumed"} == set(resumed)
    assert {True} == {
        bool(line["where"] and line["remedy"]) for line in faulty.told("heatmap.rejected")
    }
