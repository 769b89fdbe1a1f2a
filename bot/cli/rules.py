"""Every rule that can refuse in a person's words: what it saw, the limit, the key behind it."""

from collections.abc import Callable
from typing import NamedTuple

from bot.cli import tables
from bot.model.signal import Rule


class Wording(NamedTuple):
    """How one rule is told."""

    phrase: str
    """Completes "refused: ..."."""
    unit: str = ""
    """Of saw and limit: a word, or one of the marks of `_shown`."""
    key: str = ""
    """The setting that the limit comes from; empty where there is none."""


_COMMON, _HUNT, _LEVELS = "strategies.common.", "strategies.hunt.", "strategies.levels."
_BREAKOUT = "strategies.breakout."

# fmt: off
WORDINGS: dict[Rule, Wording] = {
    Rule.NOT_FINITE: Wording("no sound price", "price"),
    Rule.OUT_OF_ORDER: Wording("out of order", "price"),
    Rule.TOO_NEAR: Wording("too near", "%", _HUNT + "distance_min_pct"),
    Rule.TOO_FAR: Wording("too far", "%", _HUNT + "distance_max_pct"),
    Rule.STOP_TOO_NEAR: Wording("stop in the noise", "%", _COMMON + "stop_min_pct"),
    Rule.STOP_TOO_FAR: Wording("stop too far", "%", _COMMON + "stop_max_pct"),
    Rule.STOP_IN_CLUSTER: Wording("stop in a cluster", "price"),
    Rule.TARGET_TOO_NEAR: Wording("target too near", "%", _COMMON + "target_min_costs"),
    Rule.PAYS_TOO_LITTLE: Wording("pays too little", "ratio", "risk.min_net_rr"),
    Rule.NOT_ACTIVE: Wording("still a candidate", "reading", "tracker.active_after_polls"),
    Rule.TOO_YOUNG: Wording("too young", "span", _COMMON + "age_min_s"),
    Rule.TOO_WEAK: Wording("too weak", "strength", _COMMON + "strength_min"),
    Rule.ABSENT: Wording("missing now", "reading"),
    Rule.STALE: Wording("no fresh reading", "span", "tracker.stale_after_s"),
    Rule.WARMING: Wording("still warming up"),
    Rule.UNSTABLE_PROVIDER: Wording("levels not stable", "share", "tracker.gate_enter"),
    Rule.PRICE_THROUGH: Wording("price is through", "price"),
    Rule.OPPOSITE_NEARER: Wording("opposite nearer", "pull", _HUNT + "opposite_share_max"),
    Rule.REJECTED_TWICE: Wording("turned away", "time", _HUNT + "rejections_max"),
    Rule.SPREAD_TOO_WIDE: Wording("spread too wide", "bps", _COMMON + "spread_max_bps"),
    Rule.NEAR_FUNDING: Wording("near funding", "span", _COMMON + "funding_guard_s"),
    Rule.ALREADY_USED: Wording("acted once already", "time"),
    Rule.NO_LEVEL: Wording("none in reach", "", _COMMON + "distance_max_pct"),
    Rule.NOT_SWEPT: Wording("not swept yet", "sweep"),
    Rule.NO_BREAK: Wording("no fresh break", "last", _COMMON + "event_age_max_s"),
    Rule.EVENT_TOO_OLD: Wording("too long ago", "span", _COMMON + "event_age_max_s"),
    Rule.BELOW_FAR_EDGE: Wording("past the far edge", "price"),
    Rule.CASCADE_BELOW: Wording("larger one behind", "usd", _LEVELS + "cascade_within_pct"),
    Rule.TOO_MANY_TOUCHES: Wording("worn by touches", "touch", _LEVELS + "touches_per_hour_max"),
    Rule.LOW_CONFIDENCE: Wording("found late"),
    Rule.CHASING: Wording("price ran away", "%", _BREAKOUT + "chase_max_pct"),
    Rule.NOT_LAST_BREAK: Wording("not the last break"),
    Rule.TWO_SIDED_BREAK: Wording("broke both ways"),
    Rule.OPPOSITE_BREAK: Wording("broke back lately", "span", _BREAKOUT + "opposite_break_s"),
    Rule.TOO_VOLATILE: Wording("minute too wild", "%", _BREAKOUT + "volatility_max_atr"),
    Rule.NO_TARGET: Wording("no target", ""),
    Rule.PAPER_ONLY: Wording("on paper only", "", _BREAKOUT + "paper_only"),
    Rule.NOT_CONFIRMED: Wording("not confirmed", "", "strategies.confirm"),
    Rule.STRATEGY_OFF: Wording("switched off", "", "strategies"),
    Rule.NO_LEAD: Wording("too close to call", "ratio", _COMMON + "lead_min"),
    Rule.CLUSTER_BACKED_OTHER_SIDE: Wording(
        "backed other side", "span", _COMMON + "same_cluster_s"
    ),
    Rule.NOT_TRADING: Wording("not trading"),
    Rule.SYMBOL_REDUCE_ONLY: Wording("symbol on hold"),
    Rule.POSITION_OPEN: Wording("position is open", "position"),
    Rule.MAX_POSITIONS: Wording("enough positions", "position", "risk.max_positions"),
    Rule.MAX_SIDE_POSITIONS: Wording(
        "side is full", "position", "risk.max_positions_per_side"
    ),
    Rule.COOL_DOWN: Wording("cool-down", "span", "risk.cool_down_s"),
    Rule.BELOW_MINIMUM: Wording("below the minimum"),
    Rule.PRECISION: Wording("off the grid"),
    Rule.NOTIONAL_LIMIT: Wording("notional limit", "usd", "risk.max_notional_usd"),
    Rule.LEVERAGE_LIMIT: Wording("leverage limit", "usd", "risk.max_leverage"),
    Rule.LIQUIDATION_TOO_NEAR: Wording(
        "liquidation near", "stop distance", "risk.liquidation_spare"
    ),
    Rule.PRICE_COLLAR: Wording("far from the mark", "%", "risk.price_collar_pct"),
    Rule.INPUT_TOO_OLD: Wording("input too old", "span", "risk.input_age_max_s"),
    Rule.ORDER_RATE: Wording("too many orders", "a minute", "risk.orders_per_minute_max"),
    Rule.RISK_TOO_LARGE: Wording("risk too large", "%", "risk.risk_pct"),
    Rule.NO_EQUITY: Wording("no equity left", "usd"),
}
# fmt: on

_SHOWN: dict[str, Callable[[float], str]] = {
    "": lambda value: f"{value:,.6g}",
    "price": tables.price,
    "%": tables.pct,
    "ratio": lambda value: f"{value:.2f}",
    "strength": lambda value: f"{value:.2f}",
    "share": tables.share,
    "span": lambda value: tables.span(abs(value)),
    "usd": lambda value: f"{tables.notional(value)} USD",
    "pull": lambda value: f"{tables.notional(value)} a %",
    "bps": lambda value: f"{value:.1f} bps",
    "stop distance": lambda value: f"{value:.2f} stop distances",
    "a minute": lambda value: f"{value:.0f} a minute",
    "touch": lambda value: f"{value:.0f} an hour",
}
"""Units that are more than a noun to count."""


def phrase(rule: Rule) -> str:
    """`pays too little`."""
    return WORDINGS[rule].phrase


def key(rule: Rule) -> str:
    """`risk.min_net_rr`; empty where no setting is behind it."""
    return WORDINGS[rule].key


def saw(rule: Rule, value: float | None) -> str:
    """What it saw, with its unit; `-` where there was nothing to see."""
    if rule is Rule.NO_BREAK:
        return "none yet" if value is None else f"{tables.about(value)} ago"
    return _shown(value, WORDINGS[rule].unit)


def limit(rule: Rule, value: float | None) -> str:
    """The limit, with its unit; `-` where there is none."""
    return _shown(value, "span" if rule is Rule.NO_BREAK else WORDINGS[rule].unit)


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    show = _SHOWN.get(unit)
    return show(value) if show is not None else tables.count(round(value), unit)
