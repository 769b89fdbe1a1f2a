"""A figure that was measured, beside what it was to be; and the table of them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One line of the table."""

    what: str
    target: str
    measured: str
    is_reached: bool | None
    """None: there was no target, or it could not be measured."""


def quantile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]


def median(values: Sequence[float]) -> float:
    return quantile(values, 0.5)


def table(figures: Iterable[Figure]) -> str:
    """All figures as aligned columns."""
    words = {True: "yes", False: "NO", None: "-"}
    rows = [("what", "target", "measured", "reached")]
    rows += [(f.what, f.target, f.measured, words[f.is_reached]) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines) + "\n"
