"""Bars, packed."""

import numpy as np

from bot.model.primitives import Millis
from bot.sim.tape import Tape
from tests.fakes.worlds import BTC

MINUTE = 60_000


def a_tape(bars_max: int = 3) -> Tape:
    return Tape(timeframe_ms=MINUTE, bars_max=bars_max, end_at=0)


def row(n: int) -> tuple[float, ...]:
    return (n, n + 3.0, n - 1.0, n + 1.0, 10.0, 4.0, 100.0 + n)


def test_bars_come_back_as_candles_oldest_first() -> None:
    tape = a_tape()
    tape.append(row(1))
    tape.append(row(2))
    candles = tape.candles(BTC)

    assert [0, MINUTE] == [candle.open_at for candle in candles]
    assert (2.0, 5.0, 1.0, 3.0, 10.0, 4.0) == (
        candles[1].open,
        candles[1].high,
        candles[1].low,
        candles[1].close,
        candles[1].volume,
        candles[1].taker_buy_volume,
    )
    assert candles[1] == tape.newest(BTC)


def test_the_oldest_bars_go_first() -> None:
    tape = a_tape()
    for number in range(5):
        tape.append(row(number))

    assert [2.0, 3.0, 4.0] == [candle.open for candle in tape.candles(BTC)]
    assert 2 * MINUTE == tape.candles(BTC)[0].open_at


def test_open_interest_is_known_when_the_bar_has_closed() -> None:
    tape = a_tape()
    tape.append(row(1))
    tape.append(row(2))

    assert [(Millis(MINUTE), 101.0), (Millis(2 * MINUTE), 102.0)] == tape.open_interest()


def test_a_table_replaces_everything_and_is_read_back_whole() -> None:
    tape, table = a_tape(), np.arange(28, dtype=np.float64).reshape(4, 7)
    tape.fill(table, 9 * MINUTE)

    assert np.array_equal(table[1:], tape.table())
    assert 9 * MINUTE == tape.candles(BTC)[-1].close_at
