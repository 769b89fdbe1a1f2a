"""The ledger's tables.

A row that the core must get back exactly has a `body`: the whole struct as JSON, so that loading is
one decode, exact to the last digit, and a struct that gains a field with a default needs no
migration. Beside it stand the columns that people list, filter and add up with plain SQL. Both
are written by one statement from one struct, so they cannot disagree.

Money, prices and quantities are decimal TEXT (SQLite's REAL would round them); instants are INTEGER
milliseconds; evidence (levels, strength) is REAL; booleans are 0 or 1.
"""

from typing import Final

import sqlalchemy as sa

REVISIONS: Final = ("0001",)
"""Every schema this program knows, oldest first; the last one is the one it writes."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _text(name: str, *, is_key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, primary_key=is_key, nullable=False)


def _text_or_null(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=True)


def _int(name: str, *, is_key: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, primary_key=is_key, autoincrement=False, nullable=False)


def _int_or_null(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=True)


def _real(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=False)


def _real_or_null(name: str) -> sa.Column[float]:
    return sa.Column(name, sa.Float, nullable=True)


def _serial(name: str) -> sa.Column[int]:
    """A number that SQLite draws; rows do not bring it along."""
    return sa.Column(name, sa.Integer, primary_key=True, autoincrement=True, nullable=False)


META: Final = sa.Table("meta", metadata, _text("key", is_key=True), _text("value"))
"""instance, mode, account_id, created_at, cluster_id_floor."""

# --- the heatmap

CLUSTER: Final = sa.Table(
    "cluster",
    metadata,
    _int("id", is_key=True),
    _int("gen", is_key=True),
    _text("symbol"),
    _text("side"),
    _int_or_null("parent_id"),
    _text("state"),
    _text("ending"),
    _real("anchor_level"),
    _real("level"),
    _real_or_null("leverage_tier"),
    _real("notional_usd"),
    _real("strength"),
    _int("first_seen_at"),
    _int("last_seen_at"),
    _int("touches"),
    _int("absent"),
    _int("is_floating"),
    _int_or_null("broken_at"),
    _int_or_null("ended_at"),
    _text("body"),
    # Partial indexes: a start loads the few that live or have just ended, out of many dead ones,
    # and a reading that only moves `last_seen_at` touches none of them.
    sa.Index(
        "ix_cluster_live",
        "symbol",
        sqlite_where=sa.text("state IN ('candidate', 'active', 'touched')"),
    ),
    sa.Index("ix_cluster_ended_at", "ended_at", sqlite_where=sa.text("ended_at IS NOT NULL")),
    sa.Index("ix_cluster_broken_at", "broken_at", sqlite_where=sa.text("broken_at IS NOT NULL")),
)

CLUSTER_EVENT: Final = sa.Table(
    "cluster_event",
    metadata,
    _serial("seq"),
    _int("cluster_id"),
    _int("gen"),
    _text("symbol"),
    _text("kind"),
    _int("at"),
    _real("level"),
    _real_or_null("price"),
    _text("reason"),
    _text("body"),
    sa.UniqueConstraint("cluster_id", "gen", "kind", "at"),
    # Touched, untouched, expired and revived may repeat; every other kind happens once.
    sa.Index(
        "uq_cluster_event_once",
        "cluster_id",
        "gen",
        "kind",
        unique=True,
        sqlite_where=sa.text("kind NOT IN ('touched', 'untouched', 'expired', 'revived')"),
    ),
    sa.Index("ix_cluster_event_at", "at"),
)

GATE: Final = sa.Table(
    "gate",
    metadata,
    _text("provider", is_key=True),
    _int("at"),
    _int("samples"),
    _real_or_null("stability"),
    _real_or_null("scaled_stability"),
    _int("is_open"),
    _int("is_floating"),
    _text("body"),
)

MARKET_STATE: Final = sa.Table(
    "market_state",
    metadata,
    _text("symbol", is_key=True),
    _int("price_at"),
    _real("price"),
)
"""The newest price that was decided on: a restart catches up from there."""

# --- proposals

SIGNAL: Final = sa.Table(
    "signal",
    metadata,
    _text("id", is_key=True),
    _int("at"),
    _text("symbol"),
    _text("strategy"),
    _text("position_side"),
    _text("entry_price"),
    _text("stop_price"),
    _text("target_price"),
    _real("risk_reward_gross"),
    _real("risk_reward"),
    _real("strength"),
    _int("cluster_id"),
    _int("cluster_gen"),
    _int("is_floating"),
    _int("is_used"),
    _text_or_null("denied"),
    _text("body"),
    _text_or_null("denied_body"),
    sa.Index(None, "at"),
)
"""`denied` is the risk rule that said no; `is_used` stays 1 once the signal has acted."""

REFUSAL: Final = sa.Table(
    "refusal",
    metadata,
    _text("symbol", is_key=True),
    _text("strategy", is_key=True),
    _text("rule", is_key=True),
    _text("position_side", is_key=True),
    _int("cluster_id", is_key=True),
    _int("cluster_gen", is_key=True),
    _int("first_at", is_key=True),
    _int("at"),
    _int("count"),
    _real_or_null("saw"),
    _real_or_null("limit"),
    _text("body"),
    sa.Index(None, "symbol", "at"),
    sa.Index("ix_refusal_at", "at"),
)
"""One row an episode; an empty side and cluster 0 stand for none, since a key may not be NULL."""

# --- money

ORDERS: Final = sa.Table(
    "orders",
    metadata,
    _text("client_id", is_key=True),
    _text("symbol"),
    _text("bracket_id"),
    _text("leg"),
    _int("attempt"),
    _text("side"),
    _text("kind"),
    _text("qty"),
    _text_or_null("price"),
    _text_or_null("trigger_price"),
    _text("time_in_force"),
    _int("is_reduce_only"),
    _int("valid_until"),
    _text("status"),
    _text_or_null("venue_id"),
    _text("filled_qty"),
    _text_or_null("average_price"),
    _text("fee_usd"),
    _int("intended_at"),
    _int_or_null("accepted_at"),
    _int_or_null("ended_at"),
    _int("updated_at"),
    _text("reason"),
    _text("body"),
    sa.Index(None, "bracket_id"),
    sa.Index(None, "status", "ended_at"),
    sa.Index(None, "intended_at"),
)
"""`order` is a word of SQL."""

FILL: Final = sa.Table(
    "fill",
    metadata,
    _text("symbol", is_key=True),
    _text("id", is_key=True),
    _text_or_null("client_id"),
    _text_or_null("bracket_id"),
    _text("side"),
    _text("qty"),
    _text("price"),
    _text("fee_usd"),
    _int("at"),
    _int("is_maker"),
    _int("is_liquidation"),
    _text("body"),
    sa.Index(None, "bracket_id"),
    sa.Index(None, "at"),
)
"""The key is the venue's own: a fill is booked exactly once by construction."""

BRACKET: Final = sa.Table(
    "bracket",
    metadata,
    _text("id", is_key=True),
    _text("symbol"),
    _text("position_side"),
    _text("status"),
    _text_or_null("strategy"),
    _int_or_null("cluster_id"),
    _int_or_null("cluster_gen"),
    _text("qty"),
    _text("entered_qty"),
    _text("exited_qty"),
    _text_or_null("entry_price"),
    _text_or_null("exit_price"),
    _text_or_null("stop_price"),
    _text_or_null("target_price"),
    _text("risk_usd"),
    _text("fees_usd"),
    _text("funding_usd"),
    _text("pnl_usd"),
    _real_or_null("r"),
    _int("opened_at"),
    _int_or_null("first_fill_at"),
    _int_or_null("stop_confirmed_at"),
    _int_or_null("closed_at"),
    _text_or_null("closed_by"),
    _int("is_floating"),
    _text("body"),
    sa.Index(None, "status"),
    sa.Index(None, "closed_at"),
)

FUNDING: Final = sa.Table(
    "funding",
    metadata,
    _text("id", is_key=True),
    _text("symbol"),
    _text_or_null("bracket_id"),
    _text("usd"),
    _int("at"),
    sa.Index(None, "at"),
)

ACCOUNT: Final = sa.Table(
    "account",
    metadata,
    _int("id", is_key=True),
    _text("balance_usd"),
    _text("equity_peak_usd"),
    _text("day"),
    _text("day_start_equity_usd"),
    _int("losses_in_a_row"),
    _text("realized_usd"),
    _text("fees_usd"),
    _text("funding_usd"),
    _int("at"),
    _text("body"),
)
"""One row, id 1."""

OPERATION: Final = sa.Table(
    "operation",
    metadata,
    _int("id", is_key=True),
    _text("state"),
    _int("at"),
    _text("body"),
)
"""One row, id 1."""

# --- the run

BOOT: Final = sa.Table(
    "boot",
    metadata,
    _serial("id"),
    _int("started_at"),
    _int_or_null("stopped_at"),
    _int("is_clean"),
    _int("pid"),
    _text("host"),
    _text("version"),
    sa.Index(None, "started_at"),
)
"""Wall time, not market time: a crash loop is counted on the machine's clock."""

LEASE: Final = sa.Table(
    "lease",
    metadata,
    _int("id", is_key=True),
    _text("host"),
    _int("pid"),
    _int("renewed_at"),
)
"""One row, id 1, while somebody holds the ledger; wall time."""

JOURNAL: Final = sa.Table(
    "journal",
    metadata,
    _int("seq", is_key=True),
    _int("at"),
    _int("n"),
    _text("kinds"),
    _text("instance"),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index(None, "at"),
)
"""One row a transaction; `seq` has no gaps between its smallest and its largest.

Each row names its ledger: two ledgers have the same layout, so that the -wal of one can be read
into the other without a trace, but for this name.
"""

PAPER_STATE: Final = sa.Table(
    "paper_state",
    metadata,
    _int("id", is_key=True),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
"""One row, id 1: what the paper venue knows. The bot never reads it; it is the other side."""

NOTE: Final = sa.Table(
    "note",
    metadata,
    _serial("id"),
    _int("at"),
    _text("severity"),
    _text("name"),
    _text("text"),
    _text_or_null("symbol"),
    sa.Index(None, "at"),
)
