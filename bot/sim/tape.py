"""A contract's past in bars, kept packed: 56 bytes a bar, oldest dropped first."""

import struct
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from bot.model.market import Candle
from bot.model.primitives import Millis, Symbol

_ROW: Final = struct.Struct("<7d")
FIELDS: Final = ("open", "high", "low", "close", "volume", "taker_buy_volume", "oi")


class Tape(msgspec.Struct, kw_only=True):
    """The last `bars_max` bars of one timeframe without a gap."""

    timeframe_ms: int
    bars_max: int
    end_at: int
    """Close of the newest bar (ms)."""
    rows: bytearray = msgspec.field(default_factory=bytearray)

    def append(self, row: tuple[float, ...]) -> None:
        """Add the next bar: prices in quote, volumes and open interest in base coins."""
        self.rows += _ROW.pack(*row)
        self.end_at += self.timeframe_ms
        surplus = len(self.rows) - self.bars_max * _ROW.size
        if surplus > 0:
            del self.rows[:surplus]

    def fill(self, table: npt.NDArray[np.float64], end_at: int) -> None:
        """Replace everything by the rows of a table, oldest first, the last ending at `end_at`."""
        self.rows = bytearray(table[-self.bars_max :].astype("<f8").tobytes())
        self.end_at = end_at

    def table(self) -> npt.NDArray[np.float64]:
        """All bars, shape (bars, 7), columns as in `FIELDS`."""
        return np.frombuffer(bytes(self.rows), dtype="<f8").reshape(-1, len(FIELDS))

    def candles(self, symbol: Symbol) -> list[Candle]:
        """All bars, oldest first."""
        table = self.table().tolist()
        first_at = self.end_at - len(table) * self.timeframe_ms
        return [
            self._candle(symbol, first_at + i * self.timeframe_ms, row)
            for i, row in enumerate(table)
        ]

    def open_interest(self) -> list[tuple[Millis, float]]:
        """(close of the bar, base coins), oldest first."""
        column = self.table()[:, -1].tolist()
        first_at = self.end_at - (len(column) - 1) * self.timeframe_ms
        return [(Millis(first_at + i * self.timeframe_ms), oi) for i, oi in enumerate(column)]

    def newest(self, symbol: Symbol) -> Candle:
        """The bar that closed last."""
        row = _ROW.unpack(self.rows[-_ROW.size :])
        return self._candle(symbol, self.end_at - self.timeframe_ms, row)

    def _candle(self, symbol: Symbol, open_at: int, row: list[float] | tuple[float, ...]) -> Candle:
        return Candle(
            symbol=symbol,
            open_at=Millis(open_at),
            timeframe_ms=self.timeframe_ms,
            open=row[0],
            high=row[1],
            low=row[2],
            close=row[3],
            volume=row[4],
            taker_buy_volume=row[5],
        )
