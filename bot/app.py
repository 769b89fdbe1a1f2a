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
from bot.life import Life, Parts
from bot.model.account import HoldCause
from bot.model.events import Event, InstrumentsChanged, Started, TroubleSeen
from bot.model.instrument import Instrument
from bot.model.primitives import Millis, Symbol
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.narrator import Narrator
from bot.ops.systemd import Notifier
from bot.outside import Outside, reach
from bot.ports import Clock, History
from bot.request import Opened, Request, Ui
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
from bot.store.opening import OpenRequest, bind_account, open_ledger
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
    gc.disable()  # A start makes a month of bars and drops them again: nothing worth looking for.
    notifier = Notifier()
    notifier.extend_start(120)
    ledger = open_ledger(_open_request(request, is_flat_out=config.is_flat_out))
    # A start that is refused has left nothing undecided: it is no crash.
    is_orderly = True
    outside = Outside()
    try:
        snapshot = ledger.load()
        require_symbols(snapshot, tuple(config.symbol_settings), where=str(request.config_path))
        outside = await reach(request, ui, ledger)
        market = make_market(config, request.config_path, request.data_dir, outside.link)
        await market.prepare(snapshot.at or None, ui.progress)
        bind_account(ledger, outside.account)
        start = Start(ledger, snapshot, market, outside)
        parts = _assemble(request, start, await _make(request, ui, start))
        parts.notifier = notifier
        ui.opened(
            Opened(
                snapshot=snapshot,
                is_new=snapshot.account is None,
                start_at=market.start_at(),
                ledger_note=ledger.trouble,
                account=outside.account,
            )
        )
        # What the start has made stays, so the collector need never stop the loop to look at it.
        gc.collect()
        gc.freeze()
        gc.enable()
        is_orderly = False
        await Life(request, ui, parts, is_flat_out=config.is_flat_out).live()
        is_orderly = True
    finally:
        gc.enable()
        try:
            await outside.close()
        finally:
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


class Start(NamedTuple):
    """What is open once the start has got so far."""

    ledger: Ledger
    snapshot: Snapshot
    market: PlayedMarket
    outside: Outside


class Made(NamedTuple):
    """What has to be there before the rest can be put together."""

    clock: Clock
    engine: "LocalEngine | None"
    histories: dict[Symbol, History]
    instruments: dict[Symbol, Instrument]


async def _make(request: Request, ui: Ui, start: Start) -> Made:
    """Make what takes long; market time begins to run only when it is done."""
    config, market, outside = request.config, start.market, start.outside
    link, instruments = outside.link, dict(market.instruments)
    if link is not None and outside.api is not None:
        from bot import going_live  # noqa: PLC0415  (ccxt only where an exchange is asked)

        ready = await going_live.set_up(link, outside.api, config, instruments)
        instruments = going_live.with_fees(instruments, ready)
    engine = make_engine(config, instruments)
    if engine is not None:
        load_engine(engine, request.data_dir)
    symbols = tuple(config.symbol_settings)
    histories = read_past(market, start.snapshot, symbols, engine, ui.progress)
    clock: Clock = (
        link.clock
        if link is not None
        else LoopClock(start_at=market.start_at(), speed=market_speed(config) or 1.0)
    )
    market.keep_time(clock)
    return Made(clock, engine, histories, instruments)


def _assemble(request: Request, start: Start, made: Made) -> Parts:
    """Make every part; nothing moves yet."""
    config, ledger, clock, engine = request.config, start.ledger, made.clock, made.engine
    is_flat_out = config.is_flat_out
    settings = config.core(instance=ledger.meta.instance)
    started = with_past(start.snapshot, made.histories, settings.provider)
    state = State(settings=settings, instruments=made.instruments, snapshot=started)
    inbox = Inbox()
    venue = make_venue(config, state, clock, ledger.paper_books, start.outside, start.market)
    hands = Hands(venue=venue, emit=inbox.put, speed=clock.speed)
    narrator = Narrator(strength_told=config.strategies.common.strength_min)
    parts = Parts(
        ledger=ledger,
        market=start.market,
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
        link=start.outside.link,
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
    for event in first_events(ledger, started, made.histories, state, clock.now()):
        inbox.put(event)
    follow_instruments(start.market, parts)
    return parts


def follow_instruments(market: PlayedMarket, parts: Parts) -> None:
    """Let the core know when an exchange changes a contract's steps; our fees stay."""
    if not hasattr(market, "on_instruments"):
        return

    def changed(rows: dict[Symbol, Instrument]) -> None:
        known = parts.state.instruments
        kept = tuple(
            replace(
                row,
                taker_fee_bps=known[row.symbol].taker_fee_bps,
                maker_fee_bps=known[row.symbol].maker_fee_bps,
                tiers=row.tiers or known[row.symbol].tiers,
            )
            for row in rows.values()
        )
        parts.inbox.put(InstrumentsChanged(at=parts.clock.now(), instruments=kept))

    market.on_instruments = changed


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
