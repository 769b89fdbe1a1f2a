"""Ceilings stand in the types, and the core sees only what it needs."""

import msgspec
import pytest

from bot.model.settings import CoreSettings, OrderSettings, RiskSettings, Section


def test_defaults_are_within_their_own_ceilings() -> None:
    risk = RiskSettings()

    assert risk == msgspec.convert(msgspec.to_builtins(risk), RiskSettings)


@pytest.mark.parametrize(
    "text", ['{"risk_pct": 2.1}', '{"max_leverage": 11}', '{"drawdown_pct": 51}', '{"risk_pc": 1}']
)
def test_what_is_beyond_a_ceiling_or_unknown_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=RiskSettings)


def test_only_live_is_live() -> None:
    assert not CoreSettings(instance="i", symbols=("BTC/USDT:USDT",)).is_live
    assert CoreSettings(instance="i", mode="live", symbols=("BTC/USDT:USDT",)).is_live


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        (RiskSettings, "price_collar_pct", 100),
        (RiskSettings, "price_collar_pct", 0),
        (RiskSettings, "input_age_max_s", 86_400),
        (OrderSettings, "tombstone_s", 0),
    ],
)
def test_c6_a_figure_that_would_switch_a_check_off_is_refused(
    section: type[Section], key: str, value: float
) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({key: value}, type=section)
