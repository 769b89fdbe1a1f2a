"""The real bot on a real line, killed at random moments again and again: the exchange looks on."""

from pathlib import Path
from typing import Final

import msgspec

from bot.clock import seeded_random
from tests.fakes.emu_process import EmulatorProcess
from tests.fakes.live_books import bare, held_at
from tests.fakes.live_process import HOT, Live, agreed

SPEED: Final = 40.0
PROTECTED_WITHIN_S: Final = 10.0
"""Of this machine's time, from the start of a life until every position has its stop."""
READY_WITHIN_S: Final = 30.0
RESUMED_EVERY: Final = 3
"""Three ends like these in ten minutes are a crash loop, after which the bot only protects."""
STARTING_S: Final = 1.2
LIVING_S: Final = 1.2
SAID_WITHIN_S: Final = 1.2
THEN_S: Final = 0.05
"""About as long as it takes from the intent to the stop."""
MOMENTS: Final = ("starting", "living", "ENTRY", "ENTRY", "FILLED", "EXIT")
"""In the middle of a start, at any time after it, or just after something was said."""
QUICK: Final = {"strategies": {**HOT, "hunt": HOT["hunt"] | {"time_stop_s": 60.0}}}


class Killed(msgspec.Struct, frozen=True, kw_only=True):
    """What a battery of kills has met."""

    kills: int
    kills_with_position: int
    kills_while_bare: int
    """A position had no stop, or not for all of it, at the instant of the kill."""
    longest_bare_s: float
    """From the start of a life to the last stop, where one was missing."""
    fills: int
    trades: int

    def __str__(self) -> str:
        return (
            f"{self.kills} kills, {self.kills_with_position} of them with a position, "
            f"{self.kills_while_bare} without its stop; bare at most {self.longest_bare_s:.1f} s "
            f"of a start; {self.fills} fills, {self.trades} closed trades"
        )


def battery(folder: Path, exchange: str, *, kills: int, seed: int) -> Killed:
    """Kill a bot so many times, each life as long as chance will have it; books agree at the end.

    Raises AssertionError where a position stays without a stop longer than a start needs, where
    the two books differ, or where a bracket has two entries.
    """
    with EmulatorProcess(folder, exchange=exchange, speed=SPEED) as emulator:
        live = Live(folder, emulator, **QUICK)
        try:
            return _killed(live, kills=kills, seed=seed)
        finally:
            live.close()


def _killed(live: Live, *, kills: int, seed: int) -> Killed:
    chance = seeded_random(seed)
    with_position = while_bare = 0
    longest_s = 0.0
    was_bare = False
    for number in range(kills):
        live.start()
        if was_bare:
            longest_s = max(longest_s, live.protected_after_s(PROTECTED_WITHIN_S))
        is_resumed = number % RESUMED_EVERY == 0
        moment = chance.choice(MOMENTS[1:] if is_resumed else MOMENTS)
        if moment == "starting":
            live.listen(chance.uniform(0.0, STARTING_S))
        else:
            live.hear("ready in", READY_WITHIN_S)
            if is_resumed:
                live.resume()
            if moment == "living":
                live.listen(chance.uniform(0.0, LIVING_S))
            elif live.hears(moment, SAID_WITHIN_S):
                live.listen(chance.uniform(0.0, THEN_S))
        live.kill()
        state = live.emulator.state()
        with_position += bool(held_at(state))
        was_bare = bool(bare(state))
        while_bare += was_bare
    live.start()
    live.hear("ready in", READY_WITHIN_S)
    live.protected_after_s(PROTECTED_WITHIN_S)
    live.listen(1.0)
    _, ledger = agreed(live)
    return Killed(
        kills=kills,
        kills_with_position=with_position,
        kills_while_bare=while_bare,
        longest_bare_s=longest_s,
        fills=len(ledger.fills),
        trades=sum(ledger.closed_by.values()),
    )
