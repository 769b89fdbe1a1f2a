"""Every error says what, where and what to do, and has the exit code of its kind."""

from pathlib import Path

import pytest

from bot import errors

UNITS = sorted((Path(__file__).parents[2] / "systemd").glob("*.service"))


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


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_e45_a_service_is_started_again_only_where_that_can_help(unit: Path) -> None:
    """Keys, configuration, ledger and words need a person; an exchange that is down needs time."""
    (line,) = [
        line
        for line in unit.read_text(encoding="utf-8").splitlines()
        if line.startswith("RestartPreventExitStatus=")
    ]
    stays_down = {int(code) for code in line.partition("=")[2].split()}
    by_a_person = {errors.ConfigError, errors.UsageError, errors.DataError, errors.DataDirError}
    by_a_person.add(errors.AccessError)

    assert {kind.exit_code for kind in by_a_person} == stays_down
    assert errors.UnavailableError.exit_code not in stays_down


def test_there_are_units_to_look_at() -> None:
    assert UNITS
