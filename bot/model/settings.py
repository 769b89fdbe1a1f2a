"""The settings the core reads: what is asked of clusters, strategies, risk and orders.

Ranges are hard ceilings: a value outside is refused at start. Distances are percent of price,
fees and slippage are basis points (0.01 %), durations are seconds and say so in their names.
"""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

Pct = Annotated[float, Meta(ge=0, le=100)]
Share = Annotated[float, Meta(ge=0, le=1)]
Bps = Annotated[float, Meta(ge=0, le=500)]
Seconds = Annotated[float, Meta(ge=0, le=7 * 86_400)]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The base of every settings section: frozen, unknown keys refused."""


class TrackerSettings(Section, frozen=True, kw_only=True):
    """`tracker`: how readings become clusters with a life."""

    match_tolerance_bps: Annotated[float, Meta(ge=1, le=100)] = 10.0
    match_tolerance_bps_max: Annotated[float, Meta(ge=1, le=200)] = 30.0
    tier_ratio_max: Annotated[float, Meta(ge=1, le=10)] = 2.0
    active_after_polls: Annotated[int, Meta(ge=1, le=100)] = 3
    active_after_polls_reformed: Annotated[int, Meta(ge=1, le=100)] = 6
    active_after_s: Seconds = 15.0
    drop_after_absences: Annotated[int, Meta(ge=1, le=100)] = 2
    expire_after_absences: Annotated[int, Meta(ge=1, le=1000)] = 6
    expire_after_s: Seconds = 45.0
    age_max_h: Annotated[float, Meta(gt=0, le=720)] = 72.0
    touch_bps: Bps = 5.0
    untouch_bps: Bps = 15.0
    break_bps: Bps = 2.0
    reclaim_bps: Bps = 5.0
    accept_after_s: Seconds = 10.0
    undecided_after_s: Seconds = 60.0
    revive_within_s: Seconds = 600.0
    reform_within_s: Seconds = 300.0
    reform_distance_bps: Bps = 20.0
    clusters_per_side_max: Annotated[int, Meta(ge=1, le=200)] = 50
    price_lag_stale_pct: Pct = 0.3
    price_lag_refused_pct: Pct = 5.0
    frozen_after_s: Seconds = 30.0
    frozen_move_bps: Bps = 10.0
    server_age_max_s: Seconds = 20.0
    stale_after_s: Seconds = 20.0
    """At least; 2.5 poll periods where that is longer."""
    cancel_resting_after_s: Seconds = 300.0
    rematch_after_s: Seconds = 600.0
    expire_all_after_s: Seconds = 21_600.0
    unsupported_after_s: Seconds = 600.0
    price_hole_s: Seconds = 15.0
    gate_sample_after_s: Seconds = 60.0
    gate_samples_min: Annotated[int, Meta(ge=1, le=100_000)] = 200
    gate_enter: Share = 0.8
    gate_leave: Share = 0.7


class Bands(Section, frozen=True, kw_only=True):
    """`strategies.bands`: the words for strength, distance and notional."""

    strength: tuple[float, float, float] = (0.3, 0.5, 0.7)
    """weak | moderate | strong | very strong"""
    distance_pct: tuple[float, float, float] = (1.0, 3.0, 5.0)
    """immediate | near | medium | reference"""
    notional_usd: tuple[float, float, float] = (500_000.0, 2_000_000.0, 10_000_000.0)
    """low | moderate | high | major"""


class CommonSettings(Section, frozen=True, kw_only=True):
    """`strategies.common`: what every candidate must satisfy."""

    strength_min: Share = 0.5
    distance_max_pct: Pct = 3.0
    age_min_s: Seconds = 60.0
    stop_min_pct: Pct = 0.15
    stop_max_pct: Pct = 1.2
    stop_min_spreads: Annotated[float, Meta(ge=0, le=100)] = 3.0
    stop_min_atr: Annotated[float, Meta(ge=0, le=10)] = 0.5
    """Share of ATR(1m, 14)."""
    target_min_costs: Annotated[float, Meta(ge=0, le=100)] = 3.0
    stop_buffer_pct: Pct = 0.1
    """Beyond a cluster's far edge."""
    target_buffer_pct: Pct = 0.05
    """Before a cluster's near edge."""
    spread_max_bps: Bps = 5.0
    funding_guard_s: Seconds = 60.0
    lead_min: Annotated[float, Meta(ge=1, le=10)] = 1.25
    same_cluster_s: Seconds = 600.0
    """A cluster that backed one side backs the other only after this long."""
    event_age_max_s: Seconds = 15.0


class HuntSettings(Section, frozen=True, kw_only=True):
    """`strategies.hunt`: S1, toward a cluster, out before it."""

    enabled: bool = True
    distance_min_pct: Pct = 0.6
    distance_max_pct: Pct = 2.0
    stop_atr: Annotated[float, Meta(gt=0, le=10)] = 1.0
    """Times ATR(15m, 14)."""
    opposite_share_max: Annotated[float, Meta(ge=0, le=10)] = 2 / 3
    """Of the target's notional over distance."""
    rejections_max: Annotated[int, Meta(ge=0, le=100)] = 1
    """One less than the number that refuses."""
    time_stop_s: Seconds = 3600.0
    thesis_gone_rr_min: Annotated[float, Meta(ge=0, le=10)] = 0.3


class LevelsSettings(Section, frozen=True, kw_only=True):
    """`strategies.levels`: S2, support and resistance."""

    enabled: bool = True
    mode: Annotated[str, Meta(pattern="^(sweep_reclaim|pre_touch)$")] = "sweep_reclaim"
    pre_touch_pct: Pct = 0.03
    entry_above_max_pct: Pct = 1.0
    cascade_within_pct: Pct = 0.5
    touches_per_hour_max: Annotated[int, Meta(ge=1, le=100)] = 2
    invented_target_risks: Annotated[float, Meta(ge=1, le=10)] = 2.0
    time_stop_s: Seconds = 7200.0


class BreakoutSettings(Section, frozen=True, kw_only=True):
    """`strategies.breakout`: S3; the evidence found so far is against it."""

    enabled: bool = True
    paper_only: bool = True
    chase_max_pct: Pct = 0.3
    opposite_break_s: Seconds = 600.0
    volatility_max_atr: Annotated[float, Meta(gt=0, le=100)] = 3.0
    closes_opposite: bool = True
    """A break against an open position closes it; it never reverses."""
    time_stop_s: Seconds = 3600.0


class SizeSettings(Section, frozen=True, kw_only=True):
    """`strategies.size`: S4, only ever smaller than the risk allows."""

    multiplier_min: Annotated[float, Meta(gt=0, le=1)] = 0.5
    multiplier_max: Annotated[float, Meta(gt=0, le=1.5)] = 1.0
    """Above 1 only by explicit setting, and never past risk_pct."""
    stats_grace_s: Seconds = 300.0
    volume_share_max: Share = 0.01
    """Of one minute's volume."""
    depth_share_max: Share = 0.25
    """Of the resting depth within 10 bps."""


class ConfirmSettings(Section, frozen=True, kw_only=True):
    """`strategies.confirm`: the optional technical-analysis filter; unknown never confirms."""

    enabled: bool = False
    trend_ema: Annotated[int, Meta(ge=2, le=500)] = 50
    rsi_period: Annotated[int, Meta(ge=2, le=100)] = 14
    rsi_long_max: Pct = 70.0
    rsi_short_min: Pct = 30.0
    atr_pct_min: Pct = 0.02
    atr_pct_max: Pct = 2.0


class StrategySettings(Section, frozen=True, kw_only=True):
    """`strategies`: the four of them and what they share."""

    common: CommonSettings = CommonSettings()
    bands: Bands = Bands()
    hunt: HuntSettings = HuntSettings()
    levels: LevelsSettings = LevelsSettings()
    breakout: BreakoutSettings = BreakoutSettings()
    size: SizeSettings = SizeSettings()
    confirm: ConfirmSettings = ConfirmSettings()


class RiskSettings(Section, frozen=True, kw_only=True):
    """`risk`: what may be lost, and when to stop."""

    risk_pct: Annotated[float, Meta(gt=0, le=2)] = 0.5
    """Of equity, a trade; size multipliers never exceed it."""
    min_net_rr: Annotated[float, Meta(ge=1, le=20)] = 1.5
    max_leverage: Annotated[float, Meta(ge=1, le=10)] = 3.0
    max_notional_usd: Annotated[float, Meta(gt=0, le=10_000_000)] = 30_000.0
    """A position."""
    max_account_notional_usd: Annotated[float, Meta(gt=0, le=50_000_000)] = 60_000.0
    max_positions: Annotated[int, Meta(ge=1, le=50)] = 3
    max_positions_per_side: Annotated[int, Meta(ge=1, le=50)] = 2
    day_loss_pct: Annotated[float, Meta(gt=0, le=20)] = 2.0
    drawdown_pct: Annotated[float, Meta(gt=0, le=50)] = 10.0
    losses_in_a_row: Annotated[int, Meta(ge=1, le=50)] = 4
    losing_streak_hold_s: Seconds = 14_400.0
    cool_down_s: Seconds = 600.0
    """After a trade on the same symbol."""
    liquidation_spare: Annotated[float, Meta(ge=1, le=10)] = 1.3
    """The own liquidation price lies at least this many stop distances away."""
    price_collar_pct: Annotated[float, Meta(gt=0, le=5)] = 0.5
    """Largest distance of an entry from the mark."""
    input_age_max_s: Annotated[float, Meta(gt=0, le=120)] = 10.0
    """Of the price an entry rests on."""
    orders_per_minute_max: Annotated[int, Meta(ge=1, le=600)] = 30


class OrderSettings(Section, frozen=True, kw_only=True):
    """`orders`: how entries work and how long protection may take."""

    slippage_cap_bps: Bps = 5.0
    """Of an IOC entry."""
    entry_timeout_s: Seconds = 30.0
    """A resting entry is canceled then."""
    receive_window_s: Annotated[float, Meta(gt=0, le=60)] = 5.0
    clock_skew_max_s: Annotated[float, Meta(gt=0, le=10)] = 1.0
    stop_deadline_s: Annotated[float, Meta(gt=0, le=30)] = 3.0
    flatten_deadline_s: Annotated[float, Meta(gt=0, le=60)] = 15.0
    reconcile_orders_s: Annotated[float, Meta(gt=0, le=120)] = 10.0
    reconcile_positions_s: Annotated[float, Meta(gt=0, le=120)] = 15.0
    reconcile_idle_s: Annotated[float, Meta(gt=0, le=3600)] = 60.0
    """While there is neither an order nor a position."""
    missing_answers_min: Annotated[int, Meta(ge=3, le=20)] = 3
    tombstone_s: Annotated[float, Meta(ge=3600, le=7 * 86_400)] = 86_400.0


class CoreSettings(Section, frozen=True, kw_only=True):
    """All the core reads, besides the instruments."""

    instance: str
    """Unique to a ledger: client order ids derive from it."""
    mode: str = "paper"
    symbols: tuple[str, ...]
    """Unified."""
    provider: str = "http"
    allow_unstable_provider: bool = False
    poll_period_s: float = 5.0
    slippage_bps: Decimal = Decimal(2)
    """Assumed for market and IOC orders, one way."""
    venue_leverage: Annotated[float, Meta(ge=1, le=125)] = 1.0
    """What the venue holds a position's margin by; sets the own liquidation price."""
    is_alone: bool = False
    """Nobody but the bot can touch the venue, which lives in its process: it is read rarely."""
    tracker: TrackerSettings = TrackerSettings()
    strategies: StrategySettings = StrategySettings()
    risk: RiskSettings = RiskSettings()
    orders: OrderSettings = OrderSettings()

    @property
    def is_live(self) -> bool:
        """Real money: floating levels and paper-only strategies are refused."""
        return self.mode == "live"
