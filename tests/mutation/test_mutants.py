"""The mutants themselves: what is changed, what is left alone, and that a defect takes effect."""

from types import ModuleType

from tests.mutation.mutants import mutants_of, put_in

SOURCE = """
def small(a, b):
    text = f"{a + 1} things"
    if a < b and not b == 7:
        log.note("told", 3)
        forget(a)
        return True
    if a is None:
        assert_never(b)
    return a - 1
"""


def test_each_comparison_sign_bound_branch_and_call_is_changed_once() -> None:
    found = [(row.line, row.what) for row in mutants_of(SOURCE, "small.py")]

    assert [
        (4, "7 to 8"),
        (4, "Eq to NotEq"),
        (4, "Lt to LtE"),
        (4, "and/or"),
        (4, "condition False"),
        (4, "condition True"),
        (4, "not left out"),
        (6, "call left out"),
        (7, "the other answer"),
        (8, "Is to IsNot"),
        (8, "condition False"),
        (8, "condition True"),
        (10, "1 to 2"),
        (10, "Sub to Add"),
    ] == sorted(found)


def test_a_mutant_takes_effect_in_a_module_that_others_have_imported() -> None:
    module = ModuleType("small")
    exec(SOURCE, vars(module))
    seen_by_others = vars(module)["small"]
    seen_by_others.__module__ = "small"
    defect = next(row for row in mutants_of(SOURCE, "small.py") if row.what == "Sub to Add")
    before = seen_by_others(5, 2)

    put_in(module, defect.codes)

    assert 4 == before
    assert 6 == seen_by_others(5, 2)
