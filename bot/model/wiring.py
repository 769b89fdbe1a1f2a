"""The settings the adapters read: where prices and clusters come from, where things are kept."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from bot.model.settings import Bps, Pct, Seconds, Section, Share


class Mode(StrEnum):
    """Paper or real money."""

    PAPER = "paper"
    LIVE = "live"


class MarketSource(StrEnum):
    """Where prices come from."""

    SIMULATED = "simulated"
    RECORDED = "recorded"
    EXCHANGE = "exchange"


class Provider(StrEnum):
    """Where clusters come from."""

    HTTP = "http"
    LOCAL = "local"


class SymbolSettings(Section, frozen=True, kw_only=True):
    """One symbol whose name or scale differs at the provider."""

    name: str
    """As people type it: BTCUSDT, btc, BTC/USDT."""
    heatmap_symbol: str | None = None
    heatmap_factor: Annotated[float, Meta(gt=0, le=1e9)] = 1.0
    """Provider's price times this is the exchange's price (1000PEPEUSDT: 1000)."""


class SimulatedSettings(Section, frozen=True, kw_only=True):
    """`market.simulated`: the embedded market."""

    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 24
    speed: Annotated[float, Meta(gt=0, le=1000)] = 60.0
    """Market seconds per second."""
    history_days: Annotated[int, Meta(ge=1, le=60)] = 30
    start_at: str = "2026-01-01T00:00:00Z"
    """The market instant at which a new ledger begins."""


class RecordedSettings(Section, frozen=True, kw_only=True):
    """`market.recorded`: files played back."""

    folder: str = ""
    candles: str = "binance_um_5m/{symbol}.csv*"
    open_interest: str = "binance_um_oi_5m/{symbol}.csv*"
    funding: str = "binance_um_funding_8h/{symbol}.csv*"
    tiers: str = "leverage_tiers/binance_um.json"
    timeframe: Annotated[str, Meta(pattern="^(1m|3m|5m|15m|30m|1h)$")] = "5m"
    start: str = ""
    """First bar traded, RFC 3339 or a date; earlier bars warm up."""
    end: str = ""
    speed: Annotated[float, Meta(ge=0, le=1_000_000)] = 0.0
    """Market seconds per second; 0 is flat out."""
    warm_up_days: Annotated[int, Meta(ge=0, le=365)] = 7
    spread_bps: Bps = 1.0
    depth_usd: Annotated[float, Meta(gt=0)] = 2_000_000.0
    """Assumed resting notional within 10 bps, where the files know nothing of it."""


class ExchangeMarketSettings(Section, frozen=True, kw_only=True):
    """`market.exchange`: public data of the exchange that `exchange.id` names; needs no keys."""

    poll_s: Annotated[float, Meta(ge=1, le=10)] = 2.0
    """Between two looks at the prices of all symbols; streams are faster."""
    depth_period_s: Annotated[float, Meta(ge=1, le=600)] = 15.0
    """Between two looks at one symbol's order book."""
    history_days: Annotated[int, Meta(ge=1, le=30)] = 7
    """Bars and open interest fetched for the heatmap's warm-up."""


class MarketSettings(Section, frozen=True, kw_only=True):
    """`market`: prices, candles, open interest and funding."""

    source: MarketSource = MarketSource.SIMULATED
    simulated: SimulatedSettings = SimulatedSettings()
    recorded: RecordedSettings = RecordedSettings()
    exchange: ExchangeMarketSettings = ExchangeMarketSettings()


class MarginMode(StrEnum):
    """Whether a position answers for its own losses alone, or the account for all."""

    ISOLATED = "isolated"
    CROSS = "cross"


class ExchangeSettings(Section, frozen=True, kw_only=True):
    """`exchange`: which one, where it is reached, and how the account is to be set there."""

    id: str = "binanceusdm"
    """As ccxt names it."""
    base_url: str = ""
    """https://host, or http://127.0.0.1:port of an emulator; empty: the exchange's own."""
    stream_url: str = ""
    """wss://host, or ws://127.0.0.1:port; empty: the exchange's own, or base_url's host."""
    streams: bool = True
    """Websockets beside the polls; without them everything is only slower."""
    margin_mode: MarginMode = MarginMode.ISOLATED
    leverage: Annotated[int, Meta(ge=1, le=20)] = 5
    """Set at the exchange for every symbol: how much margin a position binds."""
    timeout_s: Annotated[float, Meta(ge=0.5, le=10)] = 4.0
    """Of a whole request."""
    speed: Annotated[float, Meta(ge=1, le=1000)] = 1.0
    """Market seconds per second of an emulator on this machine; a real exchange's is 1."""


class EngineSettings(Section, frozen=True, kw_only=True):
    """`heatmap.engine`: the local heatmap, an open-interest book anchored at entries."""

    bucket_width: Annotated[float, Meta(gt=0, le=0.01)] = 0.0005
    half_window: Annotated[float, Meta(gt=0.01, le=1)] = 0.30
    tiers: tuple[float, ...] = (3.0, 5.0, 10.0, 25.0, 50.0, 100.0)
    weights: tuple[float, ...] = (0.20, 0.20, 0.25, 0.20, 0.10, 0.05)
    half_lives_h: tuple[float, ...] = (240.0, 168.0, 96.0, 36.0, 12.0, 6.0)
    maker_share: Share = 0.5
    churn: Share = 0.05
    survival: Share = 0.5
    share_at_risk: Share = 1.0
    coverage_min: Share = 0.2
    position_usd: Annotated[float, Meta(gt=0)] = 20_000.0


class HeatmapSettings(Section, frozen=True, kw_only=True):
    """`heatmap`: where clusters come from and how often they are asked for."""

    provider: Provider = Provider.HTTP
    base_url: str = "http://127.0.0.1:8790"
    serve: str = "127.0.0.1:8790"
    """host:port on loopback where the local engine answers the provider's routes; empty: off."""
    period_s: Annotated[float, Meta(ge=1, le=600)] = 5.0
    stats_period_s: Annotated[float, Meta(ge=5, le=3600)] = 30.0
    timeout_s: Annotated[float, Meta(gt=0, le=3)] = 3.0
    body_max_bytes: Annotated[int, Meta(ge=1024, le=50_000_000)] = 2_000_000
    rows_max: Annotated[int, Meta(ge=1, le=10_000)] = 1000
    allow_unstable_provider: bool = False
    record: bool = True
    """Keep every accepted poll in history.db: it cannot be had later."""
    record_days: Annotated[int, Meta(ge=1, le=3650)] = 30
    engine: EngineSettings = EngineSettings()


class PaperSettings(Section, frozen=True, kw_only=True):
    """`paper`: the simulated venue."""

    balance_usd: Decimal = Decimal(10_000)
    latency_ms: Annotated[float, Meta(ge=0, le=10_000)] = 120.0
    latency_jitter_ms: Annotated[float, Meta(ge=0, le=10_000)] = 60.0
    slippage_bps: Decimal = Decimal(2)
    """Assumed one way by sizing and risk/reward; fills slip by depth."""
    impact: Annotated[float, Meta(ge=0, le=100)] = 1.0
    """Slippage at full depth, in tens of basis points."""
    leverage: Annotated[float, Meta(ge=1, le=125)] = 10.0
    """Isolated margin of paper positions; sets their liquidation price."""
    reject_share: Share = 0.0
    """Of orders rejected by chance, for rehearsals."""
    taker_fee_bps: Decimal = Decimal(5)
    maker_fee_bps: Decimal = Decimal(2)


class StoreSettings(Section, frozen=True, kw_only=True):
    """`store`: the ledger and its journal."""

    journal_days: Annotated[int, Meta(ge=1, le=3650)] = 7
    backups_kept: Annotated[int, Meta(ge=1, le=100)] = 7
    events_days: Annotated[int, Meta(ge=1, le=3650)] = 90


class LogSettings(Section, frozen=True, kw_only=True):
    """`log`: the story on a terminal, JSON lines in a service."""

    level: Annotated[str, Meta(pattern="^(debug|info|warning|error)$")] = "info"
    format: Annotated[str, Meta(pattern="^(auto|story|json)$")] = "auto"


class ProviderLimits(Section, frozen=True, kw_only=True):
    """Bounds that are not settings: named here so that tests and code agree."""

    retry_after_max_s: Seconds = 3600.0
    back_off_max_s: Seconds = 60.0
    back_off_from_failure: int = 3
    nesting_max: int = 32
    bad_rows_min: int = 3
    bad_rows_share_max: Pct = 20.0
