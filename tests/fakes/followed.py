"""A tracker behind a feed's run: each reading meets the mark of its own instant."""

from collections.abc import Callable

from bot.core.tracker.changes import Changes
from bot.core.tracker.tracker import Tracker
from bot.model.cluster import Cluster, ClusterEvent
from bot.model.events import Event, HeatmapFailed, HeatmapRead, PriceMoved
from bot.model.primitives import ClusterId, Millis
from bot.model.snapshot import SymbolSnapshot
from tests.fakes.heatmap_run import START, FeedRun
from tests.fakes.tracking import BTC, some_settings

MARK = 89_175.0


class Followed:
    """What the tracker made of a run; the mark moves as a function of seconds since the start."""

    def __init__(self, run: FeedRun, mark: Callable[[float], float] = lambda _: MARK) -> None:
        self.tracker = Tracker(settings=some_settings(), snapshot=SymbolSnapshot(symbol=BTC))
        self.problems: list[tuple[float, str]] = []
        """Seconds since the start, and why a reading was not good."""
        self.good_at: list[float] = []
        self.events: list[ClusterEvent] = []
        self.tradable: dict[float, frozenset[ClusterId]] = {}
        """Clusters that might be traded on, second by second."""
        self._mark = mark
        self._next_id = 0
        events: list[tuple[Millis, int, Event]] = [
            (event.at, 1, event)
            for event in run.events
            if isinstance(event, HeatmapRead | HeatmapFailed)
        ]
        last_at = events[-1][0] if events else START
        seconds = range((last_at - START) // 1000 + 2)
        events += [(Millis(START + 1000 * s), 0, self._price(float(s))) for s in seconds]
        for _, _, event in sorted(events, key=lambda entry: entry[:2]):
            self._see(event)

    @property
    def live(self) -> list[Cluster]:
        return self.tracker.live()

    def tradable_at(self, second: float) -> int:
        return len(self.tradable[second])

    def _price(self, second: float) -> PriceMoved:
        mark, before = self._mark(second), self._mark(max(second - 1.0, 0.0))
        return PriceMoved(
            at=Millis(START + round(second * 1000)),
            symbol=BTC,
            mark=mark,
            bid=mark,
            ask=mark,
            last=mark,
            high=max(mark, before),
            low=min(mark, before),
            since_at=Millis(START + round(max(second - 1.0, 0.0) * 1000)),
        )

    def _new_id(self) -> ClusterId:
        self._next_id += 1
        return ClusterId(self._next_id)

    def _see(self, event: Event) -> None:
        second = (event.at - START) / 1000.0
        changes: Changes
        match event:
            case PriceMoved():
                changes = self.tracker.on_price(event)
                self.events += changes.events
                changes = self.tracker.on_time(event.at)
                self.tradable[second] = frozenset(
                    cluster.id
                    for cluster in self.live
                    if self.tracker.is_tradable(cluster, event.at)
                )
            case HeatmapRead():
                mark = self._mark(second)
                changes = self.tracker.on_reading(event, mark, self._new_id, is_floating=False)
                if changes.is_reading_good:
                    self.good_at.append(second)
                else:
                    self.problems.append((second, changes.reading_problem))
            case HeatmapFailed():
                changes = self.tracker.on_failure(event)
                self.problems.append((second, changes.reading_problem))
            case _:
                return
        self.events += changes.events
