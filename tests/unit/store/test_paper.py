"""The paper venue's books survive, beside the ledger and independent of it."""

from pathlib import Path

from bot.model.facts import OrderChanged
from tests.fakes.rows import a_ledger, an_order, with_facts


def test_books_come_back_as_they_were_saved_last(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    before = ledger.paper_books.load()
    ledger.paper_books.save(b"one")
    ledger.record_now(with_facts(OrderChanged(order=an_order())))
    ledger.paper_books.save(b"two")
    ledger.close()
    again = a_ledger(tmp_path)
    after = again.paper_books.load()
    again.close()

    assert before is None
    assert b"two" == after


def test_saving_books_leaves_no_line_in_the_journal(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.paper_books.save(b"one")
    seq = ledger.seq
    ledger.close()

    assert 0 == seq
