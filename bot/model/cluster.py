"""A cluster: the tracked thing with an identity and a life.

CANDIDATE -> ACTIVE <-> TOUCHED -> BROKEN {pending -> accepted | swept | undecided}, or EXPIRED
{expired | dropped | aged_out}. BROKEN and EXPIRED end a generation; a level that re-forms is
generation + 1 with its parent named. Two questions stay apart: *broken* (the mark traded
through, a wick counts) and *accepted* (the price stayed).
"""

from enum import StrEnum

from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol, Value


class ClusterState(StrEnum):
    """Where a cluster is in its life."""

    CANDIDATE = "candidate"
    ACTIVE = "active"
    TOUCHED = "touched"
    BROKEN = "broken"
    EXPIRED = "expired"


LIVE_STATES = frozenset({ClusterState.CANDIDATE, ClusterState.ACTIVE, ClusterState.TOUCHED})


class Ending(StrEnum):
    """How a life is ending or ended."""

    NONE = "none"
    PENDING = "pending"
    ACCEPTED = "accepted"
    SWEPT = "swept"
    UNDECIDED = "undecided"
    EXPIRED = "expired"
    DROPPED = "dropped"
    AGED_OUT = "aged_out"


class Cluster(Value, frozen=True, kw_only=True):
    """One generation of one cluster. Levels in quote currency, times in ms."""

    id: ClusterId
    symbol: Symbol
    side: PositionSide
    gen: int = 1
    parent_id: ClusterId | None = None
    state: ClusterState = ClusterState.CANDIDATE
    ending: Ending = Ending.NONE
    anchor_level: float
    """Where it was first seen; never moves."""
    level: float
    """Follows the newest match."""
    low: float
    high: float
    leverage_tier: float | None = None
    notional_usd: float
    strength: float
    first_seen_at: Millis
    last_seen_at: Millis
    active_at: Millis | None = None
    seen: int = 1
    """Good polls that reported it."""
    absent: int = 0
    """Comparable good polls in a row that did not."""
    touches: int = 0
    touched_at: tuple[Millis, ...] = ()
    """The last few touches, newest last."""
    rejections: int = 0
    """Times it was touched and then left again."""
    is_floating: bool = False
    """Its level rides on the price; live entries are refused, paper trades marked."""
    is_low_confidence: bool = False
    is_recovery: bool = False
    """Its break was found while catching up after a pause; never an entry signal."""
    rematches_due: int = 0
    """Fresh matches still needed before it is tradable again, after a long silence."""
    broken_at: Millis | None = None
    """When the price went through; on an expired one: when it did afterwards."""
    broken_level: float | None = None
    beyond_since_at: Millis | None = None
    """Since when the price has stayed beyond without interruption, while pending."""
    sweep_extreme: float | None = None
    """The farthest price beyond the level since the break."""
    ended_at: Millis | None = None

    @property
    def is_live(self) -> bool:
        """Neither broken nor expired."""
        return self.state in LIVE_STATES

    @property
    def near(self) -> float:
        """The band's edge that a price coming from its origin meets first."""
        return self.low if self.side is PositionSide.SHORT else self.high

    @property
    def far(self) -> float:
        """The band's other edge."""
        return self.high if self.side is PositionSide.SHORT else self.low

    def distance_pct(self, price: float) -> float:
        """Signed distance of the level from `price`, in percent of `price`."""
        return (self.level - price) / price * 100.0


class ClusterEventKind(StrEnum):
    """What can happen to a cluster; touched, untouched, expired and revived may repeat."""

    NEW = "new"
    ACTIVE = "active"
    TOUCHED = "touched"
    UNTOUCHED = "untouched"
    BROKEN = "broken"
    BREAK_ACCEPTED = "break_accepted"
    BREAK_SWEPT = "break_swept"
    BREAK_UNDECIDED = "break_undecided"
    EXPIRED = "expired"
    DROPPED = "dropped"
    AGED_OUT = "aged_out"
    REVIVED = "revived"
    REFORMED = "reformed"


class ClusterEvent(Value, frozen=True, kw_only=True):
    """Something that happened to a cluster, with the cluster as it is afterwards."""

    kind: ClusterEventKind
    at: Millis
    cluster: Cluster
    price: float | None = None
    """The mark that caused it, where a price did."""
    is_only_break: bool = True
    """False where several levels broke in one price step and this is not the last of them."""
    is_two_sided: bool = False
    """Both sides were broken in one window: the order is unknown, so no entry."""
    reason: str = ""


class ProviderGate(Value, frozen=True, kw_only=True):
    """How well the provider's levels stand still, pooled over its symbols and one hour."""

    samples: int = 0
    stability: float | None = None
    """A: share of clusters still reported 60 s later within 10 bps on the same side."""
    scaled_stability: float | None = None
    """F: the same after scaling levels by price; F > A means levels ride on the price."""
    is_open: bool = False
    """Live entries allowed by stability (0.8 to enter, 0.7 to leave)."""
    is_floating: bool = False
    """Identity by leverage tier, because A < 0.7 over at least 200 samples."""
    first_at: Millis | None = None
    """When the provider was first observed; its first hour is paper only."""
