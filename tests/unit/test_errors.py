"""Every error says what, where and what to do, and has the exit code of its kind."""

import pytest

from bot import errors


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.ConfigError, 78),
        (errors.UsageError, 2),
        (errors.DataError, 65),
        (errors.UnavailableError, 69),
        (errors.DataDirError, 73),
        (errors.AccessError, 77),
        (errors.NotRunningError, 3),
        (errors.StoreError, 1),
    ],
)
def test_exit_codes_follow_the_table(kind: type[errors.LiqbotError], code: int) -> None:
    assert code == kind("no").exit_code


def test_an_error_reads_as_place_sentence_remedy() -> None:
    error = errors.ConfigError("risk is too large.", where="my.yaml:3", remedy="Take less.")

    assert "my.yaml:3  risk is too large.\nTake less." == str(error)
    assert "Just so." == str(errors.FeedError("Just so."))
