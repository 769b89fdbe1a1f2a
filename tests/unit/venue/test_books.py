"""The paper account as a document."""

from decimal import Decimal

import pytest

from bot.errors import StoreError
from bot.model.primitives import Millis, Price, Side, Usd, VenueOrderId
from bot.venue.books import FundingSettled, PaperOrder, PaperState, decode, encode
from tests.fakes.paper import BTC, NOW, stop


def test_a_state_survives_the_document() -> None:
    order = PaperOrder(
        request=stop("s", Side.SELL, "1", "98.5"), venue_id=VenueOrderId("7"), updated_at=NOW
    )
    state = PaperState(balance_usd=Usd(Decimal("10000.123456789")), orders=(order,))

    assert state.orders == decode(encode(state)).orders


def test_a_document_that_cannot_be_read_names_the_remedy() -> None:
    with pytest.raises(StoreError, match="backup"):
        decode(b'{"balance_usd": "many"}')


def test_a_settlement_told_again_keeps_its_id() -> None:
    row = FundingSettled(
        id="x|1", symbol=BTC, usd=Usd(Decimal(-1)), mark=Price(Decimal(100)), at=NOW
    )

    assert row.event(NOW).id == row.event(Millis(NOW + 5)).id
