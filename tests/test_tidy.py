"""The house rules that no linter knows."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOT = sorted(ROOT.glob("bot/**/*.py"))
TESTS = sorted(ROOT.glob("tests/**/*.py"))
SOURCES = [*BOT, *TESTS, *sorted(ROOT.glob("migrations/**/*.py"))]

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 60
LEFTOVER = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "HA" + "CK")) + r")\b")
LOG_LEVELS = {"debug", "info", "warning", "error", "critical"}
LOG_EVENT = re.compile(r"[a-z_]+\.[a-z_]+$")
VAGUE_NAMES = {"utils", "helpers", "common", "base", "misc"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_is_one_job_of_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= FILE_LINES_MAX


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_function_fits_on_a_screen(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    long = {
        f.name: (f.end_lineno or 0) - f.lineno + 1
        for f in functions(tree)
        if (f.end_lineno or 0) - f.lineno + 1 > FUNCTION_LINES_MAX
    }

    assert {} == long


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_module_opens_with_a_caption(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    caption = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]

    assert caption.endswith("."), f"{name_of(path)} opens with {caption!r}"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_left_for_later(path: Path) -> None:
    assert not LEFTOVER.search(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", BOT, ids=name_of)
def test_modules_are_named_for_their_job(path: Path) -> None:
    vague = path.stem in VAGUE_NAMES and path.parent.name != "strategies"

    assert not vague


@pytest.mark.parametrize("path", BOT, ids=name_of)
def test_log_events_are_literals_of_noun_and_participle(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = ast.unparse(node.func.value)
        if node.func.attr not in LOG_LEVELS or owner.split(".")[-1] not in {"log", "_log"}:
            continue
        first = node.args[0] if node.args else None

        assert first is not None, f"{name_of(path)}:{node.lineno} logs nothing"
        for part in (first.body, first.orelse) if isinstance(first, ast.IfExp) else (first,):
            is_name = isinstance(part, ast.Name | ast.Attribute)  # taken from a table of literals
            is_literal = isinstance(part, ast.Constant) and bool(LOG_EVENT.match(str(part.value)))
            assert is_name or is_literal, f"{name_of(path)}:{node.lineno} {ast.unparse(part)}"


@pytest.mark.parametrize("path", BOT, ids=name_of)
def test_every_module_has_its_tests(path: Path) -> None:
    """The mirror shows at a glance what has none."""
    relative = path.relative_to(ROOT / "bot")
    if path.name in {"__init__.py", "__main__.py"} and path.stat().st_size < 1500:
        return
    stem = relative.parent.name if path.name == "__init__.py" else path.stem
    folder = ROOT / "tests" / "unit" / relative.parent

    assert (folder / f"test_{stem}.py").exists(), f"tests/unit/{relative.parent}/test_{stem}.py"


@pytest.mark.parametrize("path", TESTS, ids=name_of)
def test_tests_use_fakes_and_no_mocks(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert "unittest" + ".mock" not in text
    assert "monkeypatch" + ".setattr" not in text


def test_assertions_are_on() -> None:
    """Invariants are asserted in production: the bot never runs with -O."""
    assert __debug__
    for path in [ROOT / "Makefile", *ROOT.glob("systemd/*")]:
        assert not re.search(r"python3? -O", path.read_text(encoding="utf-8"))


def test_readme_and_configuration_are_plain_utf8() -> None:
    for path in [ROOT / "README.md", ROOT / "config.yaml", *ROOT.glob("docs/*.md")]:
        text = path.read_bytes().decode("utf-8")

        assert "â" not in text, f"{name_of(path)} was read in the wrong encoding once"
