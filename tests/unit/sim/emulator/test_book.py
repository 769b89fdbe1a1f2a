"""Orders by id and by name, and what of them is shown."""

from decimal import Decimal

from bot.model.primitives import Millis, Side
from bot.sim.emulator.book import FIRST_CONDITIONAL_ID, FIRST_ORDER_ID, Book
from bot.sim.emulator.state import OrderChanged, Origin, Status
from tests.fakes.contracts import BTC, ETH, NOON
from tests.fakes.emu_market import limit, market, stop


def test_conditional_orders_are_numbered_by_a_service_of_their_own() -> None:
    book = Book()

    order = book.add(limit(Side.BUY, "1", "90", client_id="a"), NOON)
    waiting = book.add(stop(Side.SELL, "1", "80", client_id="a"), NOON)

    assert (order.id, waiting.id) == (FIRST_ORDER_ID, FIRST_CONDITIONAL_ID)
    assert book.find(client_id="a", conditional=False, at=NOON) == order
    assert book.find(client_id="a", conditional=True, at=NOON) == waiting
    assert book.find(order_id=order.id, conditional=True, at=NOON) is None


def test_the_newest_of_a_name_is_found_and_an_ended_one_leaves_it_free() -> None:
    book = Book()
    first = book.add(limit(Side.BUY, "1", "90", client_id="a"), NOON)
    assert book.is_named("a", conditional=False)

    book.end(first, NOON, Status.CANCELED)
    assert not book.is_named("a", conditional=False)
    second = book.add(limit(Side.BUY, "1", "91", client_id="a"), NOON)

    assert book.find(client_id="a", conditional=False, at=NOON) == second
    assert book.find(order_id=first.id, conditional=False, at=NOON) != first


def test_open_orders_are_listed_by_symbol_and_kind() -> None:
    book = Book()
    order = book.add(limit(Side.BUY, "1", "90"), NOON)
    waiting = book.add(stop(Side.SELL, "1", "80"), NOON)

    assert book.working(None, conditional=None) == [order, waiting]
    assert book.working(BTC, conditional=True) == [waiting]
    assert book.working(ETH, conditional=None) == []


def test_e10_what_is_new_is_not_shown_at_once() -> None:
    book = Book()
    book.shows_after_ms = 500

    order = book.add(limit(Side.BUY, "1", "90", client_id="a"), NOON)

    assert book.find(client_id="a", conditional=False, at=Millis(NOON + 499)) is None
    assert book.find(client_id="a", conditional=False, at=Millis(NOON + 500)) == order


def test_every_change_raises_the_version_and_keeps_what_was_told() -> None:
    book = Book()
    order = book.add(limit(Side.BUY, "2", "90"), NOON)
    version = book.version

    grown = book.change(order, NOON, filled_qty=Decimal(1), status=Status.PARTIALLY_FILLED)
    book.end(grown, NOON, Status.CANCELED)

    assert book.version == version + 2
    assert [row.order.status for row in book.happenings if isinstance(row, OrderChanged)] == [
        Status.NEW,
        Status.CANCELED,
    ]


def test_a_copy_changes_nothing_of_the_first() -> None:
    book = Book()
    order = book.add(limit(Side.BUY, "1", "90", client_id="a"), NOON)
    twin = book.copy()

    twin.end(order, NOON, Status.CANCELED)
    twin.add(limit(Side.BUY, "1", "90", client_id="b"), NOON)

    assert book.orders == {order.id: order}
    assert book.working(None, conditional=None) == [order]
    assert book.find(client_id="b", conditional=False, at=NOON) is None
    assert len(book.happenings) == 1


def test_the_exchange_names_what_came_without_a_name() -> None:
    book = Book()
    names = [
        book.add(market(Side.BUY, "1", origin=origin), NOON).client_id
        for origin in (Origin.LIQUIDATION, Origin.ADL, Origin.MANUAL, Origin.CLIENT)
    ]

    assert names[0].startswith("autoclose-")
    assert names[1] == "adl_autoclose"
    assert len(set(names)) == 4
