"""The provider's four routes, answered from a reading source, so that it can stand in for one.

The wire is the provider's own, its weak points included: times without a zone, distances without
a sign. The band's edges, `coverage` and `warming` are added; other clients ignore them. Whoever
can reach the port may ask, so it is opened on loopback only.
"""

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec
from aiohttp import web

from bot.errors import ConfigError
from bot.model.heatmap import Reading, Row
from bot.model.instrument import display_symbol
from bot.model.primitives import Millis, PositionSide, Symbol
from bot.ports import Clock, ReadingSource

CACHED_MAX: Final = 256
"""Encoded replies kept; beyond it the cache starts anew."""
PORT_MAX: Final = 65_535
WHERE: Final = "heatmap.serve"


class _Cluster(msgspec.Struct, frozen=True, kw_only=True):
    price_level: float
    side: PositionSide
    liquidation_count: int
    total_notional: float
    strength: float
    distance_from_price: float
    cluster_id: int
    last_updated: str
    leverage_tier: float | None
    zone_low: float
    zone_high: float


class _Heatmap(msgspec.Struct, frozen=True, kw_only=True):
    success: bool = True
    symbol: str
    current_price: float
    clusters: list[_Cluster]
    timestamp: str
    total_clusters: int
    coverage: float | None
    warming: bool


class HeatmapServer:
    """Serves one reading source for a fixed list of symbols."""

    def __init__(self, source: ReadingSource, symbols: list[Symbol], clock: Clock) -> None:
        self._source = source
        self._symbols = {display_symbol(symbol): symbol for symbol in symbols}
        self._clock = clock
        self._replies: dict[tuple[str, float, float], tuple[Reading, bytes]] = {}
        self._runner: web.AppRunner | None = None

    def app(self) -> web.Application:
        """The routes, for a server of the caller's own."""
        app = web.Application()
        app.router.add_get("/api/heatmap/{symbol}", self._heatmap)
        app.router.add_get("/api/heatmap/{symbol}/best", self._best)
        app.router.add_get("/api/stats", self._stats)
        app.router.add_get("/api/symbols", self._listing)
        return app

    async def start(self, address: str) -> tuple[str, int]:
        """Listen on `host:port` and return the address in use; port 0 takes a free one.

        Raises ConfigError for an address that is not loopback or cannot be opened.
        """
        host, port = loopback_address(address)
        runner = web.AppRunner(self.app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            await runner.cleanup()
            raise ConfigError(
                f"{address} cannot be opened: {error.strerror or error}",
                where=WHERE,
                remedy="Stop what listens there, or choose another port.",
            ) from error
        self._runner = runner
        opened = runner.addresses[0]
        return str(opened[0]), int(opened[1])

    async def stop(self) -> None:
        """Stop listening; requests under way get a second to finish."""
        runner, self._runner = self._runner, None
        if runner:
            await runner.cleanup()

    # --- routes

    async def _heatmap(self, request: web.Request) -> web.Response:
        strength_min = _number(request, "min_strength", default=0.0, highest=1.0)
        distance_max_pct = _number(request, "max_distance", default=10.0, highest=50.0)
        name, reading = self._find(request)
        key = (name, strength_min, distance_max_pct)
        known = self._replies.get(key)
        if known is None or known[0] is not reading:
            body = msgspec.json.encode(self._reply(name, reading, strength_min, distance_max_pct))
            if len(self._replies) >= CACHED_MAX:
                self._replies.clear()
            known = self._replies[key] = (reading, body)
        return web.Response(body=known[1], content_type="application/json")

    async def _best(self, request: web.Request) -> web.Response:
        strength_min = _number(request, "min_strength", default=0.6, highest=1.0)
        _, reading = self._find(request)
        rows = [row for row in reading.rows if row.strength >= strength_min]
        if not rows:
            raise _refusal(web.HTTPNotFound, "No suitable cluster found")
        best = max(rows, key=lambda row: (row.strength, row.notional_usd))
        return _json(_cluster(best, reading, self._updated_at(reading)))

    async def _stats(self, _: web.Request) -> web.Response:
        stats = self._source.stats()
        summary = {
            display_symbol(Symbol(symbol)): {
                "total_oi_usd": item.total_oi_usd,
                "long_short_ratio": item.long_short_ratio,
            }
            for symbol, item in stats.open_interest.items()
        }
        told = {
            "total_symbols": stats.symbols_total,
            "active_symbols": stats.symbols_active,
            "total_clusters": stats.clusters_total,
            "last_update": _naive(self._clock.now()),
            "debug": {
                "heatmap_running": True,
                "open_interest_summary": summary,
                "config": {},
                "type": "local",
            },
        }
        return _json({"success": True, "stats": told})

    async def _listing(self, _: web.Request) -> web.Response:
        names = sorted(self._symbols)
        return _json({"success": True, "symbols": names, "count": len(names)})

    # --- the wire

    def _find(self, request: web.Request) -> tuple[str, Reading]:
        name = request.match_info["symbol"].upper()
        symbol = self._symbols.get(name)
        if symbol is None:
            raise _refusal(web.HTTPBadRequest, f"Symbol {name} is not supported")
        reading = self._source.reading(symbol)
        if reading is None:
            raise _refusal(web.HTTPServiceUnavailable, f"No data for {name} yet")
        return name, reading

    def _reply(
        self, name: str, reading: Reading, strength_min: float, distance_max_pct: float
    ) -> _Heatmap:
        updated_at = self._updated_at(reading)
        clusters = [
            _cluster(row, reading, updated_at)
            for row in reading.rows
            if row.strength >= strength_min and _distance_pct(row, reading) <= distance_max_pct
        ]
        return _Heatmap(
            symbol=name,
            current_price=reading.price,
            clusters=clusters,
            timestamp=_naive(self._clock.now()),
            total_clusters=len(clusters),
            coverage=reading.coverage,
            warming=reading.is_warming,
        )

    def _updated_at(self, reading: Reading) -> str:
        return _naive(self._clock.now() if reading.input_at is None else reading.input_at)


def loopback_address(text: str) -> tuple[str, int]:
    """Split `host:port` (IPv6 in brackets); ConfigError unless the host is this machine's own."""
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    try:
        is_loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ConfigError(
            f"{text!r} is not a loopback address",
            where=WHERE,
            remedy="The heatmap is served to this machine only: write 127.0.0.1:8790.",
        )
    if not (port.isascii() and port.isdigit() and int(port) <= PORT_MAX):
        raise ConfigError(
            f"{text!r} has no port from 0 to {PORT_MAX}",
            where=WHERE,
            remedy="Write 127.0.0.1:8790.",
        )
    return host, int(port)


def _number(request: web.Request, name: str, *, default: float, highest: float) -> float:
    """A query parameter within 0..highest; anything else is answered with 422."""
    text = request.query.get(name)
    if text is None:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if 0.0 <= value <= highest:
        return value
    message = f"Input should be a number from 0 to {highest:g}"
    raise _refusal(
        web.HTTPUnprocessableEntity,
        [{"type": "value_error", "loc": ["query", name], "msg": message, "input": text}],
    )


def _distance_pct(row: Row, reading: Reading) -> float:
    return abs(row.level / reading.price - 1.0) * 100.0


def _cluster(row: Row, reading: Reading, updated_at: str) -> _Cluster:
    return _Cluster(
        price_level=row.level,
        side=row.side,
        liquidation_count=row.liquidation_count or 0,
        total_notional=row.notional_usd,
        strength=row.strength,
        distance_from_price=_distance_pct(row, reading),
        cluster_id=row.provider_id or 0,
        last_updated=updated_at,
        leverage_tier=row.leverage_tier,
        zone_low=row.low,
        zone_high=row.high,
    )


def _naive(at: Millis) -> str:
    """UTC without saying so, as the provider does."""
    return datetime.fromtimestamp(at / 1000.0, UTC).replace(tzinfo=None).isoformat()


def _json(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")


def _refusal(kind: Callable[..., web.HTTPException], detail: object) -> web.HTTPException:
    text = msgspec.json.encode({"detail": detail}).decode()
    return kind(text=text, content_type="application/json")
