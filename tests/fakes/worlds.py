"""Small embedded markets for tests, and a world of straight lines."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from bot.errors import DataError
from bot.market.simulated import SECOND_MS
from bot.model.events import Event, PriceMoved
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol
from bot.ports import History
from bot.sim.nature import Nature
from bot.sim.profiles import instrument_of, profile_of
from bot.sim.world import Origin, PastOf, World

BTC, ETH, SOL = (Symbol(f"{base}/USDT:USDT") for base in ("BTC", "ETH", "SOL"))
START = Millis(1_767_225_600_000)


def a_world(
    *symbols: Symbol,
    seed: int = 7,
    days: int = 2,
    nature: Nature | None = None,
    is_built: bool = True,
) -> World:
    world = World(
        Origin(
            seed=seed,
            symbols=symbols or (BTC,),
            start_at=START,
            history_days=days,
            nature=nature or Nature(),
        ),
        taker_fee_bps=Decimal(5),
        maker_fee_bps=Decimal(2),
    )
    if is_built:
        for _ in world.build():
            pass
    return world


def an_instrument(symbol: Symbol = BTC) -> Instrument:
    return instrument_of(profile_of(symbol), taker_fee_bps=Decimal(5), maker_fee_bps=Decimal(2))


class LineWorld:
    """The mark is the number of seconds since the start."""

    def __init__(self) -> None:
        self.at = START
        self.instruments = {BTC: an_instrument()}
        self.built = 0

    def build(self) -> Iterator[float]:
        self.at = START
        self.built += 1
        yield 0.5
        yield 1.0

    def step(self) -> None:
        self.at = Millis(self.at + SECOND_MS)

    def events(self) -> list[Event]:
        mark = float((self.at - START) // SECOND_MS)
        return [
            PriceMoved(
                at=self.at,
                symbol=BTC,
                mark=mark,
                bid=mark,
                ask=mark,
                last=mark,
                high=mark,
                low=mark,
                since_at=Millis(self.at - SECOND_MS),
            )
        ]

    def past(self, symbol: Symbol) -> History:
        del symbol
        return PastOf(candles=[], open_interest=[], funding=None)

    def dump(self) -> Iterator[bytes]:
        yield msgspec.msgpack.encode(self.at)

    def restore(self, parts: Sequence[bytes]) -> None:
        try:
            self.at = Millis(msgspec.msgpack.decode(parts[0], type=int))
        except msgspec.MsgspecError as error:
            raise DataError("a damaged line") from error
