"""The local engine: what it is fed, when it has an answer, and what a restart takes over."""

import math
from pathlib import Path

import msgspec
import pytest

from bot.errors import ConfigError
from bot.heatmap.local import LocalEngine
from bot.model.events import OpenInterestRead, PriceMoved, Ticked
from bot.model.market import Candle
from bot.model.primitives import Millis, PositionSide, Symbol
from bot.model.wiring import EngineSettings
from tests.fakes.engine_market import (
    BTC,
    FIVE_MINUTES_MS,
    START_AT,
    Past,
    a_bar,
    a_tier,
    an_instrument,
    interest,
    read,
    see,
    walk,
)

ETH = Symbol("ETH/USDT:USDT")
SETTINGS = EngineSettings()
CANDLES = walk(3_000, 3)
OI = interest(CANDLES, 4)


def an_engine(settings: EngineSettings = SETTINGS) -> LocalEngine:
    return LocalEngine({BTC: an_instrument()}, settings)


def a_past(first: int = 0, last: int = 3_000) -> Past:
    """Bars with the open interest known at each close."""
    known = [(bar.close_at, oi) for bar, oi in zip(CANDLES, OI, strict=True)]
    return Past(CANDLES[first:last], known[first:last])


def moved(price: float, symbol: Symbol = BTC) -> PriceMoved:
    return PriceMoved(
        at=Millis(START_AT),
        symbol=symbol,
        mark=price,
        bid=price,
        ask=price,
        last=price,
        high=price,
        low=price,
        since_at=Millis(START_AT),
    )


def minutes(bar: Candle) -> list[Candle]:
    """Five one-minute bars that make up one of five minutes."""
    path = [bar.open, bar.low, bar.high, bar.low + 0.3 * (bar.high - bar.low), bar.open, bar.close]
    buys = bar.taker_buy_volume
    return [
        Candle(
            symbol=bar.symbol,
            open_at=Millis(bar.open_at + index * 60_000),
            timeframe_ms=60_000,
            open=path[index],
            high=max(path[index : index + 2]),
            low=min(path[index : index + 2]),
            close=path[index + 1],
            volume=bar.volume / 5.0,
            taker_buy_volume=None if buys is None else buys / 5.0,
        )
        for index in range(5)
    ]


def test_a_symbol_without_a_bar_or_without_an_engine_has_no_reading() -> None:
    engine = an_engine()

    assert engine.reading(BTC) is None
    assert engine.reading(ETH) is None


def test_settings_that_cannot_work_are_refused_when_the_engine_is_made() -> None:
    with pytest.raises(ConfigError, match="which allows 2x"):
        LocalEngine({BTC: an_instrument(tiers=(a_tier(0.0, 0.1, 2.0),))}, SETTINGS)


def test_events_of_other_symbols_and_kinds_change_nothing() -> None:
    engine = an_engine()
    engine.on_market(Ticked(at=Millis(START_AT)))
    engine.on_market(moved(3_000.0, ETH))
    see(engine, msgspec.structs.replace(CANDLES[0], symbol=ETH), 100.0)

    assert engine.reading(BTC) is engine.reading(ETH) is None


def test_a_warmed_up_engine_reads_clusters_on_both_sides_of_the_price() -> None:
    engine = an_engine()
    told: list[tuple[float, str]] = []
    engine.warm_up(BTC, a_past(), lambda share, what: told.append((share, what)))
    reading = read(engine)

    assert CANDLES[-1].close == reading.price
    assert CANDLES[-1].close_at == reading.input_at
    assert {PositionSide.LONG, PositionSide.SHORT} == {row.side for row in reading.rows}
    assert not reading.is_warming
    assert reading.coverage is not None
    assert 0.2 < reading.coverage < 1.0
    assert [0.0, 2_000 / 3_000, 1.0] == [share for share, _ in told]
    assert {"reading the open interest of BTCUSDT"} == {what for _, what in told}


def test_an_engine_that_knows_too_little_is_warming() -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past(last=100))

    assert read(engine).is_warming


def test_an_empty_past_leaves_the_engine_without_a_reading() -> None:
    engine = an_engine()
    engine.warm_up(BTC, Past([]))

    assert engine.reading(BTC) is None


def test_warming_up_and_living_through_the_same_bars_give_the_same_clusters() -> None:
    lived, warmed = an_engine(), an_engine()
    for bar, oi in zip(CANDLES, OI, strict=True):
        see(lived, bar, oi)
    warmed.warm_up(BTC, a_past())

    found = [
        [(row.level, row.notional_usd, row.low, row.high) for row in read(engine).rows]
        for engine in (lived, warmed)
    ]
    assert found[0] == found[1]


def test_open_interest_is_used_from_the_moment_it_was_known() -> None:
    """Nothing of the next bar's open interest may show in this one's book."""
    past = a_past()
    late = Past(
        past.candles,
        [(Millis(at + FIVE_MINUTES_MS), oi) for at, oi in past.open_interest],
    )
    engine, shifted = an_engine(), an_engine()
    engine.warm_up(BTC, late)
    shifted_oi = zip([candle.close_at for candle in CANDLES[1:]], OI[:-1], strict=True)
    shifted.warm_up(BTC, Past(past.candles, list(shifted_oi)))

    assert read(engine).rows == read(shifted).rows


def test_open_interest_older_than_half_an_hour_counts_as_unknown() -> None:
    """With interest frozen the book would close all that churn opens; unknown, it fades."""
    frozen, silent = an_engine(), an_engine()
    for engine in (frozen, silent):
        engine.warm_up(BTC, a_past(last=2_000))
    for bar in CANDLES[2_000:2_100]:
        see(frozen, bar, OI[1_999])
        see(silent, bar)
    totals = [engine.stats().open_interest[BTC].total_oi_usd for engine in (frozen, silent)]

    assert OI[1_999] * CANDLES[2_099].close == pytest.approx(totals[0])
    assert totals[0] != pytest.approx(totals[1], rel=1e-3)


def test_open_interest_out_of_order_is_dropped() -> None:
    engine = an_engine()
    see(engine, CANDLES[0], 1_000.0)
    engine.on_market(
        OpenInterestRead(at=Millis(START_AT), symbol=BTC, oi=5.0, stamped_at=Millis(START_AT))
    )
    see(engine, CANDLES[1])

    assert 1_000.0 * CANDLES[1].close == pytest.approx(
        engine.stats().open_interest[BTC].total_oi_usd
    )


def test_minutes_come_to_the_same_clusters_as_five_of_them() -> None:
    fives, ones = an_engine(), an_engine()
    for bar, oi in zip(CANDLES[:800], OI[:800], strict=True):
        see(fives, bar, oi)
        *early, last = minutes(bar)
        for minute in early:
            see(ones, minute)
        see(ones, last, oi)
    five, one = read(fives), read(ones)

    assert [row.level for row in five.rows] == pytest.approx([row.level for row in one.rows])
    assert five.coverage == pytest.approx(one.coverage)


def test_a_minute_takes_what_it_traded_through_without_waiting_for_its_five() -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past())
    nearest = max(
        (row for row in read(engine).rows if row.side is PositionSide.LONG),
        key=lambda row: row.level,
    )
    close = CANDLES[-1].close
    low = nearest.low * 0.999
    dive = msgspec.structs.replace(
        a_bar(0, (close, close, low, close), timeframe_ms=60_000), open_at=CANDLES[-1].close_at
    )
    see(engine, dive)
    reading = read(engine)

    assert nearest.provider_id not in [row.provider_id for row in reading.rows]
    assert dive.close_at == reading.input_at


@pytest.mark.parametrize("count", [1, 3])
def test_a_block_cut_short_by_a_gap_is_taken_as_far_as_it_goes(count: int) -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past(last=1_000))
    for minute in minutes(CANDLES[1_000])[:count]:
        see(engine, minute)
    for minute in minutes(CANDLES[1_003]):
        see(engine, minute, OI[1_003])

    assert OI[1_003] * CANDLES[1_003].close == pytest.approx(
        engine.stats().open_interest[BTC].total_oi_usd
    )


@pytest.mark.parametrize("price", [0.0, math.nan])
def test_a_bar_that_is_none_is_not_swept(price: float) -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past(last=1_000))
    before = read(engine)
    broken = msgspec.structs.replace(minutes(CANDLES[1_000])[0], low=price)
    see(engine, broken)

    assert before is read(engine)


def test_bars_of_half_an_hour_are_taken_as_they_are() -> None:
    candles = walk(500, 7, timeframe_ms=1_800_000)
    engine = an_engine()
    engine.warm_up(BTC, Past(candles, [(bar.close_at, 2_000.0) for bar in candles]))

    assert read(engine).rows


def test_a_reading_is_made_once_for_each_bar_and_price() -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past())
    first = read(engine)
    engine.on_market(moved(first.price))

    assert read(engine) is first
    engine.on_market(moved(first.price * 1.0001))
    second = read(engine)
    assert first.rows is second.rows
    assert first.content_key != second.content_key


def test_rows_on_the_wrong_side_of_the_newest_price_are_dropped_until_it_comes_back() -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past())
    first = read(engine)
    nearest = min(row.level for row in first.rows if row.side is PositionSide.SHORT)
    engine.on_market(moved(nearest * 1.0001))
    beyond = read(engine)
    engine.on_market(moved(first.price))

    assert nearest not in [row.level for row in beyond.rows]
    assert all((row.level < beyond.price) == (row.side == "long") for row in beyond.rows)
    assert first.rows == read(engine).rows
    assert first.content_key == read(engine).content_key


@pytest.mark.parametrize("price", [0.0, -1.0, math.nan, math.inf])
def test_a_price_that_cannot_be_is_not_believed(price: float) -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past())
    engine.on_market(moved(price))

    assert CANDLES[-1].close == read(engine).price


def test_statistics_count_symbols_clusters_and_dollars() -> None:
    engine = LocalEngine({BTC: an_instrument(), ETH: an_instrument(ETH)}, SETTINGS)
    engine.warm_up(BTC, a_past())
    stats = engine.stats()

    assert (2, 1) == (stats.symbols_total, stats.symbols_active)
    assert len(read(engine).rows) == stats.clusters_total
    assert [BTC] == list(stats.open_interest)
    assert OI[-1] * CANDLES[-1].close == pytest.approx(stats.open_interest[BTC].total_oi_usd)


def test_without_open_interest_there_are_no_statistics_of_it() -> None:
    engine = an_engine()
    engine.warm_up(BTC, Past(CANDLES))

    assert {} == engine.stats().open_interest


def test_a_loaded_book_is_brought_up_to_date_by_what_it_has_not_seen(tmp_path: Path) -> None:
    engine, restarted, whole = an_engine(), an_engine(), an_engine()
    engine.warm_up(BTC, a_past(last=2_500))
    engine.save(tmp_path / "books.bin")
    whole.warm_up(BTC, a_past())

    assert 1 == restarted.load(tmp_path / "books.bin")
    restarted.warm_up(BTC, a_past(first=2_000))
    expected = [row.level for row in read(whole).rows]
    assert expected == pytest.approx([row.level for row in read(restarted).rows])


def test_a_book_older_than_history_is_given_up(tmp_path: Path) -> None:
    engine, restarted, fresh = an_engine(), an_engine(), an_engine()
    engine.warm_up(BTC, a_past(last=500))
    engine.save(tmp_path / "books.bin")
    restarted.load(tmp_path / "books.bin")
    for each in (restarted, fresh):
        each.warm_up(BTC, a_past(first=1_000))

    assert read(fresh) == read(restarted)


def test_a_book_that_knows_the_future_is_given_up(tmp_path: Path) -> None:
    """A recording that is played from its start again must not see its own end."""
    engine, restarted, fresh = an_engine(), an_engine(), an_engine()
    engine.warm_up(BTC, a_past())
    engine.save(tmp_path / "books.bin")
    restarted.load(tmp_path / "books.bin")
    for each in (restarted, fresh):
        each.warm_up(BTC, a_past(last=1_000))

    assert read(fresh) == read(restarted)


def test_what_does_not_fit_is_not_loaded(tmp_path: Path) -> None:
    engine = an_engine()
    engine.warm_up(BTC, a_past(last=500))
    engine.save(tmp_path / "books.bin")

    assert 0 == an_engine(EngineSettings(churn=0.1)).load(tmp_path / "books.bin")
    assert 0 == LocalEngine({ETH: an_instrument(ETH)}, SETTINGS).load(tmp_path / "books.bin")
    assert 0 == an_engine().load(tmp_path / "none.bin")
