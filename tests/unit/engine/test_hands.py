"""Two lanes a symbol: in order within each, side by side between them, and never for ever."""

import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from bot.clock import LoopClock, run_virtual
from bot.engine.hands import LANE_PATIENCE_S, Hands
from bot.model.commands import CancelOrder, Command, FetchAccount, QueryOrder
from bot.model.events import CancelRejected, Event, OrderMissing, QueryFailed
from bot.model.primitives import ClientOrderId, Millis, Symbol
from bot.ports import Emit

BTC, ETH = Symbol("BTC/USDT:USDT"), Symbol("ETH/USDT:USDT")
HOLE_S = 60.0


class SlowVenue:
    """Answers after a second, a "hole" after a minute, and notes when each command began."""

    def __init__(self, speed: float = 1.0) -> None:
        self.clock = LoopClock(start_at=Millis(0), speed=speed)
        self.begun: list[tuple[int, str]] = []

    async def start(self, emit: Emit) -> None:
        del emit

    async def execute(self, command: Command) -> Event:
        name = "account" if isinstance(command, FetchAccount) else named(command)
        self.begun.append((self.clock.now(), name))
        if name == "bug":
            raise RuntimeError("a bug in the venue")
        await self.clock.sleep(HOLE_S if name == "hole" else 1.0)
        at, client_id = self.clock.now(), ClientOrderId(name)
        if isinstance(command, CancelOrder):
            return CancelRejected(at=at, client_id=client_id, code="", reason="")
        if isinstance(command, QueryOrder):
            return OrderMissing(at=at, client_id=client_id, asked_at=at)
        return QueryFailed(at=at, client_id=None, reason="")

    async def stop(self) -> None:
        return


def named(command: Command) -> str:
    assert isinstance(command, CancelOrder | QueryOrder)
    return command.client_id


def query(symbol: Symbol, name: str) -> QueryOrder:
    return QueryOrder(symbol=symbol, client_id=ClientOrderId(name))


def cancel(symbol: Symbol, name: str) -> CancelOrder:
    return CancelOrder(symbol=symbol, client_id=ClientOrderId(name))


def begun_with(
    commands: Sequence[Command], *, speed: float = 1.0
) -> tuple[list[tuple[int, str]], list[Event]]:
    """When each of them began, and the answers in the order they came."""

    async def main() -> tuple[list[tuple[int, str]], list[Event]]:
        venue, answers = SlowVenue(speed), list[Event]()
        hands = Hands(venue=venue, emit=answers.append, speed=speed)
        task = asyncio.get_running_loop().create_task(hands.run())
        await hands.ready()
        for command in commands:
            hands.submit(command)
        assert len(commands) == hands.in_flight
        await hands.drain()
        assert hands.in_flight == 0
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        return venue.begun, answers

    return run_virtual(main())


def test_a_symbol_is_served_in_order_and_symbols_side_by_side() -> None:
    begun, answers = begun_with([cancel(BTC, "a"), cancel(BTC, "b"), cancel(ETH, "c")])

    assert [(0, "a"), (0, "c"), (1000, "b")] == begun
    assert ["a", "c", "b"] == [e.client_id for e in answers if isinstance(e, CancelRejected)]


def test_questions_do_not_wait_for_writes_nor_writes_for_questions() -> None:
    fetch = FetchAccount(symbol=Symbol(""), fills_since=Millis(0))
    begun, _ = begun_with([cancel(BTC, "a"), query(BTC, "b"), fetch, query(BTC, "c")])

    assert [(0, "a"), (0, "b"), (0, "account"), (1000, "c")] == begun


def test_e21_a_write_follows_the_answer_to_the_one_before_it() -> None:
    """Cancel, then close: a resting target would hold the quantity that the close asks for."""
    begun, answers = begun_with([cancel(BTC, "target"), cancel(BTC, "close")])

    assert [(0, "target"), (1000, "close")] == begun
    assert ["target", "close"] == [e.client_id for e in answers if isinstance(e, CancelRejected)]


@pytest.mark.parametrize("speed", [1.0, 20.0])
def test_a_write_that_nobody_answers_holds_up_the_next_for_so_long_and_no_longer(
    speed: float,
) -> None:
    begun, answers = begun_with([cancel(BTC, "hole"), cancel(BTC, "stop")], speed=speed)

    assert [(0, "hole"), (int(LANE_PATIENCE_S * 1000), "stop")] == begun
    assert ["stop", "hole"] == [e.client_id for e in answers if isinstance(e, CancelRejected)]


def test_a_bug_in_a_lane_ends_the_run_and_is_never_silent() -> None:
    async def main() -> None:
        hands = Hands(venue=SlowVenue(), emit=lambda _: None)
        async with asyncio.TaskGroup() as group:
            group.create_task(hands.run())
            await hands.ready()
            hands.submit(query(BTC, "bug"))

    with pytest.raises(ExceptionGroup):
        run_virtual(main())
