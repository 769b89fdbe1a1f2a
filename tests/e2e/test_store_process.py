"""The ledger under real kills, real signals and a real full disk."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.errors import DataDirError, DataError, StoreError
from bot.model.primitives import Millis
from bot.store import backup, check, migrate
from bot.store.db import open_engine
from bot.store.files import DataFiles
from bot.store.lock import holder_of
from bot.store.recorder import Ledger
from bot.store.writer import Writer
from tests.fakes import store_process as process
from tests.fakes.rows import WALL, a_ledger, an_intent

STRACE = shutil.which("strace")
needs_strace = pytest.mark.skipif(
    STRACE is None, reason="strace is not installed: system calls cannot be made to fail"
)
SECOND = Path(__file__).parents[1] / "fakes" / "migration_0002.py"


SYNC = "fsync,fdatasync"
"""SQLite uses the one or the other, by how it was built."""


def traced(argv: list[str], call: str, what: str) -> list[str]:
    """A command whose system call `call` meets `what`."""
    assert STRACE is not None
    inject = f"inject={call}:{what}"
    return [STRACE, "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", inject, *argv]


def acked(lines: list[str]) -> int:
    """How many records were acknowledged."""
    return sum(line.startswith(process.ACKED) for line in lines)


def killed_holder(folder: Path, rows: int) -> DataFiles:
    """A ledger whose writer was killed with `rows` rows in the -wal alone."""
    child = process.start(process.command("hold", folder, rows))
    assert child.stdout is not None
    assert f"{process.HELD}\n" == child.stdout.readline()
    child.kill()
    child.communicate(timeout=60)
    return DataFiles(folder=folder)


@needs_strace
@pytest.mark.parametrize(
    ("call", "at"),
    [
        *((SYNC, at) for at in (3, 7, 10, 13, 15, 16, 17, 18, 20, 21)),
        *(("pwrite64", at) for at in (5, 60, 140, 205, 215, 225, 240, 255)),
        *(("write", at) for at in (1, 3, 5)),
    ],
)
def test_p2_a_kill_at_any_system_call_loses_nothing_acknowledged(
    tmp_path: Path, call: str, at: int
) -> None:
    """acked is within the ledger, and the ledger has at most one more."""
    argv = traced(process.command("write", tmp_path, 5), call, f"signal=SIGKILL:when={at}")
    lines, _ = process.finished(argv)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 1))
    report = check.examine(ledger.files.ledger)
    ledger.close()

    assert acked(lines) <= ledger.seq <= acked(lines) + 1
    assert () == report.problems


def test_p8_a_second_process_is_refused_at_once_and_kill_9_frees_the_lock(tmp_path: Path) -> None:
    child = process.start(process.command("hold", tmp_path, 1))
    assert child.stdout is not None
    child.stdout.readline()
    started = time.perf_counter()
    with pytest.raises(DataDirError) as caught:
        a_ledger(tmp_path)
    took_s = time.perf_counter() - started
    child.kill()
    child.communicate(timeout=60)
    ledger = a_ledger(tmp_path)
    ledger.close()

    assert 73 == caught.value.exit_code
    assert f"pid {child.pid} on here" in caught.value.what
    assert took_s < 1.0
    assert 1 == ledger.seq
    assert "" == holder_of(ledger.files.lock)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of two megabytes."""
    folder = tmp_path / "small"
    folder.mkdir(mode=0o700)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode:
        pytest.skip("no right to mount a small file system here")
    yield folder
    # Lazily: a test that failed may still have the ledger open.
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(ballast: Path) -> None:
    with ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


def record_for_long(ledger: Ledger) -> None:
    for number in range(1_000):
        ledger.record_now([an_intent(f"c{number}")])


def test_p10_a_full_disk_refuses_the_record_and_takes_it_when_there_is_room(
    small_disk: Path,
) -> None:
    ledger = a_ledger(small_disk)
    ledger.record_now([an_intent("before")])
    ballast = small_disk / "ballast"
    with pytest.raises(OSError, match="No space left"):
        fill(ballast)
    with pytest.raises(StoreError, match="disk is full"):
        record_for_long(ledger)
    kept = ledger.seq
    ballast.unlink()
    ledger.record_now([an_intent("after")])
    report = check.examine(ledger.files.ledger)
    ledger.close()

    assert kept + 1 == ledger.seq == report.newest_seq
    assert () == report.problems


@needs_strace
@pytest.mark.parametrize("at", [17, 18])
def test_p11_a_failed_sync_closes_the_ledger_and_is_never_tried_again(
    tmp_path: Path, at: int
) -> None:
    """The kernel may have dropped what the sync was to save, and call the next one a success."""
    argv = traced(process.command("write", tmp_path, 5), SYNC, f"error=EIO:when={at}")
    lines, _ = process.finished(argv)
    ledger = a_ledger(tmp_path, wall=Millis(WALL + 1))
    ledger.close()
    failed = [line for line in lines if line.startswith("failed")]
    again = [line for line in lines if line.startswith("again")]

    assert ["The disk reported an error" in line for line in failed] == [True]
    assert ["Nothing can be written" in line for line in again] == [True]
    assert acked(lines) <= ledger.seq <= acked(lines) + 1


@pytest.mark.parametrize("harm", ["zeroed page", "truncated"])
def test_p15_a_damaged_file_is_set_aside_for_the_newest_backup(tmp_path: Path, harm: str) -> None:
    ledger = a_ledger(tmp_path)
    for number in range(200):
        ledger.record_now([an_intent(f"c{number}")])
    backup.make(ledger.files, wall=WALL, kept=7)
    ledger.close()
    content = bytearray(ledger.files.ledger.read_bytes())
    half = len(content) // 8192 * 4096
    if harm == "truncated":
        content = content[:half]
    else:
        content[half : half + 8192] = bytes(8192)
    ledger.files.ledger.write_bytes(content)
    again = a_ledger(tmp_path)
    report = check.examine(again.files.ledger)
    again.close()

    assert "The ledger is damaged" in again.trouble
    assert "was taken" in again.trouble
    assert (200, ()) == (report.newest_seq, report.problems)
    assert bytes(content) == next(again.files.quarantine.rglob("ledger.db")).read_bytes()


def test_p17_a_wal_that_is_missing_is_refused(tmp_path: Path) -> None:
    """To SQLite the ledger looks healthy; it has only forgotten what it promised."""
    files = killed_holder(tmp_path, rows=3)
    files.wal.unlink()
    with pytest.raises(DataError) as caught:
        a_ledger(tmp_path)

    assert 65 == caught.value.exit_code
    assert "ends at journal row 0, but 3 were written" in caught.value.what


def test_p17_a_foreign_wal_is_set_aside_and_never_moved_into_the_ledger(tmp_path: Path) -> None:
    files = killed_holder(tmp_path / "mine", rows=3)
    other = a_ledger(tmp_path / "other", instance="other")
    for number in range(60):
        other.record_now([an_intent(f"o{number}")])
    mine, foreign = files.ledger.read_bytes(), other.files.wal.read_bytes()
    files.wal.write_bytes(foreign)
    other.close()
    with pytest.raises(DataError, match="is not its own"):
        a_ledger(tmp_path / "mine")
    with pytest.raises(DataError, match="has lost what was written last"):
        a_ledger(tmp_path / "mine")

    assert mine == files.ledger.read_bytes()
    assert foreign == next(files.quarantine.rglob("ledger.db-wal")).read_bytes()


def test_a_killed_ledger_is_read_by_another_process_before_it_is_recovered(tmp_path: Path) -> None:
    """`liqbot status` after a crash, with the standard library's SQLite."""
    files = killed_holder(tmp_path, rows=3)
    code = (
        "import sys; from pathlib import Path; from bot.store.reader import Reader\n"
        "with Reader(Path(sys.argv[1])) as r: print(len(r.orders()), r.last_boot().is_clean)"
    )
    for _ in range(2):
        lines, err = process.finished([sys.executable, "-c", code, str(files.ledger)])

        assert (["3 False"], "") == (lines, err)
    ledger = a_ledger(tmp_path)
    ledger.close()

    assert 3 == ledger.seq


def test_a_reader_sees_whole_transactions_while_the_daemon_writes(tmp_path: Path) -> None:
    child = process.start(process.command("write", tmp_path, 300))
    assert child.stdout is not None
    child.stdout.readline()
    code = (
        "import sys; from pathlib import Path; from bot.store.reader import Reader\n"
        "with Reader(Path(sys.argv[1])) as r: r.orders(limit=999)\n"
        "with Reader(Path(sys.argv[1])) as r: print(len(list(r.journal())) > 0)"
    )
    lines, err = process.finished([sys.executable, "-c", code, str(tmp_path / "ledger.db")])
    out, _ = child.communicate(timeout=60)

    assert (["True"], "") == (lines, err)
    assert 299 == acked(out.splitlines())


@pytest.fixture
def two_migrations(tmp_path: Path) -> Path:
    """The real migrations and a second one that kills itself where KILL_AT says."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.migrations_folder(), folder)
    shutil.copyfile(SECOND, folder / "versions" / "0002_second.py")
    return folder


def schema_of(path: Path) -> tuple[str, bool, bool, bool]:
    """Revision, and whether each of the second migration's three changes is there."""
    writer = Writer(open_engine(path), where=str(path))
    names = writer.run(lambda c: set(c.exec_driver_sql("SELECT name FROM sqlite_schema").scalars()))
    columns = writer.run(
        lambda c: {row.name for row in c.exec_driver_sql("PRAGMA table_info(note)")}
    )
    revision = writer.run(migrate.revision_of)
    writer.close()
    return str(revision), "extra" in names, "ix_extra_a" in names, "colour" in columns


@pytest.mark.parametrize("kill_at", ["0", "1", "2", "3"])
def test_p19_a_kill_inside_a_migration_leaves_the_old_schema_and_the_next_try_succeeds(
    tmp_path: Path, two_migrations: Path, kill_at: str
) -> None:
    """alembic's default leaves the first table without its version, and fails for ever."""
    ledger = a_ledger(tmp_path / "data")
    ledger.record_now([an_intent()])
    ledger.close()
    path = ledger.files.ledger
    argv = process.command("upgrade", path, two_migrations)
    process.finished(argv, KILL_AT=kill_at)
    after_kill = schema_of(path)
    _, err = process.finished(argv, KILL_AT="never")

    assert ("0001", False, False, False) == after_kill
    assert "" == err
    assert ("0002", True, True, True) == schema_of(path)


@needs_strace
@pytest.mark.parametrize(("call", "at"), [(SYNC, 1), ("pwrite64", 2), ("pwrite64", 8)])
def test_p19_a_kill_while_a_migration_commits_leaves_all_or_nothing(
    tmp_path: Path, two_migrations: Path, call: str, at: int
) -> None:
    ledger = a_ledger(tmp_path / "data")
    ledger.close()
    path = ledger.files.ledger
    argv = process.command("upgrade", path, two_migrations)
    process.finished(traced(argv, call, f"signal=SIGKILL:when={at}"), KILL_AT="never")
    after_kill = schema_of(path)
    process.finished(argv, KILL_AT="never")

    assert after_kill in {("0001", False, False, False), ("0002", True, True, True)}
    assert ("0002", True, True, True) == schema_of(path)
