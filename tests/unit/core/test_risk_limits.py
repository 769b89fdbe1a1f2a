"""The risk gate's limits to the last step: what lies exactly on a limit is in or out.

A limit that is called the most or the least is itself allowed; a time is over when it is reached.
"""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.core import risk
from bot.core.risk import Approved, Denied
from bot.model.events import InstrumentsChanged
from bot.model.instrument import LeverageTier
from bot.model.order import Leg
from bot.model.primitives import Millis, PositionSide, Price, Usd
from bot.model.settings import RiskSettings
from bot.model.signal import Refusal, Rule, Signal
from tests.fakes.answers import accepted, account, filled, position, price
from tests.fakes.contracts import BTC, ETH, INSTRUMENTS
from tests.fakes.playbook import Bot, a_bot, settings, signal


def judged(bot: Bot, proposal: Signal | None = None) -> Approved | Refusal:
    found = risk.approve(bot.state, proposal or signal(), bot.at)
    return found.refusal if isinstance(found, Denied) else found


def rule(bot: Bot, proposal: Signal | None = None) -> Rule | None:
    """The rule that denies a signal; None where it is approved."""
    found = judged(bot, proposal)
    return found.rule if isinstance(found, Refusal) else None


def qty(bot: Bot, proposal: Signal | None = None) -> Decimal:
    found = judged(bot, proposal)
    assert isinstance(found, Approved), found
    return found.qty


def with_risk(**changes: object) -> Bot:
    return a_bot(core=settings(risk=replace(RiskSettings(), **changes)))


def contract(bot: Bot, **changes: object) -> Bot:
    """The exchange changes the contract of BTC."""
    bot.state.instruments = dict(INSTRUMENTS)
    changed = replace(INSTRUMENTS[BTC], **changes)
    return bot.sees(InstrumentsChanged(at=bot.at, instruments=(changed,)))


def beside_eth(**changes: object) -> Bot:
    """An entry of 4545 USD rests on the other symbol, and the account has been read since."""
    bot = with_risk(**changes)
    bot.gets(signal(symbol=ETH, name="eth"))
    bot.state.last_snapshot_at = Millis(bot.at + 1)
    return bot


# --- ages and pace


@pytest.mark.parametrize(("age_ms", "denied"), [(10_000, None), (10_001, Rule.INPUT_TOO_OLD)])
def test_i22_a_price_may_be_exactly_as_old_as_the_limit(age_ms: int, denied: Rule | None) -> None:
    bot = a_bot()
    bot.at = Millis(bot.at + age_ms)

    assert denied is rule(bot)


@pytest.mark.parametrize(("age_ms", "denied"), [(180_000, None), (180_001, Rule.INPUT_TOO_OLD)])
def test_i11_a_reading_of_the_account_holds_for_three_idle_periods(
    age_ms: int, denied: Rule | None
) -> None:
    bot = a_bot()
    bot.state.last_snapshot_at = Millis(bot.at - age_ms)

    assert denied is rule(bot)


def test_ages_are_told_in_seconds() -> None:
    late = a_bot()
    late.at = Millis(late.at + 12_500)
    unread = a_bot()
    unread.state.last_snapshot_at = Millis(unread.at - 200_000)
    told = [judged(bot) for bot in (late, unread)]

    assert [(12.5, 10.0), (200.0, 180.0)] == [
        (row.saw, row.limit) for row in told if isinstance(row, Refusal)
    ]


@pytest.mark.parametrize(("after_ms", "denied"), [(0, Rule.INPUT_TOO_OLD), (1, None)])
def test_i11_a_reading_of_the_instant_of_the_last_write_may_lack_it(
    after_ms: int, denied: Rule | None
) -> None:
    bot = a_bot()
    bot.state.written_at[BTC] = bot.at
    bot.state.last_snapshot_at = Millis(bot.at + after_ms)
    found = judged(bot)

    assert denied is rule(bot)
    if isinstance(found, Refusal):
        assert {"account_not_read_since_last_write": 1.0} == found.numbers


def _cooling(left_ms: int) -> Bot:
    bot = a_bot()
    assert bot.state.account is not None
    until = Millis(bot.at + left_ms)
    bot.state.account = replace(bot.state.account, cool_downs={BTC: until})
    return bot


def test_a_cool_down_is_over_at_its_end_and_tells_how_far_it_is() -> None:
    found = judged(_cooling(450_000))
    assert isinstance(found, Refusal)

    assert (Rule.COOL_DOWN, 150.0, 600.0) == (found.rule, found.saw, found.limit)
    assert [Rule.COOL_DOWN, None] == [rule(_cooling(left)) for left in (1, 0)]


def test_a_cool_down_concerns_its_own_symbol_alone() -> None:
    bot = _cooling(450_000)

    assert rule(bot, signal(symbol=ETH, name="eth")) is None


@pytest.mark.parametrize(
    ("orders", "ago_ms", "denied"),
    [(29, 59_999, None), (30, 59_999, Rule.ORDER_RATE), (30, 60_000, None)],
)
def test_the_order_rate_counts_the_minute_that_ends_now(
    orders: int, ago_ms: int, denied: Rule | None
) -> None:
    """The 31st order within a minute would be one too many; what is a minute old is over."""
    bot = a_bot()
    bot.state.placed_at.extend([Millis(bot.at - ago_ms)] * orders)
    bot.state.last_snapshot_at = bot.at

    assert denied is rule(bot)


# --- the numbers of the signal


def test_a_price_of_zero_is_no_price() -> None:
    worthless = replace(signal(), stop_price=Price(Decimal(0)))

    assert Rule.PRECISION is rule(a_bot(), worthless)


def test_a_coin_of_less_than_a_dollar_is_traded_like_any_other() -> None:
    """Neither its prices nor its loss per coin reach 1 USD."""
    bot = with_risk(max_account_notional_usd=500.0)
    contract(bot, tick_size=Decimal("0.001"))
    bot.price("0.5")
    cheap = signal(entry="0.5", stop="0.495", target="0.51")
    cheap = replace(cheap, loss_per_unit_usd=Usd(Decimal("0.0055")))

    assert Decimal(1_000) == qty(bot, cheap)


def test_a_stop_that_loses_nothing_is_no_stop() -> None:
    free = replace(signal(), loss_per_unit_usd=Usd(Decimal(0)))

    assert Rule.PAYS_TOO_LITTLE is rule(a_bot(), free)


@pytest.mark.parametrize(("paid", "denied"), [(1.5, None), (1.499, Rule.PAYS_TOO_LITTLE)])
def test_the_least_reward_for_the_risk_is_enough(paid: float, denied: Rule | None) -> None:
    assert denied is rule(a_bot(), replace(signal(), risk_reward=paid))


@pytest.mark.parametrize(
    ("entry", "denied"),
    [
        ("1005", None),
        ("1005.1", Rule.PRICE_COLLAR),
        ("995", None),
        ("994.9", Rule.PRICE_COLLAR),
    ],
)
def test_the_collar_reaches_half_a_percent_to_either_side_of_the_mark(
    entry: str, denied: Rule | None
) -> None:
    assert denied is rule(a_bot(), signal(entry=entry, stop="985", target="1040"))


# --- the size


def test_the_planned_loss_is_the_quantity_times_what_each_coin_loses() -> None:
    found = judged(a_bot())
    assert isinstance(found, Approved)

    assert Decimal("49.995") == found.risk_usd


def test_a_thin_book_bounds_the_quantity() -> None:
    """A quarter of the 4000 USD that rest within 10 bps."""
    bot = a_bot()
    bot.sees(replace(price("1000", bot.at), depth_usd=4_000.0))

    assert Decimal(1) == qty(bot)


def test_exactly_the_risk_and_the_largest_position_are_allowed() -> None:
    """50 USD of 10 000 are 0.5 %; 3 coins at 1000 USD are 3000 USD."""
    even = replace(signal(), loss_per_unit_usd=Usd(Decimal(10)))

    assert Decimal(5) == qty(a_bot(), even)
    assert Decimal(3) == qty(with_risk(max_notional_usd=3_000.0))


def test_the_contract_as_the_exchange_has_changed_it_bounds_the_quantity() -> None:
    """Exactly its largest quantity is allowed, and its new lot is kept."""
    assert Decimal(2) == qty(contract(a_bot(), qty_max=Decimal(2)))
    assert Decimal("4.5") == qty(contract(a_bot(), lot_size=Decimal("0.5")))


@pytest.mark.parametrize(
    ("least", "denied"),
    [
        ({"qty_min": Decimal("0.455")}, None),
        ({"qty_min": Decimal("0.456")}, Rule.NOTIONAL_LIMIT),
        ({"notional_min_usd": Decimal(455)}, None),
        ({"notional_min_usd": Decimal("455.001")}, Rule.NOTIONAL_LIMIT),
    ],
)
def test_what_is_left_of_the_account_must_reach_the_least_that_the_venue_takes(
    least: dict[str, Decimal], denied: Rule | None
) -> None:
    """455 USD are left: exactly so much will do."""
    bot = contract(beside_eth(max_account_notional_usd=5_000.0), **least)

    assert denied is rule(bot)


def test_nothing_left_is_nothing_where_the_venue_knows_no_minimum() -> None:
    bot = beside_eth(max_account_notional_usd=4_545.0)
    contract(bot, qty_min=Decimal(0), notional_min_usd=Decimal(0))

    assert Rule.NOTIONAL_LIMIT is rule(bot)


def test_a_whole_coin_that_is_left_is_taken() -> None:
    assert Decimal(1) == qty(beside_eth(max_account_notional_usd=5_545.0))


def test_a_full_account_tells_what_it_would_come_to() -> None:
    found = judged(beside_eth(max_account_notional_usd=4_545.0))
    assert isinstance(found, Refusal)

    assert (9_090.0, 4_545.0) == (found.saw, found.limit)


def test_i12_exposure_counts_at_the_mark_and_not_at_what_was_paid() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(accepted(bot, Leg.ENTRY), filled(bot, Leg.ENTRY, "4.545"))
    bot.price("1100")

    assert Decimal("4999.5") == risk.account_notional_usd(bot.state)


def test_i12_an_adopted_position_counts_without_a_signal() -> None:
    """Nobody proposed it: its entry price counts until there is a mark."""
    bot = a_bot()
    for _ in range(3):
        bot.waits(2_000)
        bot.sees(account(bot.at, positions=(position("2"),)))
    assert bot.bracket.signal is None
    bot.state.symbols[BTC].price = None

    assert Decimal(2_000) == risk.account_notional_usd(bot.state)
    bot.price("1100")
    assert Decimal(2_200) == risk.account_notional_usd(bot.state)


# --- the own liquidation price


TIERS = (
    LeverageTier(floor_usd=0.0, maintenance_rate=0.004, cum_usd=0.0, leverage_max=50.0),
    LeverageTier(floor_usd=10_000.0, maintenance_rate=0.01, cum_usd=60.0, leverage_max=25.0),
)


@pytest.mark.parametrize("side", list(PositionSide))
@pytest.mark.parametrize("size", [Decimal(2), Decimal(20)])
def test_at_the_liquidation_price_the_margin_left_is_the_maintenance_margin(
    side: PositionSide, size: Decimal
) -> None:
    """`rate * notional - amount` by the tier of the notional, for both sides."""
    entry, margin = Decimal(1_000), size * 100
    found = risk.liquidation_price(
        replace(INSTRUMENTS[BTC], tiers=TIERS),
        position_side=side,
        qty=size,
        entry=entry,
        margin_usd=margin,
    )
    rate, amount = ("0.01", 60) if size * entry >= 10_000 else ("0.004", 0)
    left = margin + (found - entry) * size * side.sign

    assert round(Decimal(rate) * size * found - amount, 9) == round(left, 9)
    assert (found - entry) * side.sign < 0


@pytest.mark.parametrize(("stop", "denied"), [("950", None), ("949.9", Rule.LIQUIDATION_TOO_NEAR)])
def test_the_liquidation_price_may_lie_exactly_the_spare_away(
    stop: str, denied: Rule | None
) -> None:
    """At 10 x and without maintenance it lies 100 away: twice the distance of a stop at 950."""
    bot = with_risk(max_leverage=10.0, liquidation_spare=2.0)
    free = LeverageTier(floor_usd=0.0, maintenance_rate=0.0, cum_usd=0.0, leverage_max=50.0)
    contract(bot, tiers=(free,))

    assert denied is rule(bot, signal(stop=stop, target="1150"))
