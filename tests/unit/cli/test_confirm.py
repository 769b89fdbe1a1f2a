"""The typed word of a person: asked once an account, kept in the ledger, never guessed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.store.reader import Reader
from tests.fakes.live_served import KEYS, ServedExchange, serving
from tests.fakes.rows import a_ledger
from tests.fakes.verbs import Said, a_config, say


@pytest.fixture(params=["binanceusdm", "bybit"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    with serving(request.param) as exchange:
        yield exchange


@pytest.fixture
def binance() -> Iterator[ServedExchange]:
    with serving() as exchange:
        yield exchange


def said_to(served: ServedExchange, folder: Path, typed: str) -> Said:
    return say("confirm", "-c", str(served.config(folder)), environ=KEYS, text=typed)


def kept(folder: Path) -> tuple[str, str]:
    """Who has been confirmed, and whose the ledger is."""
    with Reader(folder / "data" / "ledger.db") as reader:
        return reader.confirmed_account(), reader.meta["account_id"]


def test_the_phrase_is_asked_once_an_account_and_kept(
    served: ServedExchange, tmp_path: Path
) -> None:
    phrase = f"trade live on {served.account}"
    first = said_to(served, tmp_path, f"  {phrase} \n")
    second = said_to(served, tmp_path, "")

    assert (0, 0) == (first.code, second.code)
    assert f"mode: live sends real orders for {served.account}." in first.out
    assert first.out.index("works from any address") < first.out.index(phrase)
    assert f"`liqbot check -c {tmp_path / 'config.yaml'}`" in first.out
    assert f"Live trading on {served.account} is confirmed already.\n" == second.out
    assert (served.account, served.account) == kept(tmp_path)
    assert [] == served.changes, "to confirm sends nothing that changes anything"


@pytest.mark.parametrize("typed", ["", "\n", "yes\n", "TRADE LIVE ON BINANCEUSDM ACCOUNT 1001\n"])
def test_any_other_word_leaves_live_trading_off(
    binance: ServedExchange, tmp_path: Path, typed: str
) -> None:
    said = said_to(binance, tmp_path, typed)

    assert 77 == said.code
    assert "That is not the phrase: live trading stays off." in said.err
    assert "type the phrase as it stands" in said.err
    assert ("", "") == kept(tmp_path)


def test_a_refused_confirmation_gives_the_ledger_back(
    binance: ServedExchange, tmp_path: Path
) -> None:
    said_to(binance, tmp_path, "no\n")

    assert 0 == said_to(binance, tmp_path, f"trade live on {binance.account}\n").code


def test_on_paper_there_is_nothing_to_confirm(tmp_path: Path) -> None:
    said = say("confirm", "-c", str(a_config(tmp_path)))

    assert 2 == said.code
    assert "mode is paper: there is nothing to confirm." in said.err
    assert not (tmp_path / "data").exists()


def test_c7_without_keys_no_ledger_is_made(binance: ServedExchange, tmp_path: Path) -> None:
    said = say("confirm", "-c", str(binance.config(tmp_path)))

    assert 77 == said.code
    assert "exchange_api_key and exchange_secret are missing" in said.err
    assert not (tmp_path / "data").exists()


def test_c14_a_paper_ledger_is_not_confirmed(binance: ServedExchange, tmp_path: Path) -> None:
    a_ledger(tmp_path / "data").close()
    said = said_to(binance, tmp_path, f"trade live on {binance.account}\n")

    assert 73 == said.code
    assert "made for paper trading" in said.err


def test_c15_a_ledger_of_another_account_is_not_confirmed(tmp_path: Path) -> None:
    with serving(account="1001") as first:
        said_to(first, tmp_path, f"trade live on {first.account}\n")
    with serving(account="1002") as second:
        said = said_to(second, tmp_path, f"trade live on {second.account}\n")

    assert 73 == said.code
    assert "belongs to binanceusdm account 1001" in said.err
    assert "this run is for binanceusdm account 1002" in said.err
    assert ("binanceusdm account 1001", "binanceusdm account 1001") == kept(tmp_path)


def test_e46_a_key_that_may_withdraw_is_not_confirmed(
    binance: ServedExchange, tmp_path: Path
) -> None:
    binance.key.can_withdraw = True
    said = said_to(binance, tmp_path, f"trade live on {binance.account}\n")

    assert 77 == said.code
    assert "may withdraw money" in said.err
    assert ("", "") == kept(tmp_path)
