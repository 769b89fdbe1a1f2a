"""What the reading verbs ask of a ledger: quick, read-only, while the daemon writes or is down.

Imports sqlite3, msgspec and the nouns alone: a verb answers in 0.15 s. A ledger whose -wal needs
recovery is read like any other; nothing is ever moved into the file from here.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from bot.errors import DataDirError, DataError
from bot.model.account import Account, Operation
from bot.model.bracket import Bracket
from bot.model.cluster import Cluster, ClusterEvent, ProviderGate
from bot.model.order import Fill, Order
from bot.model.primitives import BracketId, ClusterId, Millis, Symbol
from bot.model.signal import Refusal, Rule, Signal, Strategy
from bot.store import codec, journal
from bot.store.sqlite import loaded_driver, open_read_only

LIMIT: Final = 50
"""Rows a list shows unless told otherwise."""
EVER: Final = Millis(0)


class RuleCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often one rule of one strategy refused."""

    symbol: Symbol
    strategy: Strategy
    rule: Rule
    count: int
    at: Millis
    """The newest one."""


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """A signal, and the refusal of the risk gate where it said no."""

    signal: Signal
    is_used: bool
    denied: Refusal | None


class BootRow(msgspec.Struct, frozen=True, kw_only=True):
    """One start of the bot; wall time."""

    started_at: Millis
    stopped_at: Millis | None
    is_clean: bool
    pid: int
    host: str
    version: str


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a person should know, as it was told."""

    at: Millis
    severity: str
    name: str
    text: str
    symbol: Symbol | None


class Reader:
    """An open ledger, for a `with` block; briefly, since a long reader lets the -wal grow."""

    def __init__(self, path: Path) -> None:
        """Open for reading.

        Raises:
            DataDirError: there is no ledger yet.
            DataError: the file cannot be read as one.

        """
        if not path.exists():
            raise DataDirError(
                "There is no ledger here yet.",
                where=str(path),
                remedy="Start the bot with `liqbot run`, or name its --data-dir.",
            )
        self._path = path
        self._driver = loaded_driver()
        try:
            self._connection = open_read_only(path, module=self._driver)
            self.meta = dict(self._rows("SELECT key, value FROM meta"))
        except (self._driver.Error, sqlite3.Error) as error:
            raise DataError(
                f"The ledger cannot be read: {error}.",
                where=str(path),
                remedy="Run `liqbot db check`.",
            ) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    # --- money

    def trades(self, *, symbol: Symbol | None = None, limit: int = LIMIT) -> list[Bracket]:
        """Closed brackets, newest first."""
        query = (
            "SELECT body FROM bracket WHERE status = 'closed' AND (?1 IS NULL OR symbol = ?1)"
            " ORDER BY closed_at DESC, id LIMIT ?2"
        )
        return [codec.bracket_from(row[0]) for row in self._rows(query, symbol, limit)]

    def open_brackets(self, *, symbol: Symbol | None = None) -> list[Bracket]:
        """Brackets that are entering, open or closing: positions, and what may become one."""
        query = (
            "SELECT body FROM bracket WHERE status IN ('entering', 'open', 'closing')"
            " AND (?1 IS NULL OR symbol = ?1) ORDER BY opened_at, id"
        )
        return [codec.bracket_from(row[0]) for row in self._rows(query, symbol)]

    def bracket(self, bracket_id: BracketId) -> Bracket | None:
        """One bracket; None where no such id is known."""
        found = self._rows("SELECT body FROM bracket WHERE id = ?", bracket_id)
        return codec.bracket_from(found[0][0]) if found else None

    def orders(
        self, *, symbol: Symbol | None = None, only_open: bool = False, limit: int = LIMIT
    ) -> list[Order]:
        """Orders, newest first; `only_open` leaves out what is final."""
        query = (
            "SELECT body FROM orders WHERE (?1 IS NULL OR symbol = ?1)"
            " AND (?2 = 0 OR status NOT IN ('filled', 'canceled', 'rejected'))"
            " ORDER BY intended_at DESC, client_id LIMIT ?3"
        )
        return [codec.order_from(r[0]) for r in self._rows(query, symbol, int(only_open), limit)]

    def fills(self, *, bracket_id: BracketId | None = None, limit: int = LIMIT) -> list[Fill]:
        """Fills, newest first."""
        query = (
            "SELECT body FROM fill WHERE (?1 IS NULL OR bracket_id = ?1)"
            " ORDER BY at DESC, id LIMIT ?2"
        )
        return [codec.fill_from(row[0]) for row in self._rows(query, bracket_id, limit)]

    def account(self) -> Account | None:
        """The account as last written; None before the first reading."""
        found = self._rows("SELECT body FROM account WHERE id = 1")
        return codec.account_from(found[0][0]) if found else None

    def operation(self) -> Operation:
        """The operating state as last written."""
        found = self._rows("SELECT body FROM operation WHERE id = 1")
        return codec.operation_from(found[0][0]) if found else Operation()

    # --- proposals

    def signals(self, *, symbol: Symbol | None = None, limit: int = LIMIT) -> list[Raised]:
        """Signals, newest first."""
        query = (
            "SELECT body, is_used, denied_body FROM signal WHERE (?1 IS NULL OR symbol = ?1)"
            " ORDER BY at DESC, id LIMIT ?2"
        )
        return [
            Raised(
                signal=codec.signal_from(body),
                is_used=bool(is_used),
                denied=codec.refusal_from(denied) if denied else None,
            )
            for body, is_used, denied in self._rows(query, symbol, limit)
        ]

    def refusals(
        self, *, symbol: Symbol | None = None, since: Millis = EVER, limit: int = LIMIT
    ) -> list[Refusal]:
        """Refusal episodes whose newest refusal is not older than `since`, newest first."""
        query = (
            "SELECT body FROM refusal WHERE (?1 IS NULL OR symbol = ?1) AND at >= ?2"
            " ORDER BY at DESC, count DESC LIMIT ?3"
        )
        return [codec.refusal_from(row[0]) for row in self._rows(query, symbol, since, limit)]

    def refusal_counts(
        self, *, symbol: Symbol | None = None, since: Millis = EVER
    ) -> list[RuleCount]:
        """Refusals by symbol, strategy and rule, the most frequent first."""
        query = (
            "SELECT symbol, strategy, rule, sum(count), max(at) FROM refusal"
            " WHERE (?1 IS NULL OR symbol = ?1) AND at >= ?2"
            " GROUP BY symbol, strategy, rule ORDER BY sum(count) DESC, symbol, strategy, rule"
        )
        return [
            RuleCount(
                symbol=Symbol(name),
                strategy=Strategy(strategy),
                rule=Rule(rule),
                count=count,
                at=Millis(at),
            )
            for name, strategy, rule, count, at in self._rows(query, symbol, since)
        ]

    # --- the heatmap

    def clusters(self, symbol: Symbol, *, only_live: bool = True) -> list[Cluster]:
        """Clusters of a symbol, by level, highest first."""
        query = (
            "SELECT body FROM cluster WHERE symbol = ?1"
            " AND (?2 = 0 OR state IN ('candidate', 'active', 'touched')) ORDER BY level DESC, id"
        )
        return [codec.cluster_from(row[0]) for row in self._rows(query, symbol, int(only_live))]

    def cluster_events(
        self, cluster_id: ClusterId, *, gen: int | None = None
    ) -> list[ClusterEvent]:
        """A cluster's life, in order; one generation where `gen` says which."""
        query = (
            "SELECT body FROM cluster_event WHERE cluster_id = ?1 AND (?2 IS NULL OR gen = ?2)"
            " ORDER BY at, seq"
        )
        return [codec.cluster_event_from(row[0]) for row in self._rows(query, cluster_id, gen)]

    def recent_cluster_events(
        self, *, symbol: Symbol | None = None, limit: int = LIMIT
    ) -> list[ClusterEvent]:
        """The newest lines of all lives, newest first."""
        query = (
            "SELECT body FROM cluster_event WHERE (?1 IS NULL OR symbol = ?1)"
            " ORDER BY at DESC, seq DESC LIMIT ?2"
        )
        return [codec.cluster_event_from(row[0]) for row in self._rows(query, symbol, limit)]

    def gates(self) -> dict[str, ProviderGate]:
        """Each provider's stability."""
        query = "SELECT provider, body FROM gate ORDER BY at"
        return {provider: codec.gate_from(body) for provider, body in self._rows(query)}

    def prices(self) -> dict[Symbol, tuple[Millis, float]]:
        """The newest price decided on, with its instant."""
        query = "SELECT symbol, price_at, price FROM market_state ORDER BY symbol"
        return {Symbol(name): (Millis(at), price) for name, at, price in self._rows(query)}

    # --- the run

    def confirmed_account(self) -> str:
        """The account for which a person has confirmed live trading; empty: none."""
        return str(self.meta.get("confirmed_live", ""))

    def last_boot(self) -> BootRow | None:
        """The newest start; None for a ledger that never ran."""
        found = self._rows(
            "SELECT started_at, stopped_at, is_clean, pid, host, version FROM boot"
            " ORDER BY id DESC LIMIT 1"
        )
        if not found:
            return None
        started_at, stopped_at, is_clean, pid, host, version = found[0]
        return BootRow(
            started_at=Millis(started_at),
            stopped_at=None if stopped_at is None else Millis(stopped_at),
            is_clean=bool(is_clean),
            pid=pid,
            host=host,
            version=version,
        )

    def last_at(self) -> Millis:
        """The market instant of the newest entry; 0 for a new ledger."""
        return Millis(self._rows("SELECT coalesce(max(at), 0) FROM journal")[0][0])

    def notes(self, *, limit: int = LIMIT) -> list[Note]:
        """What people were told, newest first."""
        query = "SELECT at, severity, name, text, symbol FROM note ORDER BY id DESC LIMIT ?"
        return [
            Note(
                at=Millis(at),
                severity=severity,
                name=name,
                text=text,
                symbol=None if symbol is None else Symbol(symbol),
            )
            for at, severity, name, text, symbol in self._rows(query, limit)
        ]

    def journal(self, *, since: int = 0) -> Iterator[journal.Entry]:
        """Every entry from row `since` on, in order; decoded as it is asked for.

        Raises:
            DataError: a row cannot be believed.

        """
        memory = journal.Memory()
        query = "SELECT seq, body FROM journal WHERE seq >= ? ORDER BY seq"
        for seq, body in self._connection.execute(query, (since,)):
            yield from journal.unpack(seq, body, memory)

    def starts(self) -> list[int]:
        """Journal rows in which a run started: where a replay can begin."""
        query = "SELECT seq FROM journal WHERE ' ' || kinds || ' ' LIKE '% Started %' ORDER BY seq"
        return [row[0] for row in self._rows(query)]

    def _rows(self, query: str, *values: object) -> list[Any]:
        return list(self._connection.execute(query, values).fetchall())
