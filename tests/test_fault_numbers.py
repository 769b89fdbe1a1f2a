"""Every case of the catalogue of faults has a test that carries its number.

`test_e7_...` carries E7, `test_e1_e4_...` both, `test_h05_...` H5. What cannot be tested here has
a reason, and nothing else is left out.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import pytest

TESTS: Final = Path(__file__).parent
CASES: Final[Mapping[str, int]] = {"E": 52, "P": 32, "H": 32, "C": 15, "I": 22}
"""By letter, how many: exchange, process, heatmap, configuration, invariants of orders."""
EXCUSED: Final[Mapping[str, str]] = {
    "P24": "the kernel's kill is a SIGKILL as in P1; how much memory it takes is benched",
    "P31": "a real power cut needs a machine whose power can be cut",
}
LIVED: Final = frozenset(
    f"E{number}" for number in range(1, 53) if number not in {5, 7, 8, 24, 31, 46, 47}
)
"""What the whole bot must live through; the others are a matter of one function."""
_NUMBERS = re.compile(r"(?<![a-z0-9])([ephci])0?(\d{1,2})(?=_)")


@cache
def carriers() -> Mapping[str, list[str]]:
    """By number, `file::test` of every test that carries it."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(TESTS.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for number in numbers_of(node.name):
                    found[number].append(f"{file.relative_to(TESTS)}::{node.name}")
    return found


def numbers_of(name: str) -> list[str]:
    """The numbers with which a test's name begins."""
    found, rest = [], name.removeprefix("test_")
    while name.startswith("test_") and (match := _NUMBERS.match(rest)):
        found.append(f"{match[1].upper()}{int(match[2])}")
        rest = rest[match.end() + 1 :]
    return found


def test_numbers_are_read_from_the_beginning_of_a_name_alone() -> None:
    assert ["E1", "E4", "H5"] == numbers_of("test_e1_e4_h05_whatever_e9_is_said")
    assert [] == numbers_of("test_no_e1_here")
    assert [] == numbers_of("e1_is_no_test")


@pytest.mark.parametrize("letter", CASES)
def test_every_case_has_a_test_that_carries_its_number(letter: str) -> None:
    numbers = [f"{letter}{number}" for number in range(1, CASES[letter] + 1)]

    assert [] == [name for name in numbers if name not in carriers() and name not in EXCUSED]


def test_nobody_is_excused_who_has_a_test() -> None:
    assert [] == [name for name in EXCUSED if name in carriers()]


def test_no_test_carries_a_number_that_there_is_not() -> None:
    known = {f"{letter}{n}" for letter, most in CASES.items() for n in range(1, most + 1)}

    assert set() == set(carriers()) - known


def test_the_whole_bot_lives_through_every_fault_of_an_exchange() -> None:
    lived = {
        number
        for number, tests in carriers().items()
        if any(test.startswith(("sim/test_live", "sim/test_peers", "e2e/")) for test in tests)
    }

    assert set() == LIVED - lived
