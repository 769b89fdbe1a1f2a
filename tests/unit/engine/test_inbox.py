"""Facts queue, prices conflate."""

import asyncio

from bot.engine.inbox import Inbox
from bot.model.events import Event, HoldAsked, OrderMissing, PriceMoved, Ticked
from bot.model.primitives import ClientOrderId, Millis, Symbol

BTC, ETH = Symbol("BTC/USDT:USDT"), Symbol("ETH/USDT:USDT")


def price(at: int, mark: float, *, symbol: Symbol = BTC, since: int = 0) -> PriceMoved:
    return PriceMoved(
        at=Millis(at),
        symbol=symbol,
        mark=mark,
        bid=mark,
        ask=mark,
        last=mark,
        high=mark,
        low=mark,
        since_at=Millis(since),
    )


def missing(number: int) -> OrderMissing:
    return OrderMissing(
        at=Millis(number), client_id=ClientOrderId(f"id{number}"), asked_at=Millis(0)
    )


def taken(*events: Event, most: int = 100) -> list[Event]:
    async def main() -> list[Event]:
        inbox = Inbox()
        for event in events:
            inbox.put(event)
        return await inbox.take(most)

    return asyncio.run(main())


def test_a_newer_price_takes_over_the_range_of_the_older() -> None:
    """A wick between two looks must not be lost."""
    [merged] = taken(price(1, 100.0), price(2, 90.0, since=1), price(3, 95.0, since=2))

    assert isinstance(merged, PriceMoved)
    assert (95.0, 100.0, 90.0, 0, 3) == (
        merged.mark,
        merged.high,
        merged.low,
        merged.since_at,
        merged.at,
    )


def test_a_newer_price_keeps_its_place_before_what_came_after_the_older() -> None:
    """A level that recedes in the next reading must not evade its own break."""
    events = taken(price(1, 100.0), missing(1), price(2, 90.0))

    assert [PriceMoved, OrderMissing] == [type(event) for event in events]


def test_prices_of_two_symbols_do_not_meet() -> None:
    assert 2 == len(taken(price(1, 100.0), price(1, 5.0, symbol=ETH)))


def test_order_facts_are_never_dropped_and_keep_their_order() -> None:
    facts = [missing(n) for n in range(50)]

    assert facts == taken(*facts)


def test_ticks_do_not_pile_up() -> None:
    assert [Ticked(at=Millis(2))] == taken(Ticked(at=Millis(1)), Ticked(at=Millis(2)))


def test_a_batch_is_bounded_and_the_rest_stays() -> None:
    async def main() -> tuple[int, int]:
        inbox = Inbox()
        for n in range(10):
            inbox.put(missing(n))
        first = await inbox.take(7)
        return len(first), len(await inbox.take(7))

    assert (7, 3) == asyncio.run(main())


def test_taking_waits_for_the_first_event() -> None:
    async def main() -> list[Event]:
        inbox = Inbox()
        asyncio.get_running_loop().call_soon(inbox.put, HoldAsked(at=Millis(5)))
        return await inbox.take(1)

    assert [HoldAsked(at=Millis(5))] == asyncio.run(main())
