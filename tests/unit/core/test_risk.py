"""The risk gate: what may become an order."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.core import manager, risk
from bot.core.risk import Approved, Denied
from bot.model.events import HoldAsked, PriceMoved, StopAsked
from bot.model.instrument import Instrument
from bot.model.order import Leg
from bot.model.primitives import Millis, PositionSide, Price, Qty, Usd
from bot.model.settings import RiskSettings
from bot.model.signal import Rule, Signal
from tests.fakes.answers import account, lost, outside, position, price, rejected
from tests.fakes.contracts import BTC, ETH, INSTRUMENTS
from tests.fakes.playbook import Bot, a_bot, in_position, settings, signal


def verdict(bot: Bot, proposal: Signal | None = None) -> Rule | None:
    """The rule that denies a signal; None where it is approved."""
    found = risk.approve(bot.state, proposal or signal(), bot.at)
    return found.refusal.rule if isinstance(found, Denied) else None


def with_risk(**changes: object) -> Bot:
    return a_bot(core=settings(risk=replace(RiskSettings(), **changes)))


def test_i20_a_sound_signal_is_approved_with_its_size() -> None:
    bot = a_bot()
    found = risk.approve(bot.state, signal(), bot.at)

    assert isinstance(found, Approved)
    assert Decimal("4.545") == found.qty
    assert found.risk_usd <= Decimal(50)


def _held(bot: Bot) -> None:
    bot.sees(HoldAsked(at=bot.at))


def _stopping(bot: Bot) -> None:
    bot.sees(StopAsked(at=bot.at))


def _used(bot: Bot) -> None:
    bot.state.signals_used.add(signal().id)


def _old_price(bot: Bot) -> None:
    bot.at = Millis(bot.at + 11_000)


def _unread(bot: Bot) -> None:
    bot.state.last_snapshot_at = None


def _written_since(bot: Bot) -> None:
    bot.state.written_at[BTC] = bot.at


def _read_long_ago(bot: Bot) -> None:
    bot.state.last_snapshot_at = Millis(bot.at - 181_000)


def _cooling(bot: Bot) -> None:
    assert bot.state.account is not None
    until = Millis(bot.at + 1)
    bot.state.account = replace(bot.state.account, cool_downs={BTC: until})


def _hurried(bot: Bot) -> None:
    bot.state.placed_at.extend([Millis(bot.at - 30_000)] * 30)
    bot.state.last_snapshot_at = bot.at


def _held_by_hand(bot: Bot) -> None:
    bot.state.positions[BTC] = position("1")


def _broke(bot: Bot) -> None:
    assert bot.state.account is not None
    bot.state.account = replace(bot.state.account, balance_usd=Usd(Decimal(0)))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_held, Rule.NOT_TRADING),
        (_stopping, Rule.NOT_TRADING),
        (_used, Rule.ALREADY_USED),
        (_old_price, Rule.INPUT_TOO_OLD),
        (_unread, Rule.INPUT_TOO_OLD),
        (_written_since, Rule.INPUT_TOO_OLD),
        (_read_long_ago, Rule.INPUT_TOO_OLD),
        (_cooling, Rule.COOL_DOWN),
        (_hurried, Rule.ORDER_RATE),
        (_held_by_hand, Rule.POSITION_OPEN),
        (_broke, Rule.NO_EQUITY),
    ],
)
def test_i20_the_state_of_the_bot_denies(change: Callable[[Bot], None], rule: Rule) -> None:
    bot = a_bot()
    change(bot)

    assert rule is verdict(bot)


@pytest.mark.parametrize(
    ("proposal", "rule"),
    [
        (signal(stop="1001"), Rule.OUT_OF_ORDER),
        (signal(target="999"), Rule.OUT_OF_ORDER),
        (signal(side=PositionSide.SHORT), Rule.OUT_OF_ORDER),
        (signal(stop="990.05"), Rule.PRECISION),
        (replace(signal(), stop_price=Price(Decimal("NaN"))), Rule.PRECISION),
        (replace(signal(), target_price=Price(Decimal(-1))), Rule.PRECISION),
        (replace(signal(), risk_reward=1.4), Rule.PAYS_TOO_LITTLE),
        (signal(entry="1010", stop="1000", target="1040"), Rule.PRICE_COLLAR),
        (replace(signal(), loss_per_unit_usd=Usd(Decimal(200_000))), Rule.BELOW_MINIMUM),
    ],
)
def test_i20_the_numbers_of_the_signal_deny(proposal: Signal, rule: Rule) -> None:
    assert rule is verdict(a_bot(), proposal)


def test_a_position_of_ours_denies_another_on_its_symbol() -> None:
    bot = in_position()
    bot.state.last_snapshot_at = Millis(bot.at + 1)

    assert Rule.POSITION_OPEN is verdict(bot, signal(name="other"))


def test_positions_are_counted_in_all_and_by_side() -> None:
    few = with_risk(max_positions=1)
    few.gets(signal(symbol=ETH, name="eth"))
    few.state.last_snapshot_at = Millis(few.at + 1)
    same = with_risk(max_positions_per_side=1)
    same.gets(signal(symbol=ETH, name="eth"))
    same.state.last_snapshot_at = Millis(same.at + 1)

    assert Rule.MAX_POSITIONS is verdict(few)
    assert Rule.MAX_SIDE_POSITIONS is verdict(same)


def test_the_account_notional_shrinks_what_is_left_and_then_denies() -> None:
    """I12: what an entry may still fill counts in full."""
    bot = with_risk(max_account_notional_usd=5_000.0)
    bot.gets(signal(symbol=ETH, name="eth"))
    bot.state.last_snapshot_at = Millis(bot.at + 1)
    found = risk.approve(bot.state, signal(), bot.at)

    assert isinstance(found, Approved)
    assert Decimal("0.455") == found.qty
    assert Decimal(4_545) == risk.account_notional_usd(bot.state)

    full = with_risk(max_account_notional_usd=4_545.0)
    full.gets(signal(symbol=ETH, name="eth"))
    full.state.last_snapshot_at = Millis(full.at + 1)

    assert Rule.NOTIONAL_LIMIT is verdict(full)


def test_leverage_limits_the_account() -> None:
    bot = with_risk(max_leverage=1.0, risk_pct=2.0)
    bot.gets(signal(symbol=ETH, name="eth"))
    bot.state.last_snapshot_at = Millis(bot.at + 1)

    assert Rule.LEVERAGE_LIMIT is verdict(bot)


def test_the_own_liquidation_price_lies_beyond_the_stop_with_spare() -> None:
    bot = with_risk(max_leverage=10.0, max_notional_usd=1_000_000.0)
    far = signal(stop="920", target="1400")

    assert Rule.LIQUIDATION_TOO_NEAR is verdict(bot, far)


def test_the_own_liquidation_price_follows_from_the_leverage_of_the_venue() -> None:
    """At 100 x the venue closes 0.6 % away, before a stop at 1 %."""
    at_ten, at_hundred = (a_bot(core=settings(venue_leverage=row)) for row in (10.0, 100.0))

    assert verdict(at_ten) is None
    assert Rule.LIQUIDATION_TOO_NEAR is verdict(at_hundred)


def test_liquidation_prices_mirror() -> None:
    instrument: Instrument = INSTRUMENTS[BTC]
    sides = [
        risk.liquidation_price(
            instrument,
            position_side=side,
            qty=Decimal(1),
            entry=Decimal(1_000),
            margin_usd=Decimal(100),
        )
        for side in PositionSide
    ]

    assert [Decimal("904.52"), Decimal("1094.53")] == [round(row, 2) for row in sides]


def test_i11_exposure_needs_a_reading_newer_than_the_last_write_on_its_symbol() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(rejected(bot, Leg.ENTRY))
    before = verdict(bot, signal(name="other"))
    bot.at = Millis(bot.at + 10)
    bot.sees(account(bot.at))

    assert Rule.INPUT_TOO_OLD is before
    assert verdict(bot, signal(name="other")) is None


def test_i11_a_write_on_another_symbol_is_reserved_for_and_not_waited_for() -> None:
    """Thirty symbols may enter at once: what may come of each entry counts in full."""
    bot = a_bot()
    bot.gets(signal(symbol=ETH, name="eth"))

    assert verdict(bot) is None
    assert risk.account_notional_usd(bot.state) > 0


def test_i12_one_order_in_doubt_makes_the_symbol_reduce_only() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(lost(bot, Leg.ENTRY))
    bot.state.last_snapshot_at = Millis(bot.at + 1)

    assert Rule.SYMBOL_REDUCE_ONLY is verdict(bot, signal(name="other"))


def test_i22_late_data_blocks_entries_and_never_exits() -> None:
    bot = in_position()
    bot.state.last_snapshot_at = Millis(bot.at + 60_001)
    bot.at = Millis(bot.at + 60_000)
    denied = verdict(bot, signal(symbol=ETH, name="eth"))
    bot.sees(price("985", bot.at))

    assert Rule.INPUT_TOO_OLD is denied
    assert isinstance(bot.state.symbols[BTC].price, PriceMoved)
    assert bot.bracket.beyond_stop_at == bot.at


def test_a_foreign_position_denies() -> None:
    bot = a_bot()
    bot.sees(outside(bot, PositionSide.LONG.entry_side, "1"))
    bot.sees(account(bot.at, positions=(position("1"),)))

    assert Rule.SYMBOL_REDUCE_ONLY is verdict(bot)


def test_the_same_denial_is_written_down_once() -> None:
    bot = a_bot()
    _cooling(bot)
    written: list[int] = []
    for _ in range(2):
        bot.decides(lambda s, d: manager.on_signal(s, d, signal(), bot.at))
        written.append(bot.facts)
    assert [1, 0] == written
    assert {signal().id: Rule.COOL_DOWN} == bot.state.desk.denied
    assert signal().id not in bot.state.signals_used


def test_a_signal_acts_once() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.sees(rejected(bot, Leg.ENTRY))
    bot.waits(1)
    bot.sees(account(bot.at))
    bot.takes()
    bot.gets(signal())

    assert [] == bot.does()


def test_whoever_sized_it_the_final_figures_are_checked() -> None:
    bot = a_bot()
    equity = Usd(Decimal(10_000))
    check = risk._check_size
    big = check(bot.state, signal(), Qty(Decimal(31)), equity, bot.at)
    risky = check(bot.state, signal(), Qty(Decimal(5)), equity, bot.at)
    odd = check(bot.state, signal(), Qty(Decimal("1.0005")), equity, bot.at)

    assert [Rule.NOTIONAL_LIMIT, Rule.RISK_TOO_LARGE, Rule.PRECISION] == [
        found.rule for found in (big, risky, odd) if found is not None
    ]


def test_an_entry_that_is_being_sent_is_in_doubt_too() -> None:
    bot = a_bot()
    bot.gets(signal(name="first"))
    bot.state.last_snapshot_at = Millis(bot.at + 1)

    assert Rule.SYMBOL_REDUCE_ONLY is verdict(bot, signal(name="second"))


def test_without_a_mark_the_signals_own_price_counts() -> None:
    bot = a_bot()
    bot.gets(signal())
    bot.state.symbols[BTC].price = None

    assert Decimal(4_545) == risk.account_notional_usd(bot.state)
