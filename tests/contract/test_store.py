"""What every Store promises, whoever implements it: the loop and recovery rest on this."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from bot.clock import run_virtual
from bot.errors import StoreError
from bot.model.events import Ticked
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    Decision,
    FillBooked,
    OperationChanged,
    OrderChanged,
)
from bot.model.primitives import BracketId, Millis
from bot.ports import Store
from tests.fakes.rows import (
    T0,
    a_bracket,
    a_fill,
    a_ledger,
    a_price,
    an_account,
    an_intent,
    an_operation,
    an_order,
    with_facts,
)

Open: TypeAlias = Callable[[], Store]


@pytest.fixture(params=["ledger", "unsynced ledger"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the same store each time, as a restart does."""
    is_synced = request.param == "ledger"
    return lambda: a_ledger(tmp_path, is_synced=is_synced)


def test_a_new_store_starts_at_zero(opened: Open) -> None:
    store = opened()
    snapshot = store.load()
    store.close()

    assert 0 == snapshot.at
    assert snapshot.account is None
    assert 1 == snapshot.next_cluster_id


def test_what_was_recorded_is_loaded_by_the_next_run(opened: Open) -> None:
    store = opened()
    asyncio.run(
        store.record(
            with_facts(
                OrderChanged(order=an_order()),
                BracketChanged(bracket=a_bracket()),
                AccountChanged(account=an_account()),
                OperationChanged(operation=an_operation()),
                FillBooked(fill=a_fill(), bracket_id=BracketId("b1")),
            )
        )
    )
    store.close()
    again = opened()
    snapshot = again.load()
    again.close()

    assert (an_order(),) == snapshot.orders
    assert (a_bracket(),) == snapshot.brackets
    assert an_account() == snapshot.account
    assert an_operation() == snapshot.operation
    assert ("BTC/USDT:USDT|f1",) == snapshot.fills_seen


def test_loading_twice_gives_the_same(opened: Open) -> None:
    store = opened()
    run_virtual(store.record([an_intent("c1")]))
    first, second = store.load(), store.load()
    store.close()

    assert first == second


def test_a_batch_is_written_whole_or_not_at_all(opened: Open) -> None:
    store = opened()
    fill = FillBooked(fill=a_fill(), bracket_id=BracketId("b1"))
    run_virtual(store.record(with_facts(fill)))
    with pytest.raises(StoreError):
        run_virtual(store.record([an_intent("c1"), *with_facts(fill)]))
    snapshot = store.load()
    store.close()

    assert () == snapshot.orders


def test_a_fill_is_booked_once(opened: Open) -> None:
    """I6: unique by the venue's trade id, by construction."""
    store = opened()
    fill = FillBooked(fill=a_fill(), bracket_id=BracketId("b1"))
    with pytest.raises(StoreError):
        run_virtual(store.record([*with_facts(fill), *with_facts(fill)]))
    store.close()


def test_a_late_status_replaces_the_row_of_the_order(opened: Open) -> None:
    store = opened()
    newer = an_order("c1", updated_at=Millis(T0 + 9), queries=3)
    run_virtual(store.record([an_intent("c1"), *with_facts(OrderChanged(order=newer))]))
    snapshot = store.load()
    store.close()

    assert (newer,) == snapshot.orders


def test_a_price_without_consequence_still_moves_the_clock_of_the_store(opened: Open) -> None:
    """A restart catches up from the last price that was decided on."""
    store = opened()
    run_virtual(store.record([(a_price(Millis(T0 + 5)), Decision())]))
    run_virtual(store.record([(Ticked(at=Millis(T0 + 99)), Decision())]))
    snapshot = store.load()
    store.close()

    assert T0 + 5 == snapshot.at
    assert (T0 + 5, 89_175.1) == (snapshot.symbols[0].last_price_at, snapshot.symbols[0].last_price)


def test_an_empty_batch_is_no_trouble(opened: Open) -> None:
    store = opened()
    run_virtual(store.record([]))
    snapshot = store.load()
    store.close()

    assert 0 == snapshot.at
