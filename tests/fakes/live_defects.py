"""Deliberate defects of the live venue's judgment and of the gateway, one a manager.

As `sim_defects`: each puts something wrong in the place of something right for a while. Those of
the exchanges' words are in `live_defects_words`.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from bot.gateway import verdicts
from bot.gateway.client import Client
from bot.gateway.connection import ENTRY
from bot.gateway.failures import GatewayError, NoAnswerError, Verdict
from bot.gateway.limiter import Limiter, Span
from bot.gateway.strict import UnreadableError, document
from bot.gateway.time import ExchangeClock
from bot.gateway.verdicts import Judge
from bot.model.commands import QueryOrder
from bot.model.events import CancelRejected, Event, OrderMissing, OrderRejected
from bot.model.order import OrderRequest
from bot.model.primitives import Millis
from bot.venue import answers, rules
from bot.venue.live import LiveVenue
from bot.venue.profiles.binanceusdm import CODES as BINANCE_CODES
from bot.venue.profiles.bybit import CODES as BYBIT_CODES
from tests.fakes.live_defects_words import LIVE_WORD_DEFECTS, all_of, meaning
from tests.fakes.replacing import replaced

# --- what a failure proves


@contextmanager
def silence_is_a_refusal() -> Iterator[None]:
    """An order without an answer is taken for refused."""
    right = answers.not_placed

    def not_placed(
        request: OrderRequest, error: GatewayError, at: Millis, retry_at: Millis
    ) -> Event:
        if isinstance(error, NoAnswerError):
            name = request.client_id
            return OrderRejected(at=at, client_id=name, code="", reason=error.reason)
        return right(request, error, at, retry_at)

    with replaced(answers, "not_placed", not_placed):
        yield


@contextmanager
def silence_is_unread() -> Iterator[None]:
    """An order without an answer is taken for never read, and sent again."""
    right = answers.is_unread

    def is_unread(error: GatewayError) -> bool:
        return isinstance(error, NoAnswerError) or right(error)

    with replaced(answers, "is_unread", is_unread):
        yield


@contextmanager
def failed_question_is_missing() -> Iterator[None]:
    """A question without an answer proves that there is no order."""
    right = LiveVenue._query

    async def query(venue: LiveVenue, command: QueryOrder) -> Event:
        asked_at = venue._clock.now()
        answer = await right(venue, command)
        if type(answer).__name__ == "QueryFailed":
            name = command.client_id
            return OrderMissing(at=answer.at, client_id=name, asked_at=asked_at)
        return answer

    with replaced(LiveVenue, "_query", query):
        yield


@contextmanager
def failed_cancel_is_gone() -> Iterator[None]:
    """A cancel without an answer means that the order is over."""

    def not_canceled(client_id: Any, error: GatewayError, at: Millis) -> Event:
        return CancelRejected(
            at=at, client_id=client_id, code=rules.UNKNOWN_ORDER, reason=error.reason
        )

    with replaced(answers, "not_canceled", not_canceled):
        yield


@contextmanager
def page_is_an_empty_list() -> Iterator[None]:
    """What cannot be read is nothing."""

    def lenient(body: bytes) -> Any:
        try:
            return document(body)
        except UnreadableError:
            return []

    with replaced(verdicts, "document", lenient):
        yield


@contextmanager
def failure_of_a_server_is_success() -> Iterator[None]:
    """A status is not looked at."""
    with (
        replaced(verdicts, "is_nothing_proved", lambda _: False),
        replaced(verdicts, "is_success", lambda _: True),
    ):
        yield


@contextmanager
def refusals_not_seen() -> Iterator[None]:
    """A code in a reply is not looked for."""
    with replaced(Judge, "_refusal", lambda *_: None):
        yield


# --- code tables


def time_out_is_a_refusal() -> Any:
    """ "Execution status unknown" is taken for a no."""
    return all_of(
        meaning(BINANCE_CODES, c_1007=Verdict.REJECTED, c_1000=Verdict.REJECTED),
        meaning(BYBIT_CODES, c10016=Verdict.REJECTED, c10000=Verdict.REJECTED),
    )


def duplicate_is_a_refusal() -> Any:
    """An id in use is taken for an order that is not there."""
    return all_of(
        meaning(BINANCE_CODES, c_4116=Verdict.REJECTED),
        meaning(BYBIT_CODES, c110072=Verdict.REJECTED),
    )


def late_is_a_refusal() -> Any:
    """What fell out of its window is given up."""
    return all_of(
        meaning(BINANCE_CODES, c_1021=Verdict.REJECTED),
        meaning(BYBIT_CODES, c10002=Verdict.REJECTED),
    )


def missing_is_unknown() -> Any:
    """ "No such order" proves nothing."""
    return all_of(
        meaning(BINANCE_CODES, c_2013=Verdict.UNKNOWN, c_2011=Verdict.UNKNOWN),
        meaning(BYBIT_CODES, c110001=Verdict.UNKNOWN),
    )


def refusal_is_unknown() -> Any:
    """A stop that would fire at once is taken for one in doubt."""
    return all_of(
        meaning(BINANCE_CODES, c_2021=Verdict.UNKNOWN),
        meaning(BYBIT_CODES, c110092=Verdict.UNKNOWN, c110093=Verdict.UNKNOWN),
    )


def limit_is_unknown() -> Any:
    """What was turned away unread is in doubt."""
    return all_of(
        meaning(BINANCE_CODES, c_1003=Verdict.UNKNOWN, c_1015=Verdict.UNKNOWN),
        meaning(BYBIT_CODES, c10006=Verdict.UNKNOWN),
    )


# --- the gateway


@contextmanager
def window_forgotten() -> Iterator[None]:
    """A request may be acted on whenever it arrives."""
    right = Client.call

    async def call(client: Client, route: Any, params: Any = None, **how: Any) -> Any:
        return await right(client, route, params, **(how | {"window_ms": None}))

    with replaced(Client, "call", call):
        yield


@contextmanager
def nothing_kept_for_protection() -> Iterator[None]:
    """Every lane may use up every budget."""
    right = Span.free_at

    def free_at(span: Span, cost: int, share_max: float, now: Millis) -> Millis:
        del share_max
        return right(span, cost, 1.0, now)

    with replaced(Span, "free_at", free_at):
        yield


@contextmanager
def stops_in_the_lane_of_entries() -> Iterator[None]:
    """A stop waits like any other order."""
    with replaced(answers, "lane_of", lambda _: ENTRY):
        yield


@contextmanager
def wait_not_obeyed() -> Iterator[None]:
    """429 is not heard."""
    with replaced(Limiter, "penalize", lambda *_: None):
        yield


@contextmanager
def clock_not_followed() -> Iterator[None]:
    """The exchange's time is read and left alone."""
    with replaced(ExchangeClock, "observe", lambda *_, **__: 0):
        yield


LIVE_DEFECTS: Final[tuple[Callable[[], Any], ...]] = (
    silence_is_a_refusal,
    silence_is_unread,
    failed_question_is_missing,
    failed_cancel_is_gone,
    page_is_an_empty_list,
    failure_of_a_server_is_success,
    refusals_not_seen,
    time_out_is_a_refusal,
    duplicate_is_a_refusal,
    late_is_a_refusal,
    missing_is_unknown,
    refusal_is_unknown,
    limit_is_unknown,
    window_forgotten,
    nothing_kept_for_protection,
    stops_in_the_lane_of_entries,
    wait_not_obeyed,
    clock_not_followed,
    *LIVE_WORD_DEFECTS,
)
