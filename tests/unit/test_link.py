"""The line to an exchange: its time is known before anything is signed."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
import structlog
from msgspec.structs import replace

from bot.clock import LoopClock, run_virtual
from bot.config import Config, load
from bot.errors import ConfigError, UnavailableError
from bot.gateway.failures import NoAnswerError
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.time import Readings
from bot.link import LOOKS, Link, connect, look_at_clock
from bot.model.account import HoldCause
from bot.model.events import Event, TroubleSeen
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import ExchangeSettings
from bot.sim.emulator.faults import Kind, Ordered
from bot.venue.profiles import profile_of
from tests.fakes.live_connection import START, a_client, a_reply
from tests.fakes.live_served import BTC, ETH, SPEED, ServedExchange, serving
from tests.fakes.sim_process import free_port

T = TypeVar("T")

AHEAD_MS = 77_000
"""The exchange's clock is so much ahead of what is assumed at first."""


class Opening:
    """A line whose first answer is late by the opening of it; some replies are lost before."""

    def __init__(self, *, lost: int) -> None:
        self.clock = LoopClock(start_at=Millis(START + AHEAD_MS))
        self.lost = lost
        self.asked = 0

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        del request, timeout_s
        self.asked += 1
        if self.asked <= self.lost:
            raise NoAnswerError("the connection was closed before a reply came")
        is_first = self.asked == self.lost + 1
        await self.clock.sleep(3.0 if is_first else 0.04)
        return a_reply({"serverTime": self.clock.now()})

    async def close(self) -> None:
        """Nothing is held."""


def error_ms(*, lost: int) -> int:
    """How far our clock is off once it has been looked at."""

    async def main() -> int:
        line = Opening(lost=lost)
        client = a_client(line)
        await look_at_clock(client)
        return abs(client.clock.exchange_now() - line.clock.now())

    return run_virtual(main())


def test_what_the_opening_of_the_line_costs_is_no_error_of_the_clock() -> None:
    assert error_ms(lost=0) <= 100


@pytest.mark.parametrize("lost", range(1, LOOKS))
def test_a_lost_look_is_made_up_for(lost: int) -> None:
    assert error_ms(lost=lost) <= 1_600


def test_an_exchange_that_tells_no_time_is_not_there() -> None:
    with pytest.raises(NoAnswerError):
        error_ms(lost=LOOKS)


# --- opened and closed


@pytest.fixture(params=["binanceusdm", "bybit"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    with serving(request.param) as exchange:
        yield exchange


def opened(
    config: Config,
    look: Callable[[Link], T],
    report: Callable[[float, str], None] = lambda _share, _what: None,
) -> T:
    """Connect, look, hang up; nothing may be left of the line."""

    async def main() -> T:
        try:
            link = await connect(config, None, report)
            found = look(link)
            await link.close()
        finally:
            await asyncio.sleep(0)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left
        return found

    return asyncio.run(main())


def test_a_line_knows_the_exchanges_time_and_markets(
    served: ServedExchange, tmp_path: Path
) -> None:
    config, said = load(served.config(tmp_path, mode="paper")), list[str]()

    def look(link: Link) -> tuple[int, float, dict[Symbol, str]]:
        off_ms = abs(link.clock.now() - served.clock.now())
        return off_ms, link.clock.speed, link.ids(dict.fromkeys((BTC, ETH, Symbol("no"))))

    off_ms, speed, ids = opened(config, look, lambda _, what: said.append(what))

    assert off_ms < 5_000, "market ms, of which 20 pass in one"
    assert SPEED == speed
    assert {BTC: "BTCUSDT", ETH: "ETHUSDT"} == ids
    assert said[0].startswith("connecting to ")


def test_an_exchange_that_is_not_there_is_told_with_its_address(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    path = tmp_path / "config.yaml"
    text = f'market: {{source: exchange}}\nexchange: {{base_url: "{address}"}}\n'
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnavailableError, match="does not answer") as caught:
        opened(load(path), lambda _: None)

    assert (address, 69) == (caught.value.where, caught.value.exit_code)
    assert ".." not in caught.value.what
    assert "status page" in caught.value.remedy


def test_an_exchange_that_answers_nonsense_is_told_and_hung_up(
    served: ServedExchange, tmp_path: Path
) -> None:
    config = load(served.config(tmp_path, mode="paper"))
    nonsense = Ordered(kind=Kind.HTML, times=1_000)
    served.do(lambda: served.faults.ordered.append(nonsense))
    with pytest.raises(UnavailableError, match="does not answer"):
        opened(config, lambda _: None)


def test_a_name_that_no_exchange_has_is_a_mistake_of_the_configuration() -> None:
    """The file's own check has said so before; nothing is opened here either."""
    config = replace(Config(), exchange=ExchangeSettings(id="binanse"))
    with pytest.raises(ConfigError, match="binanse"):
        opened(config, lambda _: None)


# --- what happens to the machine's clocks


class Machine:
    """Clocks of a machine that sleeps for ten minutes, and whose wall clock is set."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> Readings:
        self.looks += 1
        slept_s = 600.0 if self.looks > 2 else 0.0
        set_ms = 5_000 if self.looks > 4 else 0
        at_s = float(self.looks)
        return Readings(at_s + slept_s, at_s, Millis(int((at_s + slept_s) * 1_000) + set_ms))


def test_e51_a_machine_that_slept_is_told_to_the_core_and_a_set_wall_clock_is_not() -> None:
    """All that is known is old after a sleep; market time does not follow the wall clock."""
    told: list[Event] = []

    async def main() -> int:
        client = a_client(Opening(lost=0))
        link = Link(
            profile=profile_of("binanceusdm"),
            client=client,
            clock=client.clock,
            limiter=client.limiter,
            read_clocks=Machine(),
        )
        before = client.clock.now()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(6.0):
                await link.watch_clocks(told.append)
        return client.clock.now() - before

    with structlog.testing.capture_logs() as logs:
        passed_ms = run_virtual(main())
    (event,) = told

    assert isinstance(event, TroubleSeen)
    assert HoldCause.CLOCK_JUMPED is event.cause
    assert "the machine was asleep for 600 s" == event.detail
    assert 606_000 == passed_ms, "market time has gone on meanwhile"
    assert ["clock.stepped"] == [entry["event"] for entry in logs]
