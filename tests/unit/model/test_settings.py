"""Ceilings stand in the types, and the core sees only what it needs."""

import msgspec
import pytest

from bot.model.settings import CoreSettings, RiskSettings


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
