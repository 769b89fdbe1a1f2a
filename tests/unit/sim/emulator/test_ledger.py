"""The wallet and the positions: every trade explains them."""

from decimal import Decimal

import msgspec

from bot.model.instrument import LeverageTier
from bot.model.primitives import Millis, Side
from bot.sim.emulator.ledger import FIRST_TRADE_ID, Ledger
from bot.sim.emulator.state import NewOrder, Order, Trade
from tests.fakes.contracts import BALANCE, BTC, ETH, INSTRUMENTS, NOON
from tests.fakes.emu_market import market

BUY, SELL = Side.BUY, Side.SELL


def ledger() -> Ledger:
    return Ledger(dict(INSTRUMENTS), BALANCE)


def traded(books: Ledger, asked: NewOrder, price: str, *, is_maker: bool = False) -> Trade:
    order = Order(id=1, asked=asked, client_id="a", created_at=NOON, updated_at=NOON)
    return books.book(order, qty=asked.qty, price=Decimal(price), at=NOON, is_maker=is_maker)


def test_a_position_opens_grows_shrinks_and_flips() -> None:
    books = ledger()
    traded(books, market(BUY, "1"), "100")
    traded(books, market(BUY, "1"), "110")
    assert books.holdings[BTC].entry_price == Decimal(105)

    reduced = traded(books, market(SELL, "1"), "115")
    assert (reduced.realized_usd, books.holdings[BTC].qty) == (Decimal(10), Decimal(1))

    flipped = traded(books, market(SELL, "3"), "100")
    held = books.holdings[BTC]

    assert flipped.realized_usd == Decimal(-5)
    assert (held.qty, held.entry_price) == (Decimal(-2), Decimal(100))


def test_the_wallet_is_what_the_incomes_say() -> None:
    books = ledger()
    traded(books, market(BUY, "1"), "100")
    traded(books, market(SELL, "1"), "110", is_maker=True)

    assert [(row.kind, row.usd) for row in books.incomes] == [
        ("commission", Decimal("-0.0500")),
        ("realized", Decimal(10)),
        ("commission", Decimal("-0.0220")),
    ]
    assert books.balance_usd == BALANCE + sum(row.usd for row in books.incomes)
    assert [row.id for row in books.incomes] == [1, 2, 3]


def test_every_symbol_counts_its_own_trades() -> None:
    books = ledger()
    one = traded(books, market(BUY, "1"), "100")
    other = traded(books, msgspec.structs.replace(market(BUY, "1"), symbol=ETH), "100")
    more = traded(books, market(BUY, "1"), "100")

    assert (one.id, other.id, more.id) == (FIRST_TRADE_ID, FIRST_TRADE_ID, FIRST_TRADE_ID + 1)


def test_longs_pay_a_positive_rate_and_shorts_receive_it() -> None:
    books = ledger()
    assert not books.settle(BTC, rate=0.001, mark=Decimal(100), at=NOON)
    traded(books, market(SELL, "2"), "100")

    assert books.settle(BTC, rate=0.001, mark=Decimal(100), at=Millis(NOON + 1))
    assert books.incomes[-1].usd == Decimal("0.2")


def test_leverage_decides_what_a_position_binds() -> None:
    books = ledger()
    books.leverages[BTC] = 4
    traded(books, market(BUY, "1"), "100")

    assert books.margin_used(BTC) == Decimal(25)
    assert books.margins_used() == Decimal(25)
    assert books.margin_used(ETH) == 0


def test_a_bracket_caps_the_leverage() -> None:
    books = ledger()
    tiers = (
        LeverageTier(floor_usd=0, maintenance_rate=0.01, cum_usd=0, leverage_max=50),
        LeverageTier(floor_usd=1000, maintenance_rate=0.02, cum_usd=10, leverage_max=10),
    )
    books.instruments[BTC] = msgspec.structs.replace(INSTRUMENTS[BTC], tiers=tiers)

    assert books.initial_margin(BTC, Decimal(500)) == Decimal(25)
    assert books.initial_margin(BTC, Decimal(2000)) == Decimal(200)


def test_isolated_margin_is_lost_before_the_wallet_is() -> None:
    books = ledger()
    books.leverages[BTC] = 10
    traded(books, market(BUY, "1"), "100")
    crossed = books.liquidation_price(BTC)

    books.margin_modes[BTC] = "isolated"
    isolated = books.liquidation_price(BTC)

    assert crossed is None
    assert isolated is not None
    assert Decimal(90) < isolated < Decimal("90.5")
    assert books.bankruptcy_price(BTC) == Decimal(90)


def test_a_crossed_position_can_lose_the_whole_wallet() -> None:
    books = ledger()
    traded(books, market(BUY, "150"), "100")

    limit = books.liquidation_price(BTC)
    lost = books.bankruptcy_price(BTC)

    assert limit is not None
    assert lost < limit < 100
    assert abs((100 - lost) * 150 - books.balance_usd) < Decimal(20)


def test_only_the_other_side_reduces() -> None:
    books = ledger()
    traded(books, market(BUY, "1"), "100")

    assert books.reducible_qty(BTC, SELL) == 1
    assert books.reducible_qty(BTC, BUY) == 0
    assert books.reducible_qty(ETH, SELL) == 0


def test_a_copy_changes_nothing_of_the_first() -> None:
    books = ledger()
    traded(books, market(BUY, "1"), "100")
    twin = books.copy()

    traded(twin, market(SELL, "1"), "90")
    twin.leverages[BTC] = 1

    assert books.holdings[BTC].qty == 1
    assert (len(books.trades), len(books.incomes)) == (1, 1)
    assert books.leverages[BTC] == 20
    assert traded(books, market(BUY, "1"), "100").id == twin.trades[-1].id
