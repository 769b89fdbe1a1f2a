"""What one event changed in a symbol's clusters: rows to write, events to tell, words to log."""

from typing import NamedTuple

from bot.model.cluster import Cluster, ClusterEvent
from bot.model.primitives import ClusterId, Millis


class Sample(NamedTuple):
    """One good reading as the provider gate sees it."""

    at: Millis
    price: float
    """The provider's own price."""
    longs: tuple[float, ...]
    """Levels of the long clusters, ascending."""
    shorts: tuple[float, ...]
    """Levels of the short clusters, ascending."""
    high: float
    """Highest mark since the previous sample."""
    low: float


class Changes:
    """Collected while one event is worked through; each cluster appears once, as it is at last."""

    __slots__ = ("_rows", "events", "is_reading_good", "notes", "reading_problem", "sample")

    def __init__(self) -> None:
        self._rows: dict[ClusterId, Cluster] = {}
        self.events: list[ClusterEvent] = []
        self.is_reading_good = False
        """The reading passed every check and was worked in."""
        self.reading_problem = ""
        """Why a reading was dropped, stale or refused: one plain sentence."""
        self.notes: list[str] = []
        """What a person may want to know, one sentence each, once an episode."""
        self.sample: Sample | None = None
        """For the provider gate; only of a good reading."""

    def put(self, cluster: Cluster) -> None:
        """Remember a cluster's row as it is now."""
        self._rows[cluster.id] = cluster

    @property
    def clusters(self) -> list[Cluster]:
        """The rows to write, in the order in which they first changed."""
        return list(self._rows.values())

    @property
    def is_empty(self) -> bool:
        """No row and no event."""
        return not self._rows and not self.events


class Episodes:
    """What is going on for some time and is told once, when it begins."""

    __slots__ = ("_going_on",)

    def __init__(self) -> None:
        self._going_on: set[str] = set()

    def note(self, changes: Changes, name: str, text: str) -> None:
        """An episode is going on, unless `text` is empty; its first text becomes a note."""
        if not text:
            self._going_on.discard(name)
        elif name not in self._going_on:
            self._going_on.add(name)
            changes.notes.append(text)
