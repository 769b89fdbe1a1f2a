"""A whole run on an exchange, live and on paper: what leaves when, and how it ends."""

import asyncio
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bot import app, cli
from bot.clock import LoopClock, run_virtual
from bot.core.state import State
from bot.engine.inbox import Inbox
from bot.errors import AccessError
from bot.model.events import Event, InstrumentsChanged, Started
from bot.model.instrument import Instrument, LeverageTier
from bot.model.primitives import Symbol
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.request import Confirmation, Opened, Request
from bot.store.reader import Reader
from tests.fakes.live_served import BTC, ETH, KEYS, START, ServedExchange, serving
from tests.fakes.views import INSTRUMENT

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


class FewParts:
    """The parts that hear of a changed contract."""

    def __init__(self) -> None:
        self.clock = LoopClock(start_at=START)
        self.inbox = Inbox()
        self.state = State(
            settings=CoreSettings(instance="test", symbols=(BTC,)),
            instruments={BTC: replace(INSTRUMENT, taker_fee_bps=Decimal("4.5"), tiers=TIERS)},
            snapshot=Snapshot(at=START),
        )


class Listing:
    """A market whose contracts may change."""

    def __init__(self) -> None:
        self.on_instruments: Callable[[dict[Symbol, Instrument]], None] = lambda _: None


TIERS = (LeverageTier(floor_usd=0.0, maintenance_rate=0.01, cum_usd=0.0, leverage_max=50.0),)


def heard(changed: Instrument) -> list[Event]:
    """What the core is told when the exchange changes a contract."""

    async def main() -> list[Event]:
        market: Any = Listing()
        parts: Any = FewParts()
        app.follow_instruments(market, parts)
        market.on_instruments({changed.symbol: changed})
        return list(await parts.inbox.take(10))

    return run_virtual(main())


def test_e38_a_changed_contract_is_told_to_the_core_and_our_fees_stay() -> None:
    """The exchange lists the fees of everybody, and not always the tiers."""
    (event,) = heard(replace(INSTRUMENT, tick_size=Decimal("0.5"), tiers=()))

    assert isinstance(event, InstrumentsChanged)
    (found,) = event.instruments
    assert (Decimal("0.5"), Decimal("4.5")) == (found.tick_size, found.taker_fee_bps)
    assert TIERS == found.tiers


def test_e38_new_tiers_take_the_place_of_the_old_ones() -> None:
    more = LeverageTier(floor_usd=1e6, maintenance_rate=0.02, cum_usd=1e4, leverage_max=20.0)
    tiers = (*TIERS, more)
    (event,) = heard(replace(INSTRUMENT, tiers=tiers))

    assert isinstance(event, InstrumentsChanged)
    assert tiers == event.instruments[0].tiers


def test_a_market_whose_contracts_never_change_is_left_alone() -> None:
    market: Any = object()
    parts: Any = None

    app.follow_instruments(market, parts)
