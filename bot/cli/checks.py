"""What `liqbot check` looks at: each a function that gives one line or more, and never raises."""

import asyncio
import os
import shutil
import stat
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from bot import credentials
from bot.cli import tables
from bot.cli.context import Place, start_command
from bot.clock import wall_now
from bot.errors import ConfigError, DataDirError, DataError, LiqbotError, UnavailableError
from bot.model.cluster import ProviderGate
from bot.model.primitives import Millis
from bot.model.wiring import MarketSource, Provider
from bot.store import check, inspection
from bot.store.files import DataFiles
from bot.store.inspection import Finding
from bot.store.lock import holder_of
from bot.store.reader import Reader
from bot.store.sqlite import driver, sqlite_warning

FREE_LOW_BYTES = 1_000_000_000
FREE_LEAST_BYTES = 50_000_000
CLOCK_BACK_MAX_MS = 60_000
"""The clock may stand so far behind the ledger's newest start without being wrong."""
BUILT_AT = Millis(1_767_225_600_000)
"""2026-01-01: no clock that shows an earlier time is right."""
FILE_STAMP_MAX_MS = 5_000


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One line: what was looked at, the verdict, and what to do."""

    name: str
    verdict: str
    """ok | warn | FAIL | - (nothing to say, or not asked for)"""
    what: str
    where: str = ""
    remedy: str = ""
    code: int = 0
    """The exit code of a FAIL."""


def failed(name: str, error: LiqbotError) -> Check:
    """A failure in the words of the error."""
    return Check(
        name=name,
        verdict="FAIL",
        what=error.what,
        where=error.where,
        remedy=error.remedy,
        code=error.exit_code,
    )


def environment(place: Place, environ: Mapping[str, str]) -> Iterator[Check]:
    """Variables in effect, and a .env file that is not read."""
    known = sorted(name for name in environ if name.startswith("LIQBOT_"))
    if known:
        yield Check(name="environment", verdict="ok", what=f"in effect: {', '.join(known)}")
    dotenv = place.config_path.with_name(".env")
    if dotenv.exists():
        yield Check(
            name=".env",
            verdict="-",
            what="is ignored",
            where=str(dotenv),
            remedy="To use it: EnvironmentFile= in the unit, or: set -a; . ./.env; set +a",
        )


def data_directory(place: Place) -> Check:
    """Private, ours, writable, with room."""
    folder = place.data_dir
    name = "data directory"
    try:
        found = _nearest_existing(folder)
        free = shutil.disk_usage(found).free
        _require_private(folder, found)
    except OSError as error:
        problem = DataDirError(f"It cannot be looked at: {error.strerror}.", where=str(folder))
        return failed(name, problem)
    except DataDirError as error:
        return failed(name, error)
    room = f"{free / 1e9:.0f} GB free" if free >= FREE_LOW_BYTES else f"{free / 1e6:.0f} MB free"
    if free < FREE_LEAST_BYTES:
        full = DataDirError(f"Only {room}.", where=str(folder), remedy="Free some space.")
        return failed(name, full)
    whose = "only you can read it" if folder.exists() else "the first run makes it"
    low = free < FREE_LOW_BYTES
    return Check(
        name=name,
        verdict="warn" if low else "ok",
        what=f"{whose}, {room}",
        where=str(folder),
        remedy="The ledger grows by some 10 MB a day and symbol." if low else "",
    )


def ledger(place: Place, *, is_running: bool) -> Iterator[Check]:
    """Sound, of this mode, and known to this version; or new."""
    files = DataFiles(folder=place.data_dir)
    if warning := sqlite_warning():
        yield Check(name="sqlite", verdict="warn", what=warning)
    found = None if is_running else inspection.inspect(files)
    if found is not None and found.finding is Finding.NEW:
        yield Check(name="ledger", verdict="ok", what="new: the first run makes it")
        return
    if found is not None and found.finding is not Finding.SOUND:
        yield failed("ledger", _lost(found, files))
        return
    report = check.examine(files.ledger, module=driver())
    if report.problems:
        for problem in report.problems:
            error = DataError(problem, where=str(files.ledger), remedy="Keep a copy of it and ask.")
            yield failed("ledger", error)
        return
    if report.mode != place.config.mode:
        other = DataDirError(
            f"This ledger was made for {report.mode} trading, and mode is {place.config.mode}.",
            where=str(files.ledger),
            remedy="Use another --data-dir.",
        )
        yield failed("ledger", other)
        return
    yield _known_schema(report, files)


def clock(place: Place) -> Check:
    """Plausible, as far as that can be seen without asking anybody."""
    wall = wall_now()
    remedy = "Set the clock, and let it be kept by NTP: timedatectl set-ntp true"
    shown = datetime.fromtimestamp(wall / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
    if wall < BUILT_AT:
        return Check(name="clock", verdict="warn", what=f"it shows {shown} UTC", remedy=remedy)
    newest = _newest_start(place)
    if newest is not None and wall < newest - CLOCK_BACK_MAX_MS:
        back = tables.about((newest - wall) / 1000)
        what = f"it stands {back} before the last start of the bot"
        return Check(name="clock", verdict="warn", what=what, remedy=remedy)
    off_ms = _off_file_system_ms(place.data_dir)
    if off_ms is not None and abs(off_ms) > FILE_STAMP_MAX_MS:
        what = f"{off_ms / 1000:+.1f} s off the stamps of the file system"
        return Check(name="clock", verdict="warn", what=what, remedy=remedy)
    is_asked = place.config.market.source is MarketSource.EXCHANGE
    how = "compared with the exchange's below"
    if not is_asked:
        how = "not measured, as paper trading asks no time source"
    what = f"{shown} UTC is plausible; {how}"
    return Check(name="clock", verdict="ok", what=what)


def heatmap(place: Place, status: Mapping[str, Any] | None) -> Check:
    """The provider answers for our symbols; the bot's own only while it runs."""
    settings = place.config.heatmap
    if settings.provider is Provider.LOCAL:
        return Check(name="heatmap", verdict="ok", what="computed by the bot itself")
    if status is None and urlsplit(settings.base_url).netloc == settings.serve:
        what = "the bot's own; it answers while the bot runs"
        return Check(name="heatmap", verdict="-", what=what, where=settings.base_url)
    from bot.heatmap.listing import listing  # noqa: PLC0415  (aiohttp, only where it is asked)
    from bot.heatmap.probe import probe  # noqa: PLC0415  (the same)

    listings = [listing(s, known) for s, known in place.config.symbol_settings.items()]
    try:
        found = asyncio.run(probe(settings, listings, wall=wall_now))
    except LiqbotError as error:
        return failed("heatmap", error)
    if not found.is_ok:
        return failed(
            "heatmap", UnavailableError(found.what, where=found.where, remedy=found.remedy)
        )
    age_s = status["heatmap"]["age_s"] if status is not None else None
    age = "" if age_s is None else f", newest reading {tables.span(age_s)} old"
    return Check(name="heatmap", verdict="ok", what=found.what + age, where=found.where)


def provider(place: Place) -> Check:
    """Whether its levels stand still, as far as that has been seen."""
    gate = _gate(place)
    if gate is None or gate.stability is None:
        what = "not judged yet: it takes an hour of readings"
        return Check(name="provider", verdict="-", what=what)
    kept = f"{tables.share(gate.stability)} still there after 60 s"
    if gate.is_floating:
        return Check(
            name="provider",
            verdict="warn",
            what=f"levels ride on the price: {kept}",
            remedy="Paper trades are marked; live entries are refused.",
        )
    if not gate.is_open:
        remedy = "Live entries wait until 80 % stand still over 200 samples and an hour."
        return Check(name="provider", verdict="ok", what=f"on probation: {kept}", remedy=remedy)
    return Check(name="provider", verdict="ok", what=f"levels stand still: {kept}")


def market(place: Place, report: Callable[[float, str], None]) -> Check:
    """The embedded one needs nothing; the files of a recording are read and checked whole."""
    config = place.config
    try:
        if config.market.source is MarketSource.SIMULATED:
            from bot.sources import instant_of  # noqa: PLC0415  (only where it is asked)

            simulated = config.market.simulated
            instant_of(simulated.start_at, "market.simulated.start_at")
            what = f"simulated, seed {simulated.seed}, {simulated.speed:g} times real time"
            return Check(name="market", verdict="ok", what=what)
        if config.market.source is MarketSource.EXCHANGE:
            what = f"prices of {config.exchange.id}; asked below"
            return Check(name="market", verdict="ok", what=what, where=config.exchange.base_url)
        return _recording(place, report)
    except LiqbotError as error:
        return failed("market", error)


def daemon(place: Place, status: Mapping[str, Any] | None) -> Check:
    """Running or not, and reachable."""
    holder = holder_of(DataFiles(folder=place.data_dir).lock)
    if status is not None:
        up = tables.span(status["uptime_s"])
        return Check(name="bot", verdict="ok", what=f"running, {status['state']}, up {up}")
    if holder:
        return Check(
            name="bot",
            verdict="warn",
            what=f"{holder} holds the data directory and does not answer",
            where=str(place.socket),
            remedy="It may be starting. Otherwise end it; a new start recovers.",
        )
    return Check(name="bot", verdict="-", what=f"not running; start: {start_command(place)}")


def keys(place: Place, environ: Mapping[str, str]) -> Check:
    """Found where they may be, and needed or not."""
    try:
        found = credentials.find(environ, place.config_path.with_name(credentials.FILE_NAME))
        what = credentials.require(found, mode=place.config.mode)
    except LiqbotError as error:
        return failed("keys", error)
    is_used = place.config.mode == "live"
    return Check(name="keys", verdict="ok" if is_used else "-", what=what)


# --- how


def _nearest_existing(folder: Path) -> Path:
    return next(p for p in (folder, *folder.absolute().parents) if p.exists())


def _require_private(folder: Path, nearest: Path) -> None:
    """See that it is ours alone, or that it can be made within the nearest that exists."""
    if folder != nearest:
        if not os.access(nearest, os.W_OK):
            raise DataDirError(
                "It cannot be made here.", where=str(folder), remedy="Name another --data-dir."
            )
        return
    found = folder.stat()
    if not stat.S_ISDIR(found.st_mode):
        raise DataDirError("It is no directory.", where=str(folder), remedy="Name another one.")
    if found.st_uid != os.geteuid():
        raise DataDirError(
            f"It belongs to user {found.st_uid}, not to you.",
            where=str(folder),
            remedy=f"chown it to user {os.geteuid()}, or use another --data-dir.",
        )
    mode = stat.S_IMODE(found.st_mode)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise DataDirError(
            f"Other users can look into it: its mode is {mode:04o}.",
            where=str(folder),
            remedy=f"chmod 700 {folder}",
        )
    if not os.access(folder, os.W_OK):
        raise DataDirError("It cannot be written.", where=str(folder), remedy=f"chmod 700 {folder}")


def _lost(found: inspection.Inspection, files: DataFiles) -> DataError:
    words = {
        Finding.DAMAGED: "It is damaged",
        Finding.FOREIGN_WAL: "Its -wal belongs to another ledger",
        Finding.BEHIND: "It has lost what was written",
        Finding.GONE: "It is gone",
    }
    detail = f": {found.detail.rstrip('.')}" if found.detail else ""
    return DataError(
        f"{words[found.finding]}{detail}.",
        where=str(files.ledger),
        remedy="The next start sets it aside (quarantine/) and takes the newest sound backup; "
        "to put one back yourself, copy it from backups/ first.",
    )


def _known_schema(report: check.Report, files: DataFiles) -> Check:
    from bot.store.migrate import require_known  # noqa: PLC0415  (SQLAlchemy, 0.2 s)
    from bot.store.schema import REVISIONS  # noqa: PLC0415  (the same)

    try:
        require_known(report.revision, where=str(files.ledger))
    except DataDirError as error:
        return failed("ledger", error)
    held = tables.count(report.open_positions, "open position")
    what = f"schema {report.revision}, account {report.mode}, {held}, sums agree"
    if report.revision != REVISIONS[-1]:
        what += f"; the next start migrates it to {REVISIONS[-1]}, after a backup"
    return Check(name="ledger", verdict="ok", what=what)


def _newest_start(place: Place) -> Millis | None:
    try:
        with Reader(place.ledger) as reader:
            boot = reader.last_boot()
    except LiqbotError:
        return None
    return None if boot is None else boot.started_at


def _off_file_system_ms(folder: Path) -> int | None:
    """How far the machine's clock is from the stamp that the file system gives a new file."""
    probe = folder / ".clock"
    try:
        probe.unlink(missing_ok=True)
        probe.touch(mode=0o600, exist_ok=False)
        stamped = probe.stat().st_mtime_ns // 1_000_000
        probe.unlink()
    except OSError:
        return None
    return int(wall_now() - stamped)


def _gate(place: Place) -> ProviderGate | None:
    wanted = place.config.core(instance="").provider
    try:
        with Reader(place.ledger) as reader:
            return reader.gates().get(wanted)
    except LiqbotError:
        return None


def _recording(place: Place, report: Callable[[float, str], None]) -> Check:
    from bot.market import recording  # noqa: PLC0415  (numpy, only where it is asked)

    config, settings = place.config, place.config.market.recorded
    if settings.speed == 0 and config.heatmap.provider is Provider.HTTP:
        raise ConfigError(
            "A recording played flat out cannot poll a provider over HTTP.",
            where=str(place.config_path),
            remedy="Set heatmap.provider: local, or market.recorded.speed above 0.",
        )
    folder = place.config_path.absolute().parent / Path(settings.folder).expanduser()
    symbols = list(config.symbol_settings)
    found = []
    for number, symbol in enumerate(symbols):
        report(number / len(symbols), f"reading {symbol}")
        fees = (float(config.paper.taker_fee_bps), float(config.paper.maker_fee_bps))
        found.append(recording.read(folder, settings, symbol, fees))
    start, end = recording.period(settings, found)
    shown = [datetime.fromtimestamp(at / 1000, tz=UTC).strftime("%Y-%m-%d") for at in (start, end)]
    pace = f"{settings.speed:g} times real time" if settings.speed else "flat out"
    what = f"recorded, {tables.count(len(symbols), 'symbol')}, {shown[0]} to {shown[1]}, {pace}"
    return Check(name="market", verdict="ok", what=what, where=str(folder))
