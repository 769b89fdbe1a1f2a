"""SIGHUP: a sound file is taken over, one with a mistake changes nothing. C12."""

import asyncio
from pathlib import Path
from typing import Any

import structlog

from bot.clock import LoopClock, run_virtual
from bot.config import load
from bot.core.state import State
from bot.engine.inbox import Inbox
from bot.life import Life
from bot.model.events import Event, SettingsChanged
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.request import Request
from tests.fakes.rows import T0
from tests.fakes.views import BTC, INSTRUMENT


class FewParts:
    """The parts of a run that a reload touches."""

    def __init__(self, settings: CoreSettings) -> None:
        self.state = State(
            settings=settings, instruments={BTC: INSTRUMENT}, snapshot=Snapshot(at=T0)
        )
        self.inbox = Inbox()
        self.clock = LoopClock(start_at=Millis(T0))


def reloaded(tmp_path: Path, text: str) -> tuple[list[Event], list[Any], CoreSettings]:
    """What a reload with `text` in the file puts into the inbox, and what it tells."""
    path = tmp_path / "config.yaml"
    path.write_text("symbols: [BTCUSDT]\n", encoding="utf-8")
    config = load(path)

    async def main() -> tuple[list[Event], CoreSettings]:
        parts: Any = FewParts(config.core(instance="mine"))
        ui: Any = None
        request = Request(config=config, config_path=path, data_dir=tmp_path)
        life = Life(request, ui, parts, is_flat_out=False)
        path.write_text(text, encoding="utf-8")
        life._reload()
        await asyncio.sleep(0)
        events = list(await parts.inbox.take(10)) if len(parts.inbox) else []
        return events, parts.state.settings

    with structlog.testing.capture_logs() as told:
        events, settings = run_virtual(main())
    return events, list(told), settings


def test_mode_and_exchange_stay_until_a_restart(tmp_path: Path) -> None:
    """The line is open, and a person has confirmed this account and no other."""
    text = (
        "mode: live\nsymbols: [BTCUSDT]\nmarket: {source: exchange}\n"
        "exchange: {id: bybit, leverage: 20}\n"
    )

    (event,), told, before = reloaded(tmp_path, text)

    assert isinstance(event, SettingsChanged)
    assert before == event.settings
    assert "paper" == event.settings.mode
    assert "other sections need a restart" in told[0]["text"]


def test_c12_a_sound_file_is_taken_over(tmp_path: Path) -> None:
    text = "symbols: [BTCUSDT, ETHUSDT]\nrisk: {risk_pct: 0.25}\nheatmap: {period_s: 9}\n"

    events, told, _ = reloaded(tmp_path, text)
    (event,) = events

    assert isinstance(event, SettingsChanged)
    assert 0.25 == event.settings.risk.risk_pct
    assert ("mine", (BTC,), 5.0) == (
        event.settings.instance,
        event.settings.symbols,
        event.settings.poll_period_s,
    )
    assert ["config.loaded"] == [line["event"] for line in told]


def test_c12_a_file_with_a_mistake_changes_nothing_and_is_told(tmp_path: Path) -> None:
    events, told, settings = reloaded(tmp_path, "risk: {risk_pct: 200}\n")

    assert [] == events
    assert 0.5 == settings.risk.risk_pct
    assert ["config.refused"] == [line["event"] for line in told]
    assert "risk.risk_pct is 200" in told[0]["text"]


def test_c12_a_file_that_is_gone_changes_nothing(tmp_path: Path) -> None:
    events, told, _ = reloaded(tmp_path, "nonsense: [\n")

    assert [] == events
    assert "the old configuration stays" in told[0]["text"]
