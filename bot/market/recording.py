"""The files of one symbol, read, checked and joined; and the contract they imply.

Tick and lot size are the finest digits that prices and volumes use: what was traded lies on the
exchange's grid, so the grid can be read off it. The smallest order is 5 USD, the exchanges' own.
"""

import gzip
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from bot.errors import ConfigError, DataError
from bot.market import files
from bot.market.files import Table
from bot.model.instrument import Instrument, LeverageTier, display_symbol
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol, Value
from bot.model.wiring import RecordedSettings

OI_DELAY_MS = 300_000
"""The exchange publishes open interest late: it is used five minutes after its stamp."""
FUNDING_PERIOD_MS = 8 * 3_600_000
DAY_MS = 86_400_000
NOTIONAL_MIN_USD = Decimal(5)
LEVERAGE_MAX_ASSUMED = Decimal(50)
LOTS_MAX = 10**7
"""The largest order in lots: about what exchanges allow on their liquid contracts."""
UNITS_MS = {"m": 60_000, "h": 3_600_000, "d": DAY_MS, "w": 7 * DAY_MS}

TierRow: TypeAlias = tuple[float, float, float, float, float]


class TiersFile(msgspec.Struct, frozen=True, kw_only=True):
    """minNotional, maxNotional, maintMarginRate, maxLeverage, cum; by unified symbol."""

    tiers: dict[str, list[TierRow]]


class Recording(Value, frozen=True, kw_only=True):
    """All that the files say of one symbol."""

    symbol: Symbol
    instrument: Instrument
    timeframe_ms: int
    candles: Table
    interest: Table | None
    funding: Table | None

    def candle(self, bars: Table, row: int) -> Candle:
        """A row of the candles as a value."""
        o, h, low, c, v = bars.columns
        taker = bars.taker_buy
        return Candle(
            symbol=self.symbol,
            open_at=Millis(int(bars.stamps[row])),
            timeframe_ms=self.timeframe_ms,
            open=float(o[row]),
            high=float(h[row]),
            low=float(low[row]),
            close=float(c[row]),
            volume=float(v[row]),
            taker_buy_volume=None if taker is None else float(taker[row]),
        )

    def funding_of(self, row: int, *, is_forecast: bool) -> tuple[Millis, Funding]:
        """When a rate was settled, and the funding as known then: for it, or for the next."""
        assert self.funding is not None, "there is a row, so there is a table"
        stamps = self.funding.stamps
        settled_at = int(stamps[row])
        is_last = row + 1 == len(stamps)
        interval_ms = FUNDING_PERIOD_MS if is_last else int(stamps[row + 1]) - settled_at
        known = Funding(
            symbol=self.symbol,
            rate=float(self.funding.columns[0][row]),
            next_at=Millis(settled_at + interval_ms if is_forecast else settled_at),
            interval_ms=interval_ms,
        )
        return Millis(settled_at), known

    def funding_at(self, at: int) -> Funding | None:
        """The next settlement as it was known at an instant; None where nothing was."""
        if self.funding is None:
            return None
        row = int(np.searchsorted(self.funding.stamps, at, side="right")) - 1
        return None if row < 0 else self.funding_of(row, is_forecast=True)[1]


def read(
    folder: Path, settings: RecordedSettings, symbol: Symbol, fees_bps: tuple[float, float]
) -> Recording:
    """Read every file of a symbol; raises DataError naming file, line and remedy."""
    step = timeframe_ms(settings.timeframe)
    candles = files.joined(
        [
            files.decode_candles(_text(path), str(path), step)
            for path in _paths(folder, settings.candles, symbol, "candles")
        ]
    )
    interest = None
    if settings.open_interest:
        paths = _paths(folder, settings.open_interest, symbol, "open_interest")
        interest = files.joined(
            [files.decode_open_interest(_text(path), str(path)) for path in paths]
        )
    funding = None
    if settings.funding:
        paths = _paths(folder, settings.funding, symbol, "funding")
        funding = files.joined([files.decode_funding(_text(path), str(path)) for path in paths])
    return Recording(
        symbol=symbol,
        instrument=_instrument(symbol, candles, _tiers(folder, settings, symbol), fees_bps),
        timeframe_ms=step,
        candles=candles,
        interest=interest,
        funding=funding,
    )


def period(settings: RecordedSettings, recordings: list[Recording]) -> tuple[int, int]:
    """First and last instant that is played; raises DataError where there is nothing between."""
    first = min(int(row.candles.stamps[0]) for row in recordings)
    last = max(int(row.candles.stamps[-1]) + row.timeframe_ms for row in recordings)
    start = _instant(settings.start, "start")
    end = _instant(settings.end, "end")
    start = first + settings.warm_up_days * DAY_MS if start is None else max(start, first)
    end = last if end is None else min(end, last)
    if start >= end:
        raise DataError(
            f"nothing lies between {_shown(start)} and {_shown(end)}; the candles cover "
            f"{_shown(first)} to {_shown(last)}",
            where="market.recorded",
            remedy="Choose start and end within, and a shorter warm_up_days where start is empty.",
        )
    return start, end


def timeframe_ms(text: str) -> int:
    """`5m` in ms; raises ConfigError."""
    count, unit = text[:-1], text[-1:]
    if not count.isdigit() or int(count) == 0 or unit not in UNITS_MS:
        raise ConfigError(
            f"{text!r} is not a timeframe",
            where="market.recorded.timeframe",
            remedy="Write a number and m, h, d or w: 1m, 5m, 1h.",
        )
    return int(count) * UNITS_MS[unit]


def _instant(text: str, key: str) -> int | None:
    if not text:
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"{text!r} is not a time",
            where=f"market.recorded.{key}",
            remedy="Write a date, 2025-12-01, or a time, 2025-12-01T06:00:00Z.",
        ) from None
    aware = when if when.tzinfo else when.replace(tzinfo=UTC)
    return int(aware.timestamp() * 1000)


def _shown(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


def _paths(folder: Path, pattern: str, symbol: Symbol, key: str) -> list[Path]:
    name = display_symbol(symbol)
    base = symbol.split("/", maxsplit=1)[0]
    wanted = pattern.replace("{symbol}", name).replace("{base}", base)
    found = sorted(folder.glob(wanted))
    if not found:
        optional = "" if key == "candles" else ', or set it to "" to go without'
        raise DataError(
            f"no file matches {wanted}",
            where=str(folder),
            remedy=f"Correct market.recorded.folder or market.recorded.{key}{optional}.",
        )
    return found


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
        body = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
        return body.decode("utf-8")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(
            f"it cannot be read: {error}",
            where=str(path),
            remedy="Replace the file: text or gzip, UTF-8, readable by this user.",
        ) from error


def _tiers(folder: Path, settings: RecordedSettings, symbol: Symbol) -> tuple[LeverageTier, ...]:
    if not settings.tiers:
        return ()
    path = folder / settings.tiers
    try:
        rows = msgspec.json.decode(_text(path), type=TiersFile).tiers.get(symbol, [])
    except msgspec.DecodeError as error:
        raise DataError(
            f"it is not a file of leverage tiers: {error}",
            where=str(path),
            remedy='Correct it, or set market.recorded.tiers to "" to assume 0.5 % maintenance.',
        ) from error
    return tuple(
        LeverageTier(floor_usd=floor, maintenance_rate=rate, cum_usd=cum, leverage_max=leverage)
        for floor, _, rate, leverage, cum in rows
    )


def _instrument(
    symbol: Symbol,
    candles: Table,
    tiers: tuple[LeverageTier, ...],
    fees_bps: tuple[float, float],
) -> Instrument:
    *prices, volume = candles.columns
    lot = Decimal(1).scaleb(-files.decimals_of(volume))
    leverage_max = Decimal(str(tiers[0].leverage_max)) if tiers else LEVERAGE_MAX_ASSUMED
    return Instrument(
        symbol=symbol,
        tick_size=Decimal(1).scaleb(-files.decimals_of(*prices)),
        lot_size=lot,
        qty_min=lot,
        qty_max=lot * LOTS_MAX,
        notional_min_usd=NOTIONAL_MIN_USD,
        leverage_max=leverage_max,
        taker_fee_bps=Decimal(str(fees_bps[0])),
        maker_fee_bps=Decimal(str(fees_bps[1])),
        tiers=tiers,
    )
