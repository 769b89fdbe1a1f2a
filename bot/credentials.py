"""Exchange keys: where they come from, who may read them, and what they may be allowed to do.

Order: $CREDENTIALS_DIRECTORY (systemd), then a file that only its owner can read, then the
environment. Never config.yaml. A Secret shows itself as *** wherever it is printed, and cannot be
pickled.
"""

import os
import stat
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import msgspec

from bot.errors import AccessError
from bot.model.account import KeyRights

NAMES = ("api_key", "secret", "password")
"""ccxt's three; the password (passphrase) only on some exchanges."""
REQUIRED = ("api_key", "secret")
FILE_NAME = "credentials"
"""Beside config.yaml: one `exchange_api_key=...` a line."""
BYTES_MAX = 16 * 1024
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class Secret:
    """A value that is used and never shown."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: for signing a request, and for nothing else."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        del spec
        return "***"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled")


class Source(StrEnum):
    """Where keys were found."""

    NONE = "none"
    CREDENTIALS_DIRECTORY = "$CREDENTIALS_DIRECTORY"
    FILE = "file"
    ENVIRONMENT = "environment"


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """The keys that were found, and where."""

    source: Source = Source.NONE
    where: str = ""
    api_key: Secret | None = None
    secret: Secret | None = None
    password: Secret | None = None

    @property
    def is_complete(self) -> bool:
        """Both halves are there."""
        return self.api_key is not None and self.secret is not None


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be said of the keys, in a plain sentence."""

    is_fatal: bool
    what: str
    remedy: str = ""


def find(environ: Mapping[str, str], file: Path | None = None) -> Credentials:
    """The first of the three places that holds any key.

    Raises:
        AccessError: a file is readable by others, belongs to somebody else, or is no such file;
            or a value is not one word.

    """
    folder = environ.get("CREDENTIALS_DIRECTORY", "")
    if folder:
        found = _from_directory(Path(folder))
        if found:
            return _credentials(Source.CREDENTIALS_DIRECTORY, folder, found)
    if file is not None and os.path.lexists(file):
        found = _from_file(file)
        if found:
            return _credentials(Source.FILE, str(file), found)
    found = {
        name: value
        for name in NAMES
        if (value := environ.get(f"LIQBOT_EXCHANGE_{name.upper()}", "").strip())
    }
    if found:
        return _credentials(Source.ENVIRONMENT, "LIQBOT_EXCHANGE_API_KEY", found)
    return Credentials()


def require(credentials: Credentials, *, mode: str) -> str:
    """See that a mode has the keys it needs; the sentence on them for `check` and the start.

    Raises:
        AccessError: live trading without a complete pair.

    """
    if mode != "live":
        if credentials.source is Source.NONE:
            return "not needed for paper trading"
        return f"found ({credentials.where}) and ignored: paper trading sends nothing"
    missing = [name for name in REQUIRED if getattr(credentials, name) is None]
    if missing:
        names = " and ".join(f"exchange_{name}" for name in missing)
        is_or_are = "is" if len(missing) == 1 else "are"
        raise AccessError(
            f"Live trading needs keys, and {names} {is_or_are} missing.",
            where=credentials.where or "credentials",
            remedy="Put them where docs/configuration.md says, or set mode: paper.",
        )
    return f"found ({credentials.where})"


def judge(rights: KeyRights) -> list[Finding]:
    """What a key may do: withdrawal is refused, a missing IP restriction is warned of.

    Losses without withdrawal rights have been the larger ones, so an unrestricted key is said.
    """
    findings = []
    if rights.can_withdraw:
        findings.append(
            Finding(
                is_fatal=True,
                what="The key may withdraw money; a trading bot must not be able to.",
                remedy="Make a key with trading rights alone at the exchange.",
            )
        )
    elif rights.can_withdraw is None:
        what = "The exchange does not say whether the key may withdraw money."
        findings.append(
            Finding(is_fatal=False, what=what, remedy="Look at the key's rights there yourself.")
        )
    if rights.is_ip_restricted is False:
        findings.append(
            Finding(
                is_fatal=False,
                what="The key works from any address: whoever copies it can trade with it.",
                remedy="Restrict it to this machine's address at the exchange.",
            )
        )
    return findings


def _credentials(source: Source, where: str, found: Mapping[str, str]) -> Credentials:
    for name, value in found.items():
        if len(value.split()) != 1:
            raise AccessError(
                f"exchange_{name} is not one word.",
                where=where,
                remedy="Paste the key alone, without spaces or line breaks in it.",
            )
    secrets = {name: Secret(value) for name, value in found.items()}
    return Credentials(source=source, where=where, **secrets)


def _from_directory(folder: Path) -> dict[str, str]:
    paths = {name: folder / f"exchange_{name}" for name in NAMES}
    read = {name: _private_text(path) for name, path in paths.items() if os.path.lexists(path)}
    return {name: text.strip() for name, text in read.items() if text.strip()}


def _from_file(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, line in enumerate(_private_text(path).splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        key, equals, value = line.partition("=")
        name = key.strip().removeprefix("exchange_")
        if not equals or name not in NAMES:
            # The line is not shown: it may be the secret itself.
            raise AccessError(
                "This line is not NAME=VALUE with a name that is known.",
                where=f"{path}:{number}",
                remedy=f"Known: {', '.join(f'exchange_{name}' for name in NAMES)}.",
            )
        if value.strip():
            found[name] = value.strip()
    return found


def _private_text(path: Path) -> str:
    """Open, then judge what was opened: a name can be exchanged between two looks."""
    try:
        # O_NONBLOCK: a pipe under this name must not hold up the start.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
        descriptor = os.open(path, flags)
    except OSError as error:
        raise AccessError(
            f"The file with the keys cannot be read: {error.strerror}.",
            where=str(path),
            remedy="It must be a plain file that the bot's user can read.",
        ) from error
    try:
        _require_private(path, os.fstat(descriptor))
        raw = os.read(descriptor, BYTES_MAX + 1)
    finally:
        os.close(descriptor)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = ""
    if len(raw) > BYTES_MAX or (raw and not text):
        raise AccessError("This is no file with keys.", where=str(path), remedy="Write it as text.")
    return text


def _require_private(path: Path, found: os.stat_result) -> None:
    mode = stat.S_IMODE(found.st_mode)
    if not stat.S_ISREG(found.st_mode):
        raise AccessError("This is no plain file.", where=str(path), remedy="Put the keys in one.")
    if found.st_uid not in {0, os.geteuid()}:
        raise AccessError(
            f"The file with the keys belongs to user {found.st_uid}, not to us.",
            where=str(path),
            remedy=f"chown it to user {os.geteuid()}, and change the keys: they may be known.",
        )
    # systemd lends root's file by an access list, which shows as the group's bit.
    others = stat.S_IRWXO if found.st_uid == 0 != os.geteuid() else _OTHERS
    if mode & others:
        raise AccessError(
            f"Other users can read the keys: the file's mode is {mode:04o}.",
            where=str(path),
            remedy=f"chmod 600 {path}, and change the keys if others use this machine.",
        )
