"""A whole run on an exchange, live and on paper: what leaves when, and how it ends."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import app, cli
from bot.core.state import State
from bot.errors import AccessError
from bot.model.events import Started
from bot.model.primitives import Symbol
from bot.request import Confirmation, Opened, Request
from bot.store.reader import Reader
from tests.fakes.live_served import BTC, ETH, KEYS, ServedExchange, serving

LONGEST_S = 40.0


@pytest.fixture(params=["binanceusdm", "bybit"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    with serving(request.param) as exchange:
        yield exchange


@pytest.fixture
def binance() -> Iterator[ServedExchange]:
    with serving() as exchange:
        yield exchange


class Watching:
    """A Ui that says yes, and looks at the exchange and at the bot at every step."""

    def __init__(
        self, served: ServedExchange, *, on_ready: Callable[[State], None] = lambda _: None
    ) -> None:
        self.told: list[str] = []
        self.tasks: set[str] = set()
        self.changes_before = ["not asked"]
        self.opening: Opened | None = None
        self.fees: dict[Symbol, Any] = {}
        self._served = served
        self._on_ready = on_ready

    def progress(self, share: float, what: str) -> None:
        del share, what

    def confirm(self, question: Confirmation) -> bool:
        self.told.append(question.phrase)
        self.changes_before = self._served.changes
        return True

    def opened(self, opened: Opened) -> None:
        self.told.append("opened")
        self.opening = opened

    def ready(self, state: State) -> None:
        self.told.append("ready")
        self.tasks = {task.get_name() for task in asyncio.all_tasks()}
        self.fees = {row.symbol: row.taker_fee_bps for row in state.instruments.values()}
        self._on_ready(state)

    def stopping(self, why: str) -> None:
        self.told.append(why)

    def stopped(self, state: State) -> None:
        del state
        self.told.append("stopped")


def run(request: Request, ui: Watching, environ: dict[str, str] | None = None) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(LONGEST_S):
            await app.run(request, ui)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, "nothing goes on after a run"

    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CREDENTIALS_DIRECTORY", raising=False)
        for name in KEYS:
            patch.delenv(name, raising=False)
        for name, value in (environ or {}).items():
            patch.setenv(name, value)
        asyncio.run(bounded())


def test_a_live_run_asks_reads_sets_and_trades_in_this_order(
    served: ServedExchange, tmp_path: Path
) -> None:
    ui = Watching(served)
    request = served.request(tmp_path, duration_s=3.0)
    run(request, ui, KEYS)
    settings = {
        (row, served.core.leverages[row], served.core.margin_modes[row]) for row in (BTC, ETH)
    }

    assert [
        f"trade live on {served.account}",
        "opened",
        "ready",
        "3 s are over",
        "stopped",
    ] == ui.told
    assert [] == ui.changes_before, "nothing is changed before a person has confirmed"
    assert {(BTC, 5, "isolated"), (ETH, 5, "isolated")} == settings
    assert {"venue", "clocks", "market", "hands", "loop"} <= ui.tasks
    assert ui.opening is not None
    assert served.account == ui.opening.account
    with Reader(request.data_dir / "ledger.db") as reader:
        boot = reader.last_boot()
        assert ("live", served.account) == (reader.meta["mode"], reader.meta["account_id"])
        started = next(row.event for row in reader.journal() if isinstance(row.event, Started))
    assert boot is not None
    assert boot.is_clean
    assert started.settings is not None
    assert "live" == started.settings.mode


def test_the_accounts_own_fees_are_what_trades_are_judged_by(
    binance: ServedExchange, tmp_path: Path
) -> None:
    """The configuration's are those of paper trading."""
    request = binance.request(tmp_path, text="paper: {taker_fee_bps: 77}\n")
    ui = Watching(binance)
    run(request, ui, KEYS)

    assert {BTC: 5, ETH: 5} == ui.fees


def test_paper_on_an_exchanges_prices_sends_nothing_and_shows_no_key(
    served: ServedExchange, tmp_path: Path
) -> None:
    ui = Watching(served)
    request = served.request(tmp_path, mode="paper", duration_s=2.0)
    run(request, ui, KEYS)

    assert ["opened", "ready", "2 s are over", "stopped"] == ui.told
    assert ([], []) == (served.changes, served.signed)
    with Reader(request.data_dir / "ledger.db") as reader:
        expected = f"paper money at the prices of a rehearsal of {served.exchange}"
        assert ("paper", expected) == (reader.meta["mode"], reader.meta["account_id"])


def test_e45_a_key_that_is_revoked_ends_the_run_with_77_and_no_restart(
    served: ServedExchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing can be protected without it: a person has to come, and soon."""
    name = "is_expired" if served.exchange == "bybit" else "is_revoked"
    ui = Watching(served, on_ready=lambda _: setattr(served.key, name, True))
    request = served.request(tmp_path, duration_s=LONGEST_S - 5.0)
    with pytest.raises(BaseExceptionGroup) as caught:
        run(request, ui, KEYS)
    known = cli.first_known(caught.value)

    assert "stopped" not in ui.told
    assert isinstance(known, AccessError)
    assert 77 == known.exit_code
    assert "does not accept the key any more" in known.what
    assert "" == capsys.readouterr().err
