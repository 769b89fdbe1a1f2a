"""The parts that a configuration asks for, made: market, heatmap, venue.

Only what is needed is imported, so that the embedded market carries no exchange library.
"""

import bisect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import structlog

from bot.clock import seeded_random
from bot.config import Config
from bot.core import ids
from bot.core.state import State
from bot.errors import ConfigError
from bot.model.events import Event
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.primitives import ClientOrderId, Millis, Symbol
from bot.model.snapshot import Snapshot
from bot.model.wiring import MarketSource, Provider
from bot.outside import Outside
from bot.ports import Clock, Feed, History, Market, ReadingSource, Venue

if TYPE_CHECKING:
    from bot.heatmap.local import LocalEngine
    from bot.link import Link

ENGINE_FILE = "heatmap.bin"
BAR_MS = 300_000
CANDLES_KEPT = 600
"""Warm-up bars a symbol's volatility is rebuilt from."""
OI_EVERY_MS = 3_600_000
"""Open interest of the past is thinned to one sample an hour."""

log = structlog.get_logger()


class PlayedMarket(Market, Protocol):
    """A market that plays by a clock, which can only be made once its start is known."""

    def keep_time(self, clock: Clock) -> None:
        """Play by this clock."""
        ...

    def end_at(self) -> Millis | None:
        """When it ends by itself; None: never."""
        ...


class WatchingVenue(Venue, Protocol):
    """A venue that judges by the market's events before the core sees them."""

    def on_market(self, event: Event) -> None:
        """See a market event."""
        ...

    async def run(self) -> None:
        """Follow what comes unasked, until canceled; a venue where nothing does returns."""
        ...


def market_speed(config: Config) -> float:
    """Market seconds per second; 0 is flat out."""
    if config.market.source is MarketSource.EXCHANGE:
        return config.exchange.speed
    if config.market.source is MarketSource.RECORDED:
        return config.market.recorded.speed
    return config.market.simulated.speed


def make_market(
    config: Config, config_path: Path, data_dir: Path, link: "Link | None"
) -> PlayedMarket:
    """The market that `market.source` names; `link` leads to an exchange's."""
    symbols = tuple(config.symbol_settings)
    paper = config.paper
    if link is not None:
        return _exchange_market(config, link)
    if config.market.source is MarketSource.RECORDED:
        from bot.market.recorded import RecordedMarket  # noqa: PLC0415  (only where it is used)

        settings = config.market.recorded
        folder = config_path.absolute().parent / Path(settings.folder).expanduser()
        return RecordedMarket(
            settings=settings,
            symbols=symbols,
            folder=folder,
            taker_fee_bps=float(paper.taker_fee_bps),
            maker_fee_bps=float(paper.maker_fee_bps),
        )
    from bot.market.simulated import SimulatedMarket  # noqa: PLC0415  (only where it is used)
    from bot.sim.world import Origin, World  # noqa: PLC0415  (only where it is used)

    simulated = config.market.simulated
    origin = Origin(
        seed=simulated.seed,
        symbols=symbols,
        start_at=_whole_bar(simulated.start_at, "market.simulated.start_at"),
        history_days=simulated.history_days,
    )
    world = World(
        origin,
        taker_fee_bps=Decimal(paper.taker_fee_bps),
        maker_fee_bps=Decimal(paper.maker_fee_bps),
    )
    return SimulatedMarket(world=world, file=data_dir / "market.bin")


def _exchange_market(config: Config, link: "Link") -> PlayedMarket:
    from bot.market.exchange import ExchangeMarket  # noqa: PLC0415  (only where it is used)
    from bot.market.instruments import Terms  # noqa: PLC0415  (the same)
    from bot.market.publics import open_public  # noqa: PLC0415  (the same)

    paper = config.paper
    terms = Terms(
        taker_fee_bps=Decimal(paper.taker_fee_bps),
        maker_fee_bps=Decimal(paper.maker_fee_bps),
        can_convert=not config.is_live,
    )
    return ExchangeMarket(
        public=open_public(config.exchange.id, link.client, link.clock, has_key=config.is_live),
        clock=link.clock,
        settings=config.market.exchange,
        symbols=tuple(config.symbol_settings),
        title=link.profile.connection.title,
        terms=terms,
        has_streams=config.exchange.streams,
        has_heatmap=needs_engine(config),
    )


def needs_engine(config: Config) -> bool:
    """Whether the bot computes a heatmap of its own, for itself or for others."""
    is_served = bool(config.heatmap.serve) and not config.is_flat_out
    return config.heatmap.provider is Provider.LOCAL or is_served


def make_engine(config: Config, instruments: dict[Symbol, Instrument]) -> "LocalEngine | None":
    """The bot's own heatmap, where it is polled directly or served."""
    if not needs_engine(config):
        return None
    from bot.heatmap.local import LocalEngine  # noqa: PLC0415  (numpy only where it is used)

    return LocalEngine(instruments, config.heatmap.engine)


def load_engine(engine: "LocalEngine", data_dir: Path) -> None:
    """Fill the books from the file of the last run, where it fits."""
    engine.load(data_dir / ENGINE_FILE)


class Recent(msgspec.Struct, kw_only=True):
    """What a run keeps of a market's past: the History port."""

    candles: Sequence[Candle]
    """The newest `CANDLES_KEPT`, and all since the last price in the ledger."""
    open_interest: Sequence[tuple[Millis, float]]
    """The first sample of each hour."""
    funding: Funding | None


def read_past(
    market: Market,
    known: Snapshot,
    symbols: Sequence[Symbol],
    engine: "LocalEngine | None",
    report: Callable[[float, str], None],
) -> dict[Symbol, History]:
    """Each symbol's past: the engine reads all of it, the run keeps what is recent.

    One symbol at a time, for a month of 27 symbols is 100 MB of bars.
    """
    seen_at = {row.symbol: row.last_price_at for row in known.symbols}
    kept: dict[Symbol, History] = {}
    for symbol in symbols:
        history = market.history(symbol)
        if engine is not None:
            engine.warm_up(symbol, history, report)
        kept[symbol] = _recent(history, seen_at.get(symbol))
    return kept


def _recent(history: History, since: Millis | None) -> Recent:
    candles = history.candles
    first = max(len(candles) - CANDLES_KEPT, 0)
    if since is not None:
        first = min(first, bisect.bisect_left(candles, since, key=lambda c: c.open_at))
    hours: dict[int, tuple[Millis, float]] = {}
    for at, oi in history.open_interest:
        hours.setdefault(at // OI_EVERY_MS, (at, oi))
    return Recent(
        candles=tuple(candles[first:]),
        open_interest=tuple(hours.values()),
        funding=history.funding,
    )


def save_engine(engine: "LocalEngine", data_dir: Path) -> None:
    """Keep the books for the next start; a disk that says no costs only time then."""
    try:
        engine.save(data_dir / ENGINE_FILE)
    except OSError as error:
        log.warning("heatmap.unsaved", text=f"the heatmap's memory was not saved: {error.strerror}")


def make_feed(
    config: Config, clock: Clock, source: ReadingSource | None, *, is_flat_out: bool
) -> Feed:
    """The feed that `heatmap.provider` names."""
    symbols = config.symbol_settings
    if config.heatmap.provider is Provider.LOCAL:
        from bot.heatmap.local_feed import LocalFeed  # noqa: PLC0415  (only where it is used)

        assert source is not None, "the local provider has an engine"
        return LocalFeed(source, list(symbols), clock, config.heatmap, is_per_bar=is_flat_out)
    from bot.heatmap.guard import checked_url, guarded  # noqa: PLC0415  (only where it is used)
    from bot.heatmap.listing import listing  # noqa: PLC0415  (only where it is used)
    from bot.heatmap.poller import HttpFeed  # noqa: PLC0415  (only where it is used)

    checked_url(config.heatmap.base_url)  # Now, and not at the first poll of a run that goes on.
    return HttpFeed(
        config.heatmap,
        [listing(symbol, settings) for symbol, settings in symbols.items()],
        clock=clock,
        uniform=seeded_random(config.market.simulated.seed).uniform,
        open_transport=lambda: guarded(config.heatmap),
        pace=clock.speed,
    )


def make_venue(
    config: Config, state: State, clock: Clock, books: Any, outside: Outside, market: Market
) -> WatchingVenue:
    """The exchange itself, or the paper venue on the ledger's books."""
    if outside.api is not None:
        return _live_venue(config, state, outside, market)
    from bot.venue.paper import PaperVenue  # noqa: PLC0415  (live runs have no use for it)

    return PaperVenue(
        settings=config.paper,
        instruments=state.instruments,
        clock=clock,
        books=books,
        chance=seeded_random(config.market.simulated.seed + 1).random,
    )


def _live_venue(config: Config, state: State, outside: Outside, market: Market) -> WatchingVenue:
    from bot.market.exchange import ExchangeMarket  # noqa: PLC0415  (ccxt: only when live)
    from bot.venue.live import LiveVenue  # noqa: PLC0415  (the same)

    link, api, instance = outside.link, outside.api, state.settings.instance
    assert link is not None, "an account is reached over a line"
    assert api is not None, "only a live run comes here"
    assert isinstance(market, ExchangeMarket), "real orders follow the exchange's prices"
    return LiveVenue(
        api=api,
        settings=config.exchange,
        orders=config.orders,
        instruments=state.instruments,
        clock=link.clock,
        limiter=link.limiter,
        probe_ids=lambda symbol: ClientOrderId(ids.derive("probe", instance, symbol)),
        sync_time=link.client.sync_time,
        on_filters=market.reload,
    )


def _whole_bar(text: str, key: str) -> Millis:
    """An instant at which a five-minute bar begins. Raises ConfigError."""
    at = instant_of(text, key)
    if at % BAR_MS:
        raise ConfigError(
            f'{key} is "{text}", and a market begins with a whole bar of five minutes.',
            remedy="Write a time whose minutes are 00, 05, 10 and so on, without seconds.",
        )
    return at


def instant_of(text: str, key: str) -> Millis:
    """A date or RFC 3339 time as milliseconds; UTC where no zone is given. Raises ConfigError."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f'{key} is "{text}", which is no date.', remedy="Write 2026-01-31 or 2026-01-31T08:00Z."
        ) from error
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return Millis(int(when.timestamp() * 1000))
