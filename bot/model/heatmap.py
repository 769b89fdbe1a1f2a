"""One observation of the heatmap: what the provider said, decoded and not yet trusted."""

from bot.model.primitives import Millis, PositionSide, Symbol, Value


class Row(Value, frozen=True, kw_only=True):
    """One cluster in one reading. HTTP providers give no band: both edges are the level."""

    level: float
    """USD-weighted mean price of the cluster."""
    side: PositionSide
    """Side of the positions at risk: a `long` cluster lies below the price."""
    notional_usd: float
    strength: float
    """0..1, as the provider gives it."""
    low: float
    """Lower edge of the band; equal to the level where there is no band."""
    high: float
    """Upper edge of the band."""
    leverage_tier: float | None = None
    liquidation_count: int | None = None
    provider_id: int | None = None
    """The provider's `cluster_id`: logged, never an identity."""


class Reading(Value, frozen=True, kw_only=True):
    """A decoded reply for one symbol."""

    symbol: Symbol
    price: float
    """The provider's own `current_price`, a moment older than ours."""
    rows: tuple[Row, ...]
    rows_dropped: int = 0
    """Rows thrown away as bad; a reply with too many is refused before it gets here."""
    rows_cut: int = 0
    """Good rows left out because there were too many; the largest of each side stay."""
    content_key: str = ""
    """Digest of price and rows without stamps, ids and distances: equal keys, frozen inputs."""
    server_age_s: float | None = None
    """HTTP `Age`, or how far `Date` lags behind its own first offset; None where unknown."""
    coverage: float | None = None
    """Local engine only: the share of open interest that the book explains."""
    is_warming: bool = False
    """Local engine only: coverage is still too low to trade on."""
    input_at: Millis | None = None
    """Local engine only: when the last bar it has seen closed."""


class OpenInterest(Value, frozen=True, kw_only=True):
    """What the provider's statistics say of one symbol."""

    total_oi_usd: float
    long_short_ratio: float | None = None
    """At the public provider an order-book depth ratio, not a count of positions."""


class Stats(Value, frozen=True, kw_only=True):
    """The provider's statistics; symbols may be absent, and that is normal."""

    symbols_total: int | None = None
    symbols_active: int | None = None
    clusters_total: int | None = None
    open_interest: dict[str, OpenInterest] = {}
    """By unified symbol."""


class ReadingFailure(Value, frozen=True, kw_only=True):
    """Why a poll gave nothing."""

    kind: str
    """unreachable | timeout | http | throttled | unsupported | malformed | refused"""
    reason: str
    retry_at: Millis | None = None
