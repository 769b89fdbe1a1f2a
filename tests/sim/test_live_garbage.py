"""Whatever comes instead of an answer proves nothing: not flat, not taken, not refused (G8).

Every kind of garbage in the place of every kind of reply, through the venue, the gateway and ccxt,
on both exchanges; what was asked for has been done each time, or is still so.
"""

from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

import pytest

from bot.clock import run_virtual
from bot.gateway.http import HttpReply, HttpRequest
from bot.model.bracket import BracketStatus
from bot.model.commands import CancelOrder, FetchAccount, QueryOrder
from bot.model.events import AccountRead, Event, OrderOutcomeUnknown, QueryFailed
from bot.model.order import Leg
from bot.model.primitives import Millis
from bot.sim.emulator.state import Origin
from tests.fakes.live_bare_venue import BareVenue, an_order
from tests.fakes.live_line import Weather
from tests.fakes.live_world import EXCHANGES, EmulatedWorld
from tests.fakes.paper import BTC
from tests.fakes.sim_bot import Life, Plan
from tests.fakes.sim_market import T0, Script
from tests.fakes.sim_runs import Story

PAGE: Final = b"<html><body><h1>Service unavailable</h1></body></html>"


class Garbage(NamedTuple):
    """A reply that is none; without a body of its own it is the right one, cut in half."""

    name: str
    status: int
    body: bytes | None


GARBAGE: Final = (
    Garbage("HTML", 200, PAGE),
    Garbage("cut", 200, None),
    Garbage("empty", 200, b""),
    Garbage("{}", 200, b"{}"),
    Garbage("[]", 200, b"[]"),
    Garbage("null", 200, b"null"),
    Garbage("524", 524, PAGE),
    Garbage("599", 599, b'{"code":0,"retCode":0,"retMsg":"OK","result":{"list":[]}}'),
)
ACCOUNT: Final = {
    "binanceusdm": {
        "positions": "/positionRisk",
        "open orders": "/openOrders",
        "open conditional orders": "/openAlgoOrders",
        "balance": "/balance",
    },
    "bybit": {
        "positions": "/position/list",
        "open orders": "/order/realtime",
        "balance": "/wallet-balance",
    },
}
READS: Final = [(exchange, name) for exchange in EXCHANGES for name in ACCOUNT[exchange]]
Act = Callable[[BareVenue], Awaitable[Event]]


async def traded(exchange: str) -> BareVenue:
    """A venue with a position, its stop and its target."""
    bare = BareVenue(exchange, weather=Weather())
    await bare.start()
    for leg in (Leg.ENTRY, Leg.STOP, Leg.TARGET):
        await bare.place(an_order(leg, "first"))
    assert bare.world.position()
    assert bare.world.stop_qty() == bare.world.position()
    return bare


def spoil(bare: BareVenue, garbage: Garbage, path: str = "", method: str = "") -> list[str]:
    """Put garbage in the place of the replies to these requests; gives what was replaced."""
    replaced: list[str] = []

    def instead(request: HttpRequest) -> HttpReply | None:
        where = request.url.partition("?")[0]
        if not where.endswith(path) or method not in request.method:
            return None
        replaced.append(where)
        body = b'{"code":200,"retCode":0,"retMsg":"O' if garbage.body is None else garbage.body
        return HttpReply(status=garbage.status, headers={}, body=body)

    bare.line.instead = instead
    return replaced


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: garbage.name)
@pytest.mark.parametrize(("exchange", "part"), READS)
def test_an_account_that_cannot_be_read_is_not_flat(
    exchange: str, part: str, garbage: Garbage
) -> None:
    async def act() -> None:
        bare = await traded(exchange)
        replaced = spoil(bare, garbage, path=ACCOUNT[exchange][part])
        answer = await bare.venue.execute(FetchAccount(symbol=BTC, fills_since=Millis(0)))

        assert replaced
        if is_documented(exchange, part, garbage):
            # An empty list is how Binance says "none": it is believed when it is read again.
            assert isinstance(answer, AccountRead)
        else:
            assert isinstance(answer, QueryFailed)

    run_virtual(act())


def is_documented(exchange: str, part: str, garbage: Garbage) -> bool:
    return exchange == "binanceusdm" and garbage.name == "[]" and part != "balance"


@pytest.mark.parametrize("part", ["positions", "open orders", "open conditional orders"])
def test_e9_a_list_that_is_empty_once_changes_nothing(part: str) -> None:
    world = EmulatedWorld("binanceusdm")
    spoiled: list[str] = []

    def spoil_once(life: Life) -> None:
        del life
        right = world.wire.handle

        def handle(request: HttpRequest, at: Millis) -> HttpReply:
            reply = right(request, at)
            is_it = ACCOUNT["binanceusdm"][part] in request.url
            if not is_it or at < T0 + 3_000 or spoiled:
                return reply
            spoiled.append(request.url)
            return HttpReply(status=200, headers=reply.headers, body=b"[]")

        world.wire.handle = handle

    async def task(life: Life) -> None:
        spoil_once(life)
        await life.clock.sleep(1e6)

    story = Story(Plan(script=Script(), outside=world, tasks=(task,)), seconds=40.0)
    stops = {row.client_id for row in world.sent if row.leg is Leg.STOP}

    assert spoiled
    assert [BracketStatus.OPEN] == [row.status for row in story.brackets]
    assert 1 == len(stops)


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: garbage.name)
@pytest.mark.parametrize("leg", [Leg.ENTRY, Leg.STOP, Leg.TARGET, Leg.EXIT])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_order_with_no_answer_is_in_doubt_and_there(
    exchange: str, leg: Leg, garbage: Garbage
) -> None:
    async def act() -> None:
        bare = await traded(exchange)
        replaced = spoil(bare, garbage, method="POST")
        order = an_order(leg, "second", qty="0.004")
        answer = await bare.place(order)

        assert replaced
        assert isinstance(answer, OrderOutcomeUnknown)
        assert answer.unsettled_until > bare.clock.now()
        assert order.client_id in names(bare)

    run_virtual(act())


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: garbage.name)
@pytest.mark.parametrize("leg", [Leg.STOP, Leg.TARGET])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_an_order_whose_question_has_no_answer_is_not_missing(
    exchange: str, leg: Leg, garbage: Garbage
) -> None:
    async def act() -> None:
        bare = await traded(exchange)
        replaced = spoil(bare, garbage, method="GET")
        name = an_order(leg, "first").client_id
        answer = await bare.venue.execute(
            QueryOrder(symbol=BTC, client_id=name, is_trigger=leg is Leg.STOP)
        )

        assert replaced
        assert isinstance(answer, QueryFailed)

    run_virtual(act())


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda garbage: garbage.name)
@pytest.mark.parametrize("leg", [Leg.STOP, Leg.TARGET])
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_cancel_with_no_answer_has_neither_worked_nor_failed(
    exchange: str, leg: Leg, garbage: Garbage
) -> None:
    async def act() -> None:
        bare = await traded(exchange)
        replaced = spoil(bare, garbage)
        name = an_order(leg, "first").client_id
        answer = await bare.venue.execute(
            CancelOrder(symbol=BTC, client_id=name, is_trigger=leg is Leg.STOP)
        )

        assert replaced
        assert isinstance(answer, QueryFailed)

    run_virtual(act())


def names(bare: BareVenue) -> set[str]:
    """Client ids of all orders that the exchange has taken."""
    return {
        row.client_id
        for row in bare.world.core.orders.values()
        if row.asked.origin is Origin.CLIENT
    }
