"""The whole bot behind the HTTP feed in virtual time: what faults of a provider do to trades."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from bot.clock import seeded_random
from bot.heatmap.listing import listing
from bot.heatmap.poller import HttpFeed
from bot.model.account import HoldCause, OperatingState
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.heatmap import Reading
from bot.model.order import Leg, OrderStatus
from bot.model.primitives import Millis, PositionSide
from bot.model.settings import CoreSettings
from bot.model.wiring import HeatmapSettings
from tests.fakes import sim_scenarios as scenarios
from tests.fakes.heatmap_scene import Scene, SceneCluster, SceneSymbol
from tests.fakes.heatmap_transport import BASE_URL, SceneTransport
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life, Plan
from tests.fakes.sim_exchange import World
from tests.fakes.sim_market import BASE, LEVEL, T0, Script, a_reading, a_row, mark_on, rows_at
from tests.fakes.sim_runs import Story

HOUR_S: Final = 3600.0
LATE_UP: Final = ((0.0, BASE), (60.0, BASE), (63.0, 101_200.0))
NEVER_S: Final = 1e7


@dataclass
class FollowedSymbol(SceneSymbol):
    """A symbol at the provider whose price is the market's."""

    now: Callable[[], float] = lambda: BASE

    @property
    def price(self) -> float:
        return self.now()


class Provider:
    """A provider on the script's prices that goes wrong from one second to another."""

    def __init__(
        self, *, from_s: float, to_s: float, fault: str = "", latency_s: float = 0.1
    ) -> None:
        clusters = [
            SceneCluster(row.side, row.level, notional=row.notional_usd, strength=row.strength)
            for row in rows_at(BASE)
        ]
        self._life: Life | None = None
        symbol = FollowedSymbol(clusters, [BASE], now=self._mark)
        self.transport = SceneTransport(Scene({"BTCUSDT": symbol}), latency_s=0.1)
        self._acts = ((from_s, fault, latency_s), (to_s, "", 0.1))

    async def poll(self, life: Life) -> None:
        """The bot's feed, which asks it."""
        self._life = life
        feed = HttpFeed(
            HeatmapSettings(base_url=BASE_URL),
            [listing(BTC)],
            clock=life.clock,
            uniform=seeded_random(1).uniform,
            open_transport=self.transport.open,
        )
        await feed.run(life.inbox.put)

    async def go_wrong(self, life: Life) -> None:
        """Be another, and then well again."""
        for at_s, fault, latency_s in self._acts:
            await life.clock.sleep(at_s - life.second)
            self.transport.fault, self.transport.latency_s = fault, latency_s

    def asked(self, from_s: float, to_s: float) -> int:
        """How often the main route was asked within a span."""
        return sum(from_s < at < to_s for at in self.transport.times("/api/heatmap/BTCUSDT"))

    def _mark(self) -> float:
        assert self._life is not None, "it is asked while the bot lives"
        return mark_on(self._life.plan.script.path, self._life.second)


def story_with(provider: Provider, *, seconds: float, price_every_s: float = 1.0) -> Story:
    script = Script(path=LATE_UP, read_every_s=NEVER_S, price_every_s=price_every_s)
    tasks = (provider.poll, provider.go_wrong)
    return Story(Plan(script=script, outside=World(), tasks=tasks), seconds=seconds)


def test_h03_a_black_hole_holds_entries_and_leaves_one_request_hanging_at_most() -> None:
    provider = Provider(from_s=12.0, to_s=90.0, latency_s=NEVER_S)
    story = story_with(provider, seconds=150.0)
    began, ended = story.held(HoldCause.HEATMAP_STALE)

    assert [ClosedBy.TARGET] == story.closed_by
    assert 30.0 <= began <= 33.0
    assert 90.0 <= ended <= 150.0
    assert 1 == len(story.entries)
    assert 1 == provider.transport.under_way_max["/api/heatmap/BTCUSDT"]
    assert OperatingState.TRADING is story.life.state.operation.state


def test_h30_a_host_that_wants_an_hour_of_quiet_has_it_and_exits_are_managed() -> None:
    provider = Provider(from_s=12.0, to_s=18.0, fault="h30_429")
    story = story_with(provider, seconds=HOUR_S + 60.0, price_every_s=3.0)
    began, ended = story.held(HoldCause.HEATMAP_STALE)

    assert [ClosedBy.TARGET] == story.closed_by
    assert 30.0 <= began <= 36.0
    assert HOUR_S + 12.0 <= ended <= HOUR_S + 25.0
    assert 0 == provider.asked(18.0, HOUR_S + 12.0)
    assert 1 == len(story.entries)


def resting() -> CoreSettings:
    """Only entries that rest before a cluster, for a quarter of an hour."""
    settings = scenarios.hunting(enabled=False)
    levels = replace(settings.strategies.levels, mode="pre_touch")
    return replace(
        settings,
        strategies=replace(settings.strategies, levels=levels),
        orders=replace(settings.orders, entry_timeout_s=900.0),
    )


def test_h01_five_minutes_of_silence_cancel_an_entry_that_rests_on_a_cluster() -> None:
    silent_s = 80.0

    def reading(_: float, mark: float) -> Reading:
        support = a_row(PositionSide.LONG, 99_700.0, 9e6, 0.9, mark)
        return a_reading(mark, (support, a_row(PositionSide.SHORT, LEVEL + 500, 1e6, 0.6, mark)))

    script = Script(reading=reading, readings_end=silent_s)
    story = Story(Plan(script=script, outside=World(), settings=resting()), seconds=450.0)
    rows = [row for row in story.orders(0.0, 450.0) if row.request.leg is Leg.ENTRY]
    ended_at = next(row.updated_at for row in rows if row.status is OrderStatus.CANCELED)

    assert [BracketStatus.ABANDONED] == [row.status for row in story.brackets]
    assert 1 == len(story.entries)
    assert silent_s - 5.0 + 300.0 <= (ended_at - Millis(T0)) / 1000 <= silent_s + 305.0
