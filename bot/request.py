"""A run that is asked for, and whoever asked: what it is told and what it may be asked."""

from pathlib import Path
from typing import Protocol

from msgspec import Struct

from bot.config import Config
from bot.core.state import State
from bot.model.primitives import Millis
from bot.model.snapshot import Snapshot


class Request(Struct, frozen=True, kw_only=True):
    """One run that is asked for."""

    config: Config
    config_path: Path
    data_dir: Path
    duration_s: float | None = None
    """Stop by itself after so many seconds of this machine (flat out: of the market)."""


class Opened(Struct, frozen=True, kw_only=True):
    """What is known once the ledger and the market are open."""

    snapshot: Snapshot
    is_new: bool
    start_at: Millis
    ledger_note: str
    account: str = ""
    """Whose it is, in words."""


class Confirmation(Struct, frozen=True, kw_only=True):
    """What a person is asked before the first real order of an account."""

    account: str
    phrase: str
    """To be typed as it stands."""
    told: tuple[str, ...] = ()
    """What there is to know of the key."""


class Ui(Protocol):
    """What a run tells whoever started it."""

    def progress(self, share: float, what: str) -> None:
        """Long work goes on."""
        ...

    def confirm(self, question: Confirmation) -> bool:
        """Ask a person, where there is one, whether real orders may leave for an account."""
        ...

    def opened(self, opened: Opened) -> None:
        """The ledger and the market are open."""
        ...

    def ready(self, state: State) -> None:
        """Recovered and reconciled; every position is protected."""
        ...

    def stopping(self, why: str) -> None:
        """The stop has begun."""
        ...

    def stopped(self, state: State) -> None:
        """Everything is written."""
        ...
