"""Balance, fees, margin and funding."""

from decimal import Decimal

from bot.model.market import Funding
from bot.model.order import Fill
from bot.model.primitives import Millis, Price, Qty, Side, Usd
from bot.venue.books import KEPT_MS, PaperState
from bot.venue.matching import Taken
from bot.venue.wallet import Wallet
from tests.fakes.paper import BTC, NOW, instrument

D = Decimal
HOUR_MS = 3_600_000
NEXT = Millis(NOW + 3_600_000)


def a_wallet() -> Wallet:
    state = PaperState(balance_usd=Usd(D(10_000)))
    return Wallet(instruments={BTC: instrument()}, leverage=D(10), state=state)


def trade(wallet: Wallet, side: Side, qty: str, price: str, at: int = NOW) -> Fill:
    taken = Taken(qty=Qty(D(qty)), price=Price(D(price)))
    return wallet.fill(None, symbol=BTC, side=side, taken=taken, at=Millis(at))


def expect(wallet: Wallet, rate: float, next_at: int = NEXT) -> None:
    wallet.expect(Funding(symbol=BTC, rate=rate, next_at=Millis(next_at)))


def test_a_fee_leaves_the_balance_with_the_fill() -> None:
    wallet = a_wallet()
    fill = trade(wallet, Side.BUY, "1", "10000")

    assert D(5) == fill.fee_usd
    assert D(9_995) == wallet.balance_usd


def test_profit_arrives_when_it_is_realized() -> None:
    wallet = a_wallet()
    trade(wallet, Side.SELL, "1", "10000")
    trade(wallet, Side.BUY, "1", "9900")

    assert D("10000") + 100 - 5 - D("4.95") == wallet.balance_usd
    assert wallet.holdings == {}


def test_a_position_binds_its_initial_margin() -> None:
    wallet = a_wallet()
    trade(wallet, Side.BUY, "1", "10000")

    assert D(8_995) == wallet.margin_free_usd()
    assert D(100) == wallet.margin_usd(BTC, D(1_000))


def test_liquidation_books_the_whole_margin() -> None:
    wallet = a_wallet()
    trade(wallet, Side.BUY, "1", "10000")

    assert Taken(qty=Qty(D(1)), price=Price(D(9_000))) == wallet.bankruptcy(wallet.holdings[BTC])


def test_a_position_is_shown_with_its_liquidation_price() -> None:
    wallet = a_wallet()
    trade(wallet, Side.BUY, "1", "10000")
    shown = wallet.position(wallet.holdings[BTC])

    assert shown.liquidation_price is not None
    assert D("9036.14") == round(shown.liquidation_price, 2)
    assert shown.leverage == 10.0


def test_a_long_pays_a_positive_rate_and_a_short_receives_it() -> None:
    for side, expected in ((Side.BUY, "-1.000"), (Side.SELL, "1.000")):
        wallet = a_wallet()
        expect(wallet, 0.0001)
        trade(wallet, side, "1", "10000")
        (paid,) = wallet.settle(BTC, NEXT, Price(D(10_000)))

        assert D(expected) == paid.usd


def test_no_settlement_is_charged_twice() -> None:
    """The rate of a settlement that has passed may come again, for example after a restart."""
    wallet = a_wallet()
    expect(wallet, 0.0001)
    trade(wallet, Side.BUY, "1", "10000")
    wallet.settle(BTC, NEXT, Price(D(10_000)))
    expect(wallet, 0.0001)

    assert wallet.settle(BTC, NEXT, Price(D(10_000))) == []


def test_every_settlement_that_was_slept_through_is_charged() -> None:
    """The interval is not always eight hours."""
    wallet = a_wallet()
    wallet.expect(Funding(symbol=BTC, rate=0.0001, next_at=NEXT, interval_ms=4 * HOUR_MS))
    trade(wallet, Side.BUY, "1", "10000")
    paid = wallet.settle(BTC, Millis(NEXT + 2 * 4 * HOUR_MS), Price(D(10_000)))

    assert [f"{BTC}|{NEXT + k * 4 * HOUR_MS}" for k in range(3)] == [row.id for row in paid]


def test_who_comes_after_a_settlement_does_not_pay_it() -> None:
    wallet = a_wallet()
    expect(wallet, 0.0001)
    trade(wallet, Side.BUY, "1", "10000", at=NEXT + 1)

    assert wallet.settle(BTC, Millis(NEXT + 2), Price(D(10_000))) == []


def test_without_a_position_a_settlement_costs_nothing() -> None:
    wallet = a_wallet()
    expect(wallet, 0.0001)

    assert wallet.settle(BTC, NEXT, Price(D(10_000))) == []
    assert wallet.balance_usd == D(10_000)


def test_what_is_older_than_two_days_is_let_go() -> None:
    wallet = a_wallet()
    trade(wallet, Side.BUY, "1", "10000")
    trade(wallet, Side.SELL, "1", "10000", at=NOW + 10)
    wallet.prune(Millis(NOW + KEPT_MS + 5))

    assert [NOW + 10] == [fill.at for fill in wallet.fills]


def test_the_state_carries_everything() -> None:
    wallet = a_wallet()
    expect(wallet, 0.0001)
    trade(wallet, Side.BUY, "1", "10000")
    wallet.settle(BTC, NEXT, Price(D(10_000)))
    state = wallet.into(PaperState(balance_usd=Usd(D(0))))
    again = Wallet(instruments={BTC: instrument()}, leverage=D(10), state=state)

    assert state == again.into(PaperState(balance_usd=Usd(D(0))))
    assert trade(again, Side.SELL, "1", "10000").id == "2"
