"""What a trade wins and loses per coin, fees and slippage included.

With E, S, T the prices of entry, stop and target, fee rates fE, fS, fT and slippage sE, sS:

    long:  win = T(1-fT) - E(1+fE+sE)      loss = E(1+fE+sE) - S(1-fS-sS)
    short: win = E(1-fE-sE) - T(1+fT)      loss = S(1+fS+sS) - E(1-fE-sE)

The formulas know nothing of order: with the stop on the wrong side they answer handsome ratios.
Whoever asks has checked that S < E < T (or T < E < S) before.
"""

from decimal import Decimal

from bot.model.instrument import Instrument
from bot.model.primitives import PositionSide, Price, Usd, Value
from bot.model.signal import EntryStyle

_BPS = Decimal("0.0001")
_ONE = Decimal(1)


class Costs(Value, frozen=True, kw_only=True):
    """Shares of price: 0.0005 is 5 bps. The target rests as a maker; the stop takes and slips."""

    entry: Decimal
    """Fee and slippage of the entry."""
    stop: Decimal
    """Fee and slippage of the stop."""
    target: Decimal
    """Fee of the target."""

    @property
    def round_trip(self) -> Decimal:
        """What a winning trade pays in all: fE + sE + fT."""
        return self.entry + self.target


class Payoff(Value, frozen=True, kw_only=True):
    """The outcome of one base coin at either end, in quote currency."""

    win: Usd
    """Net gain at the target; negative where the costs eat it."""
    loss: Usd
    """Net loss at the stop, positive."""
    gross: float
    """Reward over risk before costs."""
    net: float
    """`win / loss`; minus infinity where a loss cannot be measured."""

    @property
    def break_even(self) -> float:
        """The share of trades that must win for nothing to be lost: 1 where none can."""
        return min(1.0, 1.0 / (1.0 + self.net)) if self.net > 0 else 1.0


def costs_of(instrument: Instrument, slippage_bps: Decimal, style: EntryStyle) -> Costs:
    """Give the costs of a trade on `instrument`; `slippage_bps` is one way.

    An entry that rests pays the maker fee and does not slip.
    """
    taker = instrument.taker_fee_bps + slippage_bps
    entry = taker if style is EntryStyle.IOC else instrument.maker_fee_bps
    return Costs(entry=entry * _BPS, stop=taker * _BPS, target=instrument.maker_fee_bps * _BPS)


def payoff(
    side: PositionSide, entry: Decimal, stop: Decimal, target: Decimal, costs: Costs
) -> Payoff:
    """Compute win, loss and both ratios of one coin. Never raises on positive prices."""
    sign = side.sign
    paid = entry * (_ONE + sign * costs.entry)
    win = sign * (target * (_ONE - sign * costs.target) - paid)
    loss = sign * (paid - stop * (_ONE - sign * costs.stop))
    risk = sign * (entry - stop)
    reward = sign * (target - entry)
    return Payoff(
        win=Usd(win),
        loss=Usd(loss),
        gross=float(reward / risk) if risk > 0 else float("-inf"),
        net=float(win / loss) if loss > 0 else float("-inf"),
    )


def loss_per_unit(side: PositionSide, entry: Decimal, stop: Decimal, costs: Costs) -> Decimal:
    """Give the net loss of one coin at the stop, in quote currency."""
    return payoff(side, entry, stop, entry, costs).loss


def target_at(side: PositionSide, entry: Decimal, stop: Decimal, costs: Costs, net: float) -> Price:
    """Give the unrounded target at which a stop pays `net`."""
    sign = side.sign
    win = loss_per_unit(side, entry, stop, costs) * Decimal(str(net))
    paid = entry * (_ONE + sign * costs.entry)
    return Price((paid + sign * win) / (_ONE - sign * costs.target))


def stop_at(side: PositionSide, entry: Decimal, target: Decimal, costs: Costs, net: float) -> Price:
    """Give the unrounded stop at which a target pays `net`; beyond the entry where none can."""
    sign = side.sign
    paid = entry * (_ONE + sign * costs.entry)
    win = sign * (target * (_ONE - sign * costs.target) - paid)
    return Price((paid - sign * win / Decimal(str(net))) / (_ONE - sign * costs.stop))
