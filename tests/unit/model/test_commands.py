"""Commands carry all that a venue needs, and survive the journal."""

import msgspec

from bot.model.commands import CancelOrder, Command, FetchAccount, QueryOrder
from bot.model.primitives import ClientOrderId, Millis, Symbol

BTC = Symbol("BTC/USDT:USDT")


def test_commands_survive_the_journal() -> None:
    commands: list[Command] = [
        CancelOrder(symbol=BTC, client_id=ClientOrderId("a"), is_trigger=True),
        QueryOrder(symbol=BTC, client_id=ClientOrderId("a")),
        FetchAccount(symbol=Symbol(""), fills_since=Millis(3)),
    ]

    assert commands == msgspec.json.decode(msgspec.json.encode(commands), type=list[Command])


def test_equal_commands_are_equal_bytes() -> None:
    """A replay compares commands byte for byte."""
    first = CancelOrder(symbol=BTC, client_id=ClientOrderId("a"))

    assert msgspec.json.encode(first) == msgspec.json.encode(
        CancelOrder(client_id=ClientOrderId("a"), symbol=BTC)
    )
