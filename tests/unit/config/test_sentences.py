"""Complaints of the decoder become sentences with the key, the range and the nearest name."""

from pathlib import Path

import msgspec
import pytest

from bot.config import Config
from bot.config.document import Mistake, read_document
from bot.config.sentences import explain


def explained(tmp_path: Path, text: str) -> tuple[Mistake, tuple[str | int, ...]]:
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    document = read_document(path)
    with pytest.raises(msgspec.ValidationError) as caught:
        msgspec.convert(document.data, type=Config, strict=True)
    return explain(caught.value, document, Config)


@pytest.mark.parametrize(
    ("text", "what", "remedy"),
    [
        (
            "risk: {max_leverage: 11}\n",
            "risk.max_leverage is 11.",
            "It must be a number, 1 to 10, default 3.0.",
        ),
        (
            "risk: {max_positions: many}\n",
            'risk.max_positions is "many".',
            "It must be a whole number, 1 to 50, default 3.",
        ),
        (
            "strategies: {hunt: {enabled: 'yes'}}\n",
            'strategies.hunt.enabled is "yes".',
            "It must be true or false, default true.",
        ),
        (
            "strategies: {levels: {mode: both}}\n",
            'strategies.levels.mode is "both".',
            "It must be one of: sweep_reclaim, pre_touch, default sweep_reclaim.",
        ),
        ("risk: {risk_pct: 0}\n", "risk.risk_pct is 0.", "It must be a number, above 0 to 2"),
        ("risk: 3\n", "risk is 3.", "It must be a group of keys."),
        ("symbols: btc\n", 'symbols is "btc".', "It must be a list, default "),
    ],
)
def test_a_wrong_value_is_told_with_what_it_may_be(
    tmp_path: Path, text: str, what: str, remedy: str
) -> None:
    mistake, _ = explained(tmp_path, text)

    assert what == mistake.what
    assert mistake.remedy.startswith(remedy)


def test_a_key_that_is_nowhere_is_answered_with_those_that_are(tmp_path: Path) -> None:
    mistake, path = explained(tmp_path, "log:\n  zzzz: 1\n")

    assert ("log", "zzzz") == path
    assert 2 == mistake.line
    assert "Known here: level, format." == mistake.remedy


def test_an_item_of_a_list_is_named_by_its_place(tmp_path: Path) -> None:
    mistake, path = explained(tmp_path, "heatmap: {engine: {tiers: [3, x]}}\n")

    assert ("heatmap", "engine", "tiers", 1) == path
    assert 'heatmap.engine.tiers[1] is "x".' == mistake.what
