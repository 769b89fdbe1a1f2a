"""Deliberate defects of what exchanges are told and how they are read, and of the unasked work.

As `sim_defects`: each puts something wrong in the place of something right for a while.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any, Final

from msgspec.structs import replace

from bot.engine.hands import Hands
from bot.gateway.failures import GatewayError
from bot.model.events import Event, OrderMissing
from bot.model.order import OrderReport, OrderRequest, OrderStatus
from bot.model.primitives import ZERO, Millis, Qty, VenueOrderId
from bot.ports import Emit
from bot.venue import reading
from bot.venue.binanceusdm_account import AccountReader as BinanceReader
from bot.venue.binanceusdm_memory import Memory
from bot.venue.bybit import BybitApi
from bot.venue.decode import binanceusdm as binance_words
from bot.venue.decode import binanceusdm_account as binance_account
from bot.venue.decode import bybit as bybit_words
from bot.venue.payments import FundingWatch
from bot.venue.probe import Probe
from bot.venue.requests import binanceusdm as binance_requests
from bot.venue.requests import bybit as bybit_requests
from bot.venue.trouble import Troubles
from tests.fakes.replacing import replaced


@contextmanager
def meaning(table: Mapping[str, Any], **words: Any) -> Iterator[None]:
    """Let words of an exchange mean something else; `_` in a name is a minus."""
    right = dict(table)
    wrong: Any = table
    wrong.update({name.replace("_", "-").lstrip("c"): value for name, value in words.items()})
    try:
        yield
    finally:
        wrong.clear()
        wrong.update(right)


@contextmanager
def all_of(*managers: Any) -> Iterator[None]:
    with ExitStack() as stack:
        for manager in managers:
            stack.enter_context(manager)
        yield


# --- the exchanges' words


@contextmanager
def stop_may_open() -> Iterator[None]:
    """Orders lose their reduce-only on the way out."""
    right, right_too = binance_requests.place, bybit_requests.place

    def place(*asked: Any) -> Any:
        made = right(*asked)
        return made._replace(params={k: v for k, v in made.params.items() if k != "reduceOnly"})

    def place_too(*asked: Any) -> Any:
        return {k: v for k, v in right_too(*asked).items() if k != "reduceOnly"}

    with (
        replaced(binance_requests, "place", place),
        replaced(bybit_requests, "place", place_too),
    ):
        yield


@contextmanager
def no_stop_attached() -> Iterator[None]:
    """Bybit's entries go without their stop."""
    right = bybit_requests.place

    def place(request: OrderRequest, market_id: str, stop_loss_price: Any) -> Any:
        del stop_loss_price
        return right(request, market_id, None)

    with replaced(bybit_requests, "place", place):
        yield


@contextmanager
def order_without_an_id() -> Iterator[None]:
    """A reply without an id is an order all the same."""

    def order_ids(reply: Any) -> tuple[VenueOrderId, Millis]:
        del reply
        return VenueOrderId("none"), Millis(0)

    with replaced(bybit_words, "order_ids", order_ids):
        yield


@contextmanager
def balance_of_nothing() -> Iterator[None]:
    """A balance that cannot be read is zero."""
    right = binance_account.balance_of

    def balance_of(reply: Any, quote: str) -> Decimal:
        try:
            return right(reply, quote)
        except GatewayError:
            return ZERO

    with replaced(binance_account, "balance_of", balance_of):
        yield


@contextmanager
def positions_not_read() -> Iterator[None]:
    """The account is always flat."""
    with (
        replaced(binance_account, "positions_of", lambda *_, **__: []),
        replaced(bybit_words, "positions", lambda *_: ()),
    ):
        yield


@contextmanager
def stops_not_listed() -> Iterator[None]:
    """Conditional orders are not asked for at Binance; nor are they read at Bybit."""
    right = bybit_words.report

    def report(row: Any, symbols: Any) -> OrderReport | None:
        found = right(row, symbols)
        return None if found is not None and found.trigger_price is not None else found

    with (
        replaced(binance_words, "stops_of", lambda *_: []),
        replaced(bybit_words, "report", report),
    ):
        yield


@contextmanager
def nothing_filled() -> Iterator[None]:
    """What an order has filled is not read."""
    right, right_too = binance_words.order_of, bybit_words.report

    def order_of(*asked: Any) -> OrderReport:
        return replace(right(*asked), filled_qty=Qty(ZERO))

    def report(*asked: Any) -> OrderReport | None:
        found = right_too(*asked)
        return None if found is None else replace(found, filled_qty=Qty(ZERO))

    with replaced(binance_words, "order_of", order_of), replaced(bybit_words, "report", report):
        yield


def rest_stays_open() -> Any:
    """What has ended by itself is taken for open."""
    return all_of(
        meaning(binance_words.STATUSES, EXPIRED=OrderStatus.OPEN),
        meaning(bybit_words.STATUSES, PartiallyFilledCanceled=OrderStatus.OPEN),
    )


@contextmanager
def child_not_known() -> Iterator[None]:
    """Whose trades a fired stop's are is forgotten."""
    with (
        replaced(Memory, "parent", lambda *_: None),
        replaced(BybitApi, "_fills", _without_owners(BybitApi._fills)),
    ):
        yield


def _without_owners(right: Callable[..., Any]) -> Callable[..., Any]:
    def fills(api: BybitApi, rows: Any) -> Any:
        return tuple(replace(fill, client_id=None) for fill in right(api, rows))

    return fills


@contextmanager
def trades_not_read() -> Iterator[None]:
    """No symbol's trades are due; Bybit's executions are left out."""
    with (
        replaced(BinanceReader, "_due", lambda *_: []),
        replaced(BybitApi, "_fills", lambda *_: ()),
    ):
        yield


# --- what nobody commands


@contextmanager
def probe_skipped() -> Iterator[None]:
    """Whether a stop can follow is not asked."""
    with replaced(Probe, "is_proved", lambda *_: True):
        yield


@contextmanager
def probe_left_behind() -> Iterator[None]:
    """The probe stays where it is."""

    async def remove(*_: Any, **__: Any) -> bool:
        return True

    with replaced(Probe, "_remove", remove):
        yield


@contextmanager
def leverage_not_compared() -> Iterator[None]:
    """What somebody changes in the account is not seen."""
    with replaced(reading, "deviations", lambda *_: {}):
        yield


@contextmanager
def outage_not_told() -> Iterator[None]:
    """Failures in a row are not counted."""
    with replaced(Troubles, "_count", lambda *_: None):
        yield


@contextmanager
def funding_not_told() -> Iterator[None]:
    """What was paid is not asked for."""

    async def catch_up(*_: Any) -> bool:
        return True

    with replaced(FundingWatch, "catch_up", catch_up):
        yield


@contextmanager
def answers_lost_in_the_hands() -> Iterator[None]:
    """What became of a question is not passed on."""
    right = Hands.__init__

    def init(hands: Hands, *, emit: Emit, **others: Any) -> None:
        def some(event: Event) -> None:
            if not isinstance(event, OrderMissing):
                emit(event)

        right(hands, emit=some, **others)

    with replaced(Hands, "__init__", init):
        yield


LIVE_WORD_DEFECTS: Final[tuple[Callable[[], Any], ...]] = (
    stop_may_open,
    no_stop_attached,
    order_without_an_id,
    balance_of_nothing,
    positions_not_read,
    stops_not_listed,
    nothing_filled,
    rest_stays_open,
    child_not_known,
    trades_not_read,
    probe_skipped,
    probe_left_behind,
    leverage_not_compared,
    outage_not_told,
    funding_not_told,
    answers_lost_in_the_hands,
)
