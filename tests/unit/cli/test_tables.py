"""Figures as a person reads them."""

from decimal import Decimal

import pytest

from bot.cli import tables
from bot.model.primitives import Millis


def test_columns_are_aligned_and_nothing_trails() -> None:
    expected = "name   size\nlong      1\nshort  12.5"
    actual = tables.table(("name", "size"), [("long", "1"), ("short", "12.5")], right="size")

    assert expected == actual
    assert "a  b\nc" == tables.table(("a", "b"), [("c", "")])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        ("97424.9", "97,424.9"),
        (186.45, "186.45"),
        (3412.4, "3,412.40"),
        (Decimal("1.5"), "1.5000"),
        (0.1523, "0.152300"),
        (0, "0"),
    ],
)
def test_prices_have_the_digits_of_their_size(
    value: Decimal | float | str | None, expected: str
) -> None:
    assert expected == tables.price(value)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (None, "-"),
        (0.4, "0.4 s"),
        (2.0, "2 s"),
        (52, "52 s"),
        (60, "1 min"),
        (2191, "36 min 31 s"),
        (4080, "1 h 8 min"),
        (273_600, "3 d 4 h"),
        (86_400, "1 d"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float | None, expected: str) -> None:
    assert expected == tables.span(seconds)


def test_about_is_the_largest_unit_alone() -> None:
    assert "36 min" == tables.about(2191)
    assert "1.5 s" == tables.about(1.5)


@pytest.mark.parametrize(
    ("actual", "expected"),
    [
        (tables.usd("10028.36"), "10,028.36"),
        (tables.usd(Decimal("28.357"), sign=True), "+28.36"),
        (tables.usd(None), "-"),
        (tables.notional(6_100_000), "6.1 M"),
        (tables.notional(2.5e9), "2.5 B"),
        (tables.notional(650_000), "650.0 k"),
        (tables.notional(12), "12"),
        (tables.pct(0.283), "0.28 %"),
        (tables.pct(-1.0, sign=True), "-1.00 %"),
        (tables.pct(None), "-"),
        (tables.share(0.97), "97 %"),
        (tables.share(None), "unknown"),
        (tables.r(1.8), "+1.80"),
        (tables.r(None), "-"),
        (tables.count(1, "trade"), "1 trade"),
        (tables.count(2_000, "trade"), "2,000 trades"),
        (tables.clock(Millis(1_767_225_600_000)), "00:00:00"),
        (tables.clock("2026-01-01T14:31:20.020Z"), "14:31:20"),
        (tables.clock(None), "-"),
        (tables.day_and_clock("2026-01-31T14:31:20.020Z"), "01-31 14:31:20"),
        (tables.day(Millis(1_767_225_600_000)), "2026-01-01"),
    ],
)
def test_figures(actual: str, expected: str) -> None:
    assert expected == actual


def test_an_rfc_3339_text_is_an_instant() -> None:
    assert 1_767_225_600_020 == tables.millis("2026-01-01T00:00:00.020Z")


def test_a_path_is_never_cut() -> None:
    path = "/" + "long-name/" * 12

    assert f"see\n  {path}" == tables.wrapped(f"see {path}", indent=2, first="")


def test_no_colour_without_a_terminal() -> None:
    assert "text" == tables.paint("text", "red")
