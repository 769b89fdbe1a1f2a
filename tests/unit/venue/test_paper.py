"""The paper venue's own part: latency, order of saving and telling, restarts."""

from collections.abc import Awaitable, Callable
from decimal import Decimal

from bot.clock import LoopClock, run_virtual
from bot.model.commands import CancelForeign, CancelOrder, FetchAccount, PlaceOrder, QueryOrder
from bot.model.events import (
    AccountRead,
    CandleClosed,
    Event,
    FundingPaid,
    FundingRead,
    OrderAccepted,
    OrderFilled,
    OrderNotProcessed,
    OrderRejected,
    OrderUpdated,
)
from bot.model.market import Candle, Funding
from bot.model.order import OrderRequest, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, Side, Symbol, VenueOrderId
from bot.model.wiring import PaperSettings
from bot.venue import rules
from bot.venue.paper import PaperVenue
from tests.fakes.paper import BTC, NOW, MemoryBooks, instrument, ioc, price, stop, target

D = Decimal
ALL = Symbol("")


def a_venue(
    books: MemoryBooks,
    *,
    latency_ms: float = 100.0,
    jitter_ms: float = 0.0,
    reject_share: float = 0.0,
    chance: float = 0.5,
) -> tuple[PaperVenue, LoopClock]:
    clock = LoopClock(start_at=NOW)
    venue = PaperVenue(
        settings=PaperSettings(
            latency_ms=latency_ms,
            latency_jitter_ms=jitter_ms,
            reject_share=reject_share,
            impact=0.0,
        ),
        instruments={BTC: instrument()},
        clock=clock,
        books=books,
        chance=lambda: chance,
    )
    return venue, clock


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await scenario()

    run_virtual(main())


def place(asked: OrderRequest) -> PlaceOrder:
    return PlaceOrder(symbol=asked.symbol, request=asked)


async def opened(books: MemoryBooks) -> tuple[PaperVenue, LoopClock]:
    """Ten long at 100 with stop and target."""
    venue, clock = a_venue(books)
    await venue.start(books.emit)
    venue.on_market(price(100.0))
    await venue.execute(place(ioc("entry", Side.BUY, "10", "100")))
    await venue.execute(place(stop("stop", Side.SELL, "10", "98")))
    await venue.execute(place(target("target", Side.SELL, "10", "103")))
    return venue, clock


def test_an_order_arrives_after_latency_and_jitter() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, clock = a_venue(books, latency_ms=120.0, jitter_ms=60.0, chance=0.5)
        await venue.start(books.emit)
        venue.on_market(price(100.0))
        answer = await venue.execute(place(stop("s", Side.SELL, "1", "98")))

        assert NOW + 150 == answer.at == clock.now()

    play(scenario)


def test_an_order_meets_the_price_of_its_arrival() -> None:
    """What was decided on is not what is traded: the market moves while the request travels."""

    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = a_venue(books)
        await venue.start(books.emit)
        venue.on_market(price(100.0))
        sent = venue.execute(place(ioc("e", Side.BUY, "1", "100")))
        venue.on_market(price(100.2))
        answer = await sent

        assert isinstance(answer, OrderUpdated)
        assert answer.report.status is OrderStatus.CANCELED

    play(scenario)


def test_what_changed_is_saved_before_anyone_hears_of_it() -> None:
    books = MemoryBooks()

    async def scenario() -> None:
        await opened(books)

    play(scenario)
    told = ["saved" if row == "saved" else type(row).__name__ for row in books.events]

    assert ["saved", "saved", "OrderFilled", "saved", "saved"] == told


def test_a_price_without_consequence_saves_nothing() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = await opened(books)
        saves = books.saves
        venue.on_market(price(101.0, at=NOW + 1000))
        candle = Candle(
            symbol=BTC,
            open_at=NOW,
            timeframe_ms=60_000,
            open=1.0,
            high=1.0,
            low=1.0,
            close=1.0,
            volume=0.0,
        )
        venue.on_market(CandleClosed(at=NOW, candle=candle))

        assert saves == books.saves

    play(scenario)


def test_one_price_with_many_consequences_saves_once() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = await opened(books)
        saves = books.saves
        venue.on_market(price(97.0, at=NOW + 1000))

        assert saves + 1 == books.saves

    play(scenario)


def test_p1_the_account_survives_a_kill_between_any_two_events() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        await opened(books)
        again = MemoryBooks(books.document)
        venue, _ = a_venue(again)
        await venue.start(again.emit)
        answer = await venue.execute(FetchAccount(symbol=ALL, fills_since=NOW))

        assert isinstance(answer, AccountRead)
        assert ["stop", "target"] == [row.client_id for row in answer.snapshot.orders]
        assert [D(10)] == [row.qty for row in answer.snapshot.positions]
        assert ["1"] == [row.id for row in answer.snapshot.fills]
        venue.on_market(price(97.0, at=NOW + 1000))
        told = [row for row in again.events if isinstance(row, OrderFilled)]
        assert ["2"] == [row.fill.id for row in told]

    play(scenario)


def test_a_settlement_is_told_again_to_the_first_who_asks() -> None:
    """A kill between the settlement and the ledger must not lose it; its id counts it once."""

    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = await opened(books)
        due = Millis(NOW + 500)
        funding = Funding(symbol=BTC, rate=0.001, next_at=due)
        venue.on_market(FundingRead(at=NOW, funding=funding))
        venue.on_market(price(100.0, at=due))
        again = MemoryBooks(books.document)
        venue, _ = a_venue(again)
        await venue.start(again.emit)
        for _ in range(2):
            await venue.execute(FetchAccount(symbol=ALL, fills_since=NOW))
        told = [row for row in again.events if isinstance(row, FundingPaid)]

        assert [f"{BTC}|{due}"] == [row.id for row in told]

    play(scenario)


def test_without_a_price_an_order_is_turned_away_unread() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = a_venue(books)
        await venue.start(books.emit)
        answer = await venue.execute(place(stop("s", Side.SELL, "1", "98")))

        assert isinstance(answer, OrderNotProcessed)
        assert answer.at < answer.retry_at

    play(scenario)


def test_chance_rejects_the_share_that_was_asked_for() -> None:
    async def answer_of(chance: float) -> Event:
        books = MemoryBooks()
        venue, _ = a_venue(books, reject_share=0.3, chance=chance)
        await venue.start(books.emit)
        venue.on_market(price(100.0))
        return await venue.execute(place(ioc("e", Side.BUY, "1", "100")))

    unlucky, lucky = run_virtual(answer_of(0.29)), run_virtual(answer_of(0.3))

    assert isinstance(unlucky, OrderRejected)
    assert rules.BY_CHANCE == unlucky.code
    assert isinstance(lucky, OrderUpdated)


def test_a_foreign_order_is_canceled_by_the_venues_own_id() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = a_venue(books)
        await venue.start(books.emit)
        venue.on_market(price(100.0))
        entry = ioc("e", Side.BUY, "1", "100")
        await venue.execute(place(entry))
        accepted = await venue.execute(place(stop("s", Side.SELL, "1", "98")))
        assert isinstance(accepted, OrderAccepted)
        answer = await venue.execute(
            CancelForeign(symbol=BTC, venue_id=VenueOrderId(accepted.venue_id), is_trigger=True)
        )

        assert isinstance(answer, OrderUpdated)
        assert answer.report.status is OrderStatus.CANCELED

    play(scenario)


def test_events_before_the_start_are_not_judged() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = a_venue(books)
        venue.on_market(price(100.0))

        assert books.events == []

    play(scenario)


def test_after_stop_the_account_still_moves_and_nobody_is_told() -> None:
    async def scenario() -> None:
        books = MemoryBooks()
        venue, _ = await opened(books)
        await venue.stop()
        told = len(books.events)
        venue.on_market(price(97.0, at=NOW + 1000))
        answer = await venue.execute(QueryOrder(symbol=BTC, client_id=ClientOrderId("target")))

        assert ["saved"] == books.events[told:]
        assert isinstance(answer, OrderUpdated)

    play(scenario)


def test_p10_while_the_disk_is_full_no_answer_proves_anything_and_later_all_is_told() -> None:
    """A kill would undo what is not saved, and the run has to outlive a full disk."""
    books = MemoryBooks()
    answers: list[Event] = []

    async def scenario() -> None:
        venue, _ = await opened(books)
        books.events.clear()
        books.is_full = True
        venue.on_market(price(97.0, at=NOW + 1000))
        again = stop("again", Side.BUY, "1", "99")
        commands = (
            place(again),
            QueryOrder(symbol=BTC, client_id=again.client_id),
            CancelOrder(symbol=BTC, client_id=again.client_id),
            CancelForeign(symbol=BTC, venue_id=VenueOrderId("7")),
            FetchAccount(symbol=ALL, fills_since=NOW),
        )
        answers.extend([await venue.execute(command) for command in commands])
        books.is_full = False
        venue.on_market(price(97.0, at=NOW + 2000))

    play(scenario)
    told = ["saved" if row == "saved" else type(row).__name__ for row in books.events]

    assert [
        "OrderOutcomeUnknown",
        "QueryFailed",
        "CancelRejected",
        "CancelRejected",
        "QueryFailed",
    ] == [type(answer).__name__ for answer in answers]
    assert ["TroubleSeen", "saved", "OrderFilled"] == told[:3]
    assert "TroubleSeen" == told[-1]
