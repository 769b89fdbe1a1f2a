"""Watching: a stream is followed while it lives, and opened again when it does not."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from bot.clock import LoopClock, run_virtual
from bot.market.attempts import Attempts
from bot.market.pricing import Prices
from bot.market.quotes import Quotes
from bot.market.watching import Watching
from bot.model.events import Event, PriceMoved
from tests.fakes.market_public import BTC, START, Plan, PublicExchange, Wire, of_kind, watched


class Scene:
    """One stream, and what it made the prices tell."""

    def __init__(self, plan: Plan | None = None) -> None:
        self.clock = LoopClock(start_at=START)
        self.exchange = PublicExchange(self.clock)
        self.wire = Wire()
        self.plan = plan or Plan()
        self.events: list[Event] = []
        self.attempts = Attempts(self.clock)
        prices = Prices(
            self.exchange,
            Quotes([BTC]),
            [BTC],
            clock=self.clock,
            poll_s=2.0,
            attempts=self.attempts,
        )
        prices.begin(self.events.append)
        self.watching = Watching(
            self.plan,
            prices,
            open_stream=self.wire.open,
            clock=self.clock,
            attempts=self.attempts,
        )

    async def live(self, seconds: float) -> None:
        await watched(self.watching.run(), seconds, self.clock)

    async def talk(self, seconds: int) -> None:
        for _ in range(seconds):
            self.wire.waiting.put_nowait(self.exchange.tick(BTC))
            await self.clock.sleep(1.0)


def played(story: Callable[[Scene], Coroutine[Any, Any, None]], plan: Plan | None = None) -> Scene:
    async def play() -> Scene:
        scene = Scene(plan)
        await story(scene)
        return scene

    return run_virtual(play())


async def talk_and_live(scene: Scene, seconds: int) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(scene.live(seconds - 0.5))
        await scene.talk(seconds)


def test_what_a_stream_tells_is_told_at_once() -> None:
    async def story(scene: Scene) -> None:
        await talk_and_live(scene, 10)

    scene = played(story)
    moved: list[PriceMoved] = of_kind(scene.events, PriceMoved)

    assert [START + 1_000 * second for second in range(10)] == [event.at for event in moved]
    assert [{"op": "subscribe"}] == scene.wire.sent
    assert [Plan.url] == scene.wire.opened


def test_a_broken_stream_is_opened_again() -> None:
    async def story(scene: Scene) -> None:
        scene.wire.waiting.put_nowait("break")
        await talk_and_live(scene, 10)

    scene = played(story)

    assert 2 == len(scene.wire.opened) == scene.plan.begun
    assert of_kind(scene.events, PriceMoved)


def test_streams_that_are_refused_are_tried_ever_more_slowly() -> None:
    async def story(scene: Scene) -> None:
        scene.wire.refusals = 100
        await scene.live(300.0)

    assert 5 + 9 == len(played(story).wire.opened)


def test_a_message_that_nobody_foresaw_ends_the_stream_and_not_the_watch() -> None:
    async def story(scene: Scene) -> None:
        scene.wire.waiting.put_nowait(KeyError("e"))
        await talk_and_live(scene, 5)

    scene = played(story)

    assert 1 == scene.attempts.failures["streamed ticks"]
    assert of_kind(scene.events, PriceMoved)


def test_a_stream_on_which_nothing_comes_is_dead() -> None:
    async def story(scene: Scene) -> None:
        await scene.live(70.0)

    scene = played(story)

    assert 2 == len(scene.wire.opened)


def test_a_stream_is_kept_open_where_it_needs_that() -> None:
    async def story(scene: Scene) -> None:
        await talk_and_live(scene, 50)

    scene = played(story, Plan(ping={"op": "ping"}))

    assert [{"op": "subscribe"}, {"op": "ping"}, {"op": "ping"}] == scene.wire.sent
