"""Numbers, names and statuses as Bybit writes them."""

from decimal import Decimal

import pytest

from bot.sim.emulator.bybit_words import (
    WHY_CODES,
    Refused,
    exec_name,
    number,
    order_id_of,
    order_name,
    plain,
    refused,
)
from bot.sim.emulator.state import Why
from tests.fakes.contracts import BTC, ETH


def test_numbers_are_written_without_exponents_and_trailing_zeros() -> None:
    written = [plain(Decimal("100.10")), plain(Decimal("1E+3")), plain(1e-7), plain(Decimal("0.0"))]

    assert ["100.1", "1000", "0.0000001", "0"] == written


@pytest.mark.parametrize("text", ["", "one", "NaN", "Infinity"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="qty") as caught:
        number(text, "qty")

    assert 10001 == caught.value.code


def test_an_order_name_leads_back_to_its_number() -> None:
    name = order_name(8_000_000_001)

    assert 8_000_000_001 == order_id_of(name)
    assert order_id_of("None") is None
    assert order_id_of("fd4300ae-7847-404e-b947-b46980a4d140") is None


def test_trades_of_two_symbols_with_one_number_have_two_names() -> None:
    assert exec_name(BTC, "trade", 1) != exec_name(ETH, "trade", 1)
    assert exec_name(BTC, "trade", 1) == exec_name(BTC, "trade", 1)


def test_e14_a_trigger_on_the_wrong_side_has_a_code_for_each_direction() -> None:
    codes = [refused(Why.WOULD_TRIGGER, is_rising=rising).code for rising in (True, False)]

    assert [110092, 110093] == codes


def test_every_reason_to_refuse_an_order_has_a_code() -> None:
    spoken_elsewhere = {Why.WOULD_TAKE, Why.LEVERAGE_CUT}

    assert set(Why) - spoken_elsewhere == set(WHY_CODES)
