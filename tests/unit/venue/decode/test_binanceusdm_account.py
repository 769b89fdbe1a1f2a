"""Binance's account in our words: never flat and never zero by mistake."""

from decimal import Decimal
from typing import Any

import pytest

from bot.model.primitives import PositionSide
from bot.venue.decode.binanceusdm_account import (
    Setting,
    account_id_of,
    balance_of,
    can_trade_of,
    fees_of,
    funding_of,
    income_at,
    is_one_way_of,
    positions_of,
    rates_of,
    rights_of,
    settings_of,
    shows_one_way,
)
from bot.venue.decode.fields import ShapeError
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.live_binance_rows import (
    COMMISSION_ROW,
    CONFIG_ROW,
    FUNDING_ROW,
    RIGHTS_ROW,
    SYMBOL_ROW,
    SYMBOLS,
    WITHOUT,
    position_row,
)

SETTINGS = {BTC: Setting("isolated", 5.0)}


def test_a_position_in_our_words_with_the_leverage_of_its_symbol() -> None:
    (position,) = positions_of([position_row()], SYMBOLS, SETTINGS)

    assert (BTC, PositionSide.LONG, Decimal("0.5")) == (
        position.symbol,
        position.position_side,
        position.qty,
    )
    assert (Decimal("100.2"), Decimal("81.2"), 5.0, NOON) == (
        position.entry_price,
        position.liquidation_price,
        position.leverage,
        position.venue_at,
    )


def test_a_negative_amount_is_a_short_and_zero_is_none() -> None:
    (short,) = positions_of([position_row(positionAmt="-2")], SYMBOLS, SETTINGS)

    assert (PositionSide.SHORT, Decimal(2)) == (short.position_side, short.qty)
    assert [] == positions_of([position_row(positionAmt="0.000")], SYMBOLS, SETTINGS)
    assert [] == positions_of([], SYMBOLS, SETTINGS)


def test_both_sides_of_a_symbol_give_what_is_left_of_them() -> None:
    rows = [
        position_row(positionSide="LONG", positionAmt="0.2", entryPrice="90"),
        position_row(positionSide="SHORT", positionAmt="-0.5", entryPrice="110"),
    ]
    (left,) = positions_of(rows, SYMBOLS, SETTINGS)

    assert (PositionSide.SHORT, Decimal("0.3"), Decimal(110)) == (
        left.position_side,
        left.qty,
        left.entry_price,
    )


def test_no_liquidation_price_is_written_as_zero() -> None:
    (position,) = positions_of([position_row(liquidationPrice="0")], SYMBOLS, SETTINGS)

    assert position.liquidation_price is None


@pytest.mark.parametrize("reply", [None, {}, "", {"code": 200}, [{"symbol": "BTCUSDT"}]])
def test_e8_what_is_no_list_of_positions_is_never_flat(reply: Any) -> None:
    with pytest.raises(ShapeError):
        positions_of(reply, SYMBOLS, SETTINGS)


def test_a_position_without_an_amount_is_no_answer() -> None:
    with pytest.raises(ShapeError, match="positionAmt"):
        positions_of([position_row(positionAmt=WITHOUT)], SYMBOLS, SETTINGS)


def test_the_balance_is_the_wallet_s() -> None:
    rows = [
        {"asset": "BNB", "balance": "1"},
        {"asset": "USDT", "balance": "122607.35", "availableBalance": "3"},
    ]

    assert Decimal("122607.35") == balance_of(rows, "USDT")


@pytest.mark.parametrize("reply", [[], [{"asset": "BNB", "balance": "1"}], {}, None])
def test_e8_a_balance_without_a_row_of_ours_is_never_zero(reply: Any) -> None:
    with pytest.raises(ShapeError):
        balance_of(reply, "USDT")


def test_margin_mode_and_leverage_of_a_symbol() -> None:
    cross = SYMBOL_ROW | {"marginType": "CROSSED", "leverage": 20}

    assert {BTC: Setting("isolated", 5.0)} == settings_of([SYMBOL_ROW], SYMBOLS)
    assert {BTC: Setting("cross", 20.0)} == settings_of([cross], SYMBOLS)


def test_a_symbol_of_ours_without_settings_is_no_answer() -> None:
    with pytest.raises(ShapeError, match="ETH"):
        settings_of([SYMBOL_ROW], {**SYMBOLS, "ETHUSDT": ETH})
    with pytest.raises(ShapeError, match="ETH"):
        settings_of([SYMBOL_ROW], {"ETHUSDT": ETH}, may_lack=True)
    with pytest.raises(ShapeError, match="PORTFOLIO"):
        settings_of([SYMBOL_ROW | {"marginType": "PORTFOLIO"}], SYMBOLS)


def test_one_way_is_not_dual_side() -> None:
    assert is_one_way_of(CONFIG_ROW)
    assert not is_one_way_of(CONFIG_ROW | {"dualSidePosition": True})
    with pytest.raises(ShapeError):
        is_one_way_of({"canTrade": True})


def test_the_sides_of_positions_show_the_mode_where_there_are_any() -> None:
    both, long = position_row(), position_row(positionSide="LONG")

    assert [True, False, False, None, None] == [
        shows_one_way(rows)
        for rows in ([both, both], [long], [both, long], [], [position_row(positionSide="")])
    ]


def test_the_account_and_the_key_must_both_be_let_trade() -> None:
    assert can_trade_of(CONFIG_ROW, RIGHTS_ROW)
    assert not can_trade_of(CONFIG_ROW | {"canTrade": False}, RIGHTS_ROW)
    assert not can_trade_of(CONFIG_ROW, RIGHTS_ROW | {"enableFutures": False})
    assert not can_trade_of(CONFIG_ROW, RIGHTS_ROW | {"enableReading": False})


def test_what_the_key_may_do_besides() -> None:
    rights = rights_of(RIGHTS_ROW | {"enableWithdrawals": True})

    assert (True, True) == (rights.can_withdraw, rights.is_ip_restricted)


def test_the_account_s_number_is_its_uid() -> None:
    assert "354937868" == account_id_of({"uid": 354937868}, [{"accountAlias": "SgsR"}])


def test_without_a_uid_the_futures_alias_names_the_account() -> None:
    assert "SgsR" == account_id_of({"accountType": "SPOT"}, [{"accountAlias": "SgsR"}])
    with pytest.raises(ShapeError, match="number"):
        account_id_of({"accountType": "SPOT"}, [])


def test_fees_in_basis_points_and_as_shares() -> None:
    fees = fees_of(COMMISSION_ROW)

    assert (4.5, 1.8) == (fees.taker_bps, fees.maker_bps)
    assert {True: Decimal("0.00018"), False: Decimal("0.00045")} == rates_of(COMMISSION_ROW)


def test_funding_that_was_paid_is_negative() -> None:
    (paid,) = funding_of([FUNDING_ROW], SYMBOLS, "USDT")

    assert ("BTCUSDT-9689322392", BTC, Decimal("-0.0375"), NOON) == (
        paid.id,
        paid.symbol,
        paid.usd,
        paid.at,
    )
    assert NOON == income_at(FUNDING_ROW)


def test_other_incomes_coins_and_symbols_are_no_funding_of_ours() -> None:
    others = [
        FUNDING_ROW | {"incomeType": "COMMISSION"},
        FUNDING_ROW | {"asset": "BNB"},
        FUNDING_ROW | {"symbol": "DOGEUSDT"},
    ]

    assert [] == funding_of(others, SYMBOLS, "USDT")
