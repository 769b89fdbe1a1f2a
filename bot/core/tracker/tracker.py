"""The clusters of one symbol: what every price, reading and passing second does to them.

Order within a cycle: the price step comes first, against the levels known before it; then the
reading, if it is good; then timers. So a level that recedes while the price crosses it breaks.
A reading that is late, stale or refused changes no cluster, and neither does a failed poll.

  on_price    touches, breaks, and what becomes of breaks
  on_reading  who is still there, new, back; nothing unless the reading is good
  on_failure  counts as silence only
  on_time     ages, and the end of all tracks after six hours of silence
  on_halt     a halted market freezes absence, age and tradability

Each returns `Changes`. Time is what the events say; small steps back are ignored, and a clock that
was set back cuts every known instant to the new now, so that no interval is negative.
Pending breaks are judged by prices alone, because silence proves nothing about a price.
"""

from collections.abc import Callable
from math import inf, isfinite
from typing import Final

import msgspec

from bot.core.tracker import lifecycle
from bot.core.tracker.changes import Changes, Episodes, Sample
from bot.core.tracker.freshness import Freshness
from bot.core.tracker.lifecycle import PriceStep, Sighting
from bot.core.tracker.prices import apply_price
from bot.core.tracker.readings import Poll, apply_reading
from bot.core.tracker.rows import Sifted, sift
from bot.core.tracker.tracks import Tracks
from bot.model.cluster import Cluster, ClusterEvent, ClusterState, Ending
from bot.model.events import HeatmapFailed, HeatmapRead, PriceMoved
from bot.model.heatmap import Reading
from bot.model.primitives import ClusterId, Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import SymbolSnapshot

REMATCHES: Final = 3
"""Fresh matches that a track needs after a long silence."""
ATR_SHARE: Final = 0.25
"""The matching tolerance, as a share of ATR(1m)."""
CLOCK_STEP_MIN_MS: Final = 1_000
"""Events this little out of order are of the same moment; beyond, the clock was set back."""
RESCALED_RATIO: Final = 5.0
"""No market moves so far in one step: the contract was renamed or rescaled."""
PRINT_FAR_PCT: Final = 3.0
"""A last price this far from the mark is a bad print."""


class Tracker:
    """The tracks of one symbol; changed only by its `on_...` methods."""

    __slots__ = (
        "_age_max_ms",
        "_due_at",
        "_episodes",
        "_fresh",
        "_halted_since",
        "_high",
        "_is_due_known",
        "_is_first_price",
        "_low",
        "_now",
        "_price_before",
        "_sequence",
        "_settings",
        "_symbol",
        "_tracks",
        "coverage",
        "is_warming",
        "last_price",
        "last_price_at",
    )

    def __init__(self, *, settings: CoreSettings, snapshot: SymbolSnapshot) -> None:
        self._settings = settings.tracker
        self._age_max_ms = int(settings.tracker.age_max_h * 3_600_000)
        self._symbol = snapshot.symbol
        self._tracks = Tracks(settings.tracker, snapshot.clusters)
        self._fresh = Freshness(settings, snapshot.last_reading_at)
        self._now = max(snapshot.last_price_at or 0, snapshot.last_reading_at or 0)
        self._sequence = -1
        self._halted_since: Millis | None = None
        self._is_first_price = True
        self._price_before: float | None = None
        self._high, self._low = 0.0, inf
        self._episodes = Episodes()
        self._due_at: Millis | None = None
        self._is_due_known = False
        self.last_price: float | None = snapshot.last_price
        self.last_price_at: Millis | None = snapshot.last_price_at
        self.coverage: float | None = None
        """Local engine only: the share of open interest that the newest good reading explains."""
        self.is_warming = False
        """Local engine only: coverage is still too low to trade on."""

    def on_price(self, event: PriceMoved) -> Changes:
        """The mark moved: touches, breaks, and what becomes of breaks."""
        changes = Changes()
        at = self._advance(event.at, changes)
        high, low = max(event.high, event.mark), min(event.low, event.mark)
        bad = "" if low > 0 and isfinite(high) else "a price that is no positive number was ignored"
        self._episodes.note(changes, "price", bad)
        if bad:
            return changes
        self._episodes.note(changes, "print", _far_print(event))
        rescaled = _rescaled(self.last_price, event.mark)
        if rescaled:
            self._start_over(changes, rescaled)
        else:
            apply_price(self._tracks, self._step(event, at, high, low), self._settings, changes)
        self._is_first_price = False
        self.last_price, self.last_price_at = event.mark, at
        self._fresh.saw_price(high, low)
        self._high, self._low = max(self._high, high), min(self._low, low)
        self._give_up_if_lost(at, changes)
        return changes

    def on_reading(
        self,
        event: HeatmapRead,
        mark: float | None,
        new_id: Callable[[], ClusterId],
        *,
        is_floating: bool,
        atr_1m_pct: float | None = None,
    ) -> Changes:
        """A reply came. Only a good one changes anything; why another did not is in the result.

        `mark` is the newest mark of the exchange; `is_floating` the identity mode of the provider;
        `atr_1m_pct` the ATR(1m) in percent of price, None while unknown.
        """
        changes = Changes()
        at = self._advance(event.at, changes)
        if event.sequence <= self._sequence:
            changes.reading_problem = "dropped: the reply to a newer request is already in"
            return changes
        self._sequence = event.sequence
        changes.reading_problem = self._fresh.judge(event.reading, at, mark)
        if changes.reading_problem or mark is None:
            self._fresh.reject(changes.reading_problem)
            self._give_up_if_lost(at, changes)
            return changes
        self._give_up_if_lost(at, changes)
        if self._fresh.needs_rematch(at):
            self._demand_rematches(changes)
        self._fresh.accept(at)
        changes.is_reading_good = True
        self._take_in(event.reading, mark, new_id, is_floating, atr_1m_pct, changes)
        self._run_timers(at, changes)
        return changes

    def on_failure(self, event: HeatmapFailed) -> Changes:
        """A poll gave nothing: silence, unless the provider does not carry the symbol."""
        changes = Changes()
        at = self._advance(event.at, changes)
        self._sequence = max(self._sequence, event.sequence)
        changes.reading_problem = event.failure.reason
        if self._fresh.fail(event.failure, at):
            self._give_up(changes, Ending.EXPIRED, "not carried by this provider")
        self._run_timers(at, changes)
        return changes

    def on_time(self, at: Millis) -> Changes:
        """Time passed: old tracks age out, and after six silent hours all of them."""
        changes = Changes()
        self._run_timers(self._advance(at, changes), changes)
        return changes

    def on_halt(self, *, is_halted: bool, at: Millis) -> Changes:
        """The market halted or went on: ages stand still meanwhile."""
        changes = Changes()
        at = self._advance(at, changes)
        since = self._halted_since
        if is_halted and since is None:
            self._halted_since = at
        elif not is_halted and since is not None:
            self._halted_since = None
            for cluster in list(self._tracks.live.values()):
                halted_ms = at - max(since, cluster.first_seen_at)
                self._keep(changes, lifecycle.delayed(cluster, halted_ms))
        return changes

    @property
    def clusters(self) -> list[Cluster]:
        """All live clusters, in no particular order."""
        return list(self._tracks.live.values())

    def live(self) -> list[Cluster]:
        """All live clusters, in ascending order of level."""
        return sorted(self._tracks.live.values(), key=lambda c: (c.level, c.id))

    def get(self, cluster_id: ClusterId) -> Cluster | None:
        """A cluster that is live, or broke or expired a short while ago."""
        return self._tracks.get(cluster_id)

    def snapshot_clusters(self) -> tuple[Cluster, ...]:
        """What a restart needs: live ones, and those that may still be revived or re-form."""
        return tuple(sorted(self._tracks.all(), key=lambda c: c.id))

    @property
    def last_good_at(self) -> Millis | None:
        """When the last good reading was taken in."""
        return self._fresh.last_good_at

    @property
    def is_halted(self) -> bool:
        """Trading on the symbol is stopped."""
        return self._halted_since is not None

    def is_fresh(self, at: Millis) -> bool:
        """A good reading came within max(20 s, 2.5 poll periods)."""
        return self._fresh.is_fresh(at)

    def staleness(self, at: Millis) -> str:
        """Why the readings are too old to act on, one sentence; empty while fresh."""
        return self._fresh.staleness(at)

    def is_tradable(self, cluster: Cluster, at: Millis) -> bool:
        """The cluster, as it is now, may be acted on."""
        now = self._tracks.live.get(cluster.id)
        return (
            now is not None
            and now.state is not ClusterState.CANDIDATE
            and now.absent == 0
            and now.rematches_due == 0
            and self._halted_since is None
            and not self.is_warming
            and self._fresh.is_fresh(at)
        )

    def why_untradable(self, cluster: Cluster, at: Millis) -> str:
        """Why a cluster may not be acted on now, one sentence; empty if it may."""
        now = self._tracks.live.get(cluster.id)
        if now is None:
            return "the cluster is no longer live"
        reasons = (
            (
                now.state is ClusterState.CANDIDATE,
                f"the cluster is still a candidate after {now.seen} readings",
            ),
            (now.absent, f"the cluster is absent from the last {now.absent} readings"),
            (now.rematches_due, f"after a long silence it must be seen {now.rematches_due} times"),
            (self.is_halted, "the market is halted"),
            (self.is_warming, "the local engine is still warming up"),
        )
        return next((text for is_so, text in reasons if is_so), self.staleness(at))

    def next_due_at(self) -> Millis | None:
        """The next instant at which time alone changes something: staleness, age, silence."""
        if self._is_due_known:  # Nothing has happened here since: the loop asks every symbol.
            return self._due_at
        dues: list[int] = []
        if self._fresh.last_good_at is not None:
            silent_ms = (self._fresh.stale_after_ms, self._fresh.lost_after_ms)
            dues += [self._fresh.last_good_at + ms for ms in silent_ms]
        if not self.is_halted:
            dues += [c.first_seen_at + self._age_max_ms for c in self._tracks.live.values()]
        self._due_at = min((Millis(at + 1) for at in dues if at >= self._now), default=None)
        self._is_due_known = True
        return self._due_at

    def _take_in(
        self,
        reading: Reading,
        mark: float,
        new_id: Callable[[], ClusterId],
        is_floating: bool,  # noqa: FBT001  (private, called once)
        atr_1m_pct: float | None,
        changes: Changes,
    ) -> None:
        at, settings = Millis(self._now), self._settings
        rows = sift(reading.rows, mark, per_side_max=settings.clusters_per_side_max)
        self._episodes.note(changes, "limit", _over_limit(rows))
        self._episodes.note(changes, "bad", f"{rows.bad} bad rows were dropped" if rows.bad else "")
        self._mark_floating(changes, is_floating=is_floating)
        floor, ceiling = settings.match_tolerance_bps, settings.match_tolerance_bps_max
        poll = Poll(
            symbol=self._symbol,
            sighting=Sighting(at=at, age_at=self._halted_since or at, is_floating=is_floating),
            rows=rows,
            mark=mark,
            price=reading.price,
            price_before=self._price_before or reading.price,
            tolerance_bps=min(max(floor, ATR_SHARE * (atr_1m_pct or 0.0) * 100), ceiling),
            is_halted=self.is_halted,
            new_id=new_id,
            settings=settings,
        )
        apply_reading(self._tracks, poll, changes)
        self._price_before = reading.price
        self.coverage, self.is_warming = reading.coverage, reading.is_warming
        changes.sample = Sample(
            at=at,
            price=reading.price,
            longs=tuple(row.level for row in rows.longs),
            shorts=tuple(row.level for row in rows.shorts),
            high=max(self._high, mark),
            low=min(self._low, mark),
        )
        self._high, self._low = mark, mark

    def _step(self, event: PriceMoved, at: Millis, high: float, low: float) -> PriceStep:
        # The window keeps its length where the clock was corrected.
        since = Millis(at - max(event.at - event.since_at, 0))
        known = self.last_price_at
        is_hole = known is not None and since - known > self._settings.price_hole_s * 1000
        return PriceStep(
            at=at,
            mark=event.mark,
            high=high,
            low=low,
            since_at=since,
            is_recovery=event.is_recovery,
            is_doubtful=is_hole or not event.is_complete,
            is_first=self._is_first_price,
        )

    def _advance(self, at: Millis, changes: Changes) -> Millis:
        self._is_due_known = False
        if at < self._now - CLOCK_STEP_MIN_MS:
            changes.notes.append(f"the clock was set back by {(self._now - at) / 1000:.1f} s")
            self._now = at
            self._fresh.set_back(at)
            if self.last_price_at is not None:
                self.last_price_at = min(self.last_price_at, at)
            self._tracks.unwritten.clear()
            for cluster in self._tracks.all():
                after = lifecycle.rebased(cluster, at)
                if after != cluster:
                    self._keep(changes, after)
        self._now = max(self._now, at)
        return Millis(self._now)

    def _run_timers(self, at: Millis, changes: Changes) -> None:
        self._give_up_if_lost(at, changes)
        if self._halted_since is None:
            born_by = at - self._age_max_ms
            for cluster in [c for c in self._tracks.live.values() if c.first_seen_at < born_by]:
                self._end(changes, cluster, Ending.AGED_OUT, "older than 72 h")
        self._tracks.forget(at)

    def _give_up_if_lost(self, at: Millis, changes: Changes) -> None:
        if self._tracks.live and self._fresh.is_lost(at):
            hours = self._settings.expire_all_after_s / 3600
            self._give_up(changes, Ending.AGED_OUT, f"no good reading for over {hours:g} h")

    def _start_over(self, changes: Changes, reason: str) -> None:
        """Prices mean something else now: nothing that is known can be judged by them."""
        at = Millis(self._now)
        self._give_up(changes, Ending.EXPIRED, reason)
        for cluster in list(self._tracks.pending.values()):
            after, kind = lifecycle.abandoned(cluster, at)
            self._keep(changes, after)
            changes.events.append(ClusterEvent(kind=kind, at=at, cluster=after, reason=reason))
        self._tracks.close_window()

    def _give_up(self, changes: Changes, ending: Ending, reason: str) -> None:
        for cluster in self.live():
            self._end(changes, cluster, ending, reason)

    def _end(self, changes: Changes, cluster: Cluster, ending: Ending, reason: str) -> None:
        at = Millis(self._now)
        after, kind = lifecycle.gone(cluster, at, ending)
        self._keep(changes, after)
        changes.events.append(ClusterEvent(kind=kind, at=at, cluster=after, reason=reason))

    def _demand_rematches(self, changes: Changes) -> None:
        for cluster in list(self._tracks.live.values()):
            self._keep(changes, msgspec.structs.replace(cluster, rematches_due=REMATCHES))

    def _mark_floating(self, changes: Changes, *, is_floating: bool) -> None:
        for cluster in list(self._tracks.live.values()):
            if cluster.is_floating is not is_floating:
                self._keep(changes, msgspec.structs.replace(cluster, is_floating=is_floating))

    def _keep(self, changes: Changes, cluster: Cluster) -> None:
        self._tracks.put(cluster)
        changes.put(cluster)


def _far_print(event: PriceMoved) -> str:
    if abs(event.last - event.mark) <= event.mark * PRINT_FAR_PCT / 100:
        return ""
    return (
        f"the last price {event.last:g} is over {PRINT_FAR_PCT:g} % from the mark {event.mark:g}: "
        "a bad print, ignored because the mark decides"
    )


def _rescaled(before: float | None, now: float) -> str:
    if before is None or 1 / RESCALED_RATIO < now / before < RESCALED_RATIO:
        return ""
    return f"the price went from {before:g} to {now:g} in one step: the contract was rescaled"


def _over_limit(rows: Sifted) -> str:
    text = f"the reply had {rows.over_limit} clusters too many; the largest of each side were kept"
    return text if rows.over_limit else ""
