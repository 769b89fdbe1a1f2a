"""A ledger is used for what it was made for."""

from pathlib import Path

import pytest

from bot.errors import DataDirError
from bot.store.opening import bind_account, confirm, is_confirmed
from bot.store.reader import Reader
from tests.fakes.rows import a_ledger


def test_c14_a_paper_ledger_is_not_used_for_live_trading(tmp_path: Path) -> None:
    a_ledger(tmp_path, mode="paper").close()
    with pytest.raises(DataDirError) as caught:
        a_ledger(tmp_path, mode="live")

    assert 73 == caught.value.exit_code
    assert "made for paper trading" in caught.value.what
    a_ledger(tmp_path, mode="paper").close()


def test_c15_another_accounts_keys_are_refused(tmp_path: Path) -> None:
    a_ledger(tmp_path, mode="live", account_id="acc-1").close()
    with pytest.raises(DataDirError) as caught:
        a_ledger(tmp_path, mode="live", account_id="acc-2")

    assert "belongs to acc-1, and this run is for acc-2" in caught.value.what


def test_c15_the_account_is_written_down_once_the_venue_has_named_it(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path, mode="live")
    bind_account(ledger, "acc-1")
    bind_account(ledger, "acc-1")
    with pytest.raises(DataDirError):
        bind_account(ledger, "acc-2")
    ledger.close()
    again = a_ledger(tmp_path, mode="live")
    again.close()

    assert "acc-1" == again.meta.account_id


def test_an_existing_ledger_keeps_its_name(tmp_path: Path) -> None:
    """Client order ids derive from it."""
    a_ledger(tmp_path, instance="first").close()
    again = a_ledger(tmp_path, instance="second")
    again.close()

    assert "first" == again.meta.instance


def test_a_persons_word_is_kept_for_one_account_and_no_other(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path, mode="live")
    before = is_confirmed(ledger, "acc-1")
    confirm(ledger, "acc-1")
    ledger.close()
    again = a_ledger(tmp_path, mode="live")

    assert not before
    assert is_confirmed(again, "acc-1")
    assert not is_confirmed(again, "acc-2")
    again.close()
    with Reader(tmp_path / "ledger.db") as reader:
        assert "acc-1" == reader.confirmed_account()


def test_nobody_has_confirmed_a_new_ledger_whatever_account_is_asked_for(tmp_path: Path) -> None:
    """The empty name of an account that is not known yet must not pass for one."""
    ledger = a_ledger(tmp_path, mode="live")
    found = is_confirmed(ledger, ""), is_confirmed(ledger, "acc-1")
    ledger.close()

    assert (False, False) == found
