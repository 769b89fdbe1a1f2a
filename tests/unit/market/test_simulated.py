"""The embedded market as a market: pace, checkpoints, and the same prices after a kill."""

import asyncio
from pathlib import Path

import pytest

from bot.clock import LoopClock, run_virtual
from bot.market import checkpoint
from bot.market.simulated import SimulatedMarket, World
from bot.model.events import Event, PriceMoved
from bot.model.primitives import Millis
from tests.fakes.worlds import BTC, ETH, START, LineWorld, a_world

Told = list[Event]


def play(
    world: World,
    *,
    file: Path | None = None,
    seconds: float,
    resume_at: int | None = None,
    speed: float = 60.0,
    every_s: int = 600,
    said: list[str] | None = None,
) -> Told:
    """Prepare, run for so many market seconds, stop."""
    told: Told = []
    words = [] if said is None else said

    async def main() -> None:
        market = SimulatedMarket(world=world, file=file, checkpoint_every_s=every_s)
        resume = None if resume_at is None else Millis(resume_at)
        await market.prepare(resume, lambda _share, what: words.append(what))
        clock = LoopClock(start_at=market.start_at(), speed=speed)
        market.keep_time(clock)
        assert market.start_at() >= (resume or START)
        try:
            async with asyncio.timeout(seconds / speed + 1e-6):
                await market.run(told.append)
        except TimeoutError:
            pass

    run_virtual(main())
    return told


def ats(told: Told) -> list[int]:
    return [(event.at - START) // 1_000 for event in told if isinstance(event, PriceMoved)]


def test_every_second_is_told_when_it_is_over() -> None:
    assert list(range(1, 91)) == ats(play(LineWorld(), seconds=90))


@pytest.mark.parametrize("speed", [0.5, 1.0, 60.0, 1_000.0])
def test_the_speed_changes_nothing_but_the_pace(speed: float) -> None:
    assert play(a_world(is_built=False), seconds=70, speed=speed) == play(
        a_world(is_built=False), seconds=70
    )


def test_nothing_is_told_before_its_time() -> None:
    early: list[int] = []

    async def main() -> None:
        market = SimulatedMarket(world=LineWorld(), file=None)
        await market.prepare(None, lambda _share, _what: None)
        clock = LoopClock(start_at=market.start_at(), speed=60.0)
        market.keep_time(clock)

        def hear(event: Event) -> None:
            if event.at > clock.now():
                early.append(event.at)

        try:
            async with asyncio.timeout(2.0):
                await market.run(hear)
        except TimeoutError:
            pass

    run_virtual(main())

    assert [] == early


def test_what_is_late_is_caught_up_with_in_pieces_and_in_order() -> None:
    """A laptop that slept: nothing is dropped, and nobody else waits for the whole of it."""
    told: Told = []
    between: set[int] = set()

    async def main() -> None:
        market = SimulatedMarket(world=LineWorld(), file=None)
        await market.prepare(None, lambda _share, _what: None)
        market.keep_time(LoopClock(start_at=Millis(START + 3_000_000), speed=1.0))
        loop = asyncio.get_running_loop()

        def look() -> None:
            between.add(len(told))
            if len(told) < 3_000:
                loop.call_soon(look)

        loop.call_soon(look)
        try:
            async with asyncio.timeout(0.5):
                await market.run(told.append)
        except TimeoutError:
            pass

    run_virtual(main())

    assert list(range(1, 3_001)) == ats(told)
    assert len(between) >= 10


def test_the_market_goes_on_after_a_kill_as_if_nothing_had_happened(tmp_path: Path) -> None:
    """kill -9 leaves the checkpoint of some minutes ago; the ledger ends a little later."""
    file = tmp_path / "market.checkpoint"
    whole = play(a_world(BTC, ETH, is_built=False), seconds=1_300)
    play(a_world(BTC, ETH, is_built=False), file=file, seconds=700, every_s=300)
    killed = a_world(BTC, ETH, is_built=False)
    content = checkpoint.read(file)
    assert content is not None
    killed.restore(content)
    ledger_end = START + 1_000_400

    after = play(a_world(BTC, ETH, is_built=False), file=file, seconds=300, resume_at=ledger_end)

    expected = [event for event in whole if ledger_end < event.at <= ledger_end + 300_000]
    assert expected == after
    assert killed.at <= START + 700_000


def test_a_ledger_that_ends_before_the_checkpoint_goes_on_from_the_checkpoint(
    tmp_path: Path,
) -> None:
    file = tmp_path / "market.checkpoint"
    play(LineWorld(), file=file, seconds=100)
    told = play(LineWorld(), file=file, seconds=10, resume_at=START + 40_000)

    assert list(range(101, 111)) == ats(told)


def test_without_a_checkpoint_the_market_is_simulated_again_and_says_so(tmp_path: Path) -> None:
    file, said = tmp_path / "market.checkpoint", list[str]()
    world = LineWorld()
    told = play(world, file=file, seconds=5, resume_at=START + 5_000_000, said=said)

    assert list(range(5_001, 5_006)) == ats(told)
    assert 1 == world.built
    assert "no checkpoint" in said[0]
    assert "simulating up to where it stopped" in said


def test_a_damaged_checkpoint_is_not_trusted(tmp_path: Path) -> None:
    file, said = tmp_path / "market.checkpoint", list[str]()
    file.write_bytes(b"half of a file")
    told = play(LineWorld(), file=file, seconds=3, resume_at=START + 60_000, said=said)

    assert [61, 62, 63] == ats(told)
    assert "not a whole checkpoint" in said[0]


def test_a_checkpoint_of_another_seed_is_not_used(tmp_path: Path) -> None:
    file, said = tmp_path / "market.checkpoint", list[str]()
    play(a_world(seed=3, is_built=False), file=file, seconds=60)
    told = play(
        a_world(seed=4, is_built=False), file=file, seconds=9, resume_at=START + 60_000, said=said
    )

    assert play(a_world(seed=4, is_built=False), seconds=69)[-9:] == told
    assert "another market (seed 3, here 4" in said[0]


def test_a_new_ledger_begins_a_new_market_whatever_lies_about(tmp_path: Path) -> None:
    file = tmp_path / "market.checkpoint"
    play(LineWorld(), file=file, seconds=100)

    assert [1, 2] == ats(play(LineWorld(), file=file, seconds=2))


def test_a_checkpoint_is_written_at_start_now_and_then_and_at_the_end(tmp_path: Path) -> None:
    file = tmp_path / "market.checkpoint"
    seen: list[int] = []

    async def main() -> None:
        market = SimulatedMarket(world=LineWorld(), file=file, checkpoint_every_s=100)
        await market.prepare(None, lambda _share, _what: None)
        market.keep_time(LoopClock(start_at=market.start_at(), speed=1.0))

        def hear(_event: Event) -> None:
            world = LineWorld()
            world.restore(checkpoint.read(file) or [])
            seen.append((world.at - START) // 1_000)

        try:
            async with asyncio.timeout(250.5):
                await market.run(hear)
        except TimeoutError:
            pass
        hear(LineWorld().events()[0])

    run_virtual(main())

    assert [0, 100, 200, 250] == sorted(set(seen))


def test_a_disk_that_refuses_stops_nothing(tmp_path: Path) -> None:
    """The market can always be simulated again; only the next start takes longer."""
    file = tmp_path / "gone" / "market.checkpoint"

    assert 250 == len(play(LineWorld(), file=file, seconds=250, every_s=100))


def test_history_is_the_worlds_past() -> None:
    async def main() -> int:
        market = SimulatedMarket(world=a_world(is_built=False), file=None)
        await market.prepare(None, lambda _share, _what: None)
        assert {BTC} == set(market.instruments)
        return market.history(BTC).candles[-1].close_at

    assert START == run_virtual(main())
