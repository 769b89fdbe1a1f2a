"""Ten thousand orders of which 5 % lose their replies: none twice, none that nobody knows of (G7).

Orders go through the live venue, the gateway and ccxt; what is in doubt is asked about under its
own name until it is found or its time is over, as the core does.
"""

import sys
from collections import Counter
from decimal import Decimal
from typing import Final

import pytest
from msgspec.structs import replace

from bot.clock import run_virtual
from bot.model.commands import QueryOrder
from bot.model.events import (
    Event,
    OrderMissing,
    OrderNotProcessed,
    OrderOutcomeUnknown,
    OrderRejected,
    QueryFailed,
)
from bot.model.order import Leg, OrderRequest, TimeInForce
from bot.model.primitives import Millis, Price
from tests.fakes.live_bare_venue import BareVenue, an_order
from tests.fakes.live_line import Weather
from tests.fakes.live_world import EXCHANGES
from tests.fakes.paper import BTC

ORDERS: Final = 5_000
"""On each of two exchanges."""
LINE: Final = Weather(lost_reply=0.05, lost_query=0.05, late_request=0.005, refused=0.005)
SKEW_MS: Final = 1_000


def an_entry(number: int) -> OrderRequest:
    """It finds nothing and ends at once: its name could be used again at Binance."""
    entry = an_order(Leg.ENTRY, f"n{number:05}", price="99000")
    return replace(entry, price=Price(Decimal(99_000)), time_in_force=TimeInForce.IOC)


async def outcome(bare: BareVenue, request: OrderRequest, met: Counter[str]) -> bool:
    """Whether it came to exist; proved, however long that takes."""
    answer = await bare.place(request)
    while isinstance(answer, OrderNotProcessed):
        met["turned away"] += 1
        await bare.clock.sleep((answer.retry_at - bare.clock.now()) / 1000)
        answer = await bare.place(request)
    if isinstance(answer, OrderOutcomeUnknown):
        met["in doubt"] += 1
        return await is_found(bare, request, answer.unsettled_until)
    return not isinstance(answer, OrderRejected)


async def is_found(bare: BareVenue, request: OrderRequest, until: Millis) -> bool:
    missing = 0
    while missing < 3:
        asked_at = bare.clock.now()
        answer: Event = await bare.venue.execute(
            QueryOrder(symbol=BTC, client_id=request.client_id, is_trigger=False)
        )
        if isinstance(answer, OrderMissing):
            missing += asked_at > until + SKEW_MS
        elif not isinstance(answer, QueryFailed):
            return True
        await bare.clock.sleep(0.5)
    return False


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_e1_no_order_is_doubled_and_none_is_an_orphan(
    exchange: str, capsys: pytest.CaptureFixture[str]
) -> None:
    met: Counter[str] = Counter()
    known: set[str] = set()

    async def act() -> Counter[str]:
        bare = BareVenue(exchange, weather=LINE)
        await bare.start()
        for number in range(ORDERS):
            request = an_entry(number)
            if await outcome(bare, request, met):
                known.add(request.client_id)
            bare.world.wire.received.clear()
        bare.world.pass_time(Millis(bare.clock.now() + 60_000))
        return Counter(row.client_id for row in bare.world.core.orders.values())

    taken = run_virtual(act())
    with capsys.disabled():
        sys.stdout.write(
            f"\n{exchange}: {ORDERS} orders, {met['in doubt']} in doubt, {met['turned away']}"
            f" turned away, {len(known)} came to exist\n"
        )

    assert {1} == set(taken.values())
    assert known == set(taken)
    assert met["in doubt"] > ORDERS / 25
