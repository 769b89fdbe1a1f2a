"""The long proofs, which take too long for every change: `make soak [ARGS="days"]`.

Prints what each has met, and ends with 1 at the first that fails.
"""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bot.clock import monotonic_s
from tests.soak import days, kills

PARTS: Final[Mapping[str, Callable[[], Iterator[str]]]] = {
    "kills": kills.lines,
    "days": days.lines,
}
"""By name; each gives a line for what it has met, and raises AssertionError where it failed."""


def main(names: list[str]) -> int:
    """Run the parts that are named, or all of them."""
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        _say(f"There is no part {', '.join(unknown)}: {', '.join(PARTS)}.")
        return 2
    for name in names or PARTS:
        begun_s = monotonic_s()
        try:
            for line in PARTS[name]():
                _say(f"{name}  {line}")
        except AssertionError as failed:
            _say(f"{name}  FAILED after {monotonic_s() - begun_s:.0f} s\n{failed}")
            return 1
        _say(f"{name}  passed in {monotonic_s() - begun_s:.0f} s")
    return 0


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
