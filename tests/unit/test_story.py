"""The story of a run reads as a person would tell it, in 80 columns."""

from typing import Any

import pytest

from bot.story import WIDTH, Story, clock, money

AT = 1_767_276_680_000  # 2026-01-01 14:11:20 UTC
BTC = "BTC/USDT:USDT"


def told(event: str, **fields: Any) -> str:
    return Story(colour=False)({"event": event, "level": "info", "at": AT, **fields}) or ""


def test_a_signal_says_what_it_pays() -> None:
    text = told(
        "signal.raised",
        symbol=BTC,
        strategy="hunt",
        side="long",
        reason="hunt LONG toward the short cluster at 98,700.6; 6.1 M USD (high here), strength "
        "0.83 (very strong), followed for 31 min; pays 1.78 for 1 risked after costs, breaks even "
        "at 36 of 100",
        risk_reward=1.784,
    )

    assert (
        "14:11:20  BTCUSDT   SIGNAL   hunt LONG toward the short cluster at 98,700.6\n"
        "                             6.1 M USD (high here), strength 0.83 (very strong),\n"
        "                             followed for 31 min\n"
        "                             pays 1.78 for 1 risked after costs"
    ) == text
    assert all(len(line) <= WIDTH for line in text.splitlines())


def test_a_floating_signal_carries_the_mark() -> None:
    text = told(
        "signal.raised",
        symbol=BTC,
        strategy="hunt",
        side="long",
        reason="x",
        risk_reward=2.0,
        floating=True,
    )

    assert "levels ride on the price" in text


def test_the_stops_confirmation_is_told_with_its_delay() -> None:
    text = told(
        "bracket.protected", symbol=BTC, stop_price="96914.4", delay_ms=180, risk_usd="49.408"
    )

    assert "STOP     96,914.4 confirmed 0.2 s after the fill (risk 49.41)" in text


def test_a_closed_trade_says_money_and_r_after_costs() -> None:
    text = told(
        "bracket.closed",
        symbol=BTC,
        closed_by="cluster_break",
        exit_price="98651.2",
        pnl_usd="89.163",
        r=1.8046,
    )

    assert "CLOSED   cluster break at 98,651.2: +89.16 USDT, +1.80 R" in text


def test_refusals_are_summed_up() -> None:
    text = told("candidates.refused", count=46, minutes=10, rules={"pays_too_little": 31})

    assert "no trade: 46 candidates refused in 10 min\n" in text
    assert "pays too little 31" in text
    assert "why SYMBOL" in text


def test_a_sweep_says_how_far_and_how_long() -> None:
    text = told(
        "cluster.swept",
        symbol="SOL/USDT:USDT",
        side="long",
        level=185.6,
        broken_level=185.6,
        broken_at=AT - 7000,
        extreme=185.4,
        price=185.7,
    )

    assert "CLUSTER  long 185.60 swept: through by 11 bps, back in 7 s" in text


@pytest.mark.parametrize(
    "event", ["cluster.appeared", "order.accepted", "heatmap.read", "order.canceled"]
)
def test_what_people_need_not_see_is_left_out(event: str) -> None:
    assert told(event, symbol=BTC) == ""


def test_warnings_are_always_told() -> None:
    line = Story(colour=False)({"event": "heatmap.went_stale", "level": "warning", "at": AT})

    assert line is not None
    assert "heatmap went_stale" in line


def test_colour_is_only_paint() -> None:
    fields = {"symbol": BTC, "closed_by": "stop", "exit_price": "1", "pnl_usd": "-5", "r": -1.0}
    plain = told("bracket.closed", **fields)
    event = {"event": "bracket.closed", "level": "info", "at": AT, **fields}
    painted = Story(colour=True)(event) or ""

    assert "\x1b[31m" in painted
    assert plain == painted.replace("\x1b[31m", "").replace("\x1b[0m", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("97424.9", "97,424.9"),
        ("3412.40", "3,412.40"),
        ("187.1", "187.10"),
        (3440.091, "3,440.09"),
        ("0.0001234", "0.000123"),
        (None, "-"),
        ("-50.26", "-50.26"),
    ],
)
def test_numbers_are_written_as_people_read_them(value: str | float | None, text: str) -> None:
    assert text == money(value)


def test_an_instant_that_is_missing_is_dashes() -> None:
    assert "--:--:--" == clock(None)
