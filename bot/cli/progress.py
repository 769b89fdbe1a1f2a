"""A progress bar for a foreground job that takes longer than two seconds; on a terminal alone."""

import sys

import click

from bot.cli.tables import WIDTH
from bot.clock import monotonic_s

AFTER_S = 2.0
EVERY_S = 0.2
BAR_WIDTH = 30


class Bar:
    """Drawn on stderr, five times a second at most, and wiped at the end."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._began_s = monotonic_s()
        self._shown_s = 0.0
        self._is_terminal = sys.stderr.isatty()

    def advance(self, share: float) -> None:
        """`share` of the work, 0 to 1, is done."""
        if not self._is_terminal:
            return
        passed_s = monotonic_s() - self._began_s
        if passed_s < AFTER_S or passed_s - self._shown_s < EVERY_S:
            return
        self._shown_s = passed_s
        done = min(max(share, 0.0), 1.0)
        bar = ("#" * round(done * BAR_WIDTH)).ljust(BAR_WIDTH)
        click.echo(f"\r{self._what} [{bar}] {done * 100:3.0f} %", nl=False, err=True)

    def close(self) -> None:
        """Leave no half line behind."""
        if self._shown_s:
            click.echo("\r" + " " * (WIDTH - 1) + "\r", nl=False, err=True)
