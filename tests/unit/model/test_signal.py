"""A signal is complete; a refusal names its rule."""

import msgspec

from bot.model.primitives import Millis, Symbol
from bot.model.signal import Refusal, Rule, Strategy


def test_a_refusal_survives_the_journal_with_its_numbers() -> None:
    refusal = Refusal(
        symbol=Symbol("BTC/USDT:USDT"),
        strategy=Strategy.HUNT,
        rule=Rule.PAYS_TOO_LITTLE,
        saw=0.62,
        limit=1.5,
        numbers={"entry": 98_460.0},
        first_at=Millis(1),
        at=Millis(2),
        count=3,
    )

    assert refusal == msgspec.json.decode(msgspec.json.encode(refusal), type=Refusal)


def test_rules_are_words() -> None:
    assert all(rule.value == rule.value.lower() and " " not in rule.value for rule in Rule)
