"""Keys: where they come from, who may read them, what they may do. C7 to C11."""

import os
import pickle
from pathlib import Path

import pytest

from bot import credentials
from bot.credentials import Credentials, Secret, Source
from bot.errors import AccessError
from bot.model.account import KeyRights

KEYS = "exchange_api_key = abc\nexchange_secret=def\n"


def a_file(folder: Path, text: str = KEYS, *, mode: int = 0o600) -> Path:
    path = folder / "credentials"
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def revealed(found: Credentials) -> tuple[str | None, ...]:
    return tuple(
        None if secret is None else secret.reveal()
        for secret in (found.api_key, found.secret, found.password)
    )


def test_a_secret_never_shows_itself() -> None:
    secret = Secret("hunter2")
    found = Credentials(source=Source.FILE, api_key=secret)

    assert "*** *** ***" == f"{secret!r} {secret} {secret:>9}"
    assert "hunter2" not in repr(found)
    assert "hunter2" == secret.reveal()
    with pytest.raises(TypeError):
        pickle.dumps(secret)


def test_systemd_comes_before_the_file_and_the_file_before_the_environment(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for name, value in (("api_key", "one"), ("secret", "two"), ("password", "three")):
        path = folder / f"exchange_{name}"
        path.write_text(value, encoding="utf-8")
        path.chmod(0o400)
    file = a_file(tmp_path)
    environ = {"LIQBOT_EXCHANGE_API_KEY": "env", "LIQBOT_EXCHANGE_SECRET": "env2"}

    by_systemd = credentials.find({**environ, "CREDENTIALS_DIRECTORY": str(folder)}, file)
    by_file = credentials.find(environ, file)
    by_environment = credentials.find(environ, tmp_path / "none")

    assert ("one", "two", "three") == revealed(by_systemd)
    assert ("abc", "def", None) == revealed(by_file)
    assert ("env", "env2", None) == revealed(by_environment)
    assert [Source.CREDENTIALS_DIRECTORY, Source.FILE, Source.ENVIRONMENT] == [
        found.source for found in (by_systemd, by_file, by_environment)
    ]


def test_no_keys_at_all_are_no_error() -> None:
    found = credentials.find({})

    assert Credentials() == found
    assert not found.is_complete


def test_c7_live_without_a_whole_pair_is_refused() -> None:
    half = Credentials(source=Source.FILE, where="here", api_key=Secret("abc"))

    with pytest.raises(AccessError, match="exchange_secret is missing") as caught:
        credentials.require(half, mode="live")

    assert 77 == caught.value.exit_code
    assert "here" == caught.value.where


def test_c7_paper_ignores_keys_and_says_so() -> None:
    found = credentials.find({"LIQBOT_EXCHANGE_API_KEY": "abc", "LIQBOT_EXCHANGE_SECRET": "def"})

    said = credentials.require(found, mode="paper")

    assert "ignored: paper trading sends nothing" in said
    assert "abc" not in said
    assert "not needed for paper trading" == credentials.require(Credentials(), mode="paper")
    assert "found (LIQBOT_EXCHANGE_API_KEY)" == credentials.require(found, mode="live")


def test_c8_a_line_that_is_no_known_name_is_refused_without_being_shown(tmp_path: Path) -> None:
    """Secrets in config.yaml are refused in tests/unit/config."""
    file = a_file(tmp_path, "# mine\n\nsupersecretvalue\n")

    with pytest.raises(AccessError) as caught:
        credentials.find({}, file)

    assert f"{file}:3" == caught.value.where
    assert "supersecretvalue" not in str(caught.value)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_c9_a_file_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    file = a_file(tmp_path, mode=mode)

    with pytest.raises(AccessError, match=f"mode is {mode:04o}") as caught:
        credentials.find({}, file)

    assert f"chmod 600 {file}" in caught.value.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_c9_a_foreign_file_is_refused(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    os.chown(file, 12345, -1)

    with pytest.raises(AccessError, match="belongs to user 12345"):
        credentials.find({}, file)


def test_c9_what_is_no_plain_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(a_file(tmp_path))
    (tmp_path / "folder").mkdir(mode=0o700)

    os.mkfifo(tmp_path / "pipe", 0o600)

    for name in ("link", "folder", "pipe"):
        with pytest.raises(AccessError):
            credentials.find({}, tmp_path / name)


def test_c9_systemds_files_are_held_to_the_same(tmp_path: Path) -> None:
    path = tmp_path / "exchange_api_key"
    path.write_text("abc", encoding="utf-8")
    path.chmod(0o644)

    with pytest.raises(AccessError, match="mode is 0644"):
        credentials.find({"CREDENTIALS_DIRECTORY": str(tmp_path)})


def test_c10_spaces_and_line_breaks_around_a_key_are_stripped(tmp_path: Path) -> None:
    path = tmp_path / "exchange_api_key"
    path.write_text("  abc \r\n", encoding="utf-8")
    path.chmod(0o600)

    by_systemd = credentials.find({"CREDENTIALS_DIRECTORY": str(tmp_path)})
    by_environment = credentials.find({"LIQBOT_EXCHANGE_SECRET": "def\n"})

    assert ("abc", None, None) == revealed(by_systemd)
    assert (None, "def", None) == revealed(by_environment)


def test_c10_a_key_with_a_space_inside_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AccessError, match="exchange_api_key is not one word"):
        credentials.find({}, a_file(tmp_path, "exchange_api_key=abc def\n"))


def test_a_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    file = a_file(tmp_path)
    for raw in (b"\xff\xfe\x00", b"#" * (credentials.BYTES_MAX + 1)):
        file.write_bytes(raw)
        with pytest.raises(AccessError, match="no file with keys"):
            credentials.find({}, file)


def test_c11_a_key_that_may_withdraw_is_refused() -> None:
    (finding,) = credentials.judge(KeyRights(can_withdraw=True, is_ip_restricted=True))

    assert finding.is_fatal
    assert "may withdraw money" in finding.what


def test_c11_a_key_that_works_from_anywhere_is_warned_of() -> None:
    (finding,) = credentials.judge(KeyRights(can_withdraw=False, is_ip_restricted=False))

    assert not finding.is_fatal
    assert "from any address" in finding.what


def test_c11_an_exchange_that_does_not_say_is_said() -> None:
    (finding,) = credentials.judge(KeyRights())

    assert not finding.is_fatal
    assert "does not say" in finding.what
    assert [] == credentials.judge(KeyRights(can_withdraw=False, is_ip_restricted=True))
