"""What holds for every test: none changes how the next one computes with money."""

import decimal
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_decimal_context() -> Iterator[None]:
    """Unmodified ccxt leaves ROUND_HALF_UP behind in the context of its caller."""
    with decimal.localcontext():
        yield
