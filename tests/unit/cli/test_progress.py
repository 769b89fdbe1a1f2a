"""Bars are for terminals, and for what takes long."""

import pytest

from bot.cli.progress import Bar


def test_nothing_is_drawn_without_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("reading")
    bar.advance(0.5)
    bar.close()

    assert ("", "") == tuple(capsys.readouterr())


def test_a_short_job_on_a_terminal_draws_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("reading")
    bar._is_terminal = True
    bar.advance(0.5)

    assert "" == capsys.readouterr().err


def test_a_long_job_is_drawn_and_wiped(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Bar("reading")
    bar._is_terminal = True
    bar._began_s -= 10.0
    bar.advance(0.5)
    bar.advance(0.6)
    bar.close()
    drawn = capsys.readouterr().err

    assert "\rreading [###############               ]  50 %" in drawn
    assert " 60 %" not in drawn
    assert drawn.endswith("\r")
