"""JSON is taken whole, bounded and unambiguous, or not at all."""

import json

import pytest

from bot.heatmap import strict
from bot.heatmap.failure import FailureKind, ReadingError


def what_is_wrong(body: bytes) -> str:
    with pytest.raises(ReadingError) as caught:
        strict.document(body)
    assert FailureKind.MALFORMED is caught.value.kind
    return caught.value.what


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        None,
        "",
        0,
        {"a": 1, "b": {"a": 1}, "c": [{"a": 1}, {"a": 1}]},
        {"text": 'brackets [{"in": "strings"}] and \\ "quotes" \\'},
        {"": "", "[": "]", "{:": ":}"},
        {"time": "22:30:00", "umlaut": "ü"},
    ],
)
def test_good_json_is_read_as_it_is(document: object) -> None:
    for ascii_only in (True, False):
        body = json.dumps(document, ensure_ascii=ascii_only).encode()

        assert document == strict.document(body)
        assert document == strict.document(b"\xef\xbb\xbf" + body)


def test_nesting_is_allowed_to_the_limit_and_no_further() -> None:
    assert [] != strict.document(b"[" * 32 + b"]" * 32)
    assert "nests more than 32 deep" in what_is_wrong(b"[" * 33 + b"]" * 33)
    assert "nests more than 32 deep" in what_is_wrong(b'{"a":' * 33 + b"1" + b"}" * 33)
    assert "nests more than 32 deep" in what_is_wrong(b"[" * 33)


def test_a_bomb_of_any_shape_is_cut_before_it_is_built() -> None:
    for body in (b"[" * 200_000, b"[" + b"{}," * 60_000 + b"{}]", b'{"a":' * 200_000):
        assert "holds more than 50,000" in what_is_wrong(body)


def test_a_cut_text_is_called_malformed_and_not_too_deep() -> None:
    whole = json.dumps({"a": [{"b": 'c"['}, {"d": "e"}]}).encode()
    for length in range(len(whole)):
        assert "is not JSON" in what_is_wrong(whole[:length])


def test_a_key_twice_in_one_object_is_refused_wherever_it_is() -> None:
    for body in (
        b'{"a":1,"a":1}',
        b'{"x":[[{"a":1,"a":2}]]}',
        b'{"a":1,"\\u0061":2}',
        b'{"":1,"":2}',
        b'{"a":":","a":"\\":"}',
    ):
        assert "names a key twice" in what_is_wrong(body)


def test_the_same_key_in_two_objects_is_not_twice() -> None:
    assert [{"a": 1}, {"a": 1}] == strict.document(b'[{"a":1},{"a":1}]')


@pytest.mark.parametrize(
    "body", [b"NaN", b"[Infinity]", b"-Infinity", b"1e999", b"9" * 5000, b"01"]
)
def test_what_is_not_a_finite_number_is_refused(body: bytes) -> None:
    assert "is not JSON" in what_is_wrong(body)


def test_bytes_that_are_not_utf_8_are_refused_in_skipped_places_too() -> None:
    assert "is not UTF-8" in what_is_wrong('{"note":"Überlast"}'.encode("latin-1"))
    assert "is not" in what_is_wrong('{"a":1}'.encode("utf-16"))


def test_a_web_page_is_called_one() -> None:
    assert "is a web page" in what_is_wrong(b"\n <!DOCTYPE html>")


def test_strings_that_never_end_cost_no_more_than_their_length() -> None:
    """A search that gives up at each quote would take minutes here."""
    assert "is not JSON" in what_is_wrong(b'\\"' * 500_000)
    assert "is not JSON" in what_is_wrong(b'"' + b"\\a" * 500_000)
