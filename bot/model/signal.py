"""A signal is a strategy's proposal; a refusal is the rule and the numbers that stopped one."""

from enum import StrEnum

from bot.model.primitives import (
    ClusterId,
    Millis,
    PositionSide,
    Price,
    SignalId,
    Symbol,
    Usd,
    Value,
)


class Strategy(StrEnum):
    """Who proposes."""

    HUNT = "hunt"
    LEVELS = "levels"
    BREAKOUT = "breakout"


class EntryStyle(StrEnum):
    """How the entry order works: taking with a slippage cap, or resting as a maker."""

    IOC = "ioc"
    POST_ONLY = "post_only"


class Rule(StrEnum):
    """Every rule that can refuse a candidate. `why` turns each into a sentence."""

    NOT_FINITE = "not_finite"
    OUT_OF_ORDER = "out_of_order"
    TOO_NEAR = "too_near"
    TOO_FAR = "too_far"
    STOP_TOO_NEAR = "stop_too_near"
    STOP_TOO_FAR = "stop_too_far"
    STOP_IN_CLUSTER = "stop_in_cluster"
    TARGET_TOO_NEAR = "target_too_near"
    PAYS_TOO_LITTLE = "pays_too_little"
    NOT_ACTIVE = "not_active"
    TOO_YOUNG = "too_young"
    TOO_WEAK = "too_weak"
    ABSENT = "absent"
    STALE = "stale"
    WARMING = "warming"
    UNSTABLE_PROVIDER = "unstable_provider"
    PRICE_THROUGH = "price_through"
    OPPOSITE_NEARER = "opposite_nearer"
    REJECTED_TWICE = "rejected_twice"
    SPREAD_TOO_WIDE = "spread_too_wide"
    NEAR_FUNDING = "near_funding"
    ALREADY_USED = "already_used"
    NO_LEVEL = "no_level"
    NOT_SWEPT = "not_swept"
    NO_BREAK = "no_break"
    EVENT_TOO_OLD = "event_too_old"
    BELOW_FAR_EDGE = "below_far_edge"
    CASCADE_BELOW = "cascade_below"
    TOO_MANY_TOUCHES = "too_many_touches"
    LOW_CONFIDENCE = "low_confidence"
    CHASING = "chasing"
    NOT_LAST_BREAK = "not_last_break"
    TWO_SIDED_BREAK = "two_sided_break"
    OPPOSITE_BREAK = "opposite_break"
    TOO_VOLATILE = "too_volatile"
    NO_TARGET = "no_target"
    PAPER_ONLY = "paper_only"
    NOT_CONFIRMED = "not_confirmed"
    STRATEGY_OFF = "strategy_off"
    NO_LEAD = "no_lead"
    CLUSTER_BACKED_OTHER_SIDE = "cluster_backed_other_side"
    # The risk gate's own.
    NOT_TRADING = "not_trading"
    SYMBOL_REDUCE_ONLY = "symbol_reduce_only"
    POSITION_OPEN = "position_open"
    MAX_POSITIONS = "max_positions"
    MAX_SIDE_POSITIONS = "max_side_positions"
    COOL_DOWN = "cool_down"
    BELOW_MINIMUM = "below_minimum"
    PRECISION = "precision"
    NOTIONAL_LIMIT = "notional_limit"
    LEVERAGE_LIMIT = "leverage_limit"
    LIQUIDATION_TOO_NEAR = "liquidation_too_near"
    PRICE_COLLAR = "price_collar"
    INPUT_TOO_OLD = "input_too_old"
    ORDER_RATE = "order_rate"
    RISK_TOO_LARGE = "risk_too_large"
    NO_EQUITY = "no_equity"


WAITING_RULES = frozenset({Rule.NO_LEVEL, Rule.NOT_SWEPT, Rule.NO_BREAK, Rule.STRATEGY_OFF})
"""Nothing has happened yet that could be refused."""


class Levels(Value, frozen=True, kw_only=True):
    """Nearest clusters each side, nearest first: what the guide calls support and resistance."""

    support: tuple[float, ...] = ()
    resistance: tuple[float, ...] = ()


class Signal(Value, frozen=True, kw_only=True):
    """A complete proposal. For a long `stop < entry < target`; for a short the reverse."""

    id: SignalId
    """Derived from strategy, cluster and generation: it acts once."""
    symbol: Symbol
    at: Millis
    strategy: Strategy
    position_side: PositionSide
    entry_style: EntryStyle
    current_price: Price
    entry_price: Price
    """The price the order will have: best ask or bid for IOC, the limit for post-only."""
    stop_price: Price
    target_price: Price
    risk_reward_gross: float
    risk_reward: float
    """Net of fees and slippage."""
    win_per_unit_usd: Usd
    """Net gain of one base coin at the target."""
    loss_per_unit_usd: Usd
    """Net loss of one base coin at the stop, positive."""
    break_even_probability: float
    strength: float
    """The cluster's strength; called confidence only where it has been calibrated."""
    reason: str
    cluster_id: ClusterId
    cluster_gen: int
    cluster_level: float
    levels: Levels = Levels()
    total_oi_usd: float | None = None
    long_short_ratio: float | None = None
    size_multiplier: float = 1.0
    """S4, already within its bounds."""
    time_stop_ms: int | None = None
    is_floating: bool = False
    is_target_invented: bool = False
    """No cluster bounded the target; it is a multiple of the risk."""


class Refusal(Value, frozen=True, kw_only=True):
    """Why a candidate was not taken. One row per (symbol, strategy, side, cluster, rule) episode.

    `count` counts every single refusal; the numbers are the newest.
    """

    symbol: Symbol
    strategy: Strategy
    rule: Rule
    position_side: PositionSide | None = None
    cluster_id: ClusterId | None = None
    cluster_gen: int = 1
    cluster_level: float | None = None
    saw: float | None = None
    limit: float | None = None
    numbers: dict[str, float] = {}
    """All that `why` needs to explain it: entry, stop, target, win and loss per unit, ..."""
    first_at: Millis
    at: Millis
    count: int = 1
