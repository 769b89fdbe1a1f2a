"""The real process, killed again and again while it trades: the ledger stays the truth."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from bot.model.order import Leg, OrderKind, OrderStatus
from bot.store import check
from bot.store.files import DataFiles
from bot.store.reader import Reader
from bot.store.sqlite import loaded_driver, open_read_only
from bot.venue import books
from bot.venue.books import PaperState
from tests.fakes.sim_process import Run, a_config, asked, said

KILLS = (
    ("data  ", 0.1),
    ("ready in", 0.0),
    ("ENTRY", 0.0),
    ("FILLED", 0.0),
    ("STOP  ", 0.0),
    ("TARGET", 0.2),
    ("EXIT", 0.0),
    ("ready in", 0.9),
    ("ENTRY", 0.01),
    ("CLOSED", 0.0),
)
"""The words after which, and the seconds later, it dies."""


def venue_state(ledger: Path) -> PaperState:
    """The paper venue's own account of what is there."""
    connection = open_read_only(ledger, module=loaded_driver())
    try:
        (body,) = connection.execute("SELECT body FROM paper_state WHERE id = 1").fetchone()
    finally:
        connection.close()
    return books.decode(bytes(body))


@pytest.mark.timeout(180)
def test_p1_p4_killed_ten_times_in_a_row_there_is_no_second_entry_and_no_bare_position(
    tmp_path: Path,
) -> None:
    config, heard = a_config(tmp_path), 0
    for number, (words, later_s) in enumerate(KILLS):
        run = Run(config)
        assert run.hear("ready in", 20.0) or words == "data  ", run.said
        if number >= 3:
            said("resume", "-c", config)  # Three kills in a row are a crash loop: PROTECT.
        heard += run.hear(words, 3.5)
        run.listen(later_s)
        run.kill()
    last = Run(config, "--duration", 3)
    code = last.end()

    assert 0 == code, last.said
    assert heard >= len(KILLS) // 2, "it hardly came to a trade"
    judge(DataFiles(folder=tmp_path / "data").ledger)
    assert asked(config, "trades")


def judge(ledger: Path) -> None:
    """Sums, entries, stops: by the ledger's rows and by the venue's own book."""
    report = check.examine(ledger)
    with Reader(ledger) as reader:
        held = {row.symbol: row.open_qty for row in reader.open_brackets() if row.open_qty}
        brackets = [*reader.open_brackets(), *reader.trades(limit=1_000)]
        orders = reader.orders(limit=10_000)
    entries = Counter(row.request.bracket_id for row in orders if row.request.leg is Leg.ENTRY)
    signals = Counter(row.signal.id for row in brackets if row.signal is not None)
    venue = venue_state(ledger)
    stops = {
        row.request.symbol: row.request.qty
        for row in venue.orders
        if row.request.kind is OrderKind.STOP_MARKET and row.status is OrderStatus.OPEN
    }

    assert () == report.problems
    assert 1 == max(entries.values())
    assert 1 == max(signals.values())
    assert held == {row.symbol: row.qty for row in venue.holdings if row.qty}
    assert all(stops.get(symbol, Decimal(0)) >= qty for symbol, qty in held.items())
