"""What happened. Past tense, frozen, each with the instant `at` which the core believes.

Market facts may be conflated (the newest wins); order facts are never dropped.
"""

from typing import TypeAlias

import msgspec

from bot.model.account import VenueSnapshot
from bot.model.heatmap import Reading, ReadingFailure, Stats
from bot.model.instrument import Instrument
from bot.model.market import Candle, Funding
from bot.model.order import Fill, OrderReport
from bot.model.primitives import (
    ClientOrderId,
    Millis,
    Price,
    Symbol,
    Usd,
    VenueOrderId,
)
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot


class _Event(msgspec.Struct, frozen=True, kw_only=True, tag=True, omit_defaults=True, gc=False):
    at: Millis


# --- the run itself


class Started(_Event, frozen=True, kw_only=True):
    """All a run starts from; the first event of every run, and where a replay begins."""

    snapshot: Snapshot
    settings_digest: str
    settings: CoreSettings | None = None
    """None in a journal of before they were kept: such a run cannot be replayed."""
    instruments: tuple[Instrument, ...] = ()


class Ticked(_Event, frozen=True, kw_only=True):
    """Time passed; timers that are due run."""


# --- the heatmap


class HeatmapRead(_Event, frozen=True, kw_only=True):
    """A good reply for one symbol."""

    reading: Reading
    asked_at: Millis
    sequence: int
    """Rises with every request for this symbol: a late reply to an older one is dropped."""


class HeatmapFailed(_Event, frozen=True, kw_only=True):
    """A poll gave nothing usable."""

    symbol: Symbol
    failure: ReadingFailure
    sequence: int


class StatsRead(_Event, frozen=True, kw_only=True):
    """The provider's statistics arrived."""

    stats: Stats


# --- the market


class PriceMoved(_Event, frozen=True, kw_only=True):
    """The newest price of a symbol, and the range since the previous one."""

    symbol: Symbol
    mark: float
    bid: float
    ask: float
    last: float
    high: float
    """Highest mark in (since_at, at]."""
    low: float
    since_at: Millis
    depth_usd: float | None = None
    """Resting notional within 10 bps of mid, the smaller side; None where unknown."""
    is_recovery: bool = False
    """The range was put together from candles after a pause."""
    is_complete: bool = True
    """False where part of the window has no price data at all."""


class CandleClosed(_Event, frozen=True, kw_only=True):
    """A bar ended."""

    candle: Candle


class OpenInterestRead(_Event, frozen=True, kw_only=True):
    """The exchange's open interest for a symbol, in base coins; `at` is when it was known."""

    symbol: Symbol
    oi: float
    stamped_at: Millis


class FundingRead(_Event, frozen=True, kw_only=True):
    """The next funding of a symbol became known."""

    funding: Funding


class MarketHalted(_Event, frozen=True, kw_only=True):
    """Trading on a symbol stopped or went on again."""

    symbol: Symbol
    is_halted: bool


class InstrumentsChanged(_Event, frozen=True, kw_only=True):
    """The exchange has changed steps or limits of contracts."""

    instruments: tuple[Instrument, ...]


# --- answers to what we sent


class OrderAccepted(_Event, frozen=True, kw_only=True):
    """The venue has it: an id came back."""

    client_id: ClientOrderId
    venue_id: VenueOrderId
    venue_at: Millis


class OrderRejected(_Event, frozen=True, kw_only=True):
    """The venue's answer proves that the order does not exist."""

    client_id: ClientOrderId
    code: str
    reason: str


class OrderNotProcessed(_Event, frozen=True, kw_only=True):
    """Turned away unread; the same id may be sent again after `retry_at`."""

    client_id: ClientOrderId
    reason: str
    retry_at: Millis


class OrderOutcomeUnknown(_Event, frozen=True, kw_only=True):
    """No answer that proves anything. It may exist, and may still come into being until then."""

    client_id: ClientOrderId
    reason: str
    unsettled_until: Millis


class OrderUpdated(_Event, frozen=True, kw_only=True):
    """The venue's report of one order: from a query, or from its stream."""

    report: OrderReport


class OrderMissing(_Event, frozen=True, kw_only=True):
    """An authenticated, successful answer that no such order exists."""

    client_id: ClientOrderId
    asked_at: Millis


class QueryFailed(_Event, frozen=True, kw_only=True):
    """A query or a snapshot got no answer: it proves nothing."""

    client_id: ClientOrderId | None
    reason: str


class CancelRejected(_Event, frozen=True, kw_only=True):
    """The venue did not cancel: unknown order, or already done. Proves nothing by itself."""

    client_id: ClientOrderId
    code: str
    reason: str


class OrderFilled(_Event, frozen=True, kw_only=True):
    """A part of an order traded."""

    fill: Fill


class AccountRead(_Event, frozen=True, kw_only=True):
    """The venue's snapshot arrived."""

    snapshot: VenueSnapshot


class FundingPaid(_Event, frozen=True, kw_only=True):
    """Funding was settled: received positive, paid negative."""

    id: str
    symbol: Symbol
    usd: Usd
    mark: Price | None = None


# --- the operator, the store, the clock


class StopAsked(_Event, frozen=True, kw_only=True):
    """The run is ending: unfilled entries are canceled, stops and targets stay."""


class SettingsChanged(_Event, frozen=True, kw_only=True):
    """A changed configuration was read while running, and is sound."""

    settings: CoreSettings


class HoldAsked(_Event, frozen=True, kw_only=True):
    """The operator wants no new entries."""

    reason: str = ""


class ResumeAsked(_Event, frozen=True, kw_only=True):
    """The operator wants trading to go on; ends every hold that needs an operator."""


class FlattenAsked(_Event, frozen=True, kw_only=True):
    """The operator wants everything closed."""

    reason: str = ""


class TroubleSeen(_Event, frozen=True, kw_only=True):
    """An adapter saw trouble that the operating state must answer, or saw it end."""

    cause: str
    """A HoldCause."""
    detail: str
    is_over: bool = False
    symbol: Symbol | None = None
    """None: it concerns the whole account."""


Event: TypeAlias = (
    Started
    | Ticked
    | HeatmapRead
    | HeatmapFailed
    | StatsRead
    | PriceMoved
    | CandleClosed
    | OpenInterestRead
    | FundingRead
    | MarketHalted
    | InstrumentsChanged
    | OrderAccepted
    | OrderRejected
    | OrderNotProcessed
    | OrderOutcomeUnknown
    | OrderUpdated
    | OrderMissing
    | QueryFailed
    | CancelRejected
    | OrderFilled
    | AccountRead
    | FundingPaid
    | StopAsked
    | SettingsChanged
    | HoldAsked
    | ResumeAsked
    | FlattenAsked
    | TroubleSeen
)
