"""What is looked at now and then: open interest, the depth of the books, and the contracts."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from bot.errors import ConfigError
from bot.market.attempts import Attempts, side_by_side
from bot.market.instruments import Terms, instrument_of, is_trading
from bot.market.publicdata import HOUR_MS, PublicApi
from bot.market.quotes import Quotes
from bot.model.events import MarketHalted, OpenInterestRead
from bot.model.instrument import Instrument, display_symbol
from bot.model.primitives import Millis, Symbol
from bot.ports import Clock, Emit

BAR_MS: Final = 300_000
CALLS_AT_ONCE: Final = 8
OI_DELAY_S: Final = 0.2
OI_AGE_MAX_MS: Final = 1_800_000
"""Open interest that the exchange stamped longer ago is not told."""
DEPTH_AGE_MIN_MS: Final = 60_000
DEPTH_ROUNDS_KEPT: Final = 4
"""So many looks may fail before the depth counts as unknown."""
CONTRACTS_EVERY_MS: Final = HOUR_MS
CONTRACTS_PAUSE_S: Final = 10.0
"""Between two lists of contracts at least, however often they are asked for."""

log = structlog.get_logger()

OnInstruments = Callable[[dict[Symbol, Instrument]], None]


class Interest:
    """Open interest of each symbol, every five minutes, just as a bar ends."""

    def __init__(
        self, api: PublicApi, symbols: Sequence[Symbol], *, clock: Clock, attempts: Attempts
    ) -> None:
        self._api = api
        self._symbols = tuple(symbols)
        self._clock = clock
        self._attempts = attempts
        self._stamped_at: dict[Symbol, Millis] = {}

    async def run(self, emit: Emit) -> None:
        """Look now and at the end of every five minutes, until canceled."""
        while True:
            works = [lambda s=symbol: self._look(s, emit) for symbol in self._symbols]
            await side_by_side(works, most=CALLS_AT_ONCE)
            wait_ms = BAR_MS - self._clock.now() % BAR_MS
            await self._clock.sleep(wait_ms / 1000 + OI_DELAY_S)

    async def _look(self, symbol: Symbol, emit: Emit) -> None:
        call = self._api.open_interest(symbol)
        found = await self._attempts.run("open interest", call, display_symbol(symbol))
        if found is None:
            return
        stamped_at, oi = found
        at = self._clock.now()
        is_new = stamped_at > self._stamped_at.get(symbol, 0) and at - stamped_at <= OI_AGE_MAX_MS
        if oi > 0 and is_new:
            self._stamped_at[symbol] = stamped_at
            emit(OpenInterestRead(at=at, symbol=symbol, oi=oi, stamped_at=stamped_at))


class Depths:
    """What rests near the middle of each book, one symbol after the other."""

    def __init__(
        self,
        api: PublicApi,
        quotes: Quotes,
        symbols: Sequence[Symbol],
        *,
        period_s: float,
        clock: Clock,
        attempts: Attempts,
    ) -> None:
        self._api = api
        self._quotes = quotes
        self._symbols = tuple(symbols)
        self._period_s = period_s
        self._clock = clock
        self._attempts = attempts
        self._read_at: dict[Symbol, Millis] = {}

    async def run(self) -> None:
        """Look at each book once in a period, until canceled."""
        kept_ms = max(DEPTH_AGE_MIN_MS, DEPTH_ROUNDS_KEPT * self._period_s * 1000)
        while True:
            for symbol in self._symbols:
                call = self._api.depth_usd(symbol)
                depth_usd = await self._attempts.run("depths", call, display_symbol(symbol))
                now = self._clock.now()
                if depth_usd is not None:
                    self._read_at[symbol] = now
                    self._quotes.set_depth(symbol, depth_usd)
                elif now - self._read_at.get(symbol, 0) > kept_ms:
                    self._quotes.set_depth(symbol, None)
                await self._clock.sleep(self._period_s / len(self._symbols))


class Contracts:
    """Which symbols are traded, and on which grid: read hourly, and when an order met a filter."""

    def __init__(
        self,
        api: PublicApi,
        terms: Terms,
        instruments: dict[Symbol, Instrument],
        halted: set[Symbol],
        *,
        clock: Clock,
        attempts: Attempts,
    ) -> None:
        """`halted` are the symbols that were not traded when the market was prepared."""
        self._api = api
        self._terms = terms
        self.instruments = instruments
        """As they are now; replaced, never changed in place."""
        self._halted = set(halted)
        self._missing: set[Symbol] = set()
        """Not listed the last time: one list alone is not believed."""
        self._clock = clock
        self._attempts = attempts
        self._asked = asyncio.Event()

    def reload(self) -> None:
        """Read the contracts soon: an order was refused for its price, quantity or value."""
        self._asked.set()

    async def run(self, emit: Emit, on_changed: OnInstruments) -> None:
        """Tell halts and changed grids until canceled."""
        for symbol in sorted(self._halted):
            emit(MarketHalted(at=self._clock.now(), symbol=symbol, is_halted=True))
        while True:
            await self._clock.sleep(CONTRACTS_PAUSE_S)
            rest_s = CONTRACTS_EVERY_MS / 1000 - CONTRACTS_PAUSE_S
            try:
                async with asyncio.timeout(rest_s / self._clock.speed):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            await self.read(emit, on_changed)

    async def read(self, emit: Emit, on_changed: OnInstruments) -> None:
        """Read the list of contracts once and tell what is different."""
        listed = await self._attempts.run("contracts", self._api.listed(is_fresh=True))
        if listed is None:
            return
        missing = {symbol for symbol in self.instruments if symbol not in listed}
        if missing - self._missing:
            self.reload()
        unsure = missing - self._missing - self._halted
        self._missing = missing
        for symbol in self.instruments:
            is_halted = not is_trading(listed.get(symbol))
            if symbol not in unsure and is_halted is not (symbol in self._halted):
                change = self._halted.add if is_halted else self._halted.discard
                change(symbol)
                emit(MarketHalted(at=self._clock.now(), symbol=symbol, is_halted=is_halted))
        changed = {}
        for symbol, known in self.instruments.items():
            if symbol in missing:
                continue
            try:
                found = instrument_of(symbol, listed, self._terms, known.tiers)
            except ConfigError as error:
                log.warning("market.unread", text=f"the contract as it was stands: {error.what}")
                continue
            if found != known:
                changed[symbol] = found
        if changed:
            self.instruments = {**self.instruments, **changed}
            names = ", ".join(display_symbol(symbol) for symbol in changed)
            log.info("market.changed", text=f"the exchange changed steps or limits of {names}")
            on_changed(changed)
