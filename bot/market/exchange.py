"""A real exchange's public data as a market: no keys are needed, and every failure is survived.

Market time is the exchange's. Prices are polled for all symbols at once and streamed where there
are streams; bars, open interest, funding, depth and contracts are looked at when they are due.
Each of them fails by itself: what is not known is missing, and the core is told when a price is.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bot.errors import ConfigError, UnavailableError
from bot.gateway.failures import GatewayError
from bot.gateway.stream import open_stream
from bot.market.attempts import Attempts
from bot.market.instruments import Terms, instrument_of, is_trading
from bot.market.loading import Loading, Past, spans
from bot.market.minutes import Minutes
from bot.market.pricing import Prices
from bot.market.publicdata import Listed, PublicApi
from bot.market.quotes import Quotes
from bot.market.surveys import Contracts, Depths, Interest, OnInstruments
from bot.market.watching import StreamOpener, Watching
from bot.model.instrument import Instrument, display_symbol
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import ExchangeMarketSettings
from bot.ports import Clock, Emit, History

TRIES: Final = 3
PAUSE_S: Final = 2.0

log = structlog.get_logger()


class ExchangeMarket:
    """The Market port over a PublicApi; endless."""

    def __init__(
        self,
        *,
        public: PublicApi,
        clock: Clock,
        settings: ExchangeMarketSettings,
        symbols: Sequence[Symbol],
        title: str,
        terms: Terms,
        has_streams: bool = False,
        has_heatmap: bool = False,
        opener: StreamOpener = open_stream,
    ) -> None:
        """Everything but the exchange's own facts.

        `clock` is exchange time and exists before the market; `title` is what people call the
        exchange. With `has_heatmap` bars and open interest of `settings.history_days` are
        fetched for the bot's own heatmap. `opener` opens websockets.
        """
        self._public = public
        self._clock = clock
        self._settings = settings
        self._symbols = tuple(symbols)
        self._title = title
        self._heatmap_days = settings.history_days if has_heatmap else 0
        self._terms = terms
        self._has_streams = has_streams
        self._opener = opener
        self.on_instruments: OnInstruments = lambda _changed: None
        """Called with the contracts whose steps or limits the exchange has changed."""
        self.attempts = Attempts(clock)
        self.quotes = Quotes(self._symbols, speed=clock.speed)
        self._prices = Prices(
            public,
            self.quotes,
            self._symbols,
            clock=clock,
            poll_s=settings.poll_s,
            attempts=self.attempts,
        )
        self._contracts: Contracts | None = None
        self._pasts: dict[Symbol, Past] = {}
        self._start_at = Millis(0)
        self._known_from = Millis(0)
        self._bars_from = Millis(0)

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The contracts as they are now; known once `prepare` has returned."""
        return {} if self._contracts is None else self._contracts.instruments

    def keep_time(self, clock: Clock) -> None:
        """Nothing to do: market time is the exchange's, and it was there first."""
        assert clock is self._clock, "an exchange keeps its own time"

    async def prepare(self, resume_at: Millis | None, report: Callable[[float, str], None]) -> None:
        """Read contracts, past and first prices.

        Raises:
            UnavailableError: the exchange does not answer.
            ConfigError: a symbol is not one that can be traded here.

        """
        report(0.0, f"the contracts of {self._title}")
        listed = await self._listed()
        halted = self._halted(listed, resume_at)
        instruments = self._checked(listed)
        wanted = spans(now=self._clock.now(), resume_at=resume_at, heatmap_days=self._heatmap_days)
        loading = Loading(self._public, self._clock, self.attempts)
        self._pasts = await loading.load(self._symbols, wanted, report)
        for symbol, past in self._pasts.items():
            if past.tiers:
                instruments[symbol] = instrument_of(symbol, listed, self._terms, past.tiers)
        self._contracts = Contracts(
            self._public,
            self._terms,
            instruments,
            halted,
            clock=self._clock,
            attempts=self.attempts,
        )
        await self._read_fundings()
        self._bars_from = wanted.until
        self._start_at = Millis(max(self._clock.now(), resume_at or 0))
        # The minute that is on its way counts as a whole if it was known from its beginning.
        is_known = resume_at is not None and resume_at <= wanted.until
        self._known_from = wanted.until if is_known else self._start_at
        report(1.0, f"{self._title} is ready")

    def start_at(self) -> Millis:
        """Exchange time when everything was ready."""
        return self._start_at

    def end_at(self) -> Millis | None:
        """Never."""
        return None

    def history(self, symbol: Symbol) -> History:
        """What was known of a symbol at the start; let go of once the market runs."""
        return self._pasts.get(symbol) or Past()

    def reload(self) -> None:
        """Read the contracts anew, soon: an order was refused by a filter."""
        if self._contracts is not None:
            self._contracts.reload()

    async def run(self, emit: Emit) -> None:
        """Emit until canceled."""
        assert self._contracts is not None, "prepare comes before run"
        self._pasts = {}
        public, clock, attempts = self._public, self._clock, self.attempts
        self._prices.begin(emit)
        minutes = Minutes(
            public, self.quotes, self._prices, self._symbols, clock=clock, attempts=attempts
        )
        minutes.begin(
            bars_from=self._bars_from, known_from=self._known_from, seen_from=self._start_at
        )
        depths = Depths(
            public,
            self.quotes,
            self._symbols,
            period_s=self._settings.depth_period_s,
            clock=clock,
            attempts=attempts,
        )
        interest = Interest(public, self._symbols, clock=clock, attempts=attempts)
        plans = public.streams(self._symbols) if self._has_streams else []
        async with asyncio.TaskGroup() as group:
            group.create_task(self._prices.poll())
            group.create_task(self._prices.watch_silence())
            group.create_task(minutes.run(emit))
            group.create_task(interest.run(emit))
            group.create_task(depths.run())
            group.create_task(self._contracts.run(emit, self._tell_instruments))
            for plan in plans:
                watching = Watching(
                    plan, self._prices, open_stream=self._opener, clock=clock, attempts=attempts
                )
                group.create_task(watching.run())

    def _tell_instruments(self, changed: dict[Symbol, Instrument]) -> None:
        self.on_instruments(changed)

    async def _listed(self) -> Listed:
        reason = ""
        for left in reversed(range(TRIES)):
            try:
                return await self._public.listed(is_fresh=False)
            except GatewayError as error:
                reason = error.reason
                log.warning("market.unread", text=f"no contracts of {self._title}: {reason}")
            if left:
                await self._clock.sleep(PAUSE_S)
        raise UnavailableError(
            f"{self._title} does not tell its contracts: {reason}.",
            where="exchange.id",
            remedy="Look at the network and the exchange's status page; then start again.",
        )

    def _checked(self, listed: Listed) -> dict[Symbol, Instrument]:
        """Every symbol's contract; raises one ConfigError for all that are none."""
        found, errors = {}, []
        for symbol in self._symbols:
            try:
                found[symbol] = instrument_of(symbol, listed, self._terms)
            except ConfigError as error:
                errors.append(error)
        if not errors:
            return found
        raise ConfigError(
            " ".join(error.what for error in errors),
            where="symbols",
            remedy=" ".join(dict.fromkeys(error.remedy for error in errors)),
        )

    def _halted(self, listed: Listed, resume_at: Millis | None) -> set[Symbol]:
        """Symbols that are listed and not traded; a new ledger does not start with one.

        One that has traded before may hold a position on it: it starts, and no entry is made.
        """
        halted = {s for s in self._symbols if s in listed and not is_trading(listed[s])}
        if halted and resume_at is None:
            names = ", ".join(display_symbol(symbol) for symbol in sorted(halted))
            raise ConfigError(
                f"{self._title} does not trade {names} now.",
                where="symbols",
                remedy="Take it out of symbols, or start again when it is traded.",
            )
        return halted

    async def _read_fundings(self) -> None:
        """The first look at prices brings the rates of funding, which belong to the past too."""
        ticks = await self.attempts.run("prices", self._public.ticks(self._symbols))
        for tick in ticks or ():
            past = self._pasts.get(tick.symbol)
            if past is not None and tick.funding is not None:
                past.funding = tick.funding
