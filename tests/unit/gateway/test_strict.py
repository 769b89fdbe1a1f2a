"""A reply is one whole document or it is none: an empty list is only what says so (E8)."""

import pytest

from bot.gateway.strict import UnreadableError, document


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"{}", {}),
        (b"[]", []),
        (b' {"a": [1, "b", null, true]}\n', {"a": [1, "b", None, True]}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b'{"orderId": 90071992547409931234}', {"orderId": 90071992547409931234}),
    ],
)
def test_a_document_is_given_as_it_is(body: bytes, found: object) -> None:
    assert found == document(body)


def test_numbers_that_are_not_whole_keep_their_digits() -> None:
    body = b'{"price": 64250.10, "small": 1e-8, "whole": 3}'

    assert {"price": "64250.10", "small": "1e-8", "whole": 3} == document(body)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "is empty"),
        (b"  \n", "is empty"),
        (b"<html>maintenance</html>", "is a web page"),
        (b"null", "is not JSON"),
        (b"5", "is not JSON"),
        (b"OK", "is not JSON"),
        (b'{"orderId": 12', "is cut off"),
        (b'[{"symbol": "BTCUSDT"}', "is cut off"),
        (b"{} {}", "is cut off or is not JSON"),
        (b'{"a": NaN}', "holds NaN"),
        (b'{"a": -Infinity}', "holds -Infinity"),
        (b'{"a": 1, "a": 2}', "names a key twice"),
        (b'[{"a": {"b": 1, "b": 1}}]', "names a key twice"),
        (b'{"a": "\xff"}', "is not UTF-8"),
        (b"[" * 100_000, "nests more than"),
        (b"[" * 65 + b"]" * 65, "nests more than"),
        (b'{"a":' * 300 + b"1" + b"}" * 300, "nests more than"),
        (b"[" + b"9" * 5000 + b"]", "is not JSON"),
    ],
)
def test_e8_anything_else_is_unreadable_and_says_why(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableError, match=why):
        document(body)
