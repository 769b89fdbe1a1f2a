"""One symbol's tracker with a clock, a price and a provider that a test writes like a playbook."""

from bot.core.tracker.changes import Changes
from bot.core.tracker.tracker import Tracker
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind
from bot.model.events import HeatmapFailed, HeatmapRead, PriceMoved
from bot.model.heatmap import Reading, ReadingFailure, Row
from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol
from bot.model.settings import CoreSettings, TrackerSettings
from bot.model.snapshot import SymbolSnapshot

BTC = Symbol("BTC/USDT:USDT")
START = Millis(1_770_000_000_000)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


def some_settings(
    *, poll_period_s: float = 5.0, tracker: TrackerSettings | None = None
) -> CoreSettings:
    """Default settings for one symbol."""
    return CoreSettings(
        instance="test",
        symbols=(BTC,),
        poll_period_s=poll_period_s,
        tracker=tracker or TrackerSettings(),
    )


def a_row(
    level: float,
    side: PositionSide = SHORT,
    *,
    tier: float | None = 25.0,
    notional: float = 1e6,
    strength: float = 0.8,
    provider_id: int | None = None,
) -> Row:
    """A row as an HTTP provider sends it: without a band."""
    return Row(
        level=level,
        side=side,
        notional_usd=notional,
        strength=strength,
        low=level,
        high=level,
        leverage_tier=tier,
        provider_id=provider_id,
    )


def a_cluster(
    level: float = 101.0, side: PositionSide = SHORT, *, cluster_id: int = 1, age_s: float = 3600.0
) -> Cluster:
    """A candidate first seen `age_s` before START and last seen at START."""
    return Cluster(
        id=ClusterId(cluster_id),
        symbol=BTC,
        side=side,
        anchor_level=level,
        level=level,
        low=level,
        high=level,
        leverage_tier=25.0,
        notional_usd=1e6,
        strength=0.8,
        first_seen_at=Millis(START - int(age_s * 1000)),
        last_seen_at=START,
    )


class TrackedSymbol:
    """A playbook: every step moves the clock, and what happened is kept."""

    def __init__(
        self,
        *,
        price: float = 100.0,
        settings: CoreSettings | None = None,
        snapshot: SymbolSnapshot | None = None,
        at: Millis = START,
        next_id: int = 1,
    ) -> None:
        self.settings = settings or some_settings()
        self.tracker = Tracker(
            settings=self.settings, snapshot=snapshot or SymbolSnapshot(symbol=BTC)
        )
        self.at = at
        self.mark = price
        self.events: list[ClusterEvent] = []
        self.rows: dict[ClusterId, Cluster] = {c.id: c for c in self.tracker.snapshot_clusters()}
        """What a ledger would hold."""
        self.is_floating = False
        self.next_id = next_id
        self.sequence = 0

    def new_id(self) -> ClusterId:
        """The next cluster id."""
        self.next_id += 1
        return ClusterId(self.next_id - 1)

    def waits(self, seconds: float) -> Changes:
        """Time passes and the timers run."""
        self.at = Millis(self.at + int(seconds * 1000))
        return self.keeps(self.tracker.on_time(self.at))

    def price(
        self,
        mark: float,
        *,
        after_s: float = 1.0,
        high: float | None = None,
        low: float | None = None,
        since_s: float | None = None,
        last: float | None = None,
        is_recovery: bool = False,
        is_complete: bool = True,
    ) -> Changes:
        """The mark moves; the window reaches back `since_s` (default: to the step before)."""
        self.at = Millis(self.at + int(after_s * 1000))
        since = self.at - int((after_s if since_s is None else since_s) * 1000)
        self.mark = mark
        event = PriceMoved(
            at=self.at,
            symbol=BTC,
            mark=mark,
            bid=mark,
            ask=mark,
            last=mark if last is None else last,
            high=mark if high is None else high,
            low=mark if low is None else low,
            since_at=Millis(since),
            is_recovery=is_recovery,
            is_complete=is_complete,
        )
        return self.keeps(self.tracker.on_price(event))

    def reads(
        self,
        *rows: Row,
        after_s: float = 5.0,
        price: float | None = None,
        sequence: int | None = None,
        key: str = "",
        server_age_s: float | None = None,
        is_warming: bool = False,
        atr_1m_pct: float | None = None,
    ) -> Changes:
        """A reply arrives; its price is the mark unless said otherwise."""
        self.at = Millis(self.at + int(after_s * 1000))
        self.sequence += 1
        event = HeatmapRead(
            at=self.at,
            asked_at=self.at,
            sequence=self.sequence if sequence is None else sequence,
            reading=Reading(
                symbol=BTC,
                price=self.mark if price is None else price,
                rows=rows,
                content_key=key,
                server_age_s=server_age_s,
                is_warming=is_warming,
            ),
        )
        return self.keeps(
            self.tracker.on_reading(
                event,
                self.mark,
                self.new_id,
                is_floating=self.is_floating,
                atr_1m_pct=atr_1m_pct,
            )
        )

    def fails(self, kind: str = "unreachable", *, after_s: float = 5.0) -> Changes:
        """A poll gives nothing."""
        self.at = Millis(self.at + int(after_s * 1000))
        self.sequence += 1
        event = HeatmapFailed(
            at=self.at,
            symbol=BTC,
            failure=ReadingFailure(kind=kind, reason=f"{kind} in the test"),
            sequence=self.sequence,
        )
        return self.keeps(self.tracker.on_failure(event))

    def halts(self, *, is_halted: bool, after_s: float = 1.0) -> Changes:
        """The market halts or goes on."""
        self.at = Millis(self.at + int(after_s * 1000))
        return self.keeps(self.tracker.on_halt(is_halted=is_halted, at=self.at))

    def grows(self, *rows: Row) -> list[Cluster]:
        """Read the rows until their tracks are ACTIVE and a minute old; in order of level."""
        for _ in range(13):
            self.price(self.mark)
            self.reads(*rows, after_s=4.0)
        self.events.clear()
        return self.tracker.live()

    def restarts(self, *, after_s: float) -> "TrackedSymbol":
        """A new process on what the ledger holds, some time later."""
        live = [row.last_seen_at for row in self.rows.values()]
        snapshot = SymbolSnapshot(
            symbol=BTC,
            clusters=tuple(self.rows.values()),
            last_reading_at=max(live, default=None),
            last_price_at=self.tracker.last_price_at,
            last_price=self.tracker.last_price,
        )
        after = TrackedSymbol(
            price=self.mark,
            settings=self.settings,
            snapshot=snapshot,
            at=Millis(self.at + int(after_s * 1000)),
            next_id=self.next_id,
        )
        after.is_floating = self.is_floating
        return after

    def keeps(self, changes: Changes) -> Changes:
        """Write down what changed."""
        self.events.extend(changes.events)
        self.rows.update((cluster.id, cluster) for cluster in changes.clusters)
        return changes

    def told(self) -> list[ClusterEventKind]:
        """The kinds of all events so far."""
        return [event.kind for event in self.events]

    def only(self) -> Cluster:
        """The one live cluster."""
        (cluster,) = self.tracker.live()
        return cluster

    def is_tradable(self, cluster: Cluster) -> bool:
        """The tracker would let the cluster be traded now."""
        return self.tracker.is_tradable(cluster, self.at)
