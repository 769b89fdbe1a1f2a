"""The configuration chooses the parts, and a run keeps what is recent of the past."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from bot.clock import LoopClock, run_virtual
from bot.config import Config, load
from bot.core.state import State
from bot.errors import ConfigError
from bot.heatmap.local import LocalEngine
from bot.heatmap.local_feed import LocalFeed
from bot.heatmap.poller import HttpFeed
from bot.link import Link
from bot.market.exchange import ExchangeMarket
from bot.market.recorded import RecordedMarket
from bot.market.simulated import SimulatedMarket
from bot.model.events import FundingPaid
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis, Symbol
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.outside import Outside
from bot.ports import Feed, History
from bot.sources import (
    CANDLES_KEPT,
    PlayedMarket,
    WatchingVenue,
    instant_of,
    load_engine,
    make_engine,
    make_feed,
    make_market,
    make_venue,
    market_speed,
    read_past,
    save_engine,
)
from bot.venue.live import LiveVenue
from bot.venue.paper import PaperVenue
from bot.venue.profiles import profile_of
from tests.fakes.live_connection import Scripted, a_client, a_reply
from tests.fakes.rows import BTC, T0
from tests.fakes.worlds import an_instrument

MINUTE_MS = 60_000
RECORDED = "market: {source: recorded, recorded: {folder: data}}\nheatmap: {provider: local}\n"


def a_config(tmp_path: Path, text: str = "") -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(f"symbols: [BTCUSDT]\n{text}", encoding="utf-8")
    return load(path)


class Past(msgspec.Struct, kw_only=True):
    candles: Sequence[Candle]
    open_interest: Sequence[tuple[Millis, float]]
    funding: Funding | None = None


class PastMarket:
    """Only remembers: `bars` minutes up to T0, open interest every five."""

    def __init__(self, bars: int) -> None:
        self._bars = bars
        self.instruments = {BTC: an_instrument()}

    async def prepare(self, *_: Any) -> None:
        return

    def start_at(self) -> Millis:
        return T0

    async def run(self, *_: Any) -> None:
        return

    def history(self, symbol: Symbol) -> History:
        first_at = T0 - self._bars * MINUTE_MS
        candles = [
            Candle(
                symbol=symbol,
                open_at=Millis(first_at + number * MINUTE_MS),
                timeframe_ms=MINUTE_MS,
                open=89_000.0,
                high=89_100.0,
                low=88_900.0,
                close=89_000.0 + number % 3,
                volume=50.0,
            )
            for number in range(self._bars)
        ]
        oi = [(Millis(first_at + n * 5 * MINUTE_MS), 1e4 + n) for n in range(self._bars // 5)]
        return Past(candles=candles, open_interest=oi)


def kept(bars: int, *, since_minutes: int | None = None) -> History:
    last_at = None if since_minutes is None else Millis(T0 - since_minutes * MINUTE_MS)
    known = Snapshot(at=T0, symbols=(SymbolSnapshot(symbol=BTC, last_price_at=last_at),))
    return read_past(PastMarket(bars), known, [BTC], None, lambda *_: None)[BTC]


# --- what a configuration asks for


def test_the_markets_source_is_the_configured_one(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    embedded = make_market(a_config(tmp_path), path, tmp_path, None)
    recorded = make_market(a_config(tmp_path, RECORDED), path, tmp_path, None)

    assert isinstance(embedded, SimulatedMarket)
    assert isinstance(recorded, RecordedMarket)
    assert tmp_path / "data" == recorded._folder, "beside the configuration file"


def test_a_recording_may_be_played_flat_out_and_the_embedded_market_never(tmp_path: Path) -> None:
    assert 0 == market_speed(a_config(tmp_path, RECORDED))
    assert 60 == market_speed(a_config(tmp_path))


def test_a_market_begins_with_a_whole_bar_or_says_what_to_write(tmp_path: Path) -> None:
    config = a_config(tmp_path, "market: {simulated: {start_at: '2026-01-01T00:03:00Z'}}\n")

    with pytest.raises(ConfigError, match=r"market\.simulated\.start_at") as caught:
        make_market(config, tmp_path / "config.yaml", tmp_path, None)
    assert "00, 05" in caught.value.remedy


@pytest.mark.parametrize(
    ("text", "is_made"),
    [
        ("", True),
        ("heatmap: {provider: local, serve: ''}\n", True),
        ("heatmap: {provider: http, serve: ''}\n", False),
        (RECORDED, True),
    ],
)
def test_the_engine_is_made_where_it_is_polled_or_served(
    tmp_path: Path, text: str, *, is_made: bool
) -> None:
    engine = make_engine(a_config(tmp_path, text), {BTC: an_instrument()})

    assert is_made == isinstance(engine, LocalEngine)


def test_the_feed_is_the_configured_one(tmp_path: Path) -> None:
    engine = LocalEngine({BTC: an_instrument()}, a_config(tmp_path).heatmap.engine)

    async def feeds() -> list[Feed]:
        clock = LoopClock(start_at=T0)
        texts = ("", "heatmap: {provider: local}\n")
        configs = [a_config(tmp_path, text) for text in texts]
        return [make_feed(config, clock, engine, is_flat_out=False) for config in configs]

    assert [HttpFeed, LocalFeed] == [type(feed) for feed in run_virtual(feeds())]


def test_an_address_that_cannot_be_asked_is_refused_at_the_start(tmp_path: Path) -> None:
    """The feed is supervised: at its first poll the mistake would be tried again for ever."""
    config = a_config(tmp_path, "heatmap: {base_url: 'ftp://here'}\n")

    async def feed() -> Feed:
        return make_feed(config, LoopClock(start_at=T0), None, is_flat_out=False)

    with pytest.raises(ConfigError):
        run_virtual(feed())


def test_the_venue_is_paper(tmp_path: Path) -> None:
    async def venue() -> object:
        state = State(
            settings=CoreSettings(instance="test", symbols=(BTC,)),
            instruments={BTC: an_instrument()},
            snapshot=Snapshot(at=T0),
        )
        clock = LoopClock(start_at=T0)
        return make_venue(a_config(tmp_path), state, clock, None, Outside(), PastMarket(1))

    assert isinstance(run_virtual(venue()), PaperVenue)


# --- the past


def test_of_the_past_the_newest_bars_and_one_open_interest_an_hour_are_kept() -> None:
    """A month of 27 symbols in objects would be over 100 MB for the whole run."""
    history = kept(3_000)

    assert CANDLES_KEPT == len(history.candles)
    assert T0 == history.candles[-1].close_at
    assert 50 == len(history.open_interest)
    hours = [at // 3_600_000 for at, _ in history.open_interest]
    assert sorted(set(hours)) == hours


def test_all_bars_since_the_last_price_are_kept_however_long_ago() -> None:
    """What the price did meanwhile decides what broke."""
    history = kept(3_000, since_minutes=2_000)

    assert 2_000 == len(history.candles)


def test_a_short_past_is_kept_whole() -> None:
    assert 30 == len(kept(30, since_minutes=5).candles)


def test_the_engine_reads_all_of_the_past(tmp_path: Path) -> None:
    engine = make_engine(a_config(tmp_path), {BTC: an_instrument()})
    assert engine is not None
    read_past(PastMarket(3_000), Snapshot(at=T0), [BTC], engine, lambda *_: None)

    assert 600 == engine._symbols[BTC].book.bars  # type: ignore[union-attr]  # it has had bars


def test_the_engines_books_outlive_the_run(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    first, second = (make_engine(config, {BTC: an_instrument()}) for _ in range(2))
    assert first is not None
    assert second is not None
    read_past(PastMarket(3_000), Snapshot(at=T0), [BTC], first, lambda *_: None)
    save_engine(first, tmp_path)
    load_engine(second, tmp_path)

    assert first.reading(BTC) == second.reading(BTC)


def test_a_disk_that_keeps_no_books_costs_a_word_and_no_run(tmp_path: Path) -> None:
    engine = make_engine(a_config(tmp_path), {BTC: an_instrument()})
    assert engine is not None
    with structlog.testing.capture_logs() as told:
        save_engine(engine, tmp_path / "nowhere")

    assert ["heatmap.unsaved"] == [entry["event"] for entry in told]


# --- instants


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31", 1_769_817_600_000),
        ("2026-01-31T08:00Z", 1_769_846_400_000),
        ("2026-01-31T08:00:00+02:00", 1_769_839_200_000),
        ("2026-01-31T08:00", 1_769_846_400_000),
    ],
)
def test_a_date_is_utc_unless_it_says_otherwise(text: str, expected: int) -> None:
    assert expected == instant_of(text, "key")


def test_what_is_no_date_is_named_with_its_key() -> None:
    with pytest.raises(ConfigError, match=r"market\.recorded\.start"):
        instant_of("yesterday", "market.recorded.start")


# --- an exchange


EXCHANGE = (
    "market: {source: exchange}\nheatmap: {provider: local, serve: ''}\n"
    "exchange: {id: bybit, base_url: 'http://127.0.0.1:1', speed: 20, streams: false}\n"
    "paper: {taker_fee_bps: 7}\n"
)
LIVE = "mode: live\n"


class Api:
    """A private interface that nobody asks here."""

    async def funding_paid(self, since: Millis) -> Sequence[FundingPaid]:
        del since
        return ()


async def an_outside(*, is_live: bool) -> Outside:
    """An open line, and an account where orders are real; nothing is sent."""
    profile = profile_of("bybit")
    client = a_client(Scripted(a_reply({})), profile.connection, keys=None)
    link = Link(profile=profile, client=client, clock=client.clock, limiter=client.limiter)
    api: Any = Api() if is_live else None
    return Outside(account="an account", link=link, api=api)


def made_on_an_exchange(config: Config, tmp_path: Path) -> tuple[PlayedMarket, WatchingVenue]:
    async def make() -> tuple[PlayedMarket, WatchingVenue]:
        outside = await an_outside(is_live=config.is_live)
        assert outside.link is not None
        market = make_market(config, tmp_path / "config.yaml", tmp_path, outside.link)
        state = State(
            settings=config.core(instance="test"),
            instruments={BTC: an_instrument()},
            snapshot=Snapshot(at=T0),
        )
        market.keep_time(outside.link.clock)
        return market, make_venue(config, state, outside.link.clock, None, outside, market)

    return run_virtual(make())


def test_an_exchanges_market_runs_at_its_own_speed_and_has_no_end(tmp_path: Path) -> None:
    config = a_config(tmp_path, EXCHANGE)
    market, _ = made_on_an_exchange(config, tmp_path)

    assert isinstance(market, ExchangeMarket)
    assert (20.0, None) == (market_speed(config), market.end_at())


def test_paper_on_an_exchanges_prices_has_the_paper_venue(tmp_path: Path) -> None:
    _, venue = made_on_an_exchange(a_config(tmp_path, EXCHANGE), tmp_path)

    assert isinstance(venue, PaperVenue)


def test_real_orders_have_the_live_venue(tmp_path: Path) -> None:
    market, venue = made_on_an_exchange(a_config(tmp_path, LIVE + EXCHANGE), tmp_path)

    assert isinstance(market, ExchangeMarket)
    assert isinstance(venue, LiveVenue)


@pytest.mark.parametrize(("more", "can_convert"), [("", True), (LIVE, False)])
def test_contracts_that_are_not_one_coin_are_for_paper_alone(
    tmp_path: Path, more: str, *, can_convert: bool
) -> None:
    """Counted in coins a real order would be wrong by the contract's size."""
    market, _ = made_on_an_exchange(a_config(tmp_path, more + EXCHANGE), tmp_path)

    assert isinstance(market, ExchangeMarket)
    assert can_convert is market._terms.can_convert
    assert Decimal(7) == market._terms.taker_fee_bps


@pytest.mark.parametrize(("provider", "days"), [("local, serve: ''", 7), ("http, serve: ''", 0)])
def test_the_heatmaps_past_is_fetched_only_for_a_heatmap_of_our_own(
    tmp_path: Path, provider: str, days: int
) -> None:
    text = EXCHANGE.replace("local, serve: ''", provider)
    market, _ = made_on_an_exchange(a_config(tmp_path, text), tmp_path)

    assert isinstance(market, ExchangeMarket)
    assert days == market._heatmap_days
