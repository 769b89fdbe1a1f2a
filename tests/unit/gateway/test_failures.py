"""What a failure proves is said by its class and its verdict."""

from bot.gateway.failures import (
    UNREAD,
    GatewayError,
    NoAnswerError,
    NotSentError,
    RefusedError,
    Verdict,
)
from bot.model.primitives import Millis


def test_every_failure_has_its_reason_in_one_sentence() -> None:
    failures = [NotSentError("no connection"), NoAnswerError("no whole reply")]

    assert ["no connection", "no whole reply"] == [failure.reason for failure in failures]
    assert ["no connection", "no whole reply"] == [str(failure) for failure in failures]
    assert all(isinstance(failure, GatewayError) for failure in failures)


def test_a_refusal_says_code_status_verdict_and_when_to_come_back() -> None:
    error = RefusedError(
        "too many", code="-1003", status=429, verdict=Verdict.RATE, retry_at=Millis(5)
    )

    assert ("-1003", 429, Verdict.RATE, 5) == (
        error.code,
        error.status,
        error.verdict,
        error.retry_at,
    )


def test_only_what_nobody_has_read_may_be_sent_again() -> None:
    assert {Verdict.BUSY, Verdict.RATE, Verdict.CLOCK} == UNREAD
