"""Facts become rows and rows become the same structs again."""

import pytest

from bot.model.cluster import ClusterEventKind, ProviderGate
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    ClusterChanged,
    ClusterEventHappened,
    Fact,
    FillBooked,
    FundingBooked,
    GateChanged,
    Noted,
    OperationChanged,
    OrderChanged,
    Refused,
    SignalRaised,
)
from bot.model.primitives import BracketId, Usd
from bot.model.signal import Rule
from bot.store import codec, schema
from tests.fakes.rows import (
    BTC,
    T0,
    a_bracket,
    a_cluster,
    a_cluster_event,
    a_fill,
    a_refusal,
    a_signal,
    an_account,
    an_operation,
    an_order,
)

EVERY_FACT: tuple[Fact, ...] = (
    ClusterChanged(cluster=a_cluster()),
    ClusterEventHappened(event=a_cluster_event()),
    GateChanged(provider="http", gate=ProviderGate(samples=201, stability=0.83, is_open=True)),
    SignalRaised(signal=a_signal(), denied=a_refusal(Rule.COOL_DOWN)),
    Refused(refusal=a_refusal()),
    OrderChanged(order=an_order()),
    FillBooked(fill=a_fill(), bracket_id=BracketId("b1")),
    BracketChanged(bracket=a_bracket()),
    FundingBooked(id="fu1", symbol=BTC, bracket_id=None, usd=Usd(a_fill().fee_usd), at=T0),
    AccountChanged(account=an_account()),
    OperationChanged(operation=an_operation()),
    Noted(severity="warning", name="price.went_stale", text="No price for 9 s.", at=T0),
)


@pytest.mark.parametrize("fact", EVERY_FACT, ids=lambda fact: type(fact).__name__)
def test_a_row_has_a_value_for_every_column_that_is_not_drawn(fact: Fact) -> None:
    placed = codec.place(T0, fact)
    assert placed is not None
    table, _, row = placed
    columns = [c for c in schema.metadata.tables[table].columns if c.autoincrement is not True]

    assert len(columns) == len(row)
    for column, value in zip(columns, row, strict=True):
        assert value is not None or column.nullable, column.name


def test_a_body_is_the_struct_to_the_last_digit() -> None:
    """Columns are for people; what the core gets back must not have lost anything."""
    # fmt: off
    pairs = (
        (codec.cluster_from,       a_cluster(),       ClusterChanged(cluster=a_cluster())),
        (codec.cluster_event_from, a_cluster_event(),
         ClusterEventHappened(event=a_cluster_event())),
        (codec.order_from,         an_order(),        OrderChanged(order=an_order())),
        (codec.bracket_from,       a_bracket(),       BracketChanged(bracket=a_bracket())),
        (codec.account_from,       an_account(),      AccountChanged(account=an_account())),
        (codec.operation_from,     an_operation(),    OperationChanged(operation=an_operation())),
        (codec.refusal_from,       a_refusal(),       Refused(refusal=a_refusal())),
        (codec.fill_from,          a_fill(),          FillBooked(fill=a_fill(), bracket_id=None)),
    )
    # fmt: on

    for decode, struct, fact in pairs:
        placed = codec.place(T0, fact)
        assert placed is not None
        assert struct == decode(placed[2][-1])


def test_of_several_facts_about_one_cluster_only_the_newest_becomes_a_row() -> None:
    facts = [(T0, ClusterChanged(cluster=a_cluster(7, seen=n))) for n in (1, 2, 3)]
    rows = codec.rows_of(facts)

    assert [3] == [codec.cluster_from(row[-1]).seen for row in rows["cluster"]]


def test_every_line_of_a_life_becomes_a_row() -> None:
    kinds = (ClusterEventKind.NEW, ClusterEventKind.ACTIVE, ClusterEventKind.TOUCHED)
    rows = codec.rows_of((T0, ClusterEventHappened(event=a_cluster_event(k))) for k in kinds)

    assert len(kinds) == len(rows["cluster_event"])


def test_a_refusal_without_side_or_cluster_still_has_a_key() -> None:
    """NULL never equals NULL, so a key of NULLs would let an episode in again and again."""
    refusal = a_refusal(Rule.STALE, position_side=None, cluster_id=None)
    placed = codec.place(T0, Refused(refusal=refusal))
    assert placed is not None

    assert None not in placed[1]


@pytest.mark.parametrize(
    ("severity", "name", "is_kept"),
    [
        ("info", "cluster.touched", False),
        ("info", "bracket.closed", True),
        ("warning", "heatmap.went_stale", True),
        ("critical", "store.failed", True),
    ],
)
def test_notes_are_kept_when_serious_or_part_of_the_story(
    *, severity: str, name: str, is_kept: bool
) -> None:
    note = Noted(severity=severity, name=name, text="", at=T0)

    assert is_kept == (codec.place(T0, note) is not None)
