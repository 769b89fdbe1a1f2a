"""The parts put together: what a run starts from, what it tells, and that it resumes."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot import app
from bot.clock import VirtualLoop
from bot.config import load
from bot.core.state import State
from bot.errors import LiqbotError
from bot.model.account import HoldCause
from bot.model.events import CandleClosed, HeatmapRead, PriceMoved, Started, StopAsked, TroubleSeen
from bot.model.market import Candle, Funding
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.request import Confirmation, Opened, Request
from bot.store.boots import CRASH_LOOP_STARTS
from bot.store.reader import Reader
from tests.fakes.rows import BTC, ETH, T0, a_cluster, a_ledger
from tests.fakes.views import INSTRUMENT

BARS = 40
MIN5 = 300_000
FIRST_AT = 1_767_225_600_000


class Noting:
    """A Ui that notes what it is told, in order; `fails_at` makes it raise there."""

    def __init__(self, fails_at: str = "") -> None:
        self.told: list[str] = []
        self.opening: Opened | None = None
        self._fails_at = fails_at

    def _note(self, what: str) -> None:
        self.told.append(what)
        if what == self._fails_at:
            raise ZeroDivisionError(what)

    def progress(self, share: float, what: str) -> None:
        del share, what

    def confirm(self, question: Confirmation) -> bool:
        raise AssertionError(f"a run on paper asks nobody: {question.phrase}")

    def opened(self, opened: Opened) -> None:
        self.opening = opened
        self._note("opened")

    def ready(self, state: State) -> None:
        assert state.last_snapshot_at is not None, "reconciled"
        self._note("ready")

    def stopping(self, why: str) -> None:
        self._note(why)

    def stopped(self, state: State) -> None:
        del state
        self._note("stopped")


class Past(msgspec.Struct, kw_only=True):
    candles: Sequence[Candle] = ()
    open_interest: Sequence[tuple[Millis, float]] = ()
    funding: Funding | None = None


def a_request(tmp_path: Path, **recorded: Any) -> Request:
    """A small recording, played flat out."""
    rows = "".join(f"{FIRST_AT + n * MIN5},100,101,99,{100 + n % 2},5\n" for n in range(BARS))
    (tmp_path / "BTCUSDT.csv").write_text(f"t,o,h,l,c,v\n{rows}", encoding="utf-8")
    settings = {
        "folder": ".",
        "candles": "{symbol}.csv",
        "open_interest": "",
        "funding": "",
        "tiers": "",
        "warm_up_days": 0,
        **recorded,
    }
    document = {
        "symbols": ["BTCUSDT"],
        "market": {"source": "recorded", "recorded": settings},
        "heatmap": {"provider": "local"},
    }
    path = tmp_path / "config.yaml"
    path.write_bytes(msgspec.json.encode(document))  # JSON is YAML.
    return Request(config=load(path), config_path=path, data_dir=tmp_path / "data")


def run(request: Request, ui: Noting) -> None:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(app.run(request, ui))


def events(request: Request) -> list[Any]:
    with Reader(request.data_dir / "ledger.db") as reader:
        return [entry.event for entry in reader.journal()]


def first_events(tmp_path: Path, **changes: Any) -> list[Any]:
    """The beginning of a journal, over a ledger with changes."""
    ledger = a_ledger(tmp_path)
    for name, value in changes.items():
        setattr(ledger, name, value)
    state = State(
        settings=CoreSettings(instance="test", symbols=(BTC,)),
        instruments={BTC: INSTRUMENT},
        snapshot=Snapshot(at=T0),
    )
    found = app.first_events(ledger, Snapshot(at=T0), {BTC: Past()}, state, T0)
    ledger.close()
    return found


def test_a_recording_is_played_from_ready_to_its_end(tmp_path: Path) -> None:
    request, ui = a_request(tmp_path), Noting()
    run(request, ui)
    recorded = events(request)

    assert ["opened", "ready", "the recording has ended", "stopped"] == ui.told
    assert ui.opening is not None
    assert (True, FIRST_AT) == (ui.opening.is_new, ui.opening.start_at)
    assert Started is type(recorded[0])
    assert StopAsked in {type(event) for event in recorded}
    assert BARS == sum(isinstance(event, CandleClosed) for event in recorded)
    assert BARS == sum(isinstance(event, HeatmapRead) for event in recorded)


def test_the_next_run_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    end = "2026-01-01T01:00:00Z"
    first = a_request(tmp_path, end=end)
    run(first, Noting())
    request, ui = a_request(tmp_path), Noting()
    run(request, ui)
    at = [event.at for event in events(request)]
    bars = [event.candle.open_at for event in events(request) if isinstance(event, CandleClosed)]

    assert ui.opening is not None
    assert not ui.opening.is_new
    assert ui.opening.snapshot.account is not None
    assert at == sorted(at)
    assert bars == sorted(set(bars)), "no bar is played twice"


def test_a_run_that_ends_by_itself_is_no_crash_and_one_that_fails_is(tmp_path: Path) -> None:
    run(a_request(tmp_path), Noting())
    with Reader(tmp_path / "data" / "ledger.db") as reader:
        clean = reader.last_boot()
    with pytest.RaisesGroup(ZeroDivisionError, flatten_subgroups=True, allow_unwrapped=True):
        run(a_request(tmp_path), Noting(fails_at="stopped"))
    with Reader(tmp_path / "data" / "ledger.db") as reader:
        failed = reader.last_boot()

    assert clean is not None
    assert failed is not None
    assert clean.is_clean
    assert not failed.is_clean


def test_a_ledger_that_is_taken_is_not_opened_twice(tmp_path: Path) -> None:
    request = a_request(tmp_path)
    ledger = a_ledger(request.data_dir)
    with pytest.raises(LiqbotError):
        run(request, Noting())
    ledger.close()


def test_a_journal_begins_with_all_that_a_replay_needs(tmp_path: Path) -> None:
    (started,) = first_events(tmp_path)

    assert isinstance(started, Started)
    assert started.settings is not None
    assert ((INSTRUMENT,), (BTC,)) == (started.instruments, started.settings.symbols)
    assert 64 == len(started.settings_digest)


def test_what_was_missed_is_told_before_anything_new(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path)
    state = State(
        settings=CoreSettings(instance="test", symbols=(BTC,)),
        instruments={BTC: INSTRUMENT},
        snapshot=Snapshot(at=T0),
    )
    bar = Candle(
        symbol=BTC,
        open_at=T0,
        timeframe_ms=MIN5,
        open=100.0,
        high=105.0,
        low=95.0,
        close=101.0,
        volume=1.0,
    )
    known = Snapshot(at=T0, symbols=(SymbolSnapshot(symbol=BTC, last_price_at=T0, last_price=1.0),))
    histories = {BTC: Past(candles=(bar,))}
    found = app.first_events(ledger, known, histories, state, Millis(T0 + MIN5))
    ledger.close()

    assert [Started, PriceMoved] == [type(event) for event in found]
    assert found[1].is_recovery  # type: ignore[union-attr]  # a PriceMoved


def test_a_ledger_that_was_repaired_starts_in_doubt(tmp_path: Path) -> None:
    _, trouble = first_events(tmp_path, trouble="Taken from a backup.")

    assert isinstance(trouble, TroubleSeen)
    assert (HoldCause.LEDGER_REPAIRED, "Taken from a backup.") == (trouble.cause, trouble.detail)


def test_p29_a_crash_loop_starts_in_doubt(tmp_path: Path) -> None:
    for _ in range(CRASH_LOOP_STARTS):
        a_ledger(tmp_path).close()
    _, trouble = first_events(tmp_path)

    assert HoldCause.CRASH_LOOP is trouble.cause


def test_clusters_of_another_provider_are_not_carried_over() -> None:
    """Their identities mean nothing here; the market's past is the same."""
    known = Snapshot(
        at=T0,
        symbols=(SymbolSnapshot(symbol=BTC, clusters=(a_cluster(1),), last_price=89_000.0),),
        provider="http:there",
    )
    past = {BTC: Past(open_interest=((T0, 5.0),))}
    same = app.with_past(known, past, "http:there")
    other = app.with_past(known, past, "local")

    assert (a_cluster(1),) == same.symbols[0].clusters
    assert () == other.symbols[0].clusters
    assert 89_000.0 == other.symbols[0].last_price
    assert ((T0, 5.0),) == other.symbols[0].open_interest
    assert "local" == other.provider


def test_a_symbol_that_is_new_to_the_ledger_gets_its_past_and_one_that_left_is_gone() -> None:
    known = Snapshot(at=T0, symbols=(SymbolSnapshot(symbol=ETH),))
    started = app.with_past(known, {BTC: Past(open_interest=((T0, 5.0),))}, "local")

    assert [BTC] == [row.symbol for row in started.symbols]
    assert started.symbols[0].open_interest
