"""One file, old or new, whole."""

import resource
from pathlib import Path

import pytest

from bot.errors import DataError
from bot.market import checkpoint


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "market.checkpoint"
    checkpoint.write(file, [b"first"])
    checkpoint.write(file, [b"second", b"", b"part"])

    assert [b"second", b"", b"part"] == checkpoint.read(file)
    assert [file] == list(tmp_path.iterdir())


def test_no_file_is_no_checkpoint(tmp_path: Path) -> None:
    assert checkpoint.read(tmp_path / "none") is None


@pytest.mark.parametrize("place", [0, 9, 14, 20])
def test_a_flipped_bit_is_seen(tmp_path: Path, place: int) -> None:
    file = tmp_path / "market.checkpoint"
    checkpoint.write(file, [b"0123456789"])
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)

    with pytest.raises(DataError, match="not a whole checkpoint"):
        checkpoint.read(file)


@pytest.mark.parametrize("length", [0, 5, 12, 15])
def test_a_cut_file_is_seen(tmp_path: Path, length: int) -> None:
    file = tmp_path / "market.checkpoint"
    checkpoint.write(file, [b"0123456789"])
    file.write_bytes(file.read_bytes()[:length])

    with pytest.raises(DataError, match="not a whole checkpoint"):
        checkpoint.read(file)


def test_a_write_that_fails_leaves_the_old_content(tmp_path: Path) -> None:
    file = tmp_path / "market.checkpoint"
    checkpoint.write(file, [b"old"])
    (tmp_path / "market.checkpoint.new").mkdir()

    with pytest.raises(OSError, match=r"market\.checkpoint\.new"):
        checkpoint.write(file, [b"new"])
    assert [b"old"] == checkpoint.read(file)


def test_a_folder_in_its_place_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        checkpoint.read(tmp_path)


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    file = tmp_path / "market.checkpoint"
    checkpoint.write(file, [b"x"])

    assert 0o600 == file.stat().st_mode & 0o777


def test_a_file_that_does_not_fit_leaves_the_old_one_and_no_half_of_a_new_one(
    tmp_path: Path,
) -> None:
    file = tmp_path / "market.checkpoint"
    checkpoint.write(file, [b"old"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            checkpoint.write(file, [b"x" * 100_000])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert [b"old"] == checkpoint.read(file)
    assert [file] == list(tmp_path.iterdir())
