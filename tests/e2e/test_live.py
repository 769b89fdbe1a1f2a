"""The real bot trades live on the emulated exchanges, process against process; books agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bot.clock import seeded_random
from tests.fakes.emu_process import EmulatorProcess
from tests.fakes.live_process import Live, agreed

EXCHANGES = ("binanceusdm", "bybit")
SPEED = 40.0
PROTECTED_WITHIN_S = 10.0


@contextmanager
def trading(
    folder: Path, exchange: str, *, options: dict[str, Any] | None = None, **sections: Any
) -> Iterator[Live]:
    """A running emulator, and a bot for it that is not started yet."""
    with EmulatorProcess(folder, exchange=exchange, speed=SPEED, **options or {}) as emulator:
        live = Live(folder, emulator, **sections)
        try:
            yield live
        finally:
            live.close()


def closes(live: Live, count: int, within_s: float) -> None:
    """Wait until so many more closed trades were told of."""
    wanted = live.said.count("CLOSED") + count
    for _ in range(round(within_s)):
        live.listen(1.0)
        if live.said.count("CLOSED") >= wanted:
            return
    raise AssertionError(f"not {count} more closed trades: {live.said}")


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_trades_open_and_close_and_both_books_say_the_same(tmp_path: Path, exchange: str) -> None:
    with trading(tmp_path, exchange) as live:
        live.start()
        closes(live, 4, within_s=120.0)
        state, ledger = agreed(live)

    assert ledger.closed_by["stop"], ledger.closed_by
    assert {"trigger", "client"} <= {row["origin"] for row in state["trades"]}
    assert 8 <= len(ledger.fills)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_twentieth_of_the_replies_is_lost_and_both_books_say_the_same(
    tmp_path: Path, exchange: str
) -> None:
    with trading(tmp_path, exchange, options={"lost_replies": 0.05}) as live:
        live.start()
        closes(live, 4, within_s=120.0)
        state, ledger = agreed(live)

    assert 20 <= state["faults"]["counts"]["lost_reply"]
    assert 8 <= len(ledger.fills)


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_killed_in_the_middle_of_trades_and_of_lost_replies_both_books_say_the_same(
    tmp_path: Path, exchange: str
) -> None:
    chance = seeded_random(3)
    with trading(tmp_path, exchange, options={"lost_replies": 0.05}) as live:
        for words in ("ENTRY", "FILLED", "STOP  ", "TARGET", "ENTRY"):
            live.start()
            live.hear("ready in", 30.0)
            live.protected_after_s(PROTECTED_WITHIN_S)
            live.resume()
            live.hears(words, 4.0)
            live.listen(chance.uniform(0.0, 0.3))
            live.kill()
        live.start()
        live.hear("ready in", 30.0)
        live.protected_after_s(PROTECTED_WITHIN_S)
        live.resume()
        closes(live, 1, within_s=120.0)
        agreed(live)
