"""`init`: a configuration of one's own, never written over."""

import stat
from pathlib import Path

from bot.cli.setup import default_config, schema_text
from bot.config import Config, load
from tests.fakes.verbs import say

ROOT = Path(__file__).parents[3]


def test_the_commented_default_is_written_with_its_schema(tmp_path: Path) -> None:
    config = tmp_path / "mine" / "config.yaml"

    said = say("init", "-c", str(config))
    text = config.read_text(encoding="utf-8")

    assert 0 == said.code
    assert Config() == load(config)
    assert text.count("#") > 100
    assert "$schema=config.schema.json\n" in text
    assert schema_text() == (config.parent / "config.schema.json").read_text(encoding="utf-8")
    assert 0o700 == stat.S_IMODE((config.parent / "data").stat().st_mode)
    assert f"Next: liqbot check -c {config}, then liqbot run -c {config}" in said.out


def test_what_is_there_is_kept(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("risk: {risk_pct: 0.25}\n", encoding="utf-8")

    said = say("init", "-c", str(config), "--data-dir", str(tmp_path / "elsewhere"))

    assert 0 == said.code
    assert "kept as it is" in said.out
    assert "risk: {risk_pct: 0.25}\n" == config.read_text(encoding="utf-8")
    assert (tmp_path / "elsewhere").is_dir()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")

    said = say("init", "-c", str(tmp_path / "file" / "config.yaml"))

    assert said.code in {73, 78}
    assert str(tmp_path / "file") in said.err


def test_the_schema_in_the_docs_is_current() -> None:
    """Made anew by `liqbot init -c NEW.yaml`, which writes it beside the file."""
    assert schema_text() == (ROOT / "docs" / "config.schema.json").read_text(encoding="utf-8")


def test_the_default_is_the_repositorys_own() -> None:
    assert ROOT / "config.yaml" == default_config()


def test_a_folder_in_place_of_the_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    said = say("init", "-c", str(tmp_path))

    assert 2 == said.code
    assert "is a folder" in said.err
    assert [] == list(tmp_path.parent.glob("config.schema.json"))
