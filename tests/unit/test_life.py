"""A run lives: doors open, READY once, progress for the watchdog, everything stopped in order."""

import asyncio
import contextlib
import os
import socket
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import ClientSession

from bot import app
from bot.clock import LoopClock, run_virtual
from bot.config import load
from bot.core.state import State
from bot.errors import StoreError
from bot.life import LINGER_S, STOP_WAIT_S, Life, Parts, see_end, socket_path
from bot.model.account import HoldCause
from bot.model.events import Event, StopAsked, TroubleSeen
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot
from bot.ops.systemd import Notifier
from bot.request import Confirmation, Opened, Request
from tests.fakes.rows import BTC, T0, a_price, a_reading
from tests.fakes.sim_process import free_port
from tests.fakes.views import INSTRUMENT


class Stage:
    """Every part in one, that notes what is done with it, in order."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.put_events: list[Event] = []
        self.turns = 0
        self.in_flight = 0
        self.is_idle = True
        self.venue_error: StoreError | None = None
        self.is_venue_seeing = True

    def parts(self, *, has_polls: bool = True) -> Parts:
        return Parts(
            ledger=self._any(),
            market=self._any(),
            clock=LoopClock(start_at=T0),
            engine=_Seeing(self, "engine"),
            state=State(
                settings=CoreSettings(instance="test", symbols=(BTC,)),
                instruments={BTC: INSTRUMENT},
                snapshot=Snapshot(at=T0),
            ),
            inbox=self._any(),
            venue=_Seeing(self, "venue"),  # type: ignore[arg-type]  # only sees the market here
            hands=self._any(),
            feed=_Seeing(self, "feed"),  # type: ignore[arg-type]  # only sees the market here
            polls=self._any() if has_polls else None,
            narrator=self._any(),
        )

    def _any(self) -> Any:
        return self

    # what the parts are asked for

    def put(self, event: Event) -> None:
        self.told.append("inbox")
        self.put_events.append(event)

    def keep(self, event: Event) -> None:
        del event
        self.told.append("kept")

    def tell(self, entries: object) -> None:
        del entries
        self.told.append("told")

    def __len__(self) -> int:
        return 0


class _Seeing:
    def __init__(self, stage: Stage, name: str) -> None:
        self._stage = stage
        self._name = name

    def on_market(self, event: Event) -> None:
        del event
        if self._name == "venue" and self._stage.venue_error is not None:
            raise self._stage.venue_error
        self._stage.told.append(self._name)


def staged(act: Any) -> Stage:
    async def main() -> Stage:
        stage = Stage()
        await act(stage)
        return stage

    return run_virtual(main())


def a_life(stage: Stage, *, is_flat_out: bool = False) -> Life:
    ui: Any = None
    request: Any = None
    parts = stage.parts()
    parts.loop = stage._any()
    return Life(request, ui, parts, is_flat_out=is_flat_out)


def test_the_venue_and_the_engine_see_the_market_before_the_core_does() -> None:
    """A decision on a price must find what that price has already filled."""

    async def act(stage: Stage) -> None:
        stage.parts().market_emits(a_price())

    assert ["venue", "engine", "inbox", "feed"] == staged(act).told


def test_a_fill_that_cannot_be_kept_ends_the_market_and_reaches_nobody() -> None:
    async def act(stage: Stage) -> None:
        stage.venue_error = StoreError("The disk reported an error.")
        with pytest.raises(StoreError):
            stage.parts().market_emits(a_price())

    assert [] == staged(act).told


def test_an_accepted_poll_is_kept_and_other_replies_are_handed_on() -> None:
    """History cannot be had later."""

    async def act(stage: Stage) -> None:
        parts = stage.parts()
        parts.feed_emits(a_reading())
        parts.feed_emits(a_price())
        stage.parts(has_polls=False).feed_emits(a_reading())

    assert ["kept", "inbox", "inbox", "inbox"] == staged(act).told


def test_what_is_recorded_is_told_before_anything_follows_from_it() -> None:
    async def act(stage: Stage) -> None:
        parts = stage.parts()
        parts.on_recorded = lambda: stage.told.append("looked")
        parts.recorded([])

    assert ["told", "looked"] == staged(act).told


def test_trouble_and_its_end_go_through_the_core() -> None:
    async def act(stage: Stage) -> None:
        parts = stage.parts()
        parts.trouble(HoldCause.STORE_TROUBLE, "the ledger was moved")
        parts.trouble(HoldCause.STORE_TROUBLE, "", is_over=True)

    assert [
        TroubleSeen(at=T0, cause=HoldCause.STORE_TROUBLE, detail="the ledger was moved"),
        TroubleSeen(at=T0, cause=HoldCause.STORE_TROUBLE, detail="", is_over=True),
    ] == staged(act).put_events


def test_a_stop_waits_for_answers_in_flight_but_not_for_ever() -> None:
    async def act(stage: Stage) -> None:
        loop, life = asyncio.get_running_loop(), a_life(stage)
        stage.in_flight = 1
        loop.call_later(3.0, setattr, stage, "in_flight", 0)
        began_s = loop.time()
        await life._drain()

        assert pytest.approx(3.0, abs=0.1) == loop.time() - began_s

        stage.is_idle = False
        began_s = loop.time()
        await life._drain()

        assert pytest.approx(STOP_WAIT_S) == loop.time() - began_s

    assert [StopAsked, StopAsked] == [type(event) for event in staged(act).put_events]


def test_the_first_reason_to_stop_is_the_one_that_is_told() -> None:
    async def act(stage: Stage) -> None:
        life = a_life(stage)
        life.stop("SIGTERM")
        life.stop("the recording has ended")

        assert "SIGTERM" == life._why

    staged(act)


def test_p6_p7_the_watchdog_is_told_of_progress_only() -> None:
    """A loop that hangs must be ended, however well the other tasks do."""

    async def act(stage: Stage) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.bind("\0liqbot-test-watchdog")
            line.setblocking(False)  # noqa: FBT003  (the library's own signature)
            life = a_life(stage)
            life._parts.notifier = Notifier(
                {"NOTIFY_SOCKET": "@liqbot-test-watchdog", "WATCHDOG_USEC": "6000000"}
            )
            asyncio.get_running_loop().call_later(7.0, setattr, stage, "turns", 5)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(20):
                    await life._pulse()
            told = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    told.append(line.recv(100))

        assert [b"WATCHDOG=1"] * 2 == told

    staged(act)


def test_the_control_socket_of_a_service_is_in_its_runtime_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    assert tmp_path / "control.sock" == socket_path(tmp_path)
    monkeypatch.setenv("RUNTIME_DIRECTORY", "/run/liqbot:/run/other")
    assert Path("/run/liqbot/control.sock") == socket_path(tmp_path)


# --- a whole life, on the embedded market and in real time


class Witness:
    """A Ui that looks at the bot from outside once it is READY."""

    def __init__(self, data_dir: Path, port: int) -> None:
        self._data_dir = data_dir
        self._port = port
        self.told: list[str] = []
        self.tasks: set[str] = set()
        self.status: Any = None
        self.heatmap: Any = None
        self._looking: list[asyncio.Task[None]] = []

    def progress(self, share: float, what: str) -> None:
        del share, what

    def confirm(self, question: Confirmation) -> bool:
        raise AssertionError(f"a run on paper asks nobody: {question.phrase}")

    def opened(self, opened: Opened) -> None:
        del opened
        self.told.append("opened")

    def ready(self, state: State) -> None:
        del state
        self.told.append("ready")
        self._looking.append(asyncio.get_running_loop().create_task(self._look()))

    def stopping(self, why: str) -> None:
        self.told.append(why)

    def stopped(self, state: State) -> None:
        del state
        self.told.append("stopped")

    async def _look(self) -> None:
        self.tasks = {task.get_name() for task in asyncio.all_tasks()}
        reader, writer = await asyncio.open_unix_connection(self._data_dir / "control.sock")
        writer.write(b'{"verb":"status"}\n')
        self.status = msgspec.json.decode(await reader.readline())
        writer.close()
        url = f"http://127.0.0.1:{self._port}/api/heatmap/BTCUSDT"
        async with ClientSession() as session, session.get(url) as reply:
            self.heatmap = await reply.json()


class Lived:
    """One life from start to end, and what it left."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        path = folder / "config.yaml"
        path.write_text(
            "symbols: [BTCUSDT]\n"
            "market: {simulated: {history_days: 1, speed: 120}}\n"
            f"heatmap: {{provider: local, serve: '127.0.0.1:{port}'}}\n",
            encoding="utf-8",
        )
        self.data_dir = folder / "data"
        self.witness = Witness(self.data_dir, port)
        request = Request(
            config=load(path), config_path=path, data_dir=self.data_dir, duration_s=1.5
        )
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.bind(str(folder / "notify"))
            line.setblocking(False)  # noqa: FBT003  (the library's own signature)
            with pytest.MonkeyPatch.context() as patch:
                patch.setitem(os.environ, "NOTIFY_SOCKET", str(folder / "notify"))
                asyncio.run(app.run(request, self.witness))
            self.notices: list[str] = []
            with contextlib.suppress(BlockingIOError):
                while True:
                    self.notices.append(line.recv(4096).decode())


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Lived:
    return Lived(tmp_path_factory.mktemp("life"))


def test_a_life_is_told_in_order_and_ready_is_said_once(lived: Lived) -> None:
    assert ["opened", "ready", "1.5 s are over", "stopped"] == lived.witness.told


def test_systemd_hears_ready_once_and_that_the_bot_stops(lived: Lived) -> None:
    firsts = [notice.partition("\n")[0].partition("=")[0] for notice in lived.notices]

    assert 1 == firsts.count("READY")
    assert firsts.index("EXTEND_TIMEOUT_USEC") < firsts.index("READY") < firsts.index("STOPPING")
    assert "WATCHDOG" in firsts


def test_while_it_lives_every_task_runs(lived: Lived) -> None:
    expected = {"hands", "loop", "market", "heatmap", "history", "pulse", "housekeeping"}

    assert expected <= lived.witness.tasks


def test_while_it_lives_its_doors_are_open_and_then_they_are_shut(lived: Lived) -> None:
    assert "TRADING" == lived.witness.status["ok"]["state"]
    assert "BTCUSDT" == lived.witness.heatmap["symbol"]
    assert lived.witness.heatmap["clusters"]
    assert not (lived.data_dir / "control.sock").exists()


def test_what_a_restart_is_faster_with_is_left_behind(lived: Lived) -> None:
    for name in ("ledger.db", "history.db", "heatmap.bin", "market.bin"):
        assert (lived.data_dir / name).stat().st_size > 0, name


def test_a_task_that_has_lost_its_cancellation_does_not_hold_up_the_stop() -> None:
    """Seen once: the process had told everybody good-bye and stood there for ever."""

    async def deaf() -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        await asyncio.Event().wait()

    async def main() -> float:
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        async with asyncio.TaskGroup() as group:
            task = group.create_task(deaf())
            await asyncio.sleep(0)
            task.cancel()
            await see_end([task])
        return loop.time() - begun_s

    assert LINGER_S == run_virtual(main())
