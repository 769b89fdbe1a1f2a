"""The ways in which a heatmap reply goes wrong, one function each, by the numbers H5 to H30.

Each takes the good document of the main route and the number of the request, and gives what is
sent instead. What needs a socket to go wrong is in `heatmap_server`.
"""

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

from tests.fakes.heatmap_scene import Document


@dataclass
class Answer:
    """A whole HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


NESTED: Final[list[Any]] = json.loads("[" * 50 + "]" * 50)
LONG_INTEGER: Final = b'"liquidation_count": ' + b"9" * 5000
Fault: TypeAlias = Callable[[Document, int], Answer]


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


def good(document: Document, number: int = 0) -> Answer:
    del number
    return Answer(body=as_json(document))


def html(status: int) -> Fault:
    page = b"<!DOCTYPE html><html><body><h1>Down for maintenance</h1></body></html>"
    return lambda *_: Answer(status, page, {"Content-Type": "text/html"})


def status(code: int, detail: str = "Internal Server Error", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda *_: Answer(code, as_json({"detail": detail}), named)


def raw(body: bytes) -> Fault:
    return lambda *_: Answer(body=body)


def set_top(**fields: Any) -> Fault:
    """Replace fields of the document; Ellipsis takes one out."""

    def fault(document: Document, number: int) -> Answer:
        changed = {**document, **fields}
        return good({k: v for k, v in changed.items() if v is not ...}, number)

    return fault


def set_rows(*fields: Mapping[str, Any]) -> Fault:
    """Replace fields of the first rows, one mapping a row; the last holds for all that follow."""

    def fault(document: Document, number: int) -> Answer:
        changed = copy.deepcopy(document)
        for i, row in enumerate(changed["clusters"]):
            row.update(fields[min(i, len(fields) - 1)])
            for key in [key for key, value in row.items() if value is ...]:
                del row[key]
        return good(changed, number)

    return fault


def scaled_price(factor: float) -> Fault:
    """The provider's price is off by a factor, its levels are not."""

    def fault(document: Document, number: int) -> Answer:
        return good({**document, "current_price": document["current_price"] * factor}, number)

    return fault


def spelled(old: bytes, new: bytes) -> Fault:
    """Spell a piece of the good body otherwise, once."""

    def fault(document: Document, _: int) -> Answer:
        body = as_json(document)
        assert old in body, f"{old!r} is not in a good body"
        return Answer(body=body.replace(old, new, 1))

    return fault


def cut(document: Document, _: int) -> Answer:
    body = as_json(document)
    return Answer(body=body[: len(body) * 2 // 3])


def with_mark(document: Document, _: int) -> Answer:
    return Answer(body=b"\xef\xbb\xbf" + as_json(document))


def latin_1(document: Document, _: int) -> Answer:
    body = json.dumps({**document, "note": "Überlast"}, ensure_ascii=False).encode("latin-1")
    return Answer(body=body, headers={"Content-Type": "application/json; charset=latin-1"})


def bogus_charset(document: Document, _: int) -> Answer:
    headers = {"Content-Type": "application/json; charset=no-such-thing"}
    return Answer(body=as_json(document), headers=headers)


class Frozen:
    """Every answer repeats the first; only the stamps are new."""

    def __init__(self) -> None:
        self._first: Document | None = None

    def __call__(self, document: Document, number: int) -> Answer:
        self._first = self._first or copy.deepcopy(document)
        stamps = {"timestamp": f"2026-01-28T22:30:{number % 60:02}"}
        return good({**self._first, **stamps}, number)


def many_rows(document: Document, number: int) -> Answer:
    row = document["clusters"][0]
    price = document["current_price"]
    rows = [
        {
            **row,
            "price_level": price * (1.0 + (0.1 + i) * 1e-4 * (-1 if i % 2 else 1)),
            "side": "long" if i % 2 else "short",
            "total_notional": 1_000.0 + i,
            "cluster_id": i,
        }
        for i in range(5000)
    ]
    return good({**document, "clusters": rows}, number)


def renumbered(document: Document, number: int) -> Answer:
    """The ids go to other clusters at each poll."""
    changed = copy.deepcopy(document)
    rows = changed["clusters"]
    for i, row in enumerate(rows):
        row["cluster_id"] = (i + number) % len(rows)
    return good(changed, number)


def flapping(document: Document, number: int) -> Answer:
    """The first cluster is there at every other poll only."""
    rows = document["clusters"]
    return good({**document, "clusters": rows if number % 2 else rows[1:]}, number)


def elsewhere(document: Document, number: int) -> Answer:
    """No `last_updated` in the rows, one beside them instead."""
    changed = copy.deepcopy(document)
    for row in changed["clusters"]:
        del row["last_updated"]
    return good({**changed, "last_updated": "2020-01-01T00:00:00"}, number)


# fmt: off
FAULTS: Final[Mapping[str, Fault]] = {
    "h05_500":              status(500),
    "h05_502":              html(502),
    "h05_503":              status(503, "Service Unavailable"),
    "h05_504":              status(504, "Gateway Timeout"),
    "h06_html":             html(200),
    "h07_truncated":        cut,
    "h08_success_false":    set_top(success=False),
    "h08_success_missing":  set_top(success=...),
    "h08_clusters_missing": set_top(clusters=...),
    "h08_clusters_null":    set_top(clusters=None),
    "h08_empty_object":     raw(b"{}"),
    "h08_empty_list":       raw(b"[]"),
    "h08_null":             raw(b"null"),
    "h08_nothing":          raw(b""),
    "h11_nested":           raw(b"[" * 100_000),
    "h11_nested_inside":    set_top(extra=NESTED),
    "h12_byte_order_mark":  with_mark,
    "h12_latin_1":          latin_1,
    "h12_bogus_charset":    bogus_charset,
    "h13_nan":              spelled(b'"strength": 0.95', b'"strength": NaN'),
    "h13_infinity":         spelled(b'"strength": 0.95', b'"strength": Infinity'),
    "h13_1e999":            spelled(b'"strength": 0.95', b'"strength": 1e999'),
    "h13_long_integer":     spelled(b'"liquidation_count": 1248', LONG_INTEGER),
    "h14_duplicate_keys":   spelled(b'"current_price"', b'"current_price": 1.0, "current_price"'),
    "h15_strength_below":   set_rows({"strength": -0.1}, {}),
    "h15_strength_above":   set_rows({"strength": 1.7}, {}),
    "h15_strength_text":    set_rows({"strength": "0.8"}, {}),
    "h15_strength_null":    set_rows({"strength": None}, {}),
    "h15_half_are_bad":     set_rows({"strength": -0.1}, {"strength": "8"}, {"strength": None}, {}),
    "h15_all_are_bad":      set_rows({"strength": 80}),
    "h16_price_zero":       set_top(current_price=0),
    "h16_price_negative":   set_top(current_price=-89_175.0),
    "h16_price_null":       set_top(current_price=None),
    "h17_wrong_symbol":     set_top(symbol="ETHUSDT"),
    "h17_no_symbol":        set_top(symbol=...),
    "h18_price_10x":        scaled_price(10.0),
    "h18_price_1000x":      scaled_price(0.001),
    "h19_price_lags":       scaled_price(1.015),
    "h20_stamps_old":       set_rows({"last_updated": "2020-01-01T00:00:00"}),
    "h21_stamps_absent":    set_rows({"last_updated": ...}),
    "h21_stamps_elsewhere": elsewhere,
    "h22_stamps_future":    set_rows({"last_updated": "2099-01-01T00:00:00"}),
    "h22_stamps_broken":    set_rows({"last_updated": 17}, {"last_updated": "yesterday"}),
    "h24_side_unknown":     set_rows({"side": "LONG"}, {}),
    "h25_5000_rows":        many_rows,
    "h26_ids_renumbered":   renumbered,
    "h27_flapping":         flapping,
    "h30_429":              status(429, "Too Many Requests", Retry_After="3600"),
    "h30_503":              status(503, "Overloaded", Retry_After="3600"),
}
# fmt: on
