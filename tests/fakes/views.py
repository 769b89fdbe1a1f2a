"""Builders of what strategies see, with defaults that qualify: a test names what its case needs."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from bot.core.strategies.base import View
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState, Ending
from bot.model.instrument import Instrument
from bot.model.primitives import ClusterId, Millis, PositionSide, Symbol
from bot.model.settings import CoreSettings, StrategySettings

BTC = Symbol("BTC/USDT:USDT")
NOW = Millis(1_767_225_600_000)
LONG, SHORT = PositionSide.LONG, PositionSide.SHORT

INSTRUMENT = Instrument(
    symbol=BTC,
    tick_size=Decimal("0.1"),
    lot_size=Decimal("0.001"),
    qty_min=Decimal("0.001"),
    qty_max=Decimal(1000),
    notional_min_usd=Decimal(5),
    leverage_max=Decimal(125),
    taker_fee_bps=Decimal(5),
    maker_fee_bps=Decimal(2),
)


def ago(seconds: float) -> Millis:
    return Millis(NOW - round(seconds * 1000))


def settings_with(strategies: StrategySettings | None = None, **fields: Any) -> CoreSettings:
    return CoreSettings(
        instance="test", symbols=(BTC,), strategies=strategies or StrategySettings(), **fields
    )


def tuned(section: str, **fields: Any) -> CoreSettings:
    """Settings with some keys of one section of `strategies` changed."""
    strategies = StrategySettings()
    changed = msgspec.structs.replace(getattr(strategies, section), **fields)
    return settings_with(msgspec.structs.replace(strategies, **{section: changed}))


def a_cluster(side: PositionSide, level: float, id_: int | None = None, **fields: Any) -> Cluster:
    """An active cluster, followed for ten minutes, whose band is its level."""
    known: dict[str, Any] = {
        "id": ClusterId(round(level * 10) if id_ is None else id_),
        "symbol": BTC,
        "side": side,
        "state": ClusterState.ACTIVE,
        "anchor_level": level,
        "level": level,
        "low": level,
        "high": level,
        "notional_usd": 4e6,
        "strength": 0.8,
        "first_seen_at": ago(600),
        "last_seen_at": ago(2),
        "active_at": ago(580),
        "seen": 100,
    }
    return Cluster(**(known | fields))


def long_at(level: float, id_: int | None = None, **fields: Any) -> Cluster:
    return a_cluster(LONG, level, id_, **fields)


def short_at(level: float, id_: int | None = None, **fields: Any) -> Cluster:
    return a_cluster(SHORT, level, id_, **fields)


def a_view(*clusters: Cluster, price: float = 100_000.0, **fields: Any) -> View:
    """A calm, fresh paper market at `price`; every trusted, present cluster is tradable."""
    known: dict[str, Any] = {
        "symbol": BTC,
        "at": NOW,
        "settings": settings_with(),
        "instrument": INSTRUMENT,
        "mark": price,
        "bid": price,
        "ask": price,
        "clusters": clusters,
        "tradable": frozenset(
            c.id for c in clusters if c.state is not ClusterState.CANDIDATE and not c.absent
        ),
        "is_fresh": True,
        "reading_age_s": 2.0,
        "atr_1m_pct": 0.05,
        "atr_15m_pct": 0.2,
        "last_minute_return_pct": 0.01,
    }
    return View(**(known | fields))


def swept(side: PositionSide, level: float, *, extreme: float, **fields: Any) -> ClusterEvent:
    """A cluster that was broken 20 s ago and came back 2 s ago."""
    return _settled(
        ClusterEventKind.BREAK_SWEPT, Ending.SWEPT, side, level, sweep_extreme=extreme, **fields
    )


def accepted(side: PositionSide, level: float, **fields: Any) -> ClusterEvent:
    """A cluster that was broken 20 s ago and whose break was accepted 2 s ago."""
    return _settled(ClusterEventKind.BREAK_ACCEPTED, Ending.ACCEPTED, side, level, **fields)


def _settled(
    kind: ClusterEventKind, ending: Ending, side: PositionSide, level: float, **fields: Any
) -> ClusterEvent:
    event_fields = {
        name: fields.pop(name) for name in ("is_only_break", "is_two_sided") if name in fields
    }
    event_at = fields.pop("event_at", ago(2))
    known: dict[str, Any] = {
        "state": ClusterState.BROKEN,
        "ending": ending,
        "broken_at": ago(20),
        "broken_level": level,
    }
    cluster = a_cluster(side, level, **(known | fields))
    return ClusterEvent(kind=kind, at=event_at, cluster=cluster, **event_fields)


def mirrored(view: View, around: float) -> View:
    """The same market upside down: every price p becomes 2 * around - p, longs become shorts."""

    def flip(price: float | None) -> float | None:
        return None if price is None else 2 * around - price

    def turn(cluster: Cluster) -> Cluster:
        return msgspec.structs.replace(
            cluster,
            side=cluster.side.opposite,
            anchor_level=flip(cluster.anchor_level),
            level=flip(cluster.level),
            low=flip(cluster.high),
            high=flip(cluster.low),
            broken_level=flip(cluster.broken_level),
            sweep_extreme=flip(cluster.sweep_extreme),
        )

    events: Sequence[ClusterEvent] = [
        msgspec.structs.replace(event, cluster=turn(event.cluster), price=flip(event.price))
        for event in view.events
    ]
    return msgspec.structs.replace(
        view,
        mark=flip(view.mark),
        bid=flip(view.ask),
        ask=flip(view.bid),
        clusters=tuple(turn(cluster) for cluster in view.clusters),
        events=events,
        last_minute_return_pct=None
        if view.last_minute_return_pct is None
        else -view.last_minute_return_pct,
        backed={key: (side.opposite, at) for key, (side, at) in view.backed.items()},
    )
