"""The witness remembers how far the journal had come."""

from pathlib import Path

from bot.store import witness
from bot.store.witness import Sighting, Witness
from tests.fakes.rows import a_ledger, an_intent


def test_what_was_noted_last_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "seen"
    seen = Witness(path, instance="abc", seq=7)
    seen.note(123)
    seen.close()
    seen.close()

    assert Sighting(instance="abc", seq=123) == witness.read(path)


def test_no_witness_and_an_unreadable_one_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"\xff\xfe")
    (tmp_path / "worse").write_text("one two three")

    assert witness.read(tmp_path / "none") is None
    assert witness.read(tmp_path / "bad") is None
    assert witness.read(tmp_path / "worse") is None


def test_it_follows_every_commit(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    ledger.record_now([an_intent("c1")])
    ledger.record_now([an_intent("c2")])
    seen = witness.read(ledger.files.seen)
    ledger.close()

    assert Sighting(instance="test1", seq=2) == seen
