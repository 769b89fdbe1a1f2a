"""Recording: rows and journal together, synced, numbered without a gap."""

import asyncio
from pathlib import Path

import pytest

from bot.clock import run_virtual
from bot.errors import StoreError
from bot.model.events import Ticked
from bot.model.facts import Decision, FillBooked, OrderChanged
from bot.model.primitives import BracketId, Millis
from bot.store.reader import Reader
from bot.store.recorder import Ledger
from tests.fakes.rows import (
    T0,
    WALL,
    a_fill,
    a_ledger,
    a_price,
    a_reading,
    an_intent,
    an_order,
    with_facts,
)


def seqs(ledger: Ledger) -> list[int]:
    with Reader(ledger.files.ledger) as reader:
        return [entry.seq for entry in reader.journal()]


def test_a_recorded_intent_is_in_the_tables_and_in_the_journal(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    asyncio.run(ledger.record([an_intent("c1")]))
    with Reader(ledger.files.ledger) as reader:
        orders = reader.orders()
        entries = list(reader.journal())
    ledger.close()

    assert [an_order("c1")] == orders
    assert [an_intent("c1")[1].commands] == [entry.commands for entry in entries]


def test_on_a_virtual_loop_recording_is_done_inline(tmp_path: Path) -> None:
    """A simulated run must be one thread and one order."""
    ledger = a_ledger(tmp_path)
    run_virtual(ledger.record([an_intent("c1")]))
    threads = ledger._executor._threads
    ledger.close()

    assert not threads


def test_a_tick_that_led_to_nothing_writes_nothing(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([(Ticked(at=T0), Decision())])
    seq = ledger.seq
    ledger.close()

    assert 0 == seq


def test_numbers_have_no_gap_after_a_batch_that_failed(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    fill = FillBooked(fill=a_fill("f1"), bracket_id=BracketId("b1"))
    ledger.record_now(with_facts(fill))
    with pytest.raises(StoreError, match="twice"):
        ledger.record_now([*with_facts(OrderChanged(order=an_order("lost"))), *with_facts(fill)])
    ledger.record_now([an_intent("c2")])
    with Reader(ledger.files.ledger) as reader:
        orders = [order.request.client_id for order in reader.orders()]
    numbers = seqs(ledger)
    ledger.close()

    assert [1, 2] == numbers
    assert ["c2"] == orders


def test_numbers_go_on_after_a_restart(tmp_path: Path) -> None:
    for name in ("c1", "c2"):
        ledger = a_ledger(tmp_path)
        ledger.record_now([an_intent(name)])
        ledger.close()
    again = a_ledger(tmp_path)
    numbers = seqs(again)
    again.close()

    assert [1, 2] == numbers
    assert 2 == again.seq


def test_concurrent_records_keep_their_order(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)

    async def main() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(20):
                event = a_price(Millis(T0 + number))
                group.create_task(ledger.record([(event, Decision())]))

    asyncio.run(main())
    with Reader(ledger.files.ledger) as reader:
        times = [entry.event.at for entry in reader.journal()]
    ledger.close()

    assert [T0 + number for number in range(20)] == times


def test_p16_a_deleted_ledger_is_noticed(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    before = ledger.missing()
    ledger.files.ledger.unlink()
    deleted = ledger.missing()
    ledger.files.ledger.touch()
    replaced = ledger.missing()
    ledger.close()

    assert "" == before
    assert "was deleted or replaced" in deleted
    assert deleted == replaced


def test_clusters_of_a_batch_that_failed_are_written_whole_with_the_next(tmp_path: Path) -> None:
    """What was not written cannot be repeated."""
    ledger = a_ledger(tmp_path)
    fill = FillBooked(fill=a_fill("f1"), bracket_id=BracketId("b1"))
    ledger.record_now(with_facts(fill))
    with pytest.raises(StoreError, match="twice"):
        ledger.record_now([(a_reading(), Decision()), *with_facts(fill)])
    ledger.record_now([(a_reading(), Decision())])
    ledger.record_now([(a_reading(), Decision())])
    with Reader(ledger.files.ledger) as reader:
        events = [entry.event for entry in reader.journal(since=2)]
    ledger.close()

    assert [a_reading(), a_reading()] == events


def test_only_a_stop_that_says_when_is_a_clean_one(tmp_path: Path) -> None:
    for wall in (None, Millis(WALL + 5)):
        ledger = a_ledger(tmp_path)
        ledger.close(wall=wall)
        with Reader(ledger.files.ledger) as reader:
            boot = reader.last_boot()

        assert boot is not None
        assert (wall is not None, wall) == (boot.is_clean, boot.stopped_at)


def test_closing_after_a_disk_error_still_gives_the_lock_back(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.writer.close()
    with pytest.raises(StoreError):
        ledger.record_now([an_intent()])
    ledger.close(wall=WALL)

    a_ledger(tmp_path).close()
