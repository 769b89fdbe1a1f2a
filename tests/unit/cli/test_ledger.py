"""`db` and `replay` from the command line."""

import sqlite3
from pathlib import Path

from bot.model.commands import QueryOrder
from bot.model.events import Started
from bot.model.facts import Decision
from bot.model.primitives import ClientOrderId
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from tests.fakes.rows import BTC, T0, a_ledger
from tests.fakes.verbs import a_config, a_written_ledger, say
from tests.fakes.views import INSTRUMENT


def test_a_sound_ledger_is_said_to_be(tmp_path: Path) -> None:
    a_ledger(tmp_path / "data").close()
    config = str(a_config(tmp_path))

    assert "Sound: schema 0001, account paper" in say("db", "check", "-c", config).out
    assert [] == say("db", "check", "-c", config, "--json").document["problems"]


def test_sums_that_disagree_end_with_65(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("db", "check", "-c", str(a_config(tmp_path)))

    assert 65 == said.code
    assert "Bracket b2" in said.out
    assert "newest sound backup" in said.err


def test_a_backup_is_made_and_checked(tmp_path: Path) -> None:
    data_dir = a_written_ledger(tmp_path)

    document = say("db", "backup", "-c", str(a_config(tmp_path)), "--json").document

    assert Path(document["path"]).parent == data_dir / "backups"
    with sqlite3.connect(document["path"]) as copy:
        assert 3 == copy.execute("SELECT count(*) FROM bracket").fetchone()[0]


def test_a_ledger_of_this_schema_needs_no_upgrade(tmp_path: Path) -> None:
    a_ledger(tmp_path / "data").close()

    said = say("db", "upgrade", "-c", str(a_config(tmp_path)))

    assert "Nothing to do: the ledger has schema 0001.\n" == said.out


def test_no_upgrade_beside_a_running_bot(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path / "data")

    said = say("db", "upgrade", "-c", str(a_config(tmp_path)))
    ledger.close()

    assert 73 == said.code
    assert "Another liqbot holds this data directory" in said.err


def test_without_a_ledger_every_one_of_them_says_so(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))

    for words in (("db", "check"), ("db", "backup"), ("db", "upgrade"), ("replay",)):
        assert 73 == say(*words, "-c", config).code


def journal_with(tmp_path: Path, *, digest_holds: bool) -> str:
    started = Started(
        at=T0,
        snapshot=Snapshot(at=T0),
        settings_digest="",
        settings=CoreSettings(instance="test", symbols=(BTC,)),
        instruments=(INSTRUMENT,),
    )
    from bot.core.state import State  # noqa: PLC0415
    from bot.core.step import step  # noqa: PLC0415

    state = State(
        settings=CoreSettings(instance="test", symbols=(BTC,)),
        instruments={BTC: INSTRUMENT},
        snapshot=started.snapshot,
    )
    decision = step(state, started)
    if not digest_holds:
        wrong = QueryOrder(symbol=BTC, client_id=ClientOrderId("never"))
        decision = Decision(facts=decision.facts, commands=(wrong,))
    ledger = a_ledger(tmp_path / "data")
    ledger.record_now([(started, decision)])
    ledger.close()
    return str(a_config(tmp_path))


def test_a_journal_that_comes_out_equal_ends_with_0(tmp_path: Path) -> None:
    config = journal_with(tmp_path, digest_holds=True)

    said = say("replay", "-c", config)
    named = say("replay", str(tmp_path / "data"), "--json").document

    assert 0 == said.code
    assert said.out.startswith("1 run, 1 event, ")
    assert said.out.endswith(": all equal.\n")
    assert named["is_equal"]
    assert named["difference"] is None


def test_the_first_difference_is_named_and_ends_with_65(tmp_path: Path) -> None:
    config = journal_with(tmp_path, digest_holds=False)

    said = say("replay", "-c", config)
    document = say("replay", "-c", config, "--json").document

    assert 65 == said.code
    assert (
        "First difference in journal row 1, 00:00:00, after Started: commands differ." in said.out
    )
    assert '"never"' in said.out
    assert ("Started", "commands") == (
        document["difference"]["event"],
        document["difference"]["what"],
    )
    assert "2026-01-01T00:00:00.000Z" == document["difference"]["at"]


def test_a_journal_without_a_start_cannot_be_replayed(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    said = say("replay", "-c", str(a_config(tmp_path)))

    assert 65 == said.code
    assert "There is no start of a run in this journal" in said.err
