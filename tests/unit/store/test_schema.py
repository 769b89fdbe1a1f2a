"""The tables say what they promise."""

from sqlalchemy import Float, Integer, LargeBinary, Text

from bot.store import schema

MONEY = ("price", "qty", "usd")


def test_money_is_text_and_never_a_float() -> None:
    for table in schema.metadata.tables.values():
        for column in table.columns:
            is_evidence = (table.name, column.name) in {
                ("cluster", "notional_usd"),
                ("cluster_event", "price"),
                ("market_state", "price"),
            }
            if column.name.rpartition("_")[2] in MONEY and not is_evidence:
                assert isinstance(column.type, Text), f"{table.name}.{column.name}"


def test_instants_are_whole_milliseconds() -> None:
    for table in schema.metadata.tables.values():
        for column in table.columns:
            if column.name == "at" or column.name.endswith("_at"):
                assert isinstance(column.type, Integer), f"{table.name}.{column.name}"


def test_types_are_the_four_of_sqlite() -> None:
    types = {type(c.type) for t in schema.metadata.tables.values() for c in t.columns}

    assert types == {Text, Integer, Float, LargeBinary}


def test_a_fill_is_unique_by_symbol_and_id() -> None:
    assert ["symbol", "id"] == [column.name for column in schema.FILL.primary_key]
