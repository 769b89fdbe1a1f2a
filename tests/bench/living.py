"""A live bot in a process of its own, shown on all symbols what it cannot but enter on.

    python -m tests.bench.living CONFIG DATA_DIR EMULATOR

runs the bot's own parts against an emulated exchange, with a feed that shows what it is told to.
Thirty entries one after the other, thirty at once, then a while in which nothing happens; what was
seen is printed as one JSON document. EMULATOR is where the control routes answer.
"""

import asyncio
import json
import sys
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bot import app, logs
from bot.clock import monotonic_s, wall_now
from bot.config import Config, load
from bot.core.state import State
from bot.engine.loop import Entries
from bot.life import Life, Parts
from bot.link import Link
from bot.model.bracket import BracketStatus
from bot.model.events import AccountRead, FlattenAsked, HeatmapRead, ResumeAsked
from bot.model.heatmap import Reading, Row
from bot.model.primitives import Millis, PositionSide, Symbol
from bot.outside import reach
from bot.ports import Emit
from bot.request import Confirmation, Opened, Request
from bot.sources import make_market
from bot.store.opening import bind_account, open_ledger
from bot.venue.requests import binanceusdm as requests
from tests.fakes.emu_process import TOKEN

SHOWN_S = 1.0
"""Between two readings of all symbols while nothing is wanted."""
BETWEEN_S = 0.4
"""From one single entry to the next."""
STEADY_S = 60.0
WAIT_S = 60.0
PROBED_S = 3.0
"""From the first account on, until it is proved everywhere that stops are taken."""
CALLS = 50
BEHIND = 0.005
"""A weak long cluster so far below: the stop lies beyond it."""
AHEAD = (0.014, 0.018)
"""A strong short cluster so far above, in the first round and in the second."""


class Round(msgspec.Struct, kw_only=True):
    """Entries, as the emulator's own books have them; milliseconds."""

    stopped_ms: list[float]
    """From each first fill until the books had a stop of the same symbol."""
    whole_ms: float
    """From the first fill of all until the last stop."""
    signal_ms: float
    """From the first order's intent until the last stop."""


class Seen(msgspec.Struct, kw_only=True):
    """All that one run has shown."""

    singles: Round
    burst: Round
    reading_ms: list[float]
    """Each reading of the account while 30 positions rested."""
    readings: int
    account_calls: dict[str, int]
    """By route, all readings of that time together."""
    other_calls: dict[str, int]
    steady_s: float
    used: dict[str, float]
    """The share of each of the exchange's budgets at the end of that time."""
    call_ms: list[float]
    """One signed question through the gateway."""
    resident_mb: float


class Shown:
    """A Feed that shows weak levels, and a strong one where it is told to."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._emit: Emit = lambda _: None
        self.strong: dict[Symbol, float] = {}
        """How far above the price, as a share of it."""
        self._anchors: dict[Symbol, float] = {}
        self._count = 0

    async def run(self, emit: Emit) -> None:
        self._emit = emit
        while True:
            self.show(list(self._parts.state.symbols))
            await asyncio.sleep(SHOWN_S)

    def show(self, symbols: Sequence[Symbol]) -> None:
        """Show these symbols now, all in one turn of the loop."""
        at = self._parts.clock.now()
        for symbol in symbols:
            price = self._parts.state.symbols[symbol].price
            if price is None:
                continue
            anchor = self._anchors.setdefault(symbol, price.mark)
            rows = [_row(PositionSide.LONG, anchor * (1 - BEHIND), 4e5, 0.35)]
            if symbol in self.strong:
                ahead = anchor * (1 + self.strong[symbol])
                rows.append(_row(PositionSide.SHORT, ahead, 9e6, 0.95))
            self._count += 1
            reading = Reading(
                symbol=symbol, price=price.mark, rows=tuple(rows), content_key=str(self._count)
            )
            self._emit(HeatmapRead(at=at, reading=reading, asked_at=at, sequence=at))


def _row(side: PositionSide, level: float, usd: float, strength: float) -> Row:
    return Row(level=level, side=side, notional_usd=usd, strength=strength, low=level, high=level)


class Books:
    """The emulator's own books, read over its control routes."""

    def __init__(self, address: str) -> None:
        self._address = address

    async def round_since(self, since: Millis, signaled_at: Millis) -> Round:
        """The entries that filled since then, and their stops."""
        state = await asyncio.to_thread(self._state)
        filled: dict[str, int] = {}
        for trade in state["trades"]:
            if trade["at"] >= since and trade["side"] == "buy":
                filled.setdefault(trade["symbol"], trade["at"])
        stopped: dict[str, int] = {}
        for order in state["orders"]:
            if order["asked"]["kind"] == "stop_market":
                stopped.setdefault(order["asked"]["symbol"], order["created_at"])
        assert filled, "nothing has filled"
        assert filled.keys() <= stopped.keys(), "a position has no stop"
        last = max(stopped[symbol] for symbol in filled)
        return Round(
            stopped_ms=[float(stopped[symbol] - at) for symbol, at in filled.items()],
            whole_ms=float(last - min(filled.values())),
            signal_ms=float(last - signaled_at),
        )

    def _state(self) -> Any:
        request = urllib.request.Request(
            f"http://{self._address}/_emulator/state", headers={"X-Emulator-Token": TOKEN}
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.load(reply)


class Watched:
    """The Ui of a run that is watched: it says yes, and plays from READY on."""

    def __init__(self) -> None:
        self.is_ready = asyncio.Event()

    def progress(self, share: float, what: str) -> None:
        del share, what

    def confirm(self, question: Confirmation) -> bool:
        del question
        return True

    def opened(self, opened: Opened) -> None:
        del opened

    def ready(self, state: State) -> None:
        del state
        self.is_ready.set()

    def stopping(self, why: str) -> None:
        del why

    def stopped(self, state: State) -> None:
        del state


class Play:
    """What happens from READY on, and what is measured of it."""

    def __init__(self, parts: Parts, link: Link, shown: Shown, books: Books) -> None:
        self._parts = parts
        self._state = parts.state
        self._link = link
        self._shown = shown
        self._books = books
        self._symbols = list(parts.state.symbols)
        self._readings: list[float] = []
        before = parts.loop._observer

        def recorded(entries: Entries) -> None:
            before(entries)
            self._readings += [
                float(event.at - event.snapshot.at)
                for event, _ in entries
                if isinstance(event, AccountRead)
            ]

        parts.loop._observer = recorded

    async def run(self) -> Seen:
        await self._until(self._is_proved, "stops are proved everywhere")
        await asyncio.sleep(PROBED_S)
        singles = await self._round(AHEAD[0], BETWEEN_S)
        await self._flatten()
        burst = await self._round(AHEAD[1], 0.0)
        # What has just filled is read some times more; then nothing happens.
        await asyncio.sleep(45.0)
        self._readings.clear()
        calls, began_s = self._link.client.calls.copy(), monotonic_s()
        await asyncio.sleep(STEADY_S)
        took_s = monotonic_s() - began_s
        reading_ms, used = list(self._readings), self._link.limiter.used()
        made = self._link.client.calls - calls
        account = {name: n for name, n in made.items() if "Private" in name and "Get" in name}
        return Seen(
            singles=singles,
            burst=burst,
            reading_ms=reading_ms,
            readings=len(reading_ms),
            account_calls=account,
            other_calls={name: n for name, n in made.items() if name not in account},
            steady_s=took_s,
            used=used,
            call_ms=[await self._ask() for _ in range(CALLS)],
            resident_mb=resident_mb(),
        )

    async def _round(self, ahead: float, between_s: float) -> Round:
        since = self._parts.clock.now()
        for symbol in self._symbols:
            self._shown.strong[symbol] = ahead
            if between_s:
                self._shown.show([symbol])
                await asyncio.sleep(between_s)
        if not between_s:
            self._shown.show(self._symbols)
        if not await self._comes(self._is_protected):
            sys.stderr.write(f"not all have entered: {self._why()}\n")
        signaled_at = min(row.opened_at for row in self._state.brackets.values())
        return await self._books.round_since(since, signaled_at)

    async def _flatten(self) -> None:
        self._shown.strong.clear()
        self._parts.inbox.put(FlattenAsked(at=self._parts.clock.now(), reason="the next round"))
        await self._until(lambda: not self._state.brackets, "all are out")
        self._parts.inbox.put(ResumeAsked(at=self._parts.clock.now()))
        await asyncio.sleep(2 * SHOWN_S)

    async def _ask(self) -> float:
        began_s = monotonic_s()
        await self._link.client.call(requests.POSITIONS, {})
        return (monotonic_s() - began_s) * 1e3

    def _is_proved(self) -> bool:
        probe = self._parts.venue._probe  # type: ignore[attr-defined]  # the live venue's
        return all(probe.is_proved(symbol) for symbol in self._symbols)

    def _is_protected(self) -> bool:
        rows = list(self._state.brackets.values())
        return len(rows) == len(self._symbols) and all(
            row.status is BracketStatus.OPEN and row.stop_confirmed_at is not None for row in rows
        )

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        assert await self._comes(is_so), f"never came: {what}; {self._why()}"

    async def _comes(self, is_so: Callable[[], bool]) -> bool:
        try:
            async with asyncio.timeout(WAIT_S):
                while not is_so():  # noqa: ASYNC110  (many conditions, no common event)
                    await asyncio.sleep(0.05)
        except TimeoutError:
            return False
        return True

    def _why(self) -> str:
        state = self._state
        statuses = Counter(str(row.status) for row in state.brackets.values())
        return f"{dict(statuses)}, {state.operation}, denied by {set(state.desk.denied.values())}"


def resident_mb() -> float:
    """Of this process, now."""
    rows = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return int(next(row for row in rows if row.startswith("VmRSS")).split()[1]) / 1024


async def _live(request: Request, books: Books) -> Seen:
    """As `app.run`, with a feed of our own."""
    ui, config = Watched(), request.config
    ledger = open_ledger(app._open_request(request, is_flat_out=False))
    snapshot = ledger.load()
    outside = await reach(request, ui, ledger)
    assert outside.link is not None, "a live run has a line"
    try:
        market = make_market(config, request.config_path, request.data_dir, outside.link)
        await market.prepare(None, ui.progress)
        bind_account(ledger, outside.account)
        start = app.Start(ledger, snapshot, market, outside)
        parts = app._assemble(request, start, await app._make(request, ui, start))
        shown = parts.feed = Shown(parts)
        life = Life(request, ui, parts, is_flat_out=False)
        async with asyncio.TaskGroup() as group:
            living = group.create_task(life.live())
            await ui.is_ready.wait()
            seen = await Play(parts, outside.link, shown, books).run()
            life.stop("measured")
            await living
    finally:
        await outside.close()
        ledger.close(wall=wall_now())
    return seen


def main(words: list[str]) -> None:
    logs.set_up(level="error", story=None)
    config_path = Path(words[0])
    config: Config = load(config_path)
    request = Request(config=config, config_path=config_path, data_dir=Path(words[1]))
    seen = asyncio.run(_live(request, Books(words[2])))
    sys.stdout.write(msgspec.json.encode(seen).decode() + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
