"""The files of one symbol, and the contract they imply."""

import gzip
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from bot.errors import ConfigError, DataError
from bot.market import recording
from bot.market.recording import Recording
from bot.model.primitives import Symbol
from bot.model.wiring import RecordedSettings
from tests.fakes.recordings import MIN5, T0, a_folder, the_settings

BTC = Symbol("BTC/USDT:USDT")
FEES = (5.0, 2.0)
HOUR_MS = 3_600_000


def read(folder: Path, settings: RecordedSettings | None = None) -> Recording:
    return recording.read(folder, settings or the_settings(), BTC, FEES)


def test_the_grid_is_read_off_the_data(tmp_path: Path) -> None:
    found = read(a_folder(tmp_path)).instrument

    assert Decimal("0.1") == found.tick_size
    assert Decimal("0.01") == found.lot_size == found.qty_min
    assert Decimal(5) == found.notional_min_usd
    assert (Decimal("5.0"), Decimal("2.0")) == (found.taker_fee_bps, found.maker_fee_bps)


def test_gzip_and_plain_are_read_alike(tmp_path: Path) -> None:
    a_folder(tmp_path)
    plain = tmp_path / "candles" / "BTCUSDT.csv"
    before = read(tmp_path).candles.stamps.tolist()
    (tmp_path / "candles" / "BTCUSDT.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()

    assert before == read(tmp_path).candles.stamps.tolist()


def test_a_broken_gzip_is_named(tmp_path: Path) -> None:
    a_folder(tmp_path)
    path = tmp_path / "candles" / "BTCUSDT.csv"
    path.write_bytes(gzip.compress(path.read_bytes())[:-20])

    with pytest.raises(DataError) as caught:
        read(tmp_path)
    assert caught.value.where == str(path)


@pytest.mark.parametrize("key", ["candles", "open_interest", "funding"])
def test_a_pattern_without_a_file_is_named(tmp_path: Path, key: str) -> None:
    settings = msgspec.structs.replace(the_settings(), **{key: "none/{symbol}.csv"})

    with pytest.raises(DataError) as caught:
        read(a_folder(tmp_path), settings)
    assert "none/BTCUSDT.csv" in caught.value.what
    assert f"market.recorded.{key}" in caught.value.remedy


def test_open_interest_and_funding_may_be_left_out(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(the_settings(), open_interest="", funding="")
    found = read(a_folder(tmp_path), settings)

    assert found.interest is None
    assert found.funding_at(T0) is None


def test_a_pattern_may_name_the_base_coin(tmp_path: Path) -> None:
    settings = msgspec.structs.replace(the_settings(), candles="candles/{base}USDT.csv")

    assert len(read(a_folder(tmp_path), settings).candles.stamps) == 5


def test_tiers_come_from_their_file(tmp_path: Path) -> None:
    a_folder(tmp_path)
    row = "[0, 300000, 0.004, 150, 0]"
    (tmp_path / "tiers.json").write_text(f'{{"tiers": {{"{BTC}": [{row}]}}}}', encoding="utf-8")
    found = read(tmp_path, msgspec.structs.replace(the_settings(), tiers="tiers.json")).instrument

    assert Decimal("150.0") == found.leverage_max
    assert found.tier_at(1000.0).maintenance_rate == 0.004


@pytest.mark.parametrize("text", ["{", '{"tiers": 3}'])
def test_a_file_of_tiers_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    a_folder(tmp_path)
    (tmp_path / "tiers.json").write_text(text, encoding="utf-8")

    with pytest.raises(DataError, match="tiers"):
        read(tmp_path, msgspec.structs.replace(the_settings(), tiers="tiers.json"))


def test_the_rate_of_a_settlement_is_not_known_before_it(tmp_path: Path) -> None:
    found = read(a_folder(tmp_path))
    before, after = found.funding_at(T0), found.funding_at(T0 + 600_000)

    assert before is not None
    assert (0.0002, T0 + 600_000) == (before.rate, before.next_at)
    assert after is not None
    assert (0.0001, T0 + 600_000 + 8 * HOUR_MS) == (after.rate, after.next_at)
    assert found.funding_at(T0 - 9 * HOUR_MS) is None


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("2025-12-01", "", (T0, T0 + 5 * MIN5)),
        ("2025-12-01T00:05:00Z", "2025-12-01 00:20:00", (T0 + MIN5, T0 + 4 * MIN5)),
        ("2025-12-01T01:05:00+01:00", "2026-01-01", (T0 + MIN5, T0 + 5 * MIN5)),
        ("2020-01-01", "", (T0, T0 + 5 * MIN5)),
    ],
)
def test_the_period_lies_within_the_data(
    tmp_path: Path, start: str, end: str, expected: tuple[int, int]
) -> None:
    found = [read(a_folder(tmp_path))]

    assert expected == recording.period(the_settings(start=start, end=end), found)


def test_an_empty_period_says_what_the_data_covers(tmp_path: Path) -> None:
    found = [read(a_folder(tmp_path))]

    with pytest.raises(DataError, match="2025-12-01 00:00 to 2025-12-01 00:25"):
        recording.period(the_settings(start="2026-01-01"), found)
    with pytest.raises(DataError, match="warm_up_days"):
        recording.period(the_settings(start=""), found)


def test_a_time_that_is_none_is_the_operators_mistake(tmp_path: Path) -> None:
    found = [read(a_folder(tmp_path))]

    with pytest.raises(ConfigError) as caught:
        recording.period(the_settings(start="yesterday"), found)
    assert caught.value.where == "market.recorded.start"


@pytest.mark.parametrize(("text", "expected"), [("1m", 60_000), ("5m", MIN5), ("1h", HOUR_MS)])
def test_timeframes(text: str, expected: int) -> None:
    assert expected == recording.timeframe_ms(text)


@pytest.mark.parametrize("text", ["", "5", "m", "0m", "5x", "-5m"])
def test_a_timeframe_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        recording.timeframe_ms(text)
