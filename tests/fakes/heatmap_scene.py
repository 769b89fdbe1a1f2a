"""What a heatmap provider would show: prices and clusters that a test or a script moves."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

Document: TypeAlias = dict[str, Any]


@dataclass
class SceneCluster:
    """One cluster: at a level that stays, or at a distance that rides on the price."""

    side: str
    level: float = 0.0
    distance: float | None = None
    """Signed share of the price; set for a cluster that rides on it."""
    notional: float = 3_500_000.0
    strength: float = 0.85
    tier: float | None = 50.0

    def level_at(self, price: float) -> float:
        return self.level if self.distance is None else price * (1.0 + self.distance)


@dataclass
class SceneSymbol:
    """One symbol: a path of prices, one step a reply, and its clusters."""

    clusters: list[SceneCluster]
    path: list[float]
    step: int = 0

    @property
    def price(self) -> float:
        return self.path[self.step % len(self.path)]


@dataclass
class Scene:
    """Replies of all routes, as the provider's server codes them."""

    symbols: dict[str, SceneSymbol] = field(default_factory=dict)
    replies: int = 0

    def heatmap(self, name: str) -> Document:
        """The main route's document; each call moves the symbol's price one step on."""
        symbol = self.symbols[name]
        price = symbol.price
        symbol.step += 1
        self.replies += 1
        rows = [self._row(cluster, price, i) for i, cluster in enumerate(symbol.clusters)]
        return {
            "success": True,
            "symbol": name,
            "current_price": price,
            "clusters": rows,
            "timestamp": _naive_now(),
            "total_clusters": len(rows),
        }

    def best(self, name: str) -> Document | None:
        """The bare cluster of the `best` route; None where there is none."""
        symbol = self.symbols[name]
        strong = [cluster for cluster in symbol.clusters if cluster.strength >= 0.6]
        return self._row(strong[0], symbol.price, 0) if strong else None

    def stats(self) -> Document:
        summary = {
            name: {"total_oi_usd": 1_000_000_000.0, "long_short_ratio": 1.2}
            for name in list(self.symbols)[:10]
        }
        return {
            "success": True,
            "stats": {
                "total_symbols": len(self.symbols),
                "active_symbols": len(self.symbols),
                "total_clusters": sum(len(s.clusters) for s in self.symbols.values()),
                "last_update": _naive_now(),
                "debug": {
                    "heatmap_running": True,
                    "open_interest_summary": summary,
                    "config": {},
                    "type": "predictive",
                },
            },
        }

    def listing(self) -> Document:
        return {"success": True, "symbols": list(self.symbols), "count": len(self.symbols)}

    def _row(self, cluster: SceneCluster, price: float, number: int) -> Document:
        level = cluster.level_at(price)
        return {
            "price_level": level,
            "side": cluster.side,
            "liquidation_count": 1248,
            "total_notional": cluster.notional,
            "strength": cluster.strength,
            "distance_from_price": round(abs(level / price - 1.0) * 100.0, 2),
            "cluster_id": self.replies * 1000 + number,  # Made anew every cycle, as there.
            "last_updated": _naive_now(),
            "leverage_tier": cluster.tier,
        }


def a_symbol(
    price: float = 89_175.0, *, pairs: int = 3, is_riding: bool = False, swing: float = 0.0002
) -> SceneSymbol:
    """A symbol with `pairs` clusters a side, 0.4 % apart, and a price that swings a little."""
    clusters = []
    for number in range(1, pairs + 1):
        for side, sign in (("short", 1), ("long", -1)):
            distance = sign * 0.004 * number
            clusters.append(
                SceneCluster(
                    side=side,
                    level=round(price * (1.0 + distance), 8),
                    distance=distance if is_riding else None,
                    notional=1_000_000.0 * (pairs + 1 - number) + 1_000.0 * sign,
                    strength=round(0.95 - 0.9 * (number - 1) / pairs, 4),
                    tier=50.0 / number,
                )
            )
    path = [price * (1.0 + swing * offset) for offset in (0, 1, 2, 1, 0, -1, -2, -1)]
    return SceneSymbol(clusters=clusters, path=path)


def a_scene(*names: str, price: float = 89_175.0, pairs: int = 3, is_riding: bool = False) -> Scene:
    """A scene of the named symbols, BTCUSDT alone where none is named."""
    return Scene(
        symbols={
            name: a_symbol(price, pairs=pairs, is_riding=is_riding)
            for name in names or ("BTCUSDT",)
        }
    )


def _naive_now() -> str:
    """A stamp without a zone, made anew for every answer: it proves nothing."""
    return datetime.fromtimestamp(1_770_000_000, UTC).replace(tzinfo=None).isoformat()
