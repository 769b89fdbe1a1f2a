"""Codes decide before statuses, and neither ccxt's classes nor a page of HTML decide anything."""

from typing import Any

import pytest

from bot.gateway.failures import NoAnswerError, RefusedError, Verdict
from bot.gateway.http import HttpReply
from bot.gateway.verdicts import Judge, retry_at
from bot.model.primitives import Millis
from tests.fakes.live_connection import KEY, a_connection, a_reply, bybit_connection

NOW = Millis(1_770_000_000_000)
HTML = b"<html>503</html>"


def success(reply: HttpReply) -> Any:
    judge = Judge(a_connection(), secrets=(KEY,))
    return judge.success(reply, route="fapiPrivatePostOrder", now=NOW)


def refused(reply: HttpReply) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        success(reply)
    return caught.value


def test_a_success_is_its_body() -> None:
    assert {"orderId": 1} == success(a_reply({"orderId": 1}))
    assert [] == success(a_reply([]))


def test_e31_a_code_of_the_table_counts_whatever_class_ccxt_would_make_of_it() -> None:
    error = refused(a_reply({"code": -4400, "msg": "Reduce only."}, status=400))

    assert ("-4400", 400, Verdict.REJECTED) == (error.code, error.status, error.verdict)
    assert "Binance refused fapiPrivatePostOrder: Reduce only. (-4400)" == error.reason
    assert error.retry_at is None


@pytest.mark.parametrize("status", [200, 400, 403, 429, 503])
def test_a_known_code_means_the_same_with_every_status(status: int) -> None:
    error = refused(a_reply({"code": -2019, "msg": "Margin is insufficient."}, status=status))

    assert ("-2019", Verdict.REJECTED) == (error.code, error.verdict)


def test_e5_a_failing_server_with_a_known_code_has_turned_the_request_away() -> None:
    assert Verdict.BUSY is refused(a_reply({"code": -1008, "msg": "Busy"}, status=503)).verdict


@pytest.mark.parametrize("status", [302, 404, 408, 409, 500, 502, 503, 504, 524, 599])
@pytest.mark.parametrize("body", [HTML, b"", b"{}", b'{"code": -1007, "msg": "Timeout"}'])
def test_e5_a_failing_server_without_a_known_code_proves_nothing(status: int, body: bytes) -> None:
    with pytest.raises(NoAnswerError, match=str(status)):
        success(a_reply(body, status=status))


@pytest.mark.parametrize("body", [HTML, b"", b"null", b'{"orderId": 1', b'{"a": 1, "a": 2}'])
@pytest.mark.parametrize("status", [200, 400])
def test_e8_what_cannot_be_read_proves_nothing(status: int, body: bytes) -> None:
    with pytest.raises(NoAnswerError, match="the reply"):
        success(a_reply(body, status=status))


def test_a_code_that_nobody_knows_is_told_and_proves_nothing() -> None:
    error = refused(a_reply({"code": -9999, "msg": "New"}, status=400))

    assert ("-9999", Verdict.UNKNOWN) == (error.code, error.verdict)


def test_a_status_without_a_code_is_no_success() -> None:
    with pytest.raises(NoAnswerError, match="400"):
        success(a_reply({"orderId": 1}, status=400))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (401, Verdict.AUTH),
        (403, Verdict.RATE),
        (418, Verdict.RATE),
        (429, Verdict.RATE),
        (451, Verdict.AUTH),
    ],
)
@pytest.mark.parametrize("body", [HTML, b"", b"{}", b'{"code": 0, "msg": "Unknown"}'])
def test_a_status_with_one_meaning_needs_no_code(
    status: int, verdict: Verdict, body: bytes
) -> None:
    error = refused(a_reply(body, status=status))

    assert (f"http:{status}", status, verdict) == (error.code, error.status, error.verdict)


def test_e34_too_many_requests_come_back_when_the_exchange_says() -> None:
    reply = a_reply({"code": -1003, "msg": "Too many"}, status=429, headers={"retry-after": "37"})

    assert NOW + 37_000 == refused(reply).retry_at


def test_e35_a_ban_ends_when_its_message_says() -> None:
    until = NOW + 600_000
    reply = a_reply({"code": -1003, "msg": f"IP banned until {until}."}, status=418)

    assert until == refused(reply).retry_at


@pytest.mark.parametrize(
    ("status", "headers", "message", "wait_ms"),
    [
        (429, {}, "", 10_000),
        (418, {}, "", 120_000),
        (403, {}, "", 300_000),
        (200, {}, "", None),
        (429, {"retry-after": "1.5"}, "", 1_500),
        (429, {"retry-after": "Wed, 21 Oct 2026 07:28:00 GMT"}, "", 10_000),
        (429, {"retry-after": "-5"}, "", 10_000),
        (418, {"retry-after": "60"}, f"until {NOW + 90_000}", 90_000),
        (418, {"retry-after": "999999999"}, "", 3 * 86_400_000),
        (200, {"x-bapi-limit-reset-timestamp": str(NOW + 800)}, "", 800),
        (200, {"x-bapi-limit-reset-timestamp": str(NOW - 800)}, "", 0),
    ],
)
def test_when_to_come_back_is_never_endless_and_never_in_the_past(
    status: int, headers: dict[str, str], message: str, wait_ms: int | None
) -> None:
    found = retry_at(HttpReply(status=status, headers=headers), message, NOW)

    assert (None if wait_ms is None else NOW + wait_ms) == found


def test_a_shape_that_breaks_the_profile_proves_nothing() -> None:
    judge = Judge(bybit_connection())

    with pytest.raises(NoAnswerError, match="shape"):
        judge.success(a_reply({"unheard": 1}), route="r", now=NOW)


def test_a_code_in_a_successful_status_is_a_refusal() -> None:
    judge = Judge(bybit_connection())
    reply = a_reply({"retCode": 110007, "retMsg": "ab not enough"})

    with pytest.raises(RefusedError) as caught:
        judge.success(reply, route="r", now=NOW)

    assert ("110007", Verdict.REJECTED) == (caught.value.code, caught.value.verdict)


def test_no_key_is_quoted() -> None:
    reply = a_reply({"code": -2019, "msg": f"bad key {KEY}"}, status=400)

    assert KEY not in refused(reply).reason
