"""Recorded market data as text, decoded into columns: pure, and it names the line that is wrong.

Layouts, told apart by their header or, without one, by their number of columns:

  candles        t,o,h,l,c,v (more columns may follow; buy_v is the taker-bought volume)
                 open_time,open,high,low,close,volume,... (12 columns, Binance Vision)
                 rows of ccxt: [ms,o,h,l,c,v], as lines or as one JSON array
  open interest  t,oi,...    create_time,symbol,sum_open_interest,... (Binance Vision metrics)
  funding        t,rate,...  calc_time,funding_interval_hours,last_funding_rate (Binance Vision)

Stamps are UTC: seconds, milliseconds, microseconds or nanoseconds by their size, or
`2025-10-07 00:05:00`.
"""

import io
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from bot.errors import DataError
from bot.model.primitives import Value

Floats: TypeAlias = npt.NDArray[np.float64]
Stamps: TypeAlias = npt.NDArray[np.int64]

SECONDS_BELOW = 1e11
MICROS_ABOVE = 1e14
NANOS_ABOVE = 1e17
DECIMALS_MAX = 8
"""A grid finer than this is taken for noise of floating point."""
CANDLE_NAMES = (
    ("t", "open_time", "timestamp"),
    ("o", "open"),
    ("h", "high"),
    ("l", "low"),
    ("c", "close"),
    ("v", "volume"),
)
TAKER_NAMES = ("buy_v", "taker_buy_volume")
VISION_COLUMNS = 12
VISION_TAKER_COLUMN = 9
OPEN_INTEREST_NAMES = (("t", "create_time", "timestamp"), ("oi", "sum_open_interest"))
FUNDING_NAMES = (("t", "calc_time"), ("rate", "last_funding_rate"))


class Table(Value, frozen=True, kw_only=True):
    """Columns of equal length; `stamps` in ms, `first_line` for pointing at a row."""

    where: str
    first_line: int
    stamps: Stamps
    columns: tuple[Floats, ...]
    taker_buy: Floats | None = None
    """Candles only: taker-bought volume in base coins."""

    def place(self, row: int) -> str:
        """`file:line` of a row."""
        return f"{self.where}:{self.first_line + row}"

    def between(self, start: int, end: int) -> "Table":
        """The rows with `start <= stamp < end`."""
        low, high = np.searchsorted(self.stamps, (start, end))
        part = slice(int(low), int(high))
        return Table(
            where=self.where,
            first_line=self.first_line + int(low),
            stamps=self.stamps[part],
            columns=tuple(column[part] for column in self.columns),
            taker_buy=None if self.taker_buy is None else self.taker_buy[part],
        )


def decode_candles(text: str, where: str, timeframe_ms: int) -> Table:
    """Bars by their open; raises DataError for a row that cannot be believed."""
    lines, header, first = _lines(text, where)
    wanted = _wanted(header, CANDLE_NAMES, where)
    if header is None:
        width = lines[0].count(",") + 1
        taker = VISION_TAKER_COLUMN if width == VISION_COLUMNS else None
    else:
        taker = _find(header, TAKER_NAMES)
    numbers = _numbers(lines, where, first, [*wanted, *([] if taker is None else [taker])])
    table = Table(
        where=where,
        first_line=first,
        stamps=_millis(numbers[:, 0]),
        columns=tuple(numbers[:, index] for index in range(1, 6)),
        taker_buy=None if taker is None else numbers[:, 6],
    )
    _check_order(table)
    _check_bars(table)
    _check_steps(table, timeframe_ms)
    return table


def decode_open_interest(text: str, where: str) -> Table:
    """Open interest in base coins by the instant it was measured; raises DataError."""
    table = _decode_series(text, where, OPEN_INTEREST_NAMES, grid_ms=5_000)
    bad = np.flatnonzero(table.columns[0] < 0)
    if bad.size:
        raise _wrong(table, int(bad[0]), "open interest is negative")
    return table


def decode_funding(text: str, where: str) -> Table:
    """Funding rates by the instant of settlement; raises DataError."""
    table = _decode_series(text, where, FUNDING_NAMES, grid_ms=60_000)
    bad = np.flatnonzero(np.abs(table.columns[0]) >= 1)
    if bad.size:
        raise _wrong(table, int(bad[0]), "a funding rate of 100 % or more")
    return table


def joined(tables: Sequence[Table]) -> Table:
    """Several files of one series, one after the other; raises DataError where they overlap."""
    if len(tables) == 1:
        return tables[0]
    ordered = sorted(tables, key=lambda table: int(table.stamps[0]))
    for before, after in pairwise(ordered):
        if after.stamps[0] <= before.stamps[-1]:
            raise DataError(
                f"its rows overlap with those of {before.where}",
                where=after.where,
                remedy="Let the pattern match each period once, for example one of .csv and .gz.",
            )
    takers = [table.taker_buy for table in ordered if table.taker_buy is not None]
    return Table(
        where=ordered[0].where,
        first_line=ordered[0].first_line,
        stamps=np.concatenate([table.stamps for table in ordered]),
        columns=tuple(
            np.concatenate(parts)
            for parts in zip(*(table.columns for table in ordered), strict=True)
        ),
        taker_buy=np.concatenate(takers) if len(takers) == len(ordered) else None,
    )


def decimals_of(*columns: Floats) -> int:
    """The digits behind the point that the values use: the grid they lie on."""
    for digits in range(DECIMALS_MAX):
        if all(
            bool(np.all(np.abs(np.round(column, digits) - column) <= np.abs(column) * 1e-12))
            for column in columns
        ):
            return digits
    return DECIMALS_MAX


# --- lines and columns


def _lines(text: str, where: str) -> tuple[list[str], list[str] | None, int]:
    """The rows, the header's names if there is one, and the line of the first row."""
    body = text.removeprefix("\ufeff").strip()
    if body.startswith("["):
        body = _flat(body, where)
    lines = body.splitlines()
    header: list[str] | None = None
    first = 1
    if lines and not _is_number(lines[0].split(",")[0]) and not lines[0][:4].isdigit():
        header = [name.strip().lower() for name in lines[0].split(",")]
        lines, first = lines[1:], 2
    if not lines:
        raise DataError("it holds no rows", where=where, remedy="Replace the file.")
    return lines, header, first


def _flat(body: str, where: str) -> str:
    """Rows of ccxt, one JSON array or one row a line, as plain lines."""
    try:
        if body.startswith("[["):
            rows = msgspec.json.decode(body, type=list[list[float]])
        else:
            rows = [msgspec.json.decode(line, type=list[float]) for line in body.splitlines()]
    except msgspec.DecodeError as error:
        raise DataError(
            f"it is not JSON rows of numbers: {error}", where=where, remedy="Replace the file."
        ) from error
    return "\n".join(",".join(map(repr, row)) for row in rows)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _find(header: list[str], names: Sequence[str]) -> int | None:
    return next((header.index(name) for name in names if name in header), None)


def _wanted(header: list[str] | None, columns: Sequence[Sequence[str]], where: str) -> list[int]:
    """Which columns to read; without a header they stand in their order."""
    if header is None:
        return list(range(len(columns)))
    found: list[int] = []
    for names in columns:
        index = _find(header, names)
        if index is None:
            raise DataError(
                f"no column is named {' or '.join(names)}; it has {', '.join(header)}",
                where=f"{where}:1",
                remedy="The layouts that are read are listed in docs/recorded-data.md.",
            )
        found.append(index)
    return found


def _numbers(lines: list[str], where: str, first: int, wanted: list[int]) -> Floats:
    try:
        numbers: Floats = np.loadtxt(
            io.StringIO("\n".join(lines)),
            delimiter=",",
            usecols=wanted,
            ndmin=2,
            comments=None,
            dtype=np.float64,
        )
    except ValueError as error:
        raise _first_bad_line(lines, where, first, wanted) from error
    if len(numbers) != len(lines):
        raise _first_bad_line(lines, where, first, wanted)
    bad = np.flatnonzero(~np.isfinite(numbers).all(axis=1))
    if bad.size:
        row = int(bad[0])
        raise DataError(
            f"a value is not a finite number: {lines[row][:80]}",
            where=f"{where}:{first + row}",
            remedy="Correct or remove the row: a missing bar is allowed, a wrong one is not.",
        )
    return numbers


def _first_bad_line(lines: list[str], where: str, first: int, wanted: list[int]) -> DataError:
    """Say what is wrong with the first line that does not parse."""
    row, line = next(
        ((row, line) for row, line in enumerate(lines) if not _is_row(line, wanted)),
        (0, lines[0]),
    )
    return DataError(
        f"not a row of numbers: {line[:80]!r}",
        where=f"{where}:{first + row}",
        remedy="Correct or remove the row; the file may be cut short.",
    )


def _is_row(line: str, wanted: list[int]) -> bool:
    cells = line.split(",")
    return len(cells) > max(wanted) and all(_is_number(cells[index]) for index in wanted)


def _decode_series(text: str, where: str, names: Sequence[Sequence[str]], *, grid_ms: int) -> Table:
    """A stamped series of one value; stamps a moment past `grid_ms` belong to it."""
    lines, header, first = _lines(text, where)
    if header is None and lines[0].count(",") == 2:  # noqa: PLR2004  (Vision's three columns)
        wanted = [0, 2]
    else:
        wanted = _wanted(header, names, where)
    if _is_number(lines[0].split(",")[wanted[0]]):
        numbers = _numbers(lines, where, first, wanted)
        stamps, values = _millis(numbers[:, 0]), numbers[:, 1]
    else:
        stamps = _dates(lines, where, first, wanted[0])
        values = _numbers(lines, where, first, wanted[1:])[:, 0]
    table = Table(
        where=where, first_line=first, stamps=stamps - stamps % grid_ms, columns=(values,)
    )
    _check_order(table)
    return table


def _dates(lines: list[str], where: str, first: int, column: int) -> Stamps:
    """`2025-10-07 00:05:00`, UTC without saying so."""
    cells = [_cell(line, column) for line in lines]
    try:
        stamps: Stamps = np.array(cells, dtype="datetime64[ms]").astype(np.int64)
    except ValueError:
        row = next((row for row, cell in enumerate(cells) if not _is_date(cell)), 0)
        raise DataError(
            f"not a time: {cells[row]!r}",
            where=f"{where}:{first + row}",
            remedy="Write milliseconds since 1970 or YYYY-MM-DD hh:mm:ss, in UTC.",
        ) from None
    return stamps


def _cell(line: str, column: int) -> str:
    cells = line.split(",")
    return cells[column] if column < len(cells) else ""


def _is_date(cell: str) -> bool:
    try:
        return not np.isnat(np.datetime64(cell, "ms"))
    except ValueError:
        return False


def _millis(raw: Floats) -> Stamps:
    """Milliseconds, from whichever unit each stamp's size tells."""
    scale = np.select(
        [raw < SECONDS_BELOW, raw > NANOS_ABOVE, raw > MICROS_ABOVE], [1000.0, 1e-6, 1e-3], 1.0
    )
    millis: Stamps = np.floor(raw * scale + 1e-3).astype(np.int64)
    return millis


# --- belief


def _wrong(table: Table, row: int, what: str) -> DataError:
    values = ",".join(f"{column[row]:g}" for column in table.columns)
    return DataError(
        f"{what}: {int(table.stamps[row])},{values}",
        where=table.place(row),
        remedy="Correct or remove the row: a missing bar is allowed, a wrong one is not.",
    )


def _check_order(table: Table) -> None:
    steps = np.diff(table.stamps)
    bad = np.flatnonzero(steps <= 0)
    if bad.size:
        row = int(bad[0]) + 1
        same = "the stamp of the row before comes again" if steps[row - 1] == 0 else "out of order"
        raise _wrong(table, row, same)


def _check_bars(table: Table) -> None:
    o, h, low, c, v = table.columns
    for what, is_bad in _bar_faults(o, h, low, c, v):
        bad = np.flatnonzero(is_bad)
        if bad.size:
            raise _wrong(table, int(bad[0]), what)


def _bar_faults(
    o: Floats, h: Floats, low: Floats, c: Floats, v: Floats
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    yield "a price is not above zero", low <= 0
    yield "high is below low", h < low
    yield "open lies outside low and high", (o < low) | (o > h)
    yield "close lies outside low and high", (c < low) | (c > h)
    yield "volume is negative", v < 0


def _check_steps(table: Table, timeframe_ms: int) -> None:
    off = np.flatnonzero(table.stamps % timeframe_ms)
    if off.size:
        raise _wrong(table, int(off[0]), f"a bar does not open on a multiple of {timeframe_ms} ms")
    if len(table.stamps) < 2:  # noqa: PLR2004  (one bar has no step)
        return
    step = int(np.diff(table.stamps).min())
    if step != timeframe_ms:
        raise DataError(
            f"its bars are {step // 1000} s apart, and {timeframe_ms // 1000} s were expected",
            where=table.where,
            remedy="Set market.recorded.timeframe to what the file holds.",
        )
