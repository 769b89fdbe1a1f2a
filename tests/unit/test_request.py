"""A run that is asked for, and what whoever asked is told: plain values."""

from pathlib import Path

import msgspec
import pytest

from bot.config import Config
from bot.model.primitives import Millis
from bot.model.snapshot import Snapshot
from bot.request import Confirmation, Opened, Request


def test_a_run_goes_on_until_it_is_stopped_unless_a_duration_is_asked_for() -> None:
    request = Request(config=Config(), config_path=Path("config.yaml"), data_dir=Path("data"))

    assert request.duration_s is None


def test_what_is_asked_and_told_cannot_be_changed_on_its_way() -> None:
    """The phrase that is shown is the phrase that is compared with."""
    question = Confirmation(account="an account", phrase="trade live on an account")
    opened = Opened(
        snapshot=Snapshot(at=Millis(0)), is_new=True, start_at=Millis(0), ledger_note=""
    )

    for value, name in ((question, "phrase"), (opened, "account")):
        with pytest.raises(AttributeError):
            setattr(value, name, "another")
    assert (("phrase", "told"), "") == (
        tuple(field.name for field in msgspec.structs.fields(question))[1:],
        opened.account,
    )
