"""Figures and tables as a person reads them: aligned, grouped, 80 columns, no box drawing."""

import os
import sys
import textwrap
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

import click

from bot.model.primitives import Millis

WIDTH = 80
GAP = "  "
_COLOURS = {"green": "green", "red": "red", "yellow": "yellow", "bold": None}


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: str = "") -> str:
    """Columns as wide as their widest cell; those named in `right` (words) are right-aligned."""
    rights = {index for index, name in enumerate(head) if name in right.split()}
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = []
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if index in rights else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append(GAP.join(cells).rstrip())
    return "\n".join(lines)


def wrapped(text: str, *, indent: int = 0, first: str | None = None) -> str:
    """A paragraph of 80 columns; its first line may begin otherwise than with spaces.

    A path or a command is never cut: it is there to be pasted.
    """
    return textwrap.fill(
        text,
        width=WIDTH,
        initial_indent=" " * indent if first is None else first,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def paint(text: str, colour: str) -> str:
    """In colour on a terminal, unless NO_COLOR says no; never colour alone."""
    if "NO_COLOR" in os.environ or not sys.stdout.isatty():
        return text
    return click.style(text, fg=_COLOURS[colour], bold=colour == "bold")


def price(value: Decimal | float | str | None) -> str:
    """`97,424.9`, `186.45`, `0.152300`; `-` where there is none."""
    if value is None:
        return "-"
    number = Decimal(str(value))
    size = abs(number)
    for border, digits in ((10_000, 1), (100, 2), (1, 4)):
        if size >= border:
            return f"{number:,.{digits}f}"
    return f"{number:.6f}" if number else "0"


def usd(value: Decimal | float | str | None, *, sign: bool = False) -> str:
    """`10,028.36`, `+28.36`; `-` where there is none."""
    if value is None:
        return "-"
    number = Decimal(str(value))
    return f"{number:+,.2f}" if sign else f"{number:,.2f}"


def notional(value: float) -> str:
    """`6.1 M`, `650 k`."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.1f} {letter}"
    return f"{value:.0f}"


def pct(value: float | None, *, sign: bool = False, digits: int = 2) -> str:
    """`0.28 %`, `+0.28 %`; `-` where there is none."""
    if value is None:
        return "-"
    return f"{value:+.{digits}f} %" if sign else f"{value:.{digits}f} %"


def share(value: float | None) -> str:
    """A share in 0..1 as `97 %`."""
    return "unknown" if value is None else f"{value * 100:.0f} %"


def r(value: float | None) -> str:
    """`+1.80`, in units of what was risked."""
    return "-" if value is None else f"{value:+.2f}"


def span(seconds: float | None) -> str:
    """`52 s`, `36 min 31 s`, `3 d 4 h`: two units at most."""
    if seconds is None:
        return "-"
    if seconds < 10:  # noqa: PLR2004  (only there a tenth matters)
        return f"{seconds:.1f} s".replace(".0 s", " s")
    left = round(seconds)
    parts: list[str] = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count or parts:
            parts.append(f"{count} {unit}")
    return " ".join(part for part in parts[:2] if not part.startswith("0 "))


def about(seconds: float) -> str:
    """`14 min`, `3 d`: the largest unit alone."""
    return " ".join(span(seconds).split()[:2])


def count(number: int, noun: str) -> str:
    """`1 trade`, `2 trades`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def clock(at: Millis | str | None) -> str:
    """`14:31:20`, UTC, of an instant or of an RFC 3339 text."""
    return "-" if at is None else _moment(at).strftime("%H:%M:%S")


def day_and_clock(at: Millis | str | None) -> str:
    """`01-31 14:31:20`, UTC."""
    return "-" if at is None else _moment(at).strftime("%m-%d %H:%M:%S")


def day(at: Millis | str) -> str:
    """`2026-01-31`, UTC."""
    return _moment(at).strftime("%Y-%m-%d")


def millis(text: str) -> Millis:
    """An RFC 3339 text as an instant."""
    return Millis(round(datetime.fromisoformat(text).timestamp() * 1000))


def _moment(at: Millis | str) -> datetime:
    if isinstance(at, str):
        return datetime.fromisoformat(at)
    return datetime.fromtimestamp(at / 1000, tz=UTC)
