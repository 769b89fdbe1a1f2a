"""Size: the smallest cap, times a multiplier that never raises the risk."""

from decimal import Decimal

import msgspec
import pytest

from bot.core.selector import select
from bot.core.sizing import Cap, Liquidity, Sized, multiplier, size
from bot.model.instrument import Instrument
from bot.model.primitives import Usd
from bot.model.settings import CoreSettings, RiskSettings, SizeSettings
from bot.model.signal import Refusal, Rule, Signal
from tests.fakes.views import INSTRUMENT, NOW, a_view, settings_with, short_at

_D = Decimal
_WIDE = RiskSettings(max_notional_usd=10_000_000, max_leverage=10)


def _signal(*, times: float = 1.0) -> Signal:
    signal = select(a_view(short_at(101_000.0))).signal
    assert signal is not None
    return msgspec.structs.replace(signal, size_multiplier=times)


def _sized(
    signal: Signal,
    *,
    equity: int = 10_000,
    liquidity: Liquidity | None = None,
    risk: RiskSettings = _WIDE,
    instrument: Instrument = INSTRUMENT,
) -> Sized | Refusal:
    settings: CoreSettings = settings_with(risk=risk)
    return size(signal, instrument, _D(equity), liquidity or Liquidity(), settings, at=NOW)


def _qty(answer: Sized | Refusal) -> tuple[Cap, Decimal]:
    assert isinstance(answer, Sized)
    return answer.cap, answer.qty


def test_risk_decides_and_the_loss_at_the_stop_is_within_it() -> None:
    signal = _signal()
    answer = _sized(signal)

    assert isinstance(answer, Sized)
    assert answer.cap is Cap.RISK
    assert answer.risk_usd <= _D(50)
    assert answer.risk_usd + INSTRUMENT.lot_size * signal.loss_per_unit_usd > _D(50)
    assert Usd(answer.qty * signal.entry_price) == answer.notional_usd


@pytest.mark.parametrize(
    ("cap", "qty", "case"),
    [
        (Cap.NOTIONAL, "0.050", {"risk": RiskSettings(max_notional_usd=5_000)}),
        (Cap.LEVERAGE, "0.100", {"risk": RiskSettings(max_leverage=1)}),
        (Cap.VOLUME, "0.030", {"liquidity": Liquidity(minute_volume=3.0)}),
        (Cap.DEPTH, "0.025", {"liquidity": Liquidity(depth_usd=10_000.0)}),
        (
            Cap.INSTRUMENT,
            "0.004",
            {"instrument": msgspec.structs.replace(INSTRUMENT, qty_max=_D("0.004"))},
        ),
    ],
)
def test_the_smallest_cap_decides_and_is_named(
    cap: Cap, qty: str, case: dict[str, RiskSettings]
) -> None:
    assert (cap, _D(qty)) == _qty(_sized(_signal(), **case))  # type: ignore[arg-type]


def test_the_multiplier_shrinks() -> None:
    _, whole = _qty(_sized(_signal()))
    _, half = _qty(_sized(_signal(times=0.5)))

    assert half == INSTRUMENT.qty_down(whole / 2)


def test_guide_16_a_multiplier_above_one_never_passes_the_risk() -> None:
    """Row 16: the guide's 1.5 raised the risk itself."""
    once, more = _sized(_signal()), _sized(_signal(times=1.5))
    thin = Liquidity(minute_volume=3.0)

    assert _qty(once) == _qty(more)
    assert (Cap.VOLUME, _D("0.045")) == _qty(_sized(_signal(times=1.5), liquidity=thin))


def test_below_the_minimum_is_refused_and_not_rounded_up() -> None:
    lot = msgspec.structs.replace(INSTRUMENT, qty_min=_D("0.5"))
    notional = msgspec.structs.replace(INSTRUMENT, notional_min_usd=_D(50_000))
    answers = [
        _sized(_signal(), instrument=lot),
        _sized(_signal(), instrument=notional),
        _sized(_signal(), equity=1),
    ]

    for answer in answers:
        assert isinstance(answer, Refusal)
        assert answer.rule is Rule.BELOW_MINIMUM
        assert answer.saw is not None
        assert answer.limit is not None
        assert answer.saw < answer.limit
        assert answer.numbers["cap_risk"] > 0


def test_nothing_is_sized_without_equity() -> None:
    answer = _sized(_signal(), equity=0)

    assert isinstance(answer, Refusal)
    assert answer.rule is Rule.NO_EQUITY


def test_guide_15_the_terms_always_have_a_value() -> None:
    """Row 15: the biases were unset in some branches; here the terms stay within their bounds."""
    settings = SizeSettings()
    terms = {(1.0, 1.0): 1.0, (0.1, 1.0): 0.5, (9.0, 0.0): 0.5, (0.8, 0.5): 0.6, (1.0, 7.0): 1.0}

    for (interest, strength), expected in terms.items():
        assert multiplier(interest, strength, settings) == pytest.approx(expected)
