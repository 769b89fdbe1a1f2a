"""The journal's rows pack and unpack."""

import zlib

import pytest

from bot.errors import DataError
from bot.model.events import Started, Ticked
from bot.model.facts import ClusterChanged, Decision
from bot.model.primitives import Millis
from bot.model.snapshot import Snapshot
from bot.store import journal
from tests.fakes.rows import (
    BTC,
    ETH,
    T0,
    a_cluster,
    a_price,
    a_reading,
    a_readings_decision,
    an_intent,
)


def test_a_batch_comes_back_with_events_commands_and_digests() -> None:
    entries = [an_intent("c1"), a_readings_decision(), (a_price(), Decision())]
    batch = journal.pack(entries, journal.Memory())
    assert batch is not None
    unpacked = journal.unpack(5, batch.body, journal.Memory())

    assert [event for event, _ in entries] == [entry.event for entry in unpacked]
    assert [d.commands for _, d in entries] == [entry.commands for entry in unpacked]
    assert [journal.digest_of(d.facts) for _, d in entries] == [e.digest for e in unpacked]
    assert {5} == {entry.seq for entry in unpacked}
    assert "PriceMoved HeatmapRead" == batch.kinds


def test_a_tick_that_led_to_nothing_is_not_journalled() -> None:
    assert journal.pack([(Ticked(at=T0), Decision())], journal.Memory()) is None


def test_a_price_that_led_to_nothing_is_journalled() -> None:
    """The state depends on it, so a replay does."""
    assert journal.pack([(a_price(), Decision())], journal.Memory()) is not None


def test_a_tick_that_led_to_something_is_journalled() -> None:
    decision = Decision(facts=(ClusterChanged(cluster=a_cluster()),))

    assert journal.pack([(Ticked(at=T0), decision)], journal.Memory()) is not None


def test_the_dictionary_more_than_halves_a_single_price() -> None:
    batch = journal.pack([(a_price(), Decision())], journal.Memory())
    assert batch is not None
    raw = journal.decompress(batch.body)

    assert len(batch.body) < 0.6 * len(zlib.compress(raw))


def test_clusters_that_repeat_are_written_once_in_a_run() -> None:
    """Between two bars only the price changes, so most of a journal would be repetition."""
    events = [
        a_reading(Millis(T0 + n * 5_000), symbol=name) for n in range(3) for name in (BTC, ETH)
    ]
    writing, reading = journal.Memory(), journal.Memory()
    batches = [journal.pack([(event, Decision())], writing) for event in events]
    bodies = [batch.body for batch in batches if batch is not None]
    read = [entry.event for body in bodies for entry in journal.unpack(1, body, reading)]

    assert events == read
    assert all(len(body) < 0.2 * len(bodies[0]) for body in bodies[2:])


def test_a_run_begins_with_whole_readings() -> None:
    """A replay begins at any start of a run and knows nothing from before."""
    start = Started(at=T0, snapshot=Snapshot(at=T0), settings_digest="")
    writing = journal.Memory()
    journal.pack([(a_reading(), Decision())], writing)
    batch = journal.pack([(start, Decision()), (a_reading(), Decision())], writing)
    assert batch is not None
    read = journal.unpack(2, batch.body, journal.Memory())

    assert [start, a_reading()] == [entry.event for entry in read]


def test_facts_in_another_order_have_another_digest() -> None:
    first, second = ClusterChanged(cluster=a_cluster(1)), ClusterChanged(cluster=a_cluster(2))

    assert journal.digest_of([first, second]) != journal.digest_of([second, first])
    assert "" == journal.digest_of([])


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_cut_row_is_refused_with_its_number(cut: int) -> None:
    batch = journal.pack([an_intent()], journal.Memory())
    assert batch is not None

    with pytest.raises(DataError, match="Row 9 "):
        journal.unpack(9, batch.body[:cut], journal.Memory())


def test_a_row_of_an_unknown_dictionary_is_refused() -> None:
    with pytest.raises(DataError, match="Row 1 "):
        journal.unpack(1, b"\xff123", journal.Memory())
