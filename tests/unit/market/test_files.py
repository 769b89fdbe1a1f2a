"""The layouts that are read, and what is said of rows that cannot be believed."""

import numpy as np
import pytest

from bot.errors import DataError
from bot.market.files import (
    Table,
    decimals_of,
    decode_candles,
    decode_funding,
    decode_open_interest,
    joined,
)

MIN5 = 300_000
T0 = 1_764_547_200_000
OURS = f"t,o,h,l,c,v\n{T0},100.5,101,100,100.7,5\n{T0 + MIN5},100.7,102,100.6,101.9,6.25\n"
VISION_ROW = "{t},100.5,101,100,100.7,5,{end},503,17,2.5,251,0\n"
VISION = VISION_ROW.format(t=T0, end=T0 + MIN5 - 1) + VISION_ROW.format(
    t=T0 + MIN5, end=T0 + 2 * MIN5 - 1
)
VISION_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore\n"
)


def candles(text: str) -> Table:
    return decode_candles(text, "candles.csv", MIN5)


def refusal(text: str) -> DataError:
    with pytest.raises(DataError) as caught:
        candles(text)
    return caught.value


def test_our_own_layout() -> None:
    table = candles(OURS)

    assert [T0, T0 + MIN5] == table.stamps.tolist()
    assert [101.0, 102.0] == table.columns[1].tolist()
    assert table.taker_buy is None
    assert table.place(1) == "candles.csv:3"


@pytest.mark.parametrize("head", ["", VISION_HEADER])
def test_vision_klines_with_and_without_header(head: str) -> None:
    table = candles(head + VISION)

    assert [T0, T0 + MIN5] == table.stamps.tolist()
    assert table.taker_buy is not None
    assert [2.5, 2.5] == table.taker_buy.tolist()


@pytest.mark.parametrize("factor", [1_000, 1_000_000])
def test_stamps_of_2025_may_be_microseconds(factor: int) -> None:
    text = OURS.replace(str(T0), str(T0 * factor))
    text = text.replace(str(T0 + MIN5), str((T0 + MIN5) * factor))

    assert [T0, T0 + MIN5] == candles(text).stamps.tolist()


def test_stamps_may_be_seconds() -> None:
    text = OURS.replace(str(T0), str(T0 // 1000))
    text = text.replace(str(T0 + MIN5), str((T0 + MIN5) // 1000))

    assert [T0, T0 + MIN5] == candles(text).stamps.tolist()


@pytest.mark.parametrize(
    "text",
    [
        f"[[{T0},100.5,101,100,100.7,5],[{T0 + MIN5},100.7,102,100.6,101.9,6]]",
        f"[{T0},100.5,101,100,100.7,5]\n[{T0 + MIN5},100.7,102,100.6,101.9,6]\n",
        f"{T0},100.5,101,100,100.7,5\n{T0 + MIN5},100.7,102,100.6,101.9,6\n",
    ],
)
def test_rows_of_ccxt(text: str) -> None:
    assert [100.7, 101.9] == candles(text).columns[3].tolist()


def test_taker_volume_is_read_where_it_has_a_column() -> None:
    table = candles(f"t,o,h,l,c,v,buy_v,n\n{T0},1,1,1,1,10,4,2\n")

    assert table.taker_buy is not None
    assert [4.0] == table.taker_buy.tolist()


def test_a_byte_order_mark_is_no_header() -> None:
    assert len(candles("\ufeff" + OURS).stamps) == 2


@pytest.mark.parametrize(
    ("row", "what"),
    [
        (f"{T0 + MIN5},100,99,101,100,1", "high is below low"),
        (f"{T0 + MIN5},103,102,100,101,1", "open lies outside"),
        (f"{T0 + MIN5},101,102,100,99,1", "close lies outside"),
        (f"{T0 + MIN5},0,102,0,99,1", "not above zero"),
        (f"{T0 + MIN5},101,102,100,101,-1", "volume is negative"),
        (f"{T0 + MIN5},nan,102,100,101,1", "not a finite number"),
        (f"{T0 + MIN5},101,inf,100,101,1", "not a finite number"),
        (f"{T0 + MIN5},101,102,100,oops,1", "not a row of numbers"),
        (f"{T0 + MIN5},101,102", "not a row of numbers"),
        (f"{T0},101,102,100,101,1", "comes again"),
        (f"{T0 - MIN5},101,102,100,101,1", "out of order"),
        (f"{T0 + MIN5 + 1},101,102,100,101,1", "multiple of 300000"),
    ],
)
def test_a_bad_row_is_refused_with_file_line_and_remedy(row: str, what: str) -> None:
    error = refusal(f"t,o,h,l,c,v\n{T0},100.5,101,100,100.7,5\n{row}\n")

    assert error.exit_code == 65
    assert what in error.what
    assert error.where == "candles.csv:3"
    assert error.remedy


def test_bars_of_another_length_are_named() -> None:
    error = refusal(f"t,o,h,l,c,v\n{T0},1,1,1,1,1\n{T0 + 2 * MIN5},1,1,1,1,1\n")

    assert "600 s apart" in error.what
    assert "timeframe" in error.remedy


def test_a_missing_bar_is_no_fault() -> None:
    text = "".join(f"{T0 + step * MIN5},1,1,1,1,1\n" for step in (0, 1, 5))

    assert len(candles(text).stamps) == 3


def test_an_empty_file_is_refused() -> None:
    assert "no rows" in refusal("t,o,h,l,c,v\n").what
    assert "no rows" in refusal("").what


def test_a_missing_column_is_named() -> None:
    error = refusal(f"t,o,h,l,c\n{T0},1,1,1,1\n")

    assert "v or volume" in error.what
    assert error.where == "candles.csv:1"


def test_json_that_is_no_rows_is_refused() -> None:
    assert "JSON" in refusal('[["a"]]').what


def test_open_interest_of_ours_and_of_vision_are_the_same() -> None:
    ours = decode_open_interest(f"t,oi,mark\n{T0},5.5,100\n{T0 + MIN5},6,101\n", "oi.csv")
    vision = decode_open_interest(
        "create_time,symbol,sum_open_interest,sum_open_interest_value,x\n"
        "2025-12-01 00:00:00,BTCUSDT,5.5,550,\n"
        "2025-12-01 00:05:01,BTCUSDT,6,606,1.5\n",
        "metrics.csv",
    )

    assert ours.stamps.tolist() == vision.stamps.tolist()
    assert ours.columns[0].tolist() == vision.columns[0].tolist()


@pytest.mark.parametrize(
    ("text", "what", "line"),
    [
        (f"t,oi\n{T0},5\n{T0 + MIN5},-1\n", "negative", 3),
        ("create_time,symbol,sum_open_interest\n2025-12-01 00:00:00,B,5\nsoon,B,5\n", "time", 3),
        ("create_time,symbol,sum_open_interest\n2025-12-01 00:00:00,B,x\n", "numbers", 2),
    ],
)
def test_bad_open_interest_is_refused(text: str, what: str, line: int) -> None:
    with pytest.raises(DataError) as caught:
        decode_open_interest(text, "oi.csv")

    assert what in caught.value.what
    assert caught.value.where == f"oi.csv:{line}"


@pytest.mark.parametrize(
    "text",
    [
        f"t,rate,src\n{T0},0.0001,somewhere\n",
        f"calc_time,funding_interval_hours,last_funding_rate\n{T0 + 3},8,0.0001\n",
        f"{T0 + 3},8,0.0001\n",
    ],
)
def test_funding_layouts_and_late_stamps(text: str) -> None:
    table = decode_funding(text, "funding.csv")

    assert [T0] == table.stamps.tolist()
    assert [0.0001] == table.columns[0].tolist()


def test_a_funding_rate_in_percent_is_noticed_when_absurd() -> None:
    with pytest.raises(DataError, match="100 %"):
        decode_funding(f"t,rate\n{T0},1.5\n", "funding.csv")


def test_files_of_one_series_are_joined_in_their_order() -> None:
    early, late = candles(OURS), candles(OURS.replace(str(T0), str(T0 - 2 * MIN5)).split("\n")[1])
    table = joined([early, late])

    assert [T0 - 2 * MIN5, T0, T0 + MIN5] == table.stamps.tolist()


def test_files_that_overlap_are_refused() -> None:
    with pytest.raises(DataError, match="overlap"):
        joined([candles(OURS), candles(OURS)])


def test_a_part_of_a_table_still_points_at_its_lines() -> None:
    part = candles(OURS).between(T0 + 1, T0 + 2 * MIN5)

    assert [T0 + MIN5] == part.stamps.tolist()
    assert part.place(0) == "candles.csv:3"


@pytest.mark.parametrize(
    ("values", "digits"), [([1.0, 250.0], 0), ([92759.3], 1), ([0.31382, 0.3], 5), ([1 / 3], 8)]
)
def test_the_grid_is_the_finest_digit_in_use(values: list[float], digits: int) -> None:
    assert digits == decimals_of(np.array(values))
