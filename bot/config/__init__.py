"""config.yaml and the environment become one frozen Config, or sentences that say what to mend.

All mistakes are reported at once, each with its line, its key, the nearest key that exists and
the range it may have. Nothing is guessed: YAML's own surprises (`on`, `010`, `12:30:45`,
duplicate keys, aliases, tags) are refused.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from bot.config.document import Document, Mistake, read_document
from bot.config.exchange import exchange_mistakes
from bot.config.sentences import explain
from bot.errors import ConfigError
from bot.model.instrument import unified_symbol
from bot.model.primitives import Symbol
from bot.model.settings import (
    CoreSettings,
    OrderSettings,
    RiskSettings,
    Section,
    StrategySettings,
    TrackerSettings,
)
from bot.model.wiring import (
    ExchangeSettings,
    HeatmapSettings,
    LogSettings,
    MarketSettings,
    MarketSource,
    Mode,
    PaperSettings,
    Provider,
    StoreSettings,
    SymbolSettings,
)

TIMEFRAMES_S = {"1m": 60.0, "3m": 180.0, "5m": 300.0, "15m": 900.0, "30m": 1800.0, "1h": 3600.0}
MISTAKES_MAX = 50
"""Mistakes reported in one go."""


class Config(Section, frozen=True, kw_only=True):
    """The whole configuration; every section has defaults for the embedded market."""

    mode: Mode = Mode.PAPER
    symbols: Annotated[tuple[str | SymbolSettings, ...], Meta(min_length=1, max_length=500)] = (
        "BTCUSDT",
        "ETHUSDT",
        "SOLUSDT",
    )
    data_dir: str | None = None
    market: MarketSettings = MarketSettings()
    exchange: ExchangeSettings = ExchangeSettings()
    heatmap: HeatmapSettings = HeatmapSettings()
    tracker: TrackerSettings = TrackerSettings()
    strategies: StrategySettings = StrategySettings()
    risk: RiskSettings = RiskSettings()
    orders: OrderSettings = OrderSettings()
    paper: PaperSettings = PaperSettings()
    store: StoreSettings = StoreSettings()
    log: LogSettings = LogSettings()

    @property
    def symbol_settings(self) -> dict[Symbol, SymbolSettings]:
        """Each traded symbol with its name and scale at the provider."""
        entries = (
            SymbolSettings(name=entry) if isinstance(entry, str) else entry
            for entry in self.symbols
        )
        return {unified_symbol(entry.name): entry for entry in entries}

    def core(self, *, instance: str) -> CoreSettings:
        """What the core reads of it."""
        return CoreSettings(
            instance=instance,
            mode=self.mode,
            symbols=tuple(self.symbol_settings),
            provider=f"{self.heatmap.provider}:{self.heatmap.base_url}"
            if self.heatmap.provider is Provider.HTTP
            else self.heatmap.provider,
            allow_unstable_provider=self.heatmap.allow_unstable_provider,
            poll_period_s=TIMEFRAMES_S[self.market.recorded.timeframe]
            if self.is_flat_out
            else self.heatmap.period_s,
            slippage_bps=self.paper.slippage_bps,
            venue_leverage=self.exchange.leverage if self.is_live else self.paper.leverage,
            tracker=self.tracker,
            strategies=self.strategies,
            risk=self.risk,
            orders=self.orders,
            is_alone=self.is_flat_out,
        )

    @property
    def is_live(self) -> bool:
        """Orders go to the exchange."""
        return self.mode is Mode.LIVE

    @property
    def is_flat_out(self) -> bool:
        """A recording is played as fast as it can be: market time jumps from event to event."""
        return self.market.source is MarketSource.RECORDED and self.market.recorded.speed == 0


def load(path: Path) -> Config:
    """Read and check a configuration file. Raises ConfigError with every mistake found."""
    document = read_document(path)
    config, mistakes = _convert(document)
    if config is not None and not mistakes:
        mistakes = _contradictions(config)
    if mistakes or config is None:
        raise ConfigFileError(document.name, mistakes)
    return config


class ConfigFileError(ConfigError):
    """A configuration file with its mistakes, in the order of their lines."""

    def __init__(self, name: str, mistakes: list[Mistake]) -> None:
        self.name = name
        self.mistakes = sorted(mistakes, key=lambda m: m.line)
        first = self.mistakes[0]
        super().__init__(first.what, where=f"{name}:{first.line}", remedy=first.remedy)

    def __str__(self) -> str:
        lines = []
        for mistake in self.mistakes:
            lines.append(f"{self.name}:{mistake.line}  {mistake.what}")
            if mistake.remedy:
                lines.append(f"    {mistake.remedy}")
        return "\n".join(lines)


def find_config(argument: str | None, environ: Mapping[str, str]) -> Path:
    """-c, then LIQBOT_CONFIG, then ./config.yaml, then /etc/liqbot/config.yaml."""
    named = argument or environ.get("LIQBOT_CONFIG")
    if named:
        return Path(named)
    here = Path("config.yaml")
    service = Path(environ.get("CONFIGURATION_DIRECTORY", "/etc/liqbot")) / "config.yaml"
    return service if not here.exists() and service.exists() else here


def find_data_dir(
    config: Config, config_path: Path, argument: str | None, environ: Mapping[str, str]
) -> Path:
    """--data-dir, LIQBOT_DATA_DIR, $STATE_DIRECTORY, data_dir:, ./data beside the file, XDG."""
    for named in (argument, environ.get("LIQBOT_DATA_DIR"), environ.get("STATE_DIRECTORY")):
        if named:
            return Path(named.split(":")[0]).expanduser()
    if config.data_dir:
        return (config_path.parent / Path(config.data_dir).expanduser()).absolute()
    if os.access(config_path.parent, os.W_OK):
        return config_path.parent / "data"
    xdg = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(xdg) / "liqbot"


def json_schema() -> dict[str, Any]:
    """JSON schema of the file, for editors."""
    return msgspec.json.schema(Config)


def _convert(document: Document) -> tuple[Config | None, list[Mistake]]:
    """Convert, noting each mistake and taking it out, until the rest is sound."""
    data = document.data
    mistakes = list(document.mistakes)
    while len(mistakes) < MISTAKES_MAX:
        try:
            return msgspec.convert(data, type=Config, strict=True), mistakes
        except msgspec.ValidationError as error:
            mistake, path = explain(error, document, Config)
            mistakes.append(mistake)
            if not document.remove(path):
                break
    return None, mistakes


def _contradictions(config: Config) -> list[Mistake]:
    """What no single key shows."""
    found = [
        *exchange_mistakes(config.exchange, mode=config.mode, source=config.market.source),
        *_symbol_mistakes(config),
        *_money_mistakes(config),
        *_source_mistakes(config),
    ]
    return [Mistake(line=1, what=what, remedy=remedy) for what, remedy in found]


def _symbol_mistakes(config: Config) -> Iterator[tuple[str, str]]:
    seen: dict[Symbol, str] = {}
    for entry in config.symbols:
        name = entry if isinstance(entry, str) else entry.name
        try:
            symbol = unified_symbol(name)
        except ValueError as error:
            yield f"symbols: {error}.", "Write them like BTCUSDT."
            continue
        if symbol in seen:
            yield f"symbols names {name} twice ({seen[symbol]}).", "Name each symbol once."
        seen[symbol] = name


def _money_mistakes(config: Config) -> Iterator[tuple[str, str]]:
    for key, value, low, high in (
        ("balance_usd", config.paper.balance_usd, 1, 10**9),
        ("slippage_bps", config.paper.slippage_bps, 0, 500),
        ("taker_fee_bps", config.paper.taker_fee_bps, 0, 100),
        ("maker_fee_bps", config.paper.maker_fee_bps, -10, 100),
    ):
        if not (value.is_finite() and low <= value <= high):
            yield f"paper.{key} is {value}.", f"It must be a number, {low} to {high}."


def _source_mistakes(config: Config) -> Iterator[tuple[str, str]]:
    if config.market.source is MarketSource.RECORDED and not config.market.recorded.folder:
        yield (
            "market.source is recorded, and market.recorded.folder is not set.",
            "Name the folder that holds the files.",
        )
    engine = config.heatmap.engine
    if not len(engine.tiers) == len(engine.weights) == len(engine.half_lives_h):
        yield (
            "heatmap.engine: tiers, weights and half_lives_h differ in length.",
            "Give each tier one weight and one half-life.",
        )
