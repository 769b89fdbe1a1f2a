# ruff: noqa: INP001  (alembic loads this by path; it is no package)
"""The first schema: everything that `bot.store.schema` names.

Frozen: a later schema is a later file. The statements are those that SQLAlchemy makes of the
tables, so a ledger made from `schema` and one made from here are the same (a test compares them).
"""

from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make every table and index."""
    for statement in _TABLES + _INDEXES:
        op.execute(statement)


_TABLES = (
    """
CREATE TABLE account (
    id INTEGER NOT NULL,
    balance_usd TEXT NOT NULL,
    equity_peak_usd TEXT NOT NULL,
    day TEXT NOT NULL,
    day_start_equity_usd TEXT NOT NULL,
    losses_in_a_row INTEGER NOT NULL,
    realized_usd TEXT NOT NULL,
    fees_usd TEXT NOT NULL,
    funding_usd TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_account PRIMARY KEY (id)
)
""",
    """
CREATE TABLE boot (
    id INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    stopped_at INTEGER,
    is_clean INTEGER NOT NULL,
    pid INTEGER NOT NULL,
    host TEXT NOT NULL,
    version TEXT NOT NULL,
    CONSTRAINT pk_boot PRIMARY KEY (id)
)
""",
    """
CREATE TABLE bracket (
    id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    position_side TEXT NOT NULL,
    status TEXT NOT NULL,
    strategy TEXT,
    cluster_id INTEGER,
    cluster_gen INTEGER,
    qty TEXT NOT NULL,
    entered_qty TEXT NOT NULL,
    exited_qty TEXT NOT NULL,
    entry_price TEXT,
    exit_price TEXT,
    stop_price TEXT,
    target_price TEXT,
    risk_usd TEXT NOT NULL,
    fees_usd TEXT NOT NULL,
    funding_usd TEXT NOT NULL,
    pnl_usd TEXT NOT NULL,
    r FLOAT,
    opened_at INTEGER NOT NULL,
    first_fill_at INTEGER,
    stop_confirmed_at INTEGER,
    closed_at INTEGER,
    closed_by TEXT,
    is_floating INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_bracket PRIMARY KEY (id)
)
""",
    """
CREATE TABLE cluster (
    id INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    parent_id INTEGER,
    state TEXT NOT NULL,
    ending TEXT NOT NULL,
    anchor_level FLOAT NOT NULL,
    level FLOAT NOT NULL,
    leverage_tier FLOAT,
    notional_usd FLOAT NOT NULL,
    strength FLOAT NOT NULL,
    first_seen_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    touches INTEGER NOT NULL,
    absent INTEGER NOT NULL,
    is_floating INTEGER NOT NULL,
    broken_at INTEGER,
    ended_at INTEGER,
    body TEXT NOT NULL,
    CONSTRAINT pk_cluster PRIMARY KEY (id, gen)
)
""",
    """
CREATE TABLE cluster_event (
    seq INTEGER NOT NULL,
    cluster_id INTEGER NOT NULL,
    gen INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    level FLOAT NOT NULL,
    price FLOAT,
    reason TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_cluster_event PRIMARY KEY (seq),
    CONSTRAINT uq_cluster_event_cluster_id_gen_kind_at UNIQUE (cluster_id, gen, kind, at)
)
""",
    """
CREATE TABLE fill (
    symbol TEXT NOT NULL,
    id TEXT NOT NULL,
    client_id TEXT,
    bracket_id TEXT,
    side TEXT NOT NULL,
    qty TEXT NOT NULL,
    price TEXT NOT NULL,
    fee_usd TEXT NOT NULL,
    at INTEGER NOT NULL,
    is_maker INTEGER NOT NULL,
    is_liquidation INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_fill PRIMARY KEY (symbol, id)
)
""",
    """
CREATE TABLE funding (
    id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    bracket_id TEXT,
    usd TEXT NOT NULL,
    at INTEGER NOT NULL,
    CONSTRAINT pk_funding PRIMARY KEY (id)
)
""",
    """
CREATE TABLE gate (
    provider TEXT NOT NULL,
    at INTEGER NOT NULL,
    samples INTEGER NOT NULL,
    stability FLOAT,
    scaled_stability FLOAT,
    is_open INTEGER NOT NULL,
    is_floating INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_gate PRIMARY KEY (provider)
)
""",
    """
CREATE TABLE journal (
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    n INTEGER NOT NULL,
    kinds TEXT NOT NULL,
    instance TEXT NOT NULL,
    body BLOB NOT NULL,
    CONSTRAINT pk_journal PRIMARY KEY (seq)
)
""",
    """
CREATE TABLE lease (
    id INTEGER NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    renewed_at INTEGER NOT NULL,
    CONSTRAINT pk_lease PRIMARY KEY (id)
)
""",
    """
CREATE TABLE market_state (
    symbol TEXT NOT NULL,
    price_at INTEGER NOT NULL,
    price FLOAT NOT NULL,
    CONSTRAINT pk_market_state PRIMARY KEY (symbol)
)
""",
    """
CREATE TABLE meta (
    "key" TEXT NOT NULL,
    value TEXT NOT NULL,
    CONSTRAINT pk_meta PRIMARY KEY ("key")
)
""",
    """
CREATE TABLE note (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    severity TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    symbol TEXT,
    CONSTRAINT pk_note PRIMARY KEY (id)
)
""",
    """
CREATE TABLE operation (
    id INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_operation PRIMARY KEY (id)
)
""",
    """
CREATE TABLE orders (
    client_id TEXT NOT NULL,
    symbol TEXT NOT NULL,
    bracket_id TEXT NOT NULL,
    leg TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    side TEXT NOT NULL,
    kind TEXT NOT NULL,
    qty TEXT NOT NULL,
    price TEXT,
    trigger_price TEXT,
    time_in_force TEXT NOT NULL,
    is_reduce_only INTEGER NOT NULL,
    valid_until INTEGER NOT NULL,
    status TEXT NOT NULL,
    venue_id TEXT,
    filled_qty TEXT NOT NULL,
    average_price TEXT,
    fee_usd TEXT NOT NULL,
    intended_at INTEGER NOT NULL,
    accepted_at INTEGER,
    ended_at INTEGER,
    updated_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    body TEXT NOT NULL,
    CONSTRAINT pk_orders PRIMARY KEY (client_id)
)
""",
    """
CREATE TABLE paper_state (
    id INTEGER NOT NULL,
    body BLOB NOT NULL,
    CONSTRAINT pk_paper_state PRIMARY KEY (id)
)
""",
    """
CREATE TABLE refusal (
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL,
    rule TEXT NOT NULL,
    position_side TEXT NOT NULL,
    cluster_id INTEGER NOT NULL,
    cluster_gen INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    saw FLOAT,
    "limit" FLOAT,
    body TEXT NOT NULL,
    CONSTRAINT pk_refusal PRIMARY KEY (
        symbol, strategy, rule, position_side, cluster_id, cluster_gen, first_at
    )
)
""",
    """
CREATE TABLE signal (
    id TEXT NOT NULL,
    at INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    strategy TEXT NOT NULL,
    position_side TEXT NOT NULL,
    entry_price TEXT NOT NULL,
    stop_price TEXT NOT NULL,
    target_price TEXT NOT NULL,
    risk_reward_gross FLOAT NOT NULL,
    risk_reward FLOAT NOT NULL,
    strength FLOAT NOT NULL,
    cluster_id INTEGER NOT NULL,
    cluster_gen INTEGER NOT NULL,
    is_floating INTEGER NOT NULL,
    is_used INTEGER NOT NULL,
    denied TEXT,
    body TEXT NOT NULL,
    denied_body TEXT,
    CONSTRAINT pk_signal PRIMARY KEY (id)
)
""",
)
_INDEXES = (
    "CREATE INDEX ix_boot_started_at ON boot (started_at)",
    "CREATE INDEX ix_bracket_closed_at ON bracket (closed_at)",
    "CREATE INDEX ix_bracket_status ON bracket (status)",
    "CREATE INDEX ix_cluster_broken_at ON cluster (broken_at) WHERE broken_at IS NOT NULL",
    "CREATE INDEX ix_cluster_ended_at ON cluster (ended_at) WHERE ended_at IS NOT NULL",
    (
        "CREATE INDEX ix_cluster_live ON cluster (symbol) "
        "WHERE state IN ('candidate', 'active', 'touched')"
    ),
    "CREATE INDEX ix_cluster_event_at ON cluster_event (at)",
    (
        "CREATE UNIQUE INDEX uq_cluster_event_once ON cluster_event (cluster_id, gen, kind) "
        "WHERE kind NOT IN ('touched', 'untouched', 'expired', 'revived')"
    ),
    "CREATE INDEX ix_fill_at ON fill (at)",
    "CREATE INDEX ix_fill_bracket_id ON fill (bracket_id)",
    "CREATE INDEX ix_funding_at ON funding (at)",
    "CREATE INDEX ix_journal_at ON journal (at)",
    "CREATE INDEX ix_note_at ON note (at)",
    "CREATE INDEX ix_orders_bracket_id ON orders (bracket_id)",
    "CREATE INDEX ix_orders_intended_at ON orders (intended_at)",
    "CREATE INDEX ix_orders_status_ended_at ON orders (status, ended_at)",
    "CREATE INDEX ix_refusal_at ON refusal (at)",
    "CREATE INDEX ix_refusal_symbol_at ON refusal (symbol, at)",
    "CREATE INDEX ix_signal_at ON signal (at)",
)
