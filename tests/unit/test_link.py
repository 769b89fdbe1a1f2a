"""The line to an exchange: its time is known before anything is signed."""

import pytest

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import NoAnswerError
from bot.gateway.http import HttpReply, HttpRequest
from bot.link import LOOKS, look_at_clock
from bot.model.primitives import Millis
from tests.fakes.live_connection import START, a_client, a_reply

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
