"""YAML's own surprises are refused with the line they stand on."""

from pathlib import Path
from typing import Any

import pytest

from bot.config.document import Document, read_document
from bot.errors import ConfigError


def document_of(tmp_path: Path, text: str) -> Document:
    path = tmp_path / "my.yaml"
    path.write_text(text, encoding="utf-8")
    return read_document(path)


def test_c2_duplicate_key_is_refused_with_its_line(tmp_path: Path) -> None:
    document = document_of(tmp_path, "risk:\n  risk_pct: 1\n  risk_pct: 2\n")

    assert [(3, "risk.risk_pct is given twice.")] == [(m.line, m.what) for m in document.mistakes]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e3", 1000.0),
        ("10", 10),
        ("1_000", 1000),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ("'0.5'", "0.5"),
        ("010", "010"),
        ("12:30:45", "12:30:45"),
        ("on", "on"),
        ("yes", "yes"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("0x1F", "0x1F"),
        ("2026-01-28", "2026-01-28"),
    ],
)
def test_c3_plain_scalars_mean_what_they_look_like(
    tmp_path: Path, text: str, expected: object
) -> None:
    """PyYAML alone reads 010 as 8, 12:30:45 as 45045 and `on` as true."""
    data: dict[str, Any] = document_of(tmp_path, f"key: {text}\n").data

    assert expected == data["key"]
    assert type(expected) is type(data["key"])


def test_c4_python_tags_are_refused_and_never_run(tmp_path: Path) -> None:
    document = document_of(tmp_path, "key: !!python/name:os.system ls\n")

    assert ["key carries a tag."] == [m.what for m in document.mistakes]


def test_c5_aliases_are_refused_before_they_can_grow(tmp_path: Path) -> None:
    bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"
    document = document_of(tmp_path, bomb)

    assert {"b[0] is an alias."} <= {m.what for m in document.mistakes}


def test_c5_a_deep_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="too large or too deep"):
        document_of(tmp_path, "a: " + "[" * 40 + "]" * 40 + "\n")


def test_c5_a_very_deep_file_is_refused_without_a_crash(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        document_of(tmp_path, "a: " + "[" * 50_000 + "\n")


def test_a_file_over_the_size_limit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="larger than 256 KB"):
        document_of(tmp_path, "#" * (256 * 1024 + 1))


@pytest.mark.parametrize("key", ["api_key", "apiKey", "exchange_secret", "password", "token"])
def test_c8_secrets_are_refused_in_the_file(tmp_path: Path, key: str) -> None:
    document = document_of(tmp_path, f"{key}: abc\n")

    assert len(document.mistakes) == 1
    assert "looks like a secret" in document.mistakes[0].what
    assert "abc" not in document.mistakes[0].what
    assert key not in document.data


def test_broken_yaml_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        document_of(tmp_path, "a: 1\nb: [1, 2\nc: 3\n")

    assert caught.value.where.endswith("my.yaml:3")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read_document(tmp_path / "none.yaml")

    assert "liqbot init" in caught.value.remedy


def test_a_file_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes("key: é\n".encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_document(path)


def test_a_list_at_the_top_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a list of keys"):
        document_of(tmp_path, "- a\n- b\n")


def test_an_empty_file_is_an_empty_document(tmp_path: Path) -> None:
    assert {} == document_of(tmp_path, "# nothing\n").data


def test_taking_out_a_list_item_takes_out_the_list(tmp_path: Path) -> None:
    document = document_of(tmp_path, "a:\n  b: [1, 2]\n  c: 3\n")

    assert document.remove(("a", "b", 1))
    assert {"a": {"c": 3}} == document.data
    assert not document.remove(("x", "y"))
