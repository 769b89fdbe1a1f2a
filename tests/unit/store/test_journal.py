"""The journal's rows pack and unpack."""

import zlib

import pytest

from bot.errors import DataError
from bot.model.events import Ticked
from bot.model.facts import ClusterChanged, Decision
from bot.store import journal
from tests.fakes.rows import T0, a_cluster, a_price, a_readings_decision, an_intent


def test_a_batch_comes_back_with_events_commands_and_digests() -> None:
    entries = [an_intent("c1"), a_readings_decision(), (a_price(), Decision())]
    batch = journal.pack(entries)
    assert batch is not None
    unpacked = journal.unpack(5, batch.body)

    assert [event for event, _ in entries] == [entry.event for entry in unpacked]
    assert [d.commands for _, d in entries] == [entry.commands for entry in unpacked]
    assert [journal.digest_of(d.facts) for _, d in entries] == [e.digest for e in unpacked]
    assert {5} == {entry.seq for entry in unpacked}
    assert "PriceMoved HeatmapRead" == batch.kinds


def test_a_tick_that_led_to_nothing_is_not_journalled() -> None:
    assert journal.pack([(Ticked(at=T0), Decision())]) is None


def test_a_price_that_led_to_nothing_is_journalled() -> None:
    """The state depends on it, so a replay does."""
    assert journal.pack([(a_price(), Decision())]) is not None


def test_a_tick_that_led_to_something_is_journalled() -> None:
    decision = Decision(facts=(ClusterChanged(cluster=a_cluster()),))

    assert journal.pack([(Ticked(at=T0), decision)]) is not None


def test_the_dictionary_more_than_halves_a_single_price() -> None:
    batch = journal.pack([(a_price(), Decision())])
    assert batch is not None
    raw = journal.decompress(batch.body)

    assert len(batch.body) < 0.6 * len(zlib.compress(raw))


def test_facts_in_another_order_have_another_digest() -> None:
    first, second = ClusterChanged(cluster=a_cluster(1)), ClusterChanged(cluster=a_cluster(2))

    assert journal.digest_of([first, second]) != journal.digest_of([second, first])
    assert "" == journal.digest_of([])


@pytest.mark.parametrize("cut", [0, 1, 10, -1])
def test_a_cut_row_is_refused_with_its_number(cut: int) -> None:
    batch = journal.pack([an_intent()])
    assert batch is not None

    with pytest.raises(DataError, match="Row 9 "):
        journal.unpack(9, batch.body[:cut])


def test_a_row_of_an_unknown_dictionary_is_refused() -> None:
    with pytest.raises(DataError, match="Row 1 "):
        journal.unpack(1, b"\xff123")
