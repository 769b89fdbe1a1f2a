"""A snapshot holds what recovery needs and survives the journal."""

import msgspec

from bot.model.primitives import Millis, Symbol
from bot.model.snapshot import Snapshot, SymbolSnapshot


def test_a_new_ledger_is_an_empty_snapshot() -> None:
    snapshot = Snapshot(at=Millis(0))

    assert snapshot.account is None
    assert not snapshot.orders


def test_a_snapshot_survives_the_journal() -> None:
    snapshot = Snapshot(
        at=Millis(5),
        symbols=(SymbolSnapshot(symbol=Symbol("BTC/USDT:USDT"), last_price=1.5),),
    )

    assert snapshot == msgspec.json.decode(msgspec.json.encode(snapshot), type=Snapshot)
