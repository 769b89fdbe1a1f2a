"""The whole bot on an emulated exchange, with faults that are aimed at single requests.

Nothing is left to chance: a fault names the requests it is for and says whether the exchange acts
on them and what comes back. Everything else is as in `live_world`.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from bot.gateway.http import HttpReply, HttpRequest
from bot.model.events import Event
from bot.model.heatmap import Reading
from bot.model.order import Leg, OrderRequest
from bot.model.primitives import Millis, PositionSide, Side
from bot.model.settings import CoreSettings
from bot.sim.emulator.state import Origin
from tests.fakes.live_line import LATE, LOST
from tests.fakes.live_world import EmulatedWorld
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import SETTINGS, Life, Plan
from tests.fakes.sim_checks import Checks, is_settled
from tests.fakes.sim_market import BASE, LEVEL, T0, Path, Script, a_reading, a_row
from tests.fakes.sim_runs import Story, settled_after
from tests.fakes.sim_venue import Line as BadLine

Act = Callable[[Millis], object]
"""What is done at an instant; an Event that comes of it is handed to the bot."""
FLAT: Final[Path] = ((0.0, BASE),)
NOTICED_S: Final = 13.0
"""Without a stream what others did is found by the next reading of the account."""
SETTLES_WITHIN_S: Final = 90.0
_PLACES: Final = ("/fapi/v1/order", "/fapi/v1/algoOrder", "/v5/order/create")
_QUERIES: Final = ("/fapi/v1/order", "/fapi/v1/algoOrder", "/v5/order/realtime")
POSITIONS: Final = {"binanceusdm": "positionRisk", "bybit": "position/list"}
TRADES: Final = {"binanceusdm": "userTrades", "bybit": "execution/list"}


class Heard(NamedTuple):
    """A request as it arrived."""

    at: Millis
    verb: str
    """place | cancel | query; empty for all others."""
    leg: str
    """Of the order that it is about; empty where it is about none of ours."""
    path: str
    request: HttpRequest


class Fault(msgspec.Struct, kw_only=True):
    """What happens to the requests it is meant for."""

    is_meant: Callable[[Heard], bool]
    times: float
    since: float
    until: float
    is_done: bool
    before: Callable[[Millis], None]
    """The world moves on in the moment in which the request arrives."""
    reply: Callable[[HttpReply], HttpReply]
    """From the exchange's reply to what comes back."""


class Stage:
    """One exchange, what goes wrong on it, and a bot that lives on it."""

    def __init__(
        self, exchange: str = "binanceusdm", *, path: Path = FLAT, settings: CoreSettings = SETTINGS
    ) -> None:
        self.exchange = exchange
        self.path = path
        self.settings = settings
        self.script: Script | None = None
        self.line = BadLine()
        self.world = EmulatedWorld(exchange)
        self.core = self.world.core
        self.heard: list[Heard] = []
        """Every request that arrived."""
        self.ahead_ms: Callable[[], int] | None = None
        """How far the exchange's clock is ahead of the loop's; None: the bot's clock is right."""
        self.tasks: list[Callable[[Life], Coroutine[None, None, None]]] = []
        """What runs beside the bot."""
        self._faults: list[Fault] = []
        self._acts: list[tuple[float, Callable[[], Event | None]]] = []
        self.world.wire.handle = self.handle

    # --- what goes wrong

    def fails(
        self,
        verb: str = "",
        leg: str = "",
        *,
        path: str = "",
        times: float = 1,
        since_s: float = 0.0,
        until_s: float = float("inf"),
        is_done: bool = False,
        before: Callable[[Millis], None] = lambda _: None,
        reply: Callable[[HttpReply], HttpReply] = lambda reply: reply,
    ) -> None:
        """Let requests go wrong; empty words match any. Probes are no order of ours.

        `is_done`: the exchange acts on it; else `reply` is given an empty success to change.
        """

        def is_meant(heard: Heard) -> bool:
            return (
                (not verb or heard.verb == verb)
                and (not leg or heard.leg == leg)
                and (not path or path in heard.path)
            )

        self._faults.append(
            Fault(
                is_meant=is_meant,
                times=times,
                since=T0 + since_s * 1000,
                until=T0 + until_s * 1000,
                is_done=is_done,
                before=before,
                reply=reply,
            )
        )

    def at(self, second: float, act: Act) -> None:
        """At a second of the script something is done, or an event comes."""
        moment = Millis(T0 + int(second * 1000))

        def done() -> Event | None:
            found = act(moment)
            return found if isinstance(found, msgspec.Struct) else None  # type: ignore[return-value]

        self._acts.append((second, done))

    def by_hand(
        self, second: float, qty: str | Decimal | None = None, *, origin: Origin = Origin.MANUAL
    ) -> None:
        """Somebody sells at a second: so much, or all that is held; a negative quantity buys."""

        def act(at: Millis) -> None:
            signed = self.world.position() if qty is None else Decimal(qty)
            side = Side.SELL if signed > 0 else Side.BUY
            if signed:
                self.core.trade_by_hand(BTC, side, abs(signed), at, origin=origin)

        self.at(second, act)

    def cancel_stops(self, at: Millis) -> None:
        """Somebody cancels every stop by hand."""
        for row in self.core.desk.book.working(BTC, conditional=True):
            self.core.cancel(row, at)

    def moves(self, mark: float) -> Callable[[Millis], None]:
        """The market jumps in this very moment, and goes on from there."""

        def act(at: Millis) -> None:
            self.path = ((0.0, mark),)
            assert self.script is not None
            self.script.path = self.path
            self.core.on_market(self.script.price(at, at))

        return act

    # --- the play

    def plan(self, **fields: Any) -> Plan:
        """What a life on this stage is made of."""
        script = self.script or Script(path=self.path)
        script.acts = sorted(self._acts, key=lambda row: row[0])
        self.script = script
        return Plan(
            script=script,
            outside=self.world,
            settings=self.settings,
            line=self.line,
            tasks=tuple(self.tasks),
            **fields,
        )

    def plays(self, to_s: float, *, checks: Checks | None = None, **fields: Any) -> Story:
        """Live until this second and on until all has come to rest: books, orders, position."""
        story = self.lives(
            to_s + SETTLES_WITHIN_S, until=settled_after(to_s), checks=checks, **fields
        )
        assert story.life.is_done, unsettled(story.life)
        return story

    def lives(self, seconds: float, **story: Any) -> Story:
        """Live so long, or `until` something holds, whatever may still be under way then."""
        return Story(self.plan(), seconds=seconds, **story)

    # --- what a test looks at

    def asked(self, verb: str, leg: Leg | str = "") -> list[Heard]:
        """Requests of a kind that arrived."""
        return [row for row in self.heard if row.verb == verb and (not leg or row.leg == leg)]

    def sent(self, leg: Leg) -> list[OrderRequest]:
        """Orders of a leg that left; one that was sent twice is there twice."""
        return [row for row in self.world.sent if row.leg is leg]

    def names(self, leg: Leg) -> set[str]:
        """Ids under which orders of a leg left."""
        return {row.client_id for row in self.sent(leg)}

    def must_be_one_trade(self) -> None:
        """One entry left, what it bought is held, and one stop that we sent covers all of it."""
        held = self.world.position()
        stops = [row for row in self.world.resting() if row.order.is_conditional]

        assert 1 == len(self.names(Leg.ENTRY))
        assert held > 0
        assert [held] == [row.order.asked.qty for row in stops]

    # --- inside

    def handle(self, request: HttpRequest, at: Millis) -> HttpReply:
        """Answer as the exchange does, but for what is to go wrong."""
        heard = self._hear(request, at)
        self.heard.append(heard)
        shown_at = at
        if self.ahead_ms is not None:
            shown_at = Millis(T0 + loop_ms() + self.ahead_ms())
        for fault in self._faults:
            if fault.times > 0 and fault.since <= at < fault.until and fault.is_meant(heard):
                fault.times -= 1
                fault.before(at)
                empty = HttpReply(status=200, body=b"{}")
                right = self.world.dialect.handle(request, shown_at) if fault.is_done else empty
                return fault.reply(right)
        return self.world.dialect.handle(request, shown_at)

    def _hear(self, request: HttpRequest, at: Millis) -> Heard:
        parts = urlsplit(request.url)
        text = parts.query + request.body
        leg = next((row.leg.value for row in self.world.sent if row.client_id in text), "")
        verb = ""
        if request.method == "DELETE" or parts.path == "/v5/order/cancel":
            verb = "cancel"
        elif request.method == "POST" and parts.path in _PLACES:
            verb = "place"
        elif request.method == "GET" and parts.path in _QUERIES and leg:
            verb = "query"
        return Heard(at, verb, leg, parts.path, request)


REST_S: Final = 61.0
"""When the entry of `resting_stage` has been placed: its cluster is a minute old."""
REST_PRICE: Final = 99_729.9
"""Where that entry rests, or a tick from it; nothing else is near."""


def resting_stage(exchange: str = "binanceusdm", *, path: Path = FLAT) -> Stage:
    """A stage on which the entry is a post-only bid before a cluster below the price."""
    strategies = SETTINGS.strategies
    strategies = replace(
        strategies,
        hunt=replace(strategies.hunt, enabled=False),
        levels=replace(strategies.levels, mode="pre_touch"),
    )

    def reading(_: float, mark: float) -> Reading:
        rows = (
            a_row(PositionSide.SHORT, LEVEL, 9e6, 0.9, mark),
            a_row(PositionSide.LONG, 99_700.0, 9e6, 0.9, mark),
        )
        return a_reading(mark, rows)

    stage = Stage(exchange, path=path, settings=replace(SETTINGS, strategies=strategies))
    stage.script = Script(path=path, reading=reading)
    return stage


def loop_ms() -> int:
    """Since the life began, by the loop's own time; what is asked for outside of it is at 0."""
    return round(asyncio.get_running_loop().time() * 1000)


def unsettled(life: Life) -> str:
    """What a life that did not come to rest was waiting for."""
    state = life.state
    live = [state.orders[name] for name in state.desk.live()]
    return f"{is_settled(life)=} {live=} {state.brackets=} {state.desk.doubts=} {state.operation=}"


# --- replies


def lost(_: HttpReply) -> HttpReply:
    """Nothing comes back."""
    return LOST


def late(seconds: float) -> Callable[[HttpReply], HttpReply]:
    """It comes back so late."""

    def reply(right: HttpReply) -> HttpReply:
        return replace(right, headers={**right.headers, LATE: str(seconds)})

    return reply


def says(
    code: int, *, status: int = 400, headers: dict[str, str] | None = None
) -> Callable[[HttpReply], HttpReply]:
    """The exchange answers with a code: Binance's are below zero, Bybit's above."""
    words = {"code": code, "msg": f"refused with {code}"}
    if code > 0:
        words = {"retCode": code, "retMsg": f"refused with {code}", "result": {}}
        status = 200
    body = msgspec.json.encode(words)
    return lambda _: HttpReply(status=status, headers=headers or {}, body=body)


def page(status: int = 503) -> Callable[[HttpReply], HttpReply]:
    """A web page in the place of an answer."""
    return lambda _: HttpReply(status=status, body=b"<html>Back soon.</html>")


def rewritten(change: Callable[[Any], Any]) -> Callable[[HttpReply], HttpReply]:
    """The reply's JSON with something changed in it."""

    def reply(right: HttpReply) -> HttpReply:
        body = msgspec.json.encode(change(msgspec.json.decode(right.body)))
        return replace(right, body=body)

    return reply


def rows_of(change: Callable[[list[Any]], Sequence[Any]]) -> Callable[[HttpReply], HttpReply]:
    """The reply's rows changed: a list at Binance, `result.list` at Bybit."""

    def both(parsed: Any) -> Any:
        if isinstance(parsed, list):
            return change(parsed)
        result = {**parsed["result"], "list": change(parsed["result"].get("list", []))}
        return {**parsed, "result": result}

    return rewritten(both)
