"""What is told of an emulated exchange, line by line, and in sum."""

from decimal import Decimal

from bot.cli.sim_story import summary, told
from bot.model.primitives import Side
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import HoldingChanged, NewOrder, Origin
from tests.fakes.contracts import BALANCE, BTC, NOON
from tests.fakes.emu_market import exchange_at, limit, market, price_event, stop


def lines(core: Emulator) -> list[str]:
    """What is told of all that has happened since."""
    return [line for row in core.take_happenings() if (line := told(row)) is not None]


def words(core: Emulator) -> list[str]:
    return [line[20:].split()[0] for line in lines(core)]


def after(core: Emulator, *orders: NewOrder) -> Emulator:
    for order in orders:
        core.place(order, NOON)
    return core


def test_a_fill_is_told_with_its_price_and_its_fee() -> None:
    told_of = lines(after(exchange_at(), market(Side.BUY, "2")))

    assert "12:00:00  BTCUSDT   FILLED   buy 2 at 100.10, fee 0.10" in told_of
    assert "12:00:00  BTCUSDT   HOLDS    LONG 2 from 100.10, balance 9,999.90" in told_of


def test_an_order_is_told_when_it_rests_and_when_it_ends() -> None:
    core = after(exchange_at(), limit(Side.BUY, "1", "98", client_id="a"))
    core.cancel_by_hand("a", NOON)

    assert [
        "12:00:00  BTCUSDT   ORDER    buy 1 at 98.00 or lower, resting",
        "12:00:00  BTCUSDT   CANCELED order to buy 1 at 98.00",
    ] == lines(core)


def test_a_stop_is_told_when_it_waits_when_it_fires_and_when_it_fills() -> None:
    core = after(exchange_at(), market(Side.BUY, "1"))
    core.take_happenings()
    after(core, stop(Side.SELL, "1", "95", is_reduce_only=True))
    waits = lines(core)
    core.on_market(price_event(94.0, NOON + 1_000))
    fires = lines(core)

    assert ["12:00:00  BTCUSDT   STOP     sell 1 when the mark is at 95.00, reduce-only"] == waits
    assert any("TRIGGER  the stop at 95.00 fires" in line for line in fires)
    assert any("STOPPED  sell 1 at" in line and "realized -" in line for line in fires)
    assert any("FLAT     balance" in line for line in fires)


def test_a_part_that_filled_says_of_how_much() -> None:
    core = exchange_at()
    core.partial_usd = Decimal(50)
    after(core, limit(Side.BUY, "1", "101"))

    assert any("FILLED   buy 0.4" in line and " of 1 at " in line for line in lines(core))


def test_what_others_do_to_the_account_has_words_of_its_own() -> None:
    core = after(exchange_at(), market(Side.BUY, "2"))
    core.take_happenings()
    core.trade_by_hand(BTC, Side.SELL, Decimal(1), NOON)
    core.trade_by_hand(BTC, Side.SELL, Decimal(1), NOON, origin=Origin.ADL)
    found = lines(core)

    assert any("BY HAND  sell 1" in line for line in found)
    assert any("ADL      sell 1" in line for line in found)


def test_a_liquidation_is_told() -> None:
    core = exchange_at()
    core.margin_modes[BTC] = "isolated"
    core.set_leverage(BTC, 50, NOON)
    after(core, market(Side.BUY, "100"))
    core.take_happenings()
    core.on_market(price_event(95.0, NOON + 1_000))

    assert any("LIQUID.  sell 100" in line for line in lines(core))


def test_funding_and_settings_are_told() -> None:
    row = HoldingChanged(at=NOON, symbol=BTC, holding=None, balance_usd=BALANCE, reason="funding")
    core = exchange_at()
    core.set_leverage(BTC, 3, NOON)

    assert "12:00:00  BTCUSDT   FUNDING  balance 10,000.00" == told(row)
    assert ["SETTINGS"] == words(core)


def test_the_sum_of_it_has_costs_result_and_what_is_left() -> None:
    core = after(
        exchange_at(), market(Side.BUY, "2"), market(Side.SELL, "1"), limit(Side.BUY, "1", "90")
    )
    text = summary(core, begun_usd=BALANCE)

    assert text.startswith("2 fills: -0.35 USDT (realized -0.20, fees -0.15, funding +0.00);")
    assert "BTCUSDT is still LONG 1 from 100.10, -0.10 USDT at the mark." in text
    assert "1 order still open." in text


def test_an_account_that_did_nothing_is_summed_up_too() -> None:
    text = summary(exchange_at(), begun_usd=BALANCE)

    assert text.startswith("no fills: +0.00 USDT")
    assert text.endswith("Nothing is held, no order is open.")
