"""One document a thing, in the vocabulary's words."""

from decimal import Decimal

import msgspec
import pytest

from bot.model.primitives import Millis, Usd
from bot.ops import documents
from tests.fakes.rows import T0, a_bracket, a_cluster, a_refusal, a_signal, an_order


def test_instants_are_rfc_3339() -> None:
    assert "2026-01-01T00:00:00.007Z" == documents.rfc3339(Millis(T0 + 7))
    assert documents.rfc3339(None) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("88750.0"), "88750"),
        (Decimal(100_000), "100000"),
        (Decimal("97424.9000"), "97424.9"),
        (Decimal(1) / Decimal(3), "0.333333333333"),
        (Decimal("0.00000152"), "0.00000152"),
        (None, None),
    ],
)
def test_prices_are_plain_and_end_somewhere(value: Decimal | None, expected: str | None) -> None:
    assert expected == documents.price(value)


def test_a_position_is_worth_what_the_mark_says() -> None:
    found = documents.position(a_bracket(stop_confirmed_at=Millis(T0 + 500)), 89_275.2)

    assert ("1.00", 0.02, 300) == (found["pnl_usd"], found["r"], found["stop_delay_ms"])
    assert found["stop_confirmed"]
    assert documents.position(a_bracket(), None)["pnl_usd"] is None
    assert not documents.position(a_bracket(), None)["stop_confirmed"]


def test_a_position_whose_stop_is_being_replaced_is_not_protected() -> None:
    bracket = a_bracket(stop_confirmed_at=T0, unprotected_since=Millis(T0 + 9))

    assert not documents.is_protected(bracket)


def test_a_bracket_without_risk_has_no_multiple() -> None:
    bracket = a_bracket(risk_usd=Usd(Decimal(0)), signal=None)

    assert documents.position(bracket, 89_275.2)["r"] is None
    assert documents.trade(1, bracket)["r"] is None
    assert documents.trade(1, bracket)["strategy"] is None


def test_every_document_is_plain_json() -> None:
    for found in (
        documents.position(a_bracket(), 1.0),
        documents.trade(1, a_bracket()),
        documents.order(an_order()),
        documents.signal(a_signal(), is_used=False, denied=a_refusal()),
        documents.refusal(a_refusal()),
        documents.cluster(a_cluster(), 89_000.0),
        documents.cluster(a_cluster(), None),
    ):
        assert found["symbol"] == "BTC/USDT:USDT"
        msgspec.json.encode(found)
