"""All figures of speed and memory in one table: `make bench`, or `python -m tests.bench`.

Every figure is a median of several runs unless it says otherwise, and stands beside what it was
to be. Nothing but loopback is used. `--only NAME` measures some of them.
"""

import argparse
import sys
from collections.abc import Callable, Iterator

from tests.bench import cycles, deciding, lasting, live, playing, starting, writing
from tests.bench.figures import Figure, table
from tests.bench.machine import machine

BENCHES: dict[str, Callable[[], Iterator[Figure]]] = {
    "reading": deciding.one_reading,
    "intent": writing.intents,
    "cycle27": cycles.of_27,
    "cycle500": cycles.of_500,
    "ready": starting.ready,
    "verbs": starting.verbs,
    "lasting": lasting.lasting,
    "recorded": playing.flat_out,
    "live": live.trading,
    "livestart": live.starting,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--only", action="append", choices=BENCHES, metavar="NAME")
    chosen = parser.parse_args().only or list(BENCHES)
    where = machine()
    figures: list[Figure] = []
    for name in chosen:
        sys.stderr.write(f"measuring {name} ...\n")
        figures += BENCHES[name]()
    sys.stdout.write(f"{where}\n\n{table(figures)}")


if __name__ == "__main__":
    main()
