"""Replies of the main route as a test writes them, and the shortest way to read them."""

from typing import Any, Final

import pytest

from bot.heatmap import decode
from bot.heatmap.failure import ReadingError
from bot.heatmap.listing import Listing
from bot.model.heatmap import Reading
from bot.model.primitives import Symbol
from tests.fakes.heatmap_faults import FAULTS, as_json
from tests.fakes.heatmap_scene import Document, a_scene

BTC: Final = Listing(symbol=Symbol("BTC/USDT:USDT"), name="BTCUSDT")
PEPE: Final = Listing(symbol=Symbol("1000PEPE/USDT:USDT"), name="PEPEUSDT", factor=1000.0)
ROW: Final[Document] = {
    "price_level": 89365.0,
    "side": "short",
    "liquidation_count": 1248,
    "total_notional": 3500000.0,
    "strength": 0.85,
    "distance_from_price": 0.21,
    "cluster_id": 5,
    "last_updated": "2026-01-28T22:30:00",
    "leverage_tier": 50.0,
}


def a_document(*rows: Any, **top: Any) -> Document:
    return {
        "success": True,
        "symbol": "BTCUSDT",
        "current_price": 89175.1,
        "clusters": list(rows),
        "timestamp": "2026-01-28T22:30:00",
        "total_clusters": len(rows),
        **top,
    }


def a_row(**fields: Any) -> Document:
    return {key: value for key, value in {**ROW, **fields}.items() if value is not ...}


def some_rows(count: int) -> list[Document]:
    return [a_row(price_level=89365.0 + number) for number in range(count)]


def read(document: Document | bytes, listing: Listing = BTC, *, rows_max: int = 1000) -> Reading:
    body = document if isinstance(document, bytes) else as_json(document)
    return decode.reading(body, listing, rows_max=rows_max)


def refusal(document: Document | bytes, listing: Listing = BTC) -> ReadingError:
    with pytest.raises(ReadingError) as caught:
        read(document, listing)
    return caught.value


def after(fault: str, *, pairs: int = 3) -> bytes:
    """The body that a fault makes of a good reply."""
    return FAULTS[fault](a_scene(pairs=pairs).heatmap("BTCUSDT"), 1).body
