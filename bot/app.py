"""The composition root: the one file that knows every part, and the order of start.

Ledger (lock, checks, migration) -> load -> market -> heatmap engine -> state -> venue ->
reconcile -> READY -> entries. `bot.life` moves the parts and stops them.
"""

import gc
import hashlib
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
from msgspec.structs import replace

from bot import __version__
from bot.clock import LoopClock, wall_now
from bot.config import Config
from bot.core.state import State
from bot.engine.hands import Hands
from bot.engine.inbox import Inbox
from bot.engine.loop import Loop
from bot.engine.recovery import recovery_step
from bot.errors import ConfigError
from bot.life import Life, Opened, Parts, Request, Ui
from bot.model.account import HoldCause
from bot.model.events import Event, Started, TroubleSeen
from bot.model.primitives import Millis, Symbol
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.model.wiring import MarketSource
from bot.narrator import Narrator
from bot.ops.systemd import Notifier
from bot.ports import History
from bot.sources import (
    CANDLES_KEPT,
    PlayedMarket,
    load_engine,
    make_engine,
    make_feed,
    make_market,
    make_venue,
    market_speed,
    read_past,
)
from bot.store.files import DataFiles
from bot.store.history import History as PollHistory
from bot.store.opening import OpenRequest, bind_account, open_ledger, require_account
from bot.store.recorder import Ledger

if TYPE_CHECKING:
    from bot.heatmap.local import LocalEngine

FLAT_OUT_TICK_S = 300.0
FLAT_OUT_COMMIT_S = 7 * 86_400.0
"""Flat out, evidence waits for a full batch: market time says nothing about the disk."""


async def run(request: Request, ui: Ui) -> None:
    """Run until a signal, the end of a recording, or the end of `duration_s`.

    Raises LiqbotError with the sentence for the operator; anything else is a bug.
    """
    config = request.config
    is_flat_out = config.is_flat_out
    gc.disable()  # A start makes a month of bars and drops them again: nothing worth looking for.
    notifier = Notifier()
    notifier.extend_start(120)
    ledger = open_ledger(_open_request(request, is_flat_out=is_flat_out))
    # A start that is refused has left nothing undecided: it is no crash.
    is_orderly = True
    try:
        require_account(ledger, paper_account(config))
        market = make_market(config, request.config_path, request.data_dir)
        snapshot = ledger.load()
        require_symbols(snapshot, tuple(config.symbol_settings), where=str(request.config_path))
        await market.prepare(snapshot.at or None, ui.progress)
        bind_account(ledger, paper_account(config))
        engine = make_engine(config, market.instruments)
        if engine is not None:
            load_engine(engine, request.data_dir)
        histories = read_past(market, snapshot, tuple(config.symbol_settings), engine, ui.progress)
        # Market time begins to run only now: all that takes long is done.
        clock = LoopClock(start_at=market.start_at(), speed=market_speed(config) or 1.0)
        market.keep_time(clock)
        parts = _assemble(request, Made(ledger, market, clock, engine, histories), snapshot)
        parts.notifier = notifier
        ui.opened(
            Opened(
                snapshot=snapshot,
                is_new=snapshot.account is None,
                start_at=market.start_at(),
                ledger_note=ledger.trouble,
            )
        )
        # What the start has made stays, so the collector need never stop the loop to look at it.
        gc.collect()
        gc.freeze()
        gc.enable()
        is_orderly = False
        await Life(request, ui, parts, is_flat_out=is_flat_out).live()
        is_orderly = True
    finally:
        gc.enable()
        ledger.close(wall=wall_now() if is_orderly else None)


def require_symbols(snapshot: Snapshot, symbols: Sequence[Symbol], *, where: str) -> None:
    """See that every open position and every order that is not over can be looked after.

    Raises:
        ConfigError: one is on a symbol that the configuration no longer names.

    """
    held = {bracket.symbol for bracket in snapshot.brackets}
    held |= {row.request.symbol for row in snapshot.orders if not row.is_final}
    left = ", ".join(sorted(held - set(symbols)))
    if left:
        raise ConfigError(
            f"The ledger has an open trade on {left}, and symbols no longer names it.",
            where=where,
            remedy="Put it back and start; take it out after its trade has ended: see `positions`, "
            "or close it at once with `liqbot flatten`.",
        )


def instance_of(config: Config) -> str:
    """What a new ledger's ids derive from: chance, and for a recording played flat out its config.

    Two such runs then agree in every id, so that they can be compared byte for byte.
    """
    if not config.is_flat_out:
        return secrets.token_hex(8)
    told = msgspec.json.encode([config.core(instance=""), config.market], order="deterministic")
    return hashlib.blake2b(told, digest_size=8).hexdigest()


def _open_request(request: Request, *, is_flat_out: bool) -> OpenRequest:
    return OpenRequest(
        files=DataFiles(folder=request.data_dir),
        mode=request.config.mode,
        instance=instance_of(request.config),
        wall=wall_now(),
        pid=os.getpid(),
        host=socket.gethostname(),
        version=__version__,
        is_synced=not is_flat_out,
        backups_kept=request.config.store.backups_kept,
    )


def paper_account(config: Config) -> str:
    """Which market a paper account lives on: money made on one means nothing on another."""
    market = config.market
    if market.source is MarketSource.SIMULATED:
        return f"the embedded market with seed {market.simulated.seed}"
    return f"the {market.source} market"


class Made(NamedTuple):
    """What has to be there before the rest can be put together."""

    ledger: Ledger
    market: PlayedMarket
    clock: LoopClock
    engine: "LocalEngine | None"
    histories: dict[Symbol, History]


def _assemble(request: Request, made: Made, snapshot: Snapshot) -> Parts:
    """Make every part; nothing moves yet."""
    config = request.config
    ledger, market, clock, engine, histories = made
    is_flat_out = config.is_flat_out
    settings = config.core(instance=ledger.meta.instance)
    started = with_past(snapshot, histories, settings.provider)
    state = State(settings=settings, instruments=market.instruments, snapshot=started)
    inbox = Inbox()
    venue = make_venue(config, market.instruments, clock, ledger.paper_books)
    hands = Hands(venue=venue, emit=inbox.put)
    narrator = Narrator(strength_told=config.strategies.common.strength_min)
    parts = Parts(
        ledger=ledger,
        market=market,
        clock=clock,
        engine=engine,
        state=state,
        inbox=inbox,
        venue=venue,
        hands=hands,
        feed=make_feed(config, clock, engine, is_flat_out=is_flat_out),
        polls=None
        if is_flat_out or not config.heatmap.record
        else PollHistory(ledger.files.history, days=config.heatmap.record_days),
        narrator=narrator,
    )
    parts.loop = Loop(
        state=state,
        inbox=inbox,
        store=ledger,
        hands=hands,
        clock=clock,
        observer=parts.recorded,
        commit_delay_s=FLAT_OUT_COMMIT_S if is_flat_out else 0.2,
        tick_s=FLAT_OUT_TICK_S if is_flat_out else 1.0,
    )
    for event in first_events(ledger, started, histories, state, clock.now()):
        inbox.put(event)
    return parts


def first_events(
    ledger: Ledger,
    started: Snapshot,
    histories: Mapping[Symbol, History],
    state: State,
    at: Millis,
) -> list[Event]:
    """The beginning of the journal: what was loaded, what was missed, what is wrong."""
    encoded = msgspec.json.encode(state.settings, order="deterministic")
    events: list[Event] = [
        Started(
            at=at,
            snapshot=started,
            settings_digest=hashlib.sha256(encoded).hexdigest(),
            settings=state.settings,
            instruments=tuple(state.instruments.values()),
        )
    ]
    for known in started.symbols:
        if known.symbol in histories:
            missed = recovery_step(known.symbol, known, histories[known.symbol], at)
            events += [missed] if missed is not None else []
    if ledger.boot.is_crash_loop:
        what = "the bot ended without a stop 3 times within 10 minutes"
        events.append(TroubleSeen(at=at, cause=HoldCause.CRASH_LOOP, detail=what))
    if ledger.trouble:
        what = ledger.trouble
        events.append(TroubleSeen(at=at, cause=HoldCause.LEDGER_REPAIRED, detail=what))
    return events


def with_past(snapshot: Snapshot, histories: Mapping[Symbol, History], provider: str) -> Snapshot:
    """The snapshot with the market's past in it, so that a replay needs nothing else.

    Clusters of another provider are not carried over: their identities mean nothing here.
    """
    known = {row.symbol: row for row in snapshot.symbols}
    is_same = snapshot.provider in {"", provider}
    rows = []
    for symbol, history in histories.items():
        row = known.get(symbol, SymbolSnapshot(symbol=symbol))
        rows.append(
            replace(
                row,
                clusters=row.clusters if is_same else (),
                candles=tuple(history.candles[-CANDLES_KEPT:]),
                funding=history.funding,
                open_interest=tuple(history.open_interest),
            )
        )
    return replace(snapshot, symbols=tuple(rows), provider=provider)
