"""Changes: each cluster once, notes once an episode."""

import msgspec

from bot.core.tracker.changes import Changes, Episodes
from tests.fakes.tracking import a_cluster


def test_a_cluster_that_changed_twice_is_there_once_as_it_is_at_last() -> None:
    changes = Changes()
    first, other = a_cluster(), a_cluster(cluster_id=2)
    last = msgspec.structs.replace(first, touches=3)
    changes.put(first)
    changes.put(other)
    changes.put(last)

    assert [last, other] == changes.clusters


def test_an_episode_is_told_once_and_again_after_it_ended() -> None:
    episodes, changes = Episodes(), Changes()
    for text in ("begins", "goes on", "", "", "begins again"):
        episodes.note(changes, "print", text)

    assert ["begins", "begins again"] == changes.notes


def test_changes_are_empty_until_a_row_or_an_event_is_there() -> None:
    changes = Changes()
    was_empty = changes.is_empty
    changes.put(a_cluster())

    assert was_empty
    assert not changes.is_empty
