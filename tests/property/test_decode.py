"""Whatever bytes arrive, decoding gives finite figures or a FeedError, and nothing else."""

import json
from collections.abc import Callable
from math import isfinite
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import FeedError
from bot.heatmap import decode, strict
from bot.model.heatmap import Reading, Row
from tests.fakes.heatmap_replies import BTC, PEPE, a_document, a_row, some_rows

GOOD = json.dumps(a_document(*some_rows(3), a_row(side="long", price_level=89_000.5))).encode()
ODD_NUMBERS = (
    b"NaN", b"-Infinity", b"1e999", b"-0.0", b"5e-324", b"1e308", b"9" * 400, b"9" * 5000, b"null",
    b'"0.8"', b"true", b"{}", b"[]", b"0", b"-1", b"1.01", b"1.02",
)  # fmt: skip
ROUTES: tuple[Callable[[bytes], Any], ...] = (
    lambda body: decode.reading(body, BTC, rows_max=1000),
    lambda body: decode.reading(body, PEPE, rows_max=2),
    lambda body: decode.best(body, PEPE),
    lambda body: decode.stats(body, {"BTCUSDT": BTC}),
    decode.symbols,
    decode.detail,
    strict.document,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from([*a_document(), *a_row(), "x"]), inner, max_size=6)
    ),
    max_leaves=20,
)


def decoded(route: Callable[[bytes], Any], body: bytes) -> Any:
    try:
        return route(body)
    except FeedError:
        return None


def figures(found: Reading | Row) -> list[float]:
    if isinstance(found, Reading):
        return [found.price, *(figure for row in found.rows for figure in figures(row))]
    numbers = [found.level, found.low, found.high, found.notional_usd, found.strength]
    return [*numbers, found.leverage_tier or 1.0, float(found.liquidation_count or 1)]


def holds(found: Any) -> None:
    if isinstance(found, Reading | Row):
        assert all(isfinite(figure) and figure >= 0 for figure in figures(found))
    if isinstance(found, Reading):
        assert found.price > 0
        assert all(0 < row.low <= row.level <= row.high for row in found.rows)
        assert all(0 <= row.strength <= 1 for row in found.rows)
        assert len(found.rows) <= 2 * decode.CLUSTERS_PER_SIDE_MAX


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good body with pieces cut, doubled, overwritten or replaced by odd numbers."""
    body = GOOD
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(body)))
        length = draw(st.integers(0, 40))
        piece = draw(st.binary(max_size=8) | st.sampled_from(ODD_NUMBERS))
        body = body[:at] + piece + body[at + length :]
    return body


@st.composite
def with_odd_values(draw: st.DrawFn) -> bytes:
    """A good document with values of any kind in any field."""
    rows = [
        a_row(**draw(st.dictionaries(st.sampled_from([*a_row(), "zone_low", "active"]), JSON)))
        for _ in range(draw(st.integers(0, 6)))
    ]
    top = draw(st.dictionaries(st.sampled_from([*a_document(), "coverage", "warming"]), JSON))
    return json.dumps({**a_document(*rows, *some_rows(8)), **top}).encode()


@given(body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_h12_arbitrary_bytes_are_an_error_and_never_a_crash(body: bytes) -> None:
    for route in ROUTES:
        holds(decoded(route, body))


@given(body=mutated())
@settings(max_examples=1000, deadline=None)
def test_h07_a_mutilated_body_gives_finite_figures_or_an_error(body: bytes) -> None:
    for route in ROUTES:
        holds(decoded(route, body))


@given(body=with_odd_values())
@settings(max_examples=200, deadline=None)
def test_h13_values_of_any_kind_give_finite_figures_or_an_error(body: bytes) -> None:
    for route in ROUTES:
        holds(decoded(route, body))


@given(document=JSON)
@settings(max_examples=300, deadline=None)
def test_h14_strict_json_agrees_with_the_standard_library(document: Any) -> None:
    """The count of keys must not refuse what has no key twice."""
    body = json.dumps(document).encode()
    try:
        found = strict.document(body)
    except FeedError:
        assert b"NaN" in body or b"Infinity" in body or b"\\ud" in body or b"\\ud" in body.lower()
    else:
        assert document == found


@given(order=st.permutations(range(8)), scale=st.sampled_from([1.0, 2.0, 1000.0]))
@settings(max_examples=50, deadline=None)
def test_the_order_of_rows_and_the_scale_of_the_provider_do_not_matter(
    order: list[int], scale: float
) -> None:
    rows = some_rows(8)
    body = json.dumps(a_document(*(rows[i] for i in order))).encode()
    listing = type(BTC)(symbol=BTC.symbol, name=BTC.name, factor=scale)
    plain = decode.reading(json.dumps(a_document(*rows)).encode(), BTC, rows_max=1000)
    scaled = decode.reading(body, listing, rows_max=1000)

    assert [row.level * scale for row in plain.rows] == [row.level for row in scaled.rows]
    assert [row.provider_id for row in plain.rows] == [row.provider_id for row in scaled.rows]
