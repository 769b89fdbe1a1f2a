"""What a run stands on: reached in the right order, and let go of whenever something is wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from bot.config import load
from bot.errors import AccessError, ConfigError, DataDirError, LiqbotError, UnavailableError
from bot.outside import Outside, paper_account, reach
from bot.request import Confirmation, Request
from bot.store.opening import bind_account, is_confirmed
from bot.store.recorder import Ledger
from tests.fakes.live_served import KEYS, ServedExchange, serving
from tests.fakes.rows import a_ledger
from tests.fakes.sim_process import free_port


class Person:
    """A Ui that answers as it is told, and remembers what it was asked."""

    def __init__(self, *, agrees: bool = True) -> None:
        self.agrees = agrees
        self.asked: list[Confirmation] = []
        self.shown: list[str] = []

    def progress(self, share: float, what: str) -> None:
        del share
        self.shown.append(what)

    def confirm(self, question: Confirmation) -> bool:
        self.asked.append(question)
        return self.agrees

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nothing is open yet: {name}")


class Reached:
    """One `reach`, hung up again; what it gave or raised."""

    def __init__(
        self,
        request: Request,
        *,
        person: Person | None = None,
        mode: str = "live",
        account: str = "",
    ) -> None:
        self.person = person or Person()
        self.outside = Outside()
        self.error: LiqbotError | None = None
        ledger = a_ledger(request.data_dir, mode=mode)
        if account:
            bind_account(ledger, account)
        with structlog.testing.capture_logs() as logs, pytest.MonkeyPatch.context() as patch:
            for name, value in KEYS.items():
                patch.setenv(name, value)
            patch.delenv("CREDENTIALS_DIRECTORY", raising=False)
            asyncio.run(self._reach(request, ledger))
        self.logged = [str(entry.get("text")) for entry in logs]
        self.account = ledger.meta.account_id
        self.is_confirmed = is_confirmed(ledger, self.account)
        ledger.close()

    async def _reach(self, request: Request, ledger: Ledger) -> None:
        try:
            self.outside = await reach(request, self.person, ledger)
        except LiqbotError as error:
            self.error = error
        await self.outside.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        assert not others, "nothing of a line goes on"


@pytest.fixture(params=["binanceusdm", "bybit"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    with serving(request.param) as exchange:
        yield exchange


@pytest.fixture
def binance() -> Iterator[ServedExchange]:
    with serving() as exchange:
        yield exchange


def a_request(folder: Path, text: str) -> Request:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return Request(config=load(path), config_path=path, data_dir=folder / "data")


def test_a_market_of_this_process_needs_nothing_outside(tmp_path: Path) -> None:
    reached = Reached(a_request(tmp_path, ""), mode="paper")

    assert (None, None) == (reached.outside.link, reached.outside.api)
    assert "the embedded market with seed 24" == reached.outside.account
    assert [] == reached.person.shown


def test_paper_on_an_exchanges_prices_reads_no_keys(
    binance: ServedExchange, tmp_path: Path
) -> None:
    """A file with keys that others can read would be refused if it were looked at."""
    request = binance.request(tmp_path, mode="paper")
    keys = tmp_path / "credentials"
    keys.write_text("exchange_api_key=x\n", encoding="utf-8")
    keys.chmod(0o644)
    reached = Reached(request, mode="paper")

    assert reached.error is None
    assert reached.outside.link is not None
    assert reached.outside.api is None
    assert [] == binance.signed
    assert [] == reached.person.asked


def test_c9_live_refuses_keys_that_others_can_read(binance: ServedExchange, tmp_path: Path) -> None:
    request = binance.request(tmp_path)
    keys = tmp_path / "credentials"
    keys.write_text("exchange_api_key=x\nexchange_secret=y\n", encoding="utf-8")
    keys.chmod(0o644)
    reached = Reached(request)

    assert isinstance(reached.error, AccessError)
    assert [] == binance.heard.requests


def test_a_person_says_yes_once_and_the_ledger_is_the_accounts(
    served: ServedExchange, tmp_path: Path
) -> None:
    first = Reached(served.request(tmp_path))
    second = Reached(served.request(tmp_path), person=Person(agrees=False))

    assert (None, None) == (first.error, second.error)
    assert [f"trade live on {served.account}"] == [row.phrase for row in first.person.asked]
    assert [] == second.person.asked
    assert served.account == second.account == second.outside.account
    assert second.is_confirmed
    assert second.outside.api is not None
    assert [] == served.changes, "only reads before anything is set up"


def test_what_is_known_of_the_key_is_logged_at_every_start(
    binance: ServedExchange, tmp_path: Path
) -> None:
    for _ in range(2):
        logged = Reached(binance.request(tmp_path)).logged

        assert any("works from any address" in text for text in logged)


def test_where_nobody_can_be_asked_the_start_says_what_to_run(
    served: ServedExchange, tmp_path: Path
) -> None:
    reached = Reached(served.request(tmp_path), person=Person(agrees=False))

    assert isinstance(reached.error, AccessError)
    assert f"Nobody has confirmed live trading on {served.account}." == reached.error.what
    assert "liqbot confirm" in reached.error.remedy
    assert "" == reached.account
    assert [] == served.changes


def test_c15_another_accounts_ledger_is_refused_before_anybody_is_asked(
    served: ServedExchange, tmp_path: Path
) -> None:
    reached = Reached(served.request(tmp_path), account="binanceusdm account 7")

    assert isinstance(reached.error, DataDirError)
    assert "belongs to binanceusdm account 7" in reached.error.what
    assert [] == reached.person.asked


def test_a_paper_ledger_of_another_market_is_refused_before_a_line_is_opened(
    binance: ServedExchange, tmp_path: Path
) -> None:
    request = binance.request(tmp_path, mode="paper")
    reached = Reached(request, mode="paper", account="the embedded market with seed 24")

    assert isinstance(reached.error, DataDirError)
    assert [] == binance.heard.requests


def test_e45_a_key_that_is_not_valid_ends_the_start_with_77(
    served: ServedExchange, tmp_path: Path
) -> None:
    served.key.secret = "another"
    reached = Reached(served.request(tmp_path))

    assert isinstance(reached.error, AccessError)
    assert 77 == reached.error.exit_code
    assert [] == reached.person.asked


def test_c13_an_unlisted_symbol_is_refused_before_anybody_is_asked(
    binance: ServedExchange, tmp_path: Path
) -> None:
    path = binance.config(tmp_path)
    text = path.read_text(encoding="utf-8").replace("ETHUSDT", "ETHHUSDT")
    reached = Reached(a_request(tmp_path, text))

    assert isinstance(reached.error, ConfigError)
    assert "ETHHUSDT" in reached.error.what
    assert [] == reached.person.asked


def test_an_exchange_that_is_not_there_can_be_tried_again(tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    text = f'market: {{source: exchange}}\nexchange: {{base_url: "{address}"}}\n'
    reached = Reached(a_request(tmp_path, text), mode="paper")

    assert isinstance(reached.error, UnavailableError)
    assert (69, address) == (reached.error.exit_code, reached.error.where)
    assert "does not answer" in reached.error.what


def test_a_bug_in_the_talk_with_a_person_hangs_up_too(
    binance: ServedExchange, tmp_path: Path
) -> None:
    closed: list[str] = []

    class Stumbling(Person):
        def confirm(self, question: Confirmation) -> bool:
            raise ZeroDivisionError(question.phrase)

    async def main() -> None:
        ledger = a_ledger(tmp_path / "data", mode="live")
        try:
            with pytest.raises(ZeroDivisionError):
                await reach(binance.request(tmp_path), Stumbling(), ledger)
            await asyncio.sleep(0)
            closed.extend(repr(task) for task in asyncio.all_tasks() - {asyncio.current_task()})
        finally:
            ledger.close()

    with pytest.MonkeyPatch.context() as patch:
        for name, value in KEYS.items():
            patch.setenv(name, value)
        asyncio.run(main())

    assert [] == closed


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("market: {simulated: {seed: 5}}\n", "the embedded market with seed 5"),
        (
            "market: {source: recorded, recorded: {folder: x}}\nheatmap: {provider: local}\n",
            "the recorded market",
        ),
        ("market: {source: exchange}\n", "paper money at the prices of binanceusdm"),
        (
            "market: {source: exchange}\nexchange: {id: bybit, base_url: 'http://localhost:1'}\n",
            "paper money at the prices of a rehearsal of bybit",
        ),
    ],
)
def test_paper_money_of_each_market_is_an_account_of_its_own(
    tmp_path: Path, text: str, account: str
) -> None:
    assert account == paper_account(a_request(tmp_path, text).config)
