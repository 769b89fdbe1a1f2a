"""All contracts of the embedded market, second by second, from a seed.

What happens depends on the seed, the nature, the start, the days of history and each symbol's name:
never on the bot, on the speed, or on which other symbols are carried.
"""

import math
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Final

import msgspec

from bot.errors import DataError
from bot.model.events import CandleClosed, Event, FundingRead, OpenInterestRead
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol, Value
from bot.sim.coin import FIVE_MS, MINUTE_MS, Coin, new_coin
from bot.sim.funding import PERIOD_MS, next_settlement
from bot.sim.nature import Nature
from bot.sim.noise import BLOCK_S, TURN_NORMALS, TURN_S, Noise
from bot.sim.past import Past, step_lengths_ms
from bot.sim.profiles import instrument_of, profile_of

SECOND_MS: Final = 1_000
_BLOCK_MS: Final = BLOCK_S * SECOND_MS
_HOUR_MS: Final = 3_600_000
_VERSION: Final = 1


class Origin(Value, frozen=True, kw_only=True):
    """Everything that decides what happens in a world."""

    seed: int
    symbols: tuple[Symbol, ...]
    start_at: Millis
    """When the history ends and the seconds begin; a whole minute times five."""
    history_days: int = 30
    nature: Nature = Nature()


class PastOf(msgspec.Struct, kw_only=True):
    """One contract's history: the History port."""

    candles: Sequence[Candle]
    open_interest: Sequence[tuple[Millis, float]]
    funding: Funding | None


class _Header(Value, frozen=True, kw_only=True):
    version: int
    origin: Origin
    at: Millis


class World:
    """The market itself. `build` or `restore` first; then every `step` is one second."""

    def __init__(self, origin: Origin, *, taker_fee_bps: Decimal, maker_fee_bps: Decimal) -> None:
        assert origin.start_at % FIVE_MS == 0, "the history ends with a whole bar"
        self.origin = origin
        self.at = origin.start_at
        self.instruments: dict[Symbol, Instrument] = {
            symbol: instrument_of(
                profile_of(symbol), taker_fee_bps=taker_fee_bps, maker_fee_bps=maker_fee_bps
            )
            for symbol in origin.symbols
        }
        self.coins: dict[Symbol, Coin] = {}
        self._own = {symbol: Noise(origin.seed, symbol) for symbol in origin.symbols}
        self._shared = Noise(origin.seed, "the market")
        rho = origin.nature.correlation
        self._weights = math.sqrt(rho), math.sqrt(1.0 - rho)
        self._block = -1
        self._moves: dict[Symbol, list[float]] = {}
        self._turns: dict[Symbol, list[list[float]]] = {}

    def build(self) -> Iterator[float]:
        """Make the history; yields the share that is done. Afterwards `at` is the start."""
        origin = self.origin
        self.at = origin.start_at
        self._block = -1
        self.coins = {}
        steps = len(step_lengths_ms(origin.history_days))
        shared = self._shared.past(steps)[0]
        for number, symbol in enumerate(origin.symbols):
            coin = new_coin(
                profile_of(symbol), self.instruments[symbol], self.at, origin.history_days
            )
            normals, uniforms = self._own[symbol].past(steps)
            for common, own in zip(shared, normals, strict=True):
                self._mix(common, own)
            past = Past(coin, origin.nature, self.at)
            for done in past.write(origin.history_days, zip(normals, uniforms, strict=True)):
                yield (number + done / steps) / len(origin.symbols)
            self.coins[symbol] = coin

    def step(self) -> None:
        """Let one second pass for everybody."""
        second = self.at % _BLOCK_MS // SECOND_MS
        block = self.at // _BLOCK_MS
        if block != self._block:
            self._draw(block)
        nature = self.origin.nature
        is_turn = (second + 1) % TURN_S == 0
        self.at = Millis(self.at + SECOND_MS)
        for symbol, coin in self.coins.items():
            coin.step(self._moves[symbol][second], nature)
            if is_turn:
                coin.turn(TURN_S, self._turns[symbol][second // TURN_S], nature)
                if self.at % MINUTE_MS == 0:
                    coin.close_minute(self.at)
                if self.at % PERIOD_MS == 0:
                    coin.funding.settle()

    def events(self) -> list[Event]:
        """What the second that ended at `at` looked like from outside."""
        at = self.at
        events: list[Event] = [coin.moved(at) for coin in self.coins.values()]
        if at % MINUTE_MS:
            return events
        for symbol, coin in self.coins.items():
            events.append(CandleClosed(at=at, candle=coin.minutes.newest(symbol)))
            if at % FIVE_MS == 0:
                events.append(
                    OpenInterestRead(at=at, symbol=symbol, oi=coin.crowd.oi, stamped_at=at)
                )
            if at % _HOUR_MS == 0:
                events.append(FundingRead(at=at, funding=self._funding(symbol)))
        return events

    def past(self, symbol: Symbol) -> PastOf:
        """Bars up to now: of five minutes, in the last hours of one; their open interest."""
        coin = self.coins[symbol]
        minutes = coin.minutes.candles(symbol)
        while minutes and minutes[0].open_at % FIVE_MS:
            del minutes[0]
        fives = coin.fives.candles(symbol)
        if minutes:
            fives = [candle for candle in fives if candle.close_at <= minutes[0].open_at]
        return PastOf(
            candles=fives + minutes,
            open_interest=coin.fives.open_interest(),
            funding=self._funding(symbol),
        )

    def dump(self) -> Iterator[bytes]:
        """All that is needed to go on from here, bit for bit: a header, then coin by coin."""
        header = _Header(version=_VERSION, origin=self.origin, at=self.at)
        yield msgspec.msgpack.encode(header)
        for coin in self.coins.values():
            yield msgspec.msgpack.encode(coin)

    def restore(self, parts: Sequence[bytes]) -> None:
        """Go on from a dump; raises DataError when it is damaged or of another world."""
        try:
            header = msgspec.msgpack.decode(parts[0] if parts else b"", type=_Header)
            coins = [msgspec.msgpack.decode(part, type=Coin) for part in parts[1:]]
        except msgspec.MsgspecError as error:
            raise DataError(f"the market's checkpoint cannot be read: {error}") from error
        there, here = header.origin, self.origin
        if (header.version, there) != (_VERSION, here):
            raise DataError(
                f"the market's checkpoint is of another market (seed {there.seed}, "
                f"here {here.seed}; symbols, start, history and nature count too)"
            )
        if tuple(coin.symbol for coin in coins) != here.symbols:
            raise DataError("the market's checkpoint lacks a symbol")
        self.at = header.at
        self._block = -1
        self.coins = {coin.symbol: coin for coin in coins}

    def _funding(self, symbol: Symbol) -> Funding:
        rate = self.coins[symbol].funding.rate
        return Funding(symbol=symbol, rate=rate, next_at=Millis(next_settlement(self.at)))

    def _draw(self, block: int) -> None:
        self._block = block
        moves, turns = self._shared.block(block)
        common, own = self._weights
        for symbol, noise in self._own.items():
            own_moves, own_turns = noise.block(block)
            self._moves[symbol] = [
                common * a + own * b for a, b in zip(moves, own_moves, strict=True)
            ]
            for a_turn, b_turn in zip(turns, own_turns, strict=True):
                self._mix(a_turn, b_turn)
            self._turns[symbol] = own_turns

    def _mix(self, shared: list[float], own: list[float]) -> None:
        """Make a coin's volatility and moves lean on the market's: normals 0, 1 and the last."""
        a, b = self._weights
        own[0] = a * shared[0] + b * own[0]
        own[1] = a * shared[1] + b * own[1]
        if len(own) > TURN_NORMALS:  # A long step keeps the normal of its move behind the turn's.
            own[TURN_NORMALS] = a * shared[TURN_NORMALS] + b * own[TURN_NORMALS]
