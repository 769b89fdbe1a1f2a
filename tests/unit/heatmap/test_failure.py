"""A failure says whether asking less would help."""

import pytest

from bot.errors import FeedError
from bot.heatmap.failure import FailureKind, ReadingError
from bot.model.heatmap import ReadingFailure


@pytest.mark.parametrize(
    ("kind", "status", "is_host_trouble"),
    [
        (FailureKind.UNREACHABLE, None, True),
        (FailureKind.TIMEOUT, None, True),
        (FailureKind.THROTTLED, 429, True),
        (FailureKind.HTTP, 500, True),
        (FailureKind.HTTP, 404, False),
        (FailureKind.HTTP, None, False),
        (FailureKind.UNSUPPORTED, 400, False),
        (FailureKind.MALFORMED, None, False),
        (FailureKind.REFUSED, None, False),
    ],
)
def test_only_trouble_at_the_host_asks_for_a_pause(
    kind: FailureKind, status: int | None, *, is_host_trouble: bool
) -> None:
    assert is_host_trouble is ReadingError(kind, "x", status=status).is_host_trouble


def test_a_reading_error_is_a_feed_error_with_what_where_and_remedy() -> None:
    error = ReadingError(FailureKind.TIMEOUT, "no answer", where="http://x", remedy="Wait.")

    assert isinstance(error, FeedError)
    assert "http://x  no answer\nWait." == str(error)


def test_the_kinds_are_those_that_the_model_names() -> None:
    assert {
        "unreachable",
        "timeout",
        "http",
        "throttled",
        "unsupported",
        "malformed",
        "refused",
    } == {kind.value for kind in FailureKind}
    assert "timeout" == ReadingFailure(kind=FailureKind.TIMEOUT, reason="x").kind
