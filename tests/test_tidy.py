"""The house rules that no linter knows; each test names every place that breaks its rule."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
BOT = sorted(ROOT.glob("bot/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
SOURCES = [*BOT, *TESTS, *sorted(ROOT.glob("migrations/**/*.py"))]

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LEFTOVER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
LOG_LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}
LOG_EVENT = re.compile(r"[a-z_]+\.[a-z_]+$")
VAGUE_NAMES = {"utils", "helpers", "common", "base", "misc"}
UNTESTED_LINES_MAX = 40
"""A package's face or a list of protocols needs no test file of its own up to this size."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(text_of(path))


def test_a_file_is_one_job_of_at_most_400_lines() -> None:
    sizes = {name_of(path): len(text_of(path).splitlines()) for path in SOURCES}

    assert {} == {name: size for name, size in sizes.items() if size > FILE_LINES_MAX}


def test_a_function_fits_on_a_screen() -> None:
    long = [
        f"{name_of(path)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]

    assert [] == long


def test_a_module_opens_with_a_caption() -> None:
    bare = [
        name_of(path)
        for path in SOURCES
        if not (ast.get_docstring(tree_of(path)) or "").partition("\n")[0].endswith(".")
    ]

    assert [] == bare


def test_nothing_is_left_for_later() -> None:
    assert [] == [name_of(path) for path in SOURCES if LEFTOVER.search(text_of(path))]


def test_modules_are_named_for_their_job() -> None:
    vague = [path for path in BOT if path.stem in VAGUE_NAMES and path.parent.name != "strategies"]

    assert [] == vague


def logged(path: Path) -> Iterator[tuple[int, ast.expr | None]]:
    """Every call of a logger with the line and the event it names."""
    for node in ast.walk(tree_of(path)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = ast.unparse(node.func.value).split(".")[-1]
        if node.func.attr in LOG_LEVELS and owner in {"log", "_log"}:
            yield node.lineno, node.args[0] if node.args else None


def is_event(expression: ast.expr | None) -> bool:
    if isinstance(expression, ast.IfExp):
        return is_event(expression.body) and is_event(expression.orelse)
    if isinstance(expression, ast.Name | ast.Attribute):
        return True  # taken from a table of literals
    return isinstance(expression, ast.Constant) and bool(LOG_EVENT.match(str(expression.value)))


def test_log_events_are_literals_of_noun_and_participle() -> None:
    crooked = [
        f"{name_of(path)}:{line}"
        for path in BOT
        for line, event in logged(path)
        if not is_event(event)
    ]

    assert [] == crooked


def test_every_module_has_its_tests() -> None:
    """The mirror shows at a glance what has none."""
    missing = []
    for path in BOT:
        relative = path.relative_to(ROOT / "bot")
        is_face = path.name in {"__init__.py", "__main__.py", "ports.py"}
        if is_face and (path.name == "ports.py" or lines_of_code(path) <= UNTESTED_LINES_MAX):
            continue
        stem = relative.parent.name if path.name == "__init__.py" else path.stem
        folder = ROOT / "tests" / "unit" / relative.parent
        if not any(folder.glob(f"test_{stem}*.py")):
            missing.append(name_of(path))

    assert [] == missing


def lines_of_code(path: Path) -> int:
    tree = tree_of(path)
    docs = ast.get_docstring(tree) or ""
    return len([line for line in text_of(path).splitlines() if line.strip()]) - docs.count("\n")


def test_tests_use_fakes_and_no_mocks() -> None:
    banned = ("unittest" + ".mock", "monkeypatch" + ".setattr")
    mocking = [name_of(path) for path in TESTS if any(word in text_of(path) for word in banned)]

    assert [] == mocking


def test_assertions_are_on() -> None:
    """Invariants are asserted in production: the bot never runs with -O."""
    assert __debug__
    for path in [ROOT / "Makefile", *ROOT.glob("systemd/*")]:
        assert not re.search(r"python3? -O", text_of(path))


def test_what_people_read_is_plain_utf8() -> None:
    """Guide row 25: text that was read in the wrong encoding once shows it."""
    for path in [ROOT / "README.md", ROOT / "config.yaml", *ROOT.glob("docs/*.md")]:
        text = path.read_bytes().decode("utf-8")

        assert "\u00e2\u20ac" not in text, name_of(path)
        assert "\u00e2\u2030" not in text, name_of(path)


def test_no_path_of_one_machine_is_in_the_tree() -> None:
    home = re.compile("/" + "work/|/" + "root/|/" + "home/[a-z]+/")
    named = [
        path for path in [*SOURCES, *ROOT.glob("docs/*"), ROOT / "README.md"] if path.is_file()
    ]

    assert [] == [name_of(path) for path in named if home.search(text_of(path))]
