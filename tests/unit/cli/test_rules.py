"""Every rule has words."""

import pytest

from bot.cli import rules
from bot.config import Config
from bot.model.signal import Rule
from bot.model.wiring import Mode


@pytest.mark.parametrize("rule", Rule)
def test_every_rule_can_be_told(rule: Rule) -> None:
    assert 0 < len(rules.phrase(rule)) <= 19
    assert rules.saw(rule, 1.0)
    assert rules.limit(rule, 2.0)
    assert "-" == rules.limit(rule, None)


@pytest.mark.parametrize("rule", [rule for rule in Rule if rules.key(rule)])
def test_the_setting_behind_a_rule_exists(rule: Rule) -> None:
    found: object = Config(mode=Mode.PAPER)
    for name in rules.key(rule).split("."):
        found = getattr(found, name)

    assert found is not None


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (Rule.PAYS_TOO_LITTLE, 0.623, "0.62"),
        (Rule.OPPOSITE_NEARER, 11.3e6, "11.3 M a %"),
        (Rule.NOT_SWEPT, 0.0, "0 sweeps"),
        (Rule.NO_BREAK, 2520.0, "42 min ago"),
        (Rule.NO_BREAK, None, "none yet"),
        (Rule.NEAR_FUNDING, -24.0, "24 s"),
        (Rule.SPREAD_TOO_WIDE, 7.25, "7.2 bps"),
        (Rule.NOTIONAL_LIMIT, 61_000.0, "61.0 k USD"),
        (Rule.LIQUIDATION_TOO_NEAR, 1.1, "1.10 stop distances"),
        (Rule.ORDER_RATE, 30.0, "30 a minute"),
        (Rule.TOO_MANY_TOUCHES, 3.0, "3 an hour"),
        (Rule.UNSTABLE_PROVIDER, 0.42, "42 %"),
        (Rule.PRICE_THROUGH, 97_410.0, "97,410.0"),
        (Rule.TOO_YOUNG, 22.0, "22 s"),
        (Rule.BELOW_MINIMUM, 0.0004, "0.0004"),
        (Rule.WARMING, None, "-"),
    ],
)
def test_what_was_seen_has_its_unit(rule: Rule, value: float | None, expected: str) -> None:
    assert expected == rules.saw(rule, value)


def test_the_limit_of_a_break_is_a_span() -> None:
    assert "15 s" == rules.limit(Rule.NO_BREAK, 15.0)
