"""Risk and reward after costs, against figures worked out by hand."""

from decimal import Decimal

import pytest

from bot.core.costs import Costs, costs_of, loss_per_unit, payoff, stop_at, target_at
from bot.model.primitives import PositionSide
from bot.model.signal import EntryStyle
from tests.fakes.views import INSTRUMENT, LONG, SHORT

_D = Decimal
_TAKEN = costs_of(INSTRUMENT, _D(2), EntryStyle.IOC)
_FREE = Costs(entry=_D(0), stop=_D(0), target=_D(0))
_FIVE = Costs(entry=_D("0.0005"), stop=_D("0.0005"), target=_D("0.0005"))


def test_a_taking_entry_pays_fee_and_slippage_and_a_resting_one_neither_much() -> None:
    resting = costs_of(INSTRUMENT, _D(2), EntryStyle.POST_ONLY)

    assert Costs(entry=_D("0.0007"), stop=_D("0.0007"), target=_D("0.0002")) == _TAKEN
    assert Costs(entry=_D("0.0002"), stop=_D("0.0007"), target=_D("0.0002")) == resting
    assert _D("0.0009") == _TAKEN.round_trip


def test_a_long_wins_and_loses_what_the_story_tells() -> None:
    """The figures that `why` shows as its example."""
    pay = payoff(LONG, _D("98460.0"), _D("98085.9"), _D("98863.7"), _TAKEN)

    assert pay.win == pytest.approx(_D("315.01"), abs=_D("0.01"))
    assert pay.loss == pytest.approx(_D("511.68"), abs=_D("0.01"))
    assert pay.net == pytest.approx(0.62, abs=0.005)
    assert pay.break_even == pytest.approx(0.62, abs=0.005)


def test_a_short_mirrors_a_long() -> None:
    """Short: win = E(1-fE-sE) - T(1+fT), loss = S(1+fS+sS) - E(1-fE-sE)."""
    pay = payoff(SHORT, _D(100), _D(101), _D(98), _FIVE)

    assert _D(100) * _D("0.9995") - _D(98) * _D("1.0005") == pay.win
    assert _D(101) * _D("1.0005") - _D(100) * _D("0.9995") == pay.loss
    assert pay.gross == 2.0


@pytest.mark.parametrize("side", PositionSide)
def test_the_needed_target_and_stop_pay_exactly_what_is_asked(side: PositionSide) -> None:
    entry = _D(100)
    stop, target = (_D(99), _D(102)) if side is LONG else (_D(101), _D(98))
    needed_target = target_at(side, entry, stop, _TAKEN, 1.5)
    needed_stop = stop_at(side, entry, target, _TAKEN, 1.5)

    assert payoff(side, entry, stop, needed_target, _TAKEN).net == pytest.approx(1.5)
    assert payoff(side, entry, needed_stop, target, _TAKEN).net == pytest.approx(1.5)
    assert (
        loss_per_unit(side, entry, stop, _TAKEN) == payoff(side, entry, stop, target, _TAKEN).loss
    )


def test_nothing_is_won_where_costs_eat_it() -> None:
    pay = payoff(LONG, _D(100), _D(99), _D("100.05"), _TAKEN)

    assert pay.win < 0
    assert pay.break_even == 1.0


def test_a_stop_on_the_wrong_side_has_no_gross_ratio() -> None:
    """And its net ratio is nonsense, which is why ordering is judged first."""
    assert payoff(LONG, _D(100), _D(101), _D(102), _FREE).gross == float("-inf")
    assert payoff(LONG, _D(100), _D(101), _D(102), _FREE).net == float("-inf")


def test_guide_03_the_example_pays_a_fifth_of_what_it_says() -> None:
    """Row 3: it says 2.5; it is 0.447 gross and 0.196 net, and needs 83.6 wins of 100."""
    entry, stop, target = _D("89175.10"), _D(88750), _D(89365)
    net = payoff(LONG, entry, stop, target, _FIVE)

    assert payoff(LONG, entry, stop, target, _FREE).gross == pytest.approx(0.447, abs=0.001)
    assert net.net == pytest.approx(0.196, abs=0.002)
    assert net.break_even == pytest.approx(0.836, abs=0.002)
    assert target_at(LONG, entry, stop, _FREE, 2.5) == pytest.approx(_D("90237.85"))
    assert stop_at(LONG, entry, target, _FREE, 2.5) == pytest.approx(_D("89099.14"))


def test_guide_02_the_formula_praises_a_stop_above_the_entry() -> None:
    """Row 2: `89365 * 0.998` lies above the entry of 89,175.10, and yet a ratio comes out."""
    stop = _D(89365) * _D("0.998")

    assert payoff(LONG, _D("89175.10"), stop, _D(89365), _FIVE).net > 1
