"""The stories of a trade: entry, partial fill, stop, and each way out."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec.structs import replace

from bot.model.events import FlattenAsked, HoldAsked
from bot.model.heatmap import Reading
from bot.model.primitives import Millis, PositionSide
from bot.model.settings import CoreSettings
from tests.fakes.sim_bot import SETTINGS, Plan
from tests.fakes.sim_exchange import Outside, World
from tests.fakes.sim_market import BASE, LEVEL, T0, Path, Script, a_reading, a_row, rows_at
from tests.fakes.sim_venue import Line

BAD: Final = Line(
    stream_s=(0.01, 0.6),
    lost_request=0.15,
    lost_reply=0.2,
    late_request=0.15,
    lost_query=0.1,
    duplicate=0.3,
)
"""A third of the requests and replies go astray; updates come twice and out of order."""

UP: Final = ((0.0, BASE), (4.0, BASE), (7.0, 101_200.0))
DOWN: Final = ((0.0, BASE), (4.0, BASE), (6.0, 99_500.0))

Scenario = Callable[[int], tuple[Plan, float]]
"""From a seed to a plan and the seconds it takes."""


def hunting(**fields: object) -> CoreSettings:
    """The settings with some keys of the hunt changed."""
    strategies = SETTINGS.strategies
    return replace(
        SETTINGS, strategies=replace(strategies, hunt=replace(strategies.hunt, **fields))
    )


def risking(settings: CoreSettings, **fields: object) -> CoreSettings:
    """The settings with some keys of the risk changed."""
    return replace(settings, risk=replace(settings.risk, **fields))


def later(plan: Plan, second: float) -> Plan:
    """The same outside, for a life that begins at this second on a good line."""
    return replace(plan, start_s=second, is_first=False, line=Line())


def hold() -> HoldAsked:
    return HoldAsked(at=Millis(0))


def world(seed: int) -> World:
    """An exchange where orders fill in parts, every second one of which finds too little."""
    made = World()
    made.parts = 1 + seed % 3
    if seed % 2:
        made.liquidity = Decimal("0.06")
    return made


def target(seed: int) -> tuple[Plan, float]:
    return Plan(script=Script(path=UP), outside=world(seed), seed=seed), 9.0


def stop(seed: int) -> tuple[Plan, float]:
    return Plan(script=Script(path=DOWN), outside=world(seed), seed=seed), 8.5


def time_stop(seed: int) -> tuple[Plan, float]:
    settings = hunting(time_stop_s=4.0)
    return Plan(script=Script(), outside=world(seed), seed=seed, settings=settings), 7.5


def flatten(seed: int) -> tuple[Plan, float]:
    script = Script(acts=((4.0, lambda: FlattenAsked(at=Millis(0))),))
    return Plan(script=script, outside=world(seed), seed=seed), 7.5


def bad_line(seed: int) -> tuple[Plan, float]:
    path = UP if seed % 2 else DOWN
    return Plan(script=Script(path=path), outside=world(seed), seed=seed, line=BAD), 14.0


def paper_target(seed: int) -> tuple[Plan, float]:
    return Plan(script=Script(path=UP), outside=Outside(), seed=seed), 9.0


def paper_stop(seed: int) -> tuple[Plan, float]:
    return Plan(script=Script(path=DOWN), outside=Outside(), seed=seed), 8.5


def paper_partial(seed: int) -> tuple[Plan, float]:
    """The book empties between the decision and the order's arrival."""
    script = Script(path=UP, price_every_s=0.1, thin_from_s=1.05)
    return Plan(script=script, outside=Outside(), seed=seed), 9.0


def paper_time_stop(seed: int) -> tuple[Plan, float]:
    settings = hunting(time_stop_s=4.0)
    return Plan(script=Script(), outside=Outside(), seed=seed, settings=settings), 7.5


def late_entry(seed: int) -> tuple[Plan, float]:
    """The entry is on its way for two seconds, and asked about meanwhile."""
    line = Line(late_request=1.0, late_s=(2.0, 2.0), until=T0 + 1_100)
    return Plan(script=Script(), outside=world(seed), seed=seed, line=line), 9.0


def lagging(seed: int) -> tuple[Plan, float]:
    """The provider's price is 1.5 % off the market's."""
    script = Script(reading=lambda _, mark: a_reading(mark * 0.985, rows_at(mark)))
    return Plan(script=script, outside=world(seed), seed=seed), 30.0


def held(seed: int) -> tuple[Plan, float]:
    """The operator has said no before the first reading."""
    script = Script(acts=((0.0, hold),))
    return Plan(script=script, outside=world(seed), seed=seed), 8.0


def receding(seed: int) -> tuple[Plan, float]:
    """The cluster's level recedes in the very reading that comes when the price crosses it."""

    def reading(second: float, mark: float) -> Reading:
        level = LEVEL if second < 6.0 else LEVEL * 1.0008
        return a_reading(mark, (a_row(PositionSide.SHORT, level, 9e6, 0.9, mark),))

    path = (
        (0.0, BASE),
        (3.0, BASE),
        (5.0, LEVEL - 60.0),
        (6.0, LEVEL + 50.0),
        (7.0, LEVEL - 200.0),
    )
    return Plan(script=Script(path=path, reading=reading), outside=world(seed), seed=seed), 9.0


def another_cluster(level: float, path: Path, **risk: object) -> Plan:
    """A second cluster that is worth a trade once the first trade is over."""

    def reading(_: float, mark: float) -> Reading:
        more = a_row(PositionSide.SHORT, level, 8e6, 0.9, mark)
        return a_reading(mark, (*rows_at(mark), more))

    settings = replace(SETTINGS, risk=replace(SETTINGS.risk, **risk))
    return Plan(script=Script(path=path, reading=reading), outside=world(2), settings=settings)


def next_cluster(seed: int) -> tuple[Plan, float]:
    """The first trade wins; the next cluster is near within the cool-down."""
    del seed
    return another_cluster(102_400.0, UP), 80.0


def lost_day(seed: int) -> tuple[Plan, float]:
    """The first trade loses more than a day may; the next cluster is near."""
    del seed
    path = ((0.0, BASE), (4.0, BASE), (6.0, 99_600.0))
    return another_cluster(100_800.0, path, day_loss_pct=0.3, cool_down_s=0.0), 80.0
