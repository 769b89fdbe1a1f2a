"""What a start refuses, and what a refused start leaves behind."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bot import app
from bot.clock import VirtualLoop
from bot.config import Config, load
from bot.errors import ConfigError, DataDirError, LiqbotError
from bot.model.order import OrderStatus
from bot.model.primitives import Symbol
from bot.model.snapshot import Snapshot
from bot.outside import paper_account
from bot.request import Request
from bot.store.boots import CRASH_LOOP_STARTS
from bot.store.opening import bind_account
from tests.fakes.rows import BTC, ETH, T0, a_bracket, a_ledger, an_order

SNAPSHOTS = {
    "a position": Snapshot(at=T0, brackets=(a_bracket(),)),
    "an order": Snapshot(at=T0, orders=(an_order(),)),
}


class Silent:
    """A Ui that says nothing."""

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


@pytest.mark.parametrize("held", SNAPSHOTS)
def test_an_open_trade_on_a_symbol_that_is_not_configured_is_refused(held: str) -> None:
    """Nobody would watch its price, and its stop could not be put back."""
    with pytest.raises(ConfigError, match="BTC/USDT:USDT") as caught:
        app.require_symbols(SNAPSHOTS[held], (ETH,), where="config.yaml")

    assert "Put it back" in caught.value.remedy


@pytest.mark.parametrize("symbols", [(BTC,), (ETH, BTC)])
def test_a_trade_on_a_symbol_that_is_configured_goes_on(symbols: tuple[Symbol, ...]) -> None:
    for snapshot in SNAPSHOTS.values():
        app.require_symbols(snapshot, symbols, where="config.yaml")


def test_an_order_that_is_over_asks_for_nothing() -> None:
    over = Snapshot(at=T0, orders=(an_order(status=OrderStatus.FILLED),))

    app.require_symbols(over, (ETH,), where="config.yaml")


def test_two_ledgers_of_one_recording_have_the_same_ids_and_others_never(tmp_path: Path) -> None:
    """Two flat-out runs are compared byte for byte; elsewhere ids must never meet."""
    texts = {
        "flat": "market: {source: recorded, recorded: {folder: x}}",
        "later": "market: {source: recorded, recorded: {folder: x, start: 2026-01-02}}",
        "paced": "market: {source: recorded, recorded: {folder: x, speed: 60.0}}",
    }
    made: dict[str, tuple[str, str]] = {}
    for name, text in texts.items():
        path = tmp_path / f"{name}.yaml"
        path.write_text(f"{text}\nheatmap: {{provider: local}}\n", encoding="utf-8")
        config = load(path)
        made[name] = (app.instance_of(config), app.instance_of(config))

    assert made["flat"][0] == made["flat"][1]
    assert made["flat"] != made["later"]
    assert made["paced"][0] != made["paced"][1]


class Listening(Silent):
    """A Ui that keeps what is said of progress."""

    def __init__(self) -> None:
        self.shares: list[float] = []

    def progress(self, share: float, what: str) -> None:
        if what == "playing the recording":
            self.shares.append(share)


def test_a_recording_played_flat_out_says_how_far_it_is(tmp_path: Path) -> None:
    candles = "".join(f"{T0 + n * 300_000},100,101,99,{100 + n % 2},5\n" for n in range(12 * 8))
    (tmp_path / "BTCUSDT.csv").write_text(f"t,o,h,l,c,v\n{candles}", encoding="utf-8")
    path = tmp_path / "config.yaml"
    recorded = (
        "{folder: ., candles: '{symbol}.csv', open_interest: '', funding: '', tiers: '', "
        "warm_up_days: 0}"
    )
    path.write_text(
        f"symbols: [BTCUSDT]\nheatmap: {{provider: local}}\n"
        f"market: {{source: recorded, recorded: {recorded}}}\n",
        encoding="utf-8",
    )
    ui = Listening()
    request = Request(config=load(path), config_path=path, data_dir=tmp_path / "data")
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(app.run(request, ui))

    assert len(ui.shares) > 2
    assert ui.shares == sorted(ui.shares)
    assert 0.0 < ui.shares[0] < ui.shares[-1] <= 1.0


def test_p29_starts_that_are_refused_are_no_crashes(tmp_path: Path) -> None:
    """Whoever mends a mistake at the third try must not find the bot in PROTECT."""
    path = tmp_path / "config.yaml"
    path.write_text("market: {source: recorded, recorded: {folder: nowhere}}\n", encoding="utf-8")
    data = tmp_path / "data"
    request = Request(config=load(path), config_path=path, data_dir=data)
    for _ in range(CRASH_LOOP_STARTS):
        with pytest.raises(LiqbotError):
            asyncio.run(app.run(request, Silent()))
    ledger = a_ledger(data)
    crashes = ledger.boot.crashes
    ledger.close()

    assert 0 == crashes


def test_a_ledger_of_one_market_is_refused_on_another(tmp_path: Path) -> None:
    """Money made on one market means nothing on another."""
    data = tmp_path / "data"
    ledger = a_ledger(data)
    bind_account(ledger, paper_account(Config()))
    ledger.close()
    path = tmp_path / "config.yaml"
    path.write_text("market: {simulated: {seed: 5}}\n", encoding="utf-8")
    request = Request(config=load(path), config_path=path, data_dir=data)
    with pytest.raises(DataDirError) as caught:
        asyncio.run(app.run(request, Silent()))

    assert "belongs to the embedded market with seed 24" in caught.value.what
    assert "this run is for the embedded market with seed 5" in caught.value.what
    assert "--data-dir" in caught.value.remedy
