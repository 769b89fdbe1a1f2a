"""The adapters' settings keep their bounds."""

import msgspec
import pytest

from bot.model.wiring import HeatmapSettings, PaperSettings, ProviderLimits, SimulatedSettings


@pytest.mark.parametrize(
    "text", ['{"timeout_s": 3.5}', '{"period_s": 0.5}', '{"provider": "simulated"}']
)
def test_what_the_heatmap_may_not_be_is_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(text, type=HeatmapSettings)


def test_defaults_are_within_their_own_bounds() -> None:
    for section in (HeatmapSettings(), PaperSettings(), SimulatedSettings()):
        assert section == msgspec.convert(msgspec.to_builtins(section), type(section))


def test_retry_after_is_bounded_by_an_hour() -> None:
    assert ProviderLimits().retry_after_max_s == 3600
