"""The one gate every candidate passes, in a fixed order.

finite and rounded -> ordering -> distances -> net risk/reward -> conflicts -> confirmation.

Ordering comes before risk/reward, because the formula answers a handsome ratio for a stop on the
wrong side of the entry. The stop leaves the band of every live cluster before anything is judged,
and is never moved to make the ratio fit. The size is the risk gate's.
"""

import math
from decimal import Decimal
from statistics import median
from typing import NamedTuple

from bot.core import confirm, costs, sizing
from bot.core.bands import notional_word, strength_word, usd_words
from bot.core.costs import Costs, Payoff
from bot.core.ids import signal_id
from bot.core.levels import nearest_levels
from bot.core.strategies.base import Candidate, View, refuse
from bot.model.primitives import PositionSide, Price, SignalId
from bot.model.signal import Refusal, Rule, Signal


class Shape(NamedTuple):
    """A candidate on the tick grid, with what it wins and loses."""

    entry: Price
    stop: Price
    target: Price
    costs: Costs
    payoff: Payoff

    @property
    def stop_pct(self) -> float:
        """Distance of the stop in percent of the entry."""
        return float(abs(self.entry - self.stop) / self.entry) * 100.0

    @property
    def target_pct(self) -> float:
        """Distance of the target in percent of the entry."""
        return float(abs(self.target - self.entry) / self.entry) * 100.0


def judge(view: View, candidate: Candidate) -> Signal | Refusal:
    """Turn a candidate into a signal, or say which rule refuses it and with which numbers."""
    shape = _shaped(view, candidate)
    if shape is None:
        raw = {"entry": candidate.entry, "stop": candidate.stop, "target": candidate.target}
        return refuse(view, candidate.about, Rule.NOT_FINITE, numbers=raw)
    if refused := (
        _out_of_order(view, candidate, shape)
        or _wrong_distance(view, candidate, shape)
        or _pays_too_little(view, candidate, shape)
    ):
        return refused
    # Derived only now: most candidates do not get this far.
    id_ = signal_id(
        instance=view.settings.instance,
        strategy=candidate.strategy,
        symbol=view.symbol,
        cluster_id=candidate.cluster.id,
        gen=candidate.cluster.gen,
    )
    return (
        _conflict(view, candidate, shape, id_)
        or _unconfirmed(view, candidate, shape)
        or _signal(view, candidate, shape, id_)
    )


def _shaped(view: View, candidate: Candidate) -> Shape | None:
    """Round every price toward the worse ratio; None where one is no positive, finite number."""
    raw = (candidate.entry, candidate.stop, candidate.target)
    if not all(math.isfinite(price) and price > 0 for price in raw if price is not None):
        return None
    side, instrument = candidate.side, view.instrument
    entry = instrument.price_aggressive(exact(candidate.entry), side.entry_side)
    stop = _clear_stop(view, exact(candidate.stop), side)
    paid = costs.costs_of(instrument, view.settings.slippage_bps, candidate.style)
    if candidate.target is None:
        risked = costs.loss_per_unit(side, entry, stop, paid)
        aim = entry + side.sign * exact(candidate.target_risks) * risked
    else:
        aim = exact(candidate.target)
    target = instrument.price_aggressive(aim, side.exit_side)
    if min(entry, stop, target) <= 0:
        return None
    return Shape(entry, stop, target, paid, costs.payoff(side, entry, stop, target, paid))


def _clear_stop(view: View, raw: Decimal, side: PositionSide) -> Price:
    """Round the stop away from the entry, and out of every live cluster's band.

    Each pass leaves one band for good, so there are at most as many as clusters.
    """
    stop = view.instrument.stop_away(raw, side)
    while (edge := _edge_around(view, stop, side)) is not None:
        buffered = edge * (1 - side.sign * exact(view.common.stop_buffer_pct) / 100)
        one_tick = edge - side.sign * view.instrument.tick_size
        outer = min(buffered, one_tick) if side is PositionSide.LONG else max(buffered, one_tick)
        stop = view.instrument.stop_away(outer, side)
    return stop


def _edge_around(view: View, stop: Decimal, side: PositionSide) -> Decimal | None:
    """The edge to leave by of a band that holds the stop, edges included."""
    at = float(stop)
    for cluster in (*view.longs, *view.shorts):
        if cluster.low <= at <= cluster.high:
            return exact(cluster.low if side is PositionSide.LONG else cluster.high)
    return None


def _out_of_order(view: View, candidate: Candidate, shape: Shape) -> Refusal | None:
    sign = candidate.side.sign
    is_stop_wrong = sign * (shape.entry - shape.stop) <= 0
    if not is_stop_wrong and sign * (shape.target - shape.entry) > 0:
        return None
    wrong = shape.stop if is_stop_wrong else shape.target
    # No ratio among the numbers: here it would be a lie.
    prices = {
        "entry": float(shape.entry),
        "stop": float(shape.stop),
        "target": float(shape.target),
    }
    return refuse(
        view,
        candidate.about,
        Rule.OUT_OF_ORDER,
        saw=float(wrong),
        limit=float(shape.entry),
        numbers=prices,
    )


def _wrong_distance(view: View, candidate: Candidate, shape: Shape) -> Refusal | None:
    common = view.common
    target_min_pct = common.target_min_costs * float(shape.costs.round_trip) * 100.0
    stop_min_pct = view.stop_min_pct
    rule, saw, limit = Rule.TARGET_TOO_NEAR, shape.target_pct, target_min_pct
    if saw >= limit:
        rule, saw, limit = Rule.STOP_TOO_NEAR, shape.stop_pct, stop_min_pct
    if saw >= limit:
        if shape.stop_pct <= common.stop_max_pct:
            return None
        rule, limit = Rule.STOP_TOO_FAR, common.stop_max_pct
    numbers = _numbers(view, candidate, shape)
    return refuse(view, candidate.about, rule, saw=saw, limit=limit, numbers=numbers)


def _pays_too_little(view: View, candidate: Candidate, shape: Shape) -> Refusal | None:
    limit = view.settings.risk.min_net_rr
    won, lost = shape.payoff.win, shape.payoff.loss
    if won > 0 and lost > 0 and shape.payoff.net >= limit:
        return None
    return refuse(
        view,
        candidate.about,
        Rule.PAYS_TOO_LITTLE,
        saw=shape.payoff.net,
        limit=limit,
        numbers=_numbers(view, candidate, shape),
    )


def _conflict(view: View, candidate: Candidate, shape: Shape, id_: SignalId) -> Refusal | None:
    if id_ in view.signals_used:
        numbers = _numbers(view, candidate, shape)
        return refuse(view, candidate.about, Rule.ALREADY_USED, saw=1, limit=0, numbers=numbers)
    backed = view.backed.get(candidate.cluster.id)
    if backed is None or backed[0] is candidate.side:
        return None
    ago_s = (view.at - backed[1]) / 1000
    limit = view.common.same_cluster_s
    if ago_s >= limit:
        return None
    return refuse(
        view,
        candidate.about,
        Rule.CLUSTER_BACKED_OTHER_SIDE,
        saw=ago_s,
        limit=limit,
        numbers=_numbers(view, candidate, shape),
    )


def _unconfirmed(view: View, candidate: Candidate, shape: Shape) -> Refusal | None:
    settings = view.settings.strategies.confirm
    if not settings.enabled:
        return None
    objection = confirm.object_to(candidate.side, confirm.measure(view.candles, settings), settings)
    if objection is None:
        return None
    return refuse(
        view,
        candidate.about,
        Rule.NOT_CONFIRMED,
        saw=objection.saw,
        limit=objection.limit,
        numbers={**_numbers(view, candidate, shape), **objection.numbers},
    )


def _numbers(view: View, candidate: Candidate, shape: Shape) -> dict[str, float | None]:
    """All that `why` needs: what it is, what it pays, and what would make it pass."""
    side, asked = candidate.side, view.settings.risk.min_net_rr
    entry, stop, target, paid, pay = shape
    return {
        "entry": float(entry),
        "stop": float(stop),
        "target": float(target),
        "stop_pct": shape.stop_pct,
        "target_pct": shape.target_pct,
        "win_per_unit": float(pay.win),
        "loss_per_unit": float(pay.loss),
        "rr_net": pay.net,
        "rr_gross": pay.gross,
        "break_even": pay.break_even,
        "cost_pct": float(paid.round_trip) * 100.0,
        "stop_min_pct": view.stop_min_pct,
        "stop_max_pct": view.common.stop_max_pct,
        "target_needed": float(costs.target_at(side, entry, stop, paid, asked)),
        "stop_needed": float(costs.stop_at(side, entry, target, paid, asked)),
        "next_level": candidate.next_level,
    }


def _signal(view: View, candidate: Candidate, shape: Shape, id_: SignalId) -> Signal:
    cluster, pay = candidate.cluster, shape.payoff
    time_stop_s = candidate.time_stop_s
    return Signal(
        id=id_,
        symbol=view.symbol,
        at=view.at,
        strategy=candidate.strategy,
        position_side=candidate.side,
        entry_style=candidate.style,
        current_price=Price(exact(view.mark)),
        entry_price=shape.entry,
        stop_price=shape.stop,
        target_price=shape.target,
        risk_reward_gross=pay.gross,
        risk_reward=pay.net,
        win_per_unit_usd=pay.win,
        loss_per_unit_usd=pay.loss,
        break_even_probability=pay.break_even,
        strength=cluster.strength,
        reason=_reason(view, candidate, pay),
        cluster_id=cluster.id,
        cluster_gen=cluster.gen,
        cluster_level=cluster.level,
        levels=nearest_levels((*view.longs, *view.shorts), view.mark, view.common),
        total_oi_usd=view.total_oi_usd,
        long_short_ratio=view.long_short_ratio,
        size_multiplier=sizing.multiplier(
            view.interest_term, cluster.strength, view.settings.strategies.size
        ),
        time_stop_ms=None if time_stop_s is None else round(time_stop_s * 1000),
        is_floating=cluster.is_floating or view.gate.is_floating,
        is_target_invented=candidate.target is None,
    )


def _reason(view: View, candidate: Candidate, pay: Payoff) -> str:
    """One sentence that promises nothing: the thesis; what is there; what it pays and takes."""
    cluster, bands = candidate.cluster, view.settings.strategies.bands
    usual_usd = median([c.notional_usd for c in (cluster, *view.longs, *view.shorts)])
    size = notional_word(cluster.notional_usd, bands, median_usd=usual_usd)
    digits = max(0, -int(view.instrument.tick_size.normalize().as_tuple().exponent))
    minutes = (view.at - cluster.first_seen_at) // 60_000
    return (
        f"{candidate.strategy.value} {candidate.side.name} {candidate.thesis} "
        f"{cluster.level:,.{digits}f}; {usd_words(cluster.notional_usd)} ({size} here), "
        f"strength {cluster.strength:.2f} ({strength_word(cluster.strength, bands)}), "
        f"followed for {minutes} min; pays {pay.net:.2f} for 1 risked after costs, "
        f"breaks even at {pay.break_even * 100:.0f} of 100"
    )


def exact(price: float) -> Decimal:
    """The decimal that a float is written as: 97420.1 is 97420.1 and not its binary neighbour."""
    return Decimal(repr(price))
