"""`positions` and `orders`."""

from pathlib import Path

from tests.fakes.rows import a_ledger
from tests.fakes.verbs import (
    Bot,
    a_config,
    a_position,
    a_status,
    a_written_ledger,
    running,
    say,
)


def test_positions_come_from_the_running_bot(tmp_path: Path) -> None:
    config = a_config(tmp_path)
    with running(tmp_path / "data", Bot(status=a_status(positions=[a_position()]))):
        said = say("positions", "-c", str(config))
        document = say("positions", "-c", str(config), "--json").document

    assert "+0.57" in said.out
    assert [a_position()] == document


def test_without_a_bot_positions_come_from_the_ledger_at_its_last_price(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)

    rows = say("positions", "-c", str(a_config(tmp_path)), "--json").document

    assert [("b3", "89175.1", True)] == [
        (row["bracket"], row["mark_price"], row["stop_confirmed"]) for row in rows
    ]


def test_orders_that_rest_are_listed_and_ended_ones_on_request(tmp_path: Path) -> None:
    a_written_ledger(tmp_path)
    config = str(a_config(tmp_path))

    resting = say("orders", "-c", config, "--json").document
    every = say("orders", "BTCUSDT", "--all", "-c", config, "--json").document
    said = say("orders", "-c", config)

    assert ["c2"] == [row["client_order_id"] for row in resting]
    assert {"c1", "c2"} == {row["client_order_id"] for row in every}
    assert "sell" == resting[0]["side"]
    assert "88750" == resting[0]["trigger_price"]
    assert "BTCUSDT  stop  sell  0.010       0  88,750.0  open    c2" in said.out


def test_nothing_is_said_in_words(tmp_path: Path) -> None:
    a_ledger(tmp_path / "data").close()
    config = str(a_config(tmp_path))

    assert "No position is open." in say("positions", "-c", config).out
    assert "No order rests or is in flight." in say("orders", "-c", config).out
    assert "No order." in say("orders", "--all", "-c", config).out
