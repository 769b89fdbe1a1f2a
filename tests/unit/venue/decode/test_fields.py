"""A field is of its documented type, or there is no answer."""

from decimal import Decimal
from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError
from bot.venue.decode.fields import (
    ShapeError,
    as_row,
    as_rows,
    decimal_of,
    flag_of,
    millis_of,
    optional_decimal_of,
    optional_text_of,
    text_of,
    whole_of,
)


def test_a_shape_that_is_not_documented_is_no_answer() -> None:
    assert issubclass(ShapeError, NoAnswerError)


@pytest.mark.parametrize("reply", [None, "", [], {}, 7, "<html>"])
def test_e8_what_is_not_an_object_with_fields_is_no_row(reply: Any) -> None:
    with pytest.raises(ShapeError, match="order"):
        as_row(reply, "order")


@pytest.mark.parametrize("reply", [None, {}, {"code": 0}, "[]", [1], [{}], [None]])
def test_e8_only_a_list_of_objects_is_a_list(reply: Any) -> None:
    with pytest.raises(ShapeError, match="positions"):
        as_rows(reply, "positions")


def test_an_empty_list_is_an_answer() -> None:
    assert [] == as_rows([], "positions")


def test_amounts_come_as_text_or_whole_numbers() -> None:
    row = {"text": "0.100", "whole": 5}

    assert Decimal("0.100") == decimal_of(row, "text")
    assert Decimal(5) == decimal_of(row, "whole")


@pytest.mark.parametrize("value", [None, "", "x", "NaN", "Infinity", True, 0.1, []])
def test_what_is_no_finite_amount_raises(value: Any) -> None:
    with pytest.raises(ShapeError, match="qty"):
        decimal_of({"qty": value}, "qty")


def test_an_amount_that_may_be_missing_is_zero() -> None:
    assert Decimal(0) == optional_decimal_of({}, "qty")
    assert Decimal(0) == optional_decimal_of({"qty": None}, "qty")
    assert Decimal(2) == optional_decimal_of({"qty": "2"}, "qty")


@pytest.mark.parametrize("value", [None, "", True, 1.5, {}])
def test_what_is_no_text_raises(value: Any) -> None:
    with pytest.raises(ShapeError, match="id"):
        text_of({"id": value}, "id")


def test_ids_come_as_numbers_or_text() -> None:
    assert "17" == text_of({"id": 17}, "id")
    assert "17" == text_of({"id": "17"}, "id")
    assert "" == optional_text_of({"id": None}, "id")


@pytest.mark.parametrize("value", [None, "", "1.5", "-1", True, "²"])
def test_what_is_no_whole_number_raises(value: Any) -> None:
    with pytest.raises(ShapeError, match="time"):
        millis_of({"time": value}, "time")


def test_whole_numbers_come_as_such_or_as_digits() -> None:
    assert 12 == whole_of({"n": 12}, "n")
    assert 12 == whole_of({"n": "12"}, "n")


@pytest.mark.parametrize("value", [None, 0, 1, "yes"])
def test_what_is_neither_true_nor_false_raises(value: Any) -> None:
    with pytest.raises(ShapeError, match="dual"):
        flag_of({"dual": value}, "dual")


def test_flags_come_as_such_or_as_words() -> None:
    assert flag_of({"a": True}, "a")
    assert flag_of({"a": "true"}, "a")
    assert not flag_of({"a": "false"}, "a")
