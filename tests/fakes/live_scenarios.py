"""The stories of a trade, told on the emulator through the live venue."""

from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from tests.fakes.live_world import EmulatedWorld
from tests.fakes.sim_bot import Plan
from tests.fakes.sim_scenarios import Scenario

THIN_USD: Final = Decimal(6_000)
"""The most an order finds at a time, in every second world."""


def live(scenario: Scenario, seed: int, exchange: str) -> tuple[Plan, float]:
    """A story with the emulator for its exchange."""
    plan, seconds = scenario(seed)
    world = EmulatedWorld(exchange)
    if seed % 2:
        world.core.partial_usd = THIN_USD
    return replace(plan, outside=world), seconds
