"""The provider's four routes: one request each, every answer a value or a ReadingError."""

import asyncio
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote

import msgspec

from bot.heatmap import decode
from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.listing import Listing
from bot.heatmap.transport import Reply, Transport
from bot.model.heatmap import Reading, Row, Stats
from bot.model.primitives import Millis, Value
from bot.model.wiring import ProviderLimits

_LIMITS: Final = ProviderLimits()
_WIDE: Final = {"min_strength": "0", "max_distance": "50"}
"""Everything is asked for and filtered here: a filter's edge must not look like a cluster's end."""
_NONE_SUITABLE: Final = "no suitable cluster found"
_OK: Final = 200
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_UNAVAILABLE: Final = 503
_DIGITS_MAX: Final = 9


class Polled(Value, frozen=True, kw_only=True):
    """A good reply of the main route."""

    reading: Reading
    body: bytes
    """As it came, for the record."""


class HeatmapClient:
    """One provider. While its host wants to be left alone, nothing is sent to it.

    Ages and waits are in seconds of the event loop, which only runs forward; `wall` is needed only
    where a Retry-After names a date and the reply has none of its own.
    """

    def __init__(self, transport: Transport, *, rows_max: int, wall: Callable[[], Millis]) -> None:
        self._transport = transport
        self._rows_max = rows_max
        self._wall = wall
        self._now_s = asyncio.get_running_loop().time
        self._free_at_s = float("-inf")
        self._age = _ServerAge()

    @property
    def quiet_s(self) -> float:
        """How long the host still wants to be left alone; 0 when it may be asked."""
        return max(self._free_at_s - self._now_s(), 0.0)

    async def heatmap(self, listing: Listing) -> Polled:
        """Ask for all clusters of a symbol."""
        reply = await self._get(f"/api/heatmap/{quote(listing.name, safe='')}", _WIDE, listing)
        reading = decode.reading(reply.body, listing, rows_max=self._rows_max)
        age_s = self._age.measure(reply.headers, self._now_s())
        return Polled(reading=_aged(reading, age_s), body=reply.body)

    async def best(self, listing: Listing, *, min_strength: float = 0.6) -> Row | None:
        """Ask for the provider's own favourite; None where it has none."""
        path = f"/api/heatmap/{quote(listing.name, safe='')}/best"
        reply = await self._get(path, {"min_strength": f"{min_strength:g}"}, listing, is_best=True)
        return decode.best(reply.body, listing) if reply.status == _OK else None

    async def stats(self, listings: Mapping[str, Listing]) -> Stats:
        """Ask for the statistics; `listings` are by the provider's name."""
        reply = await self._get("/api/stats", {})
        return decode.stats(reply.body, listings)

    async def symbols(self) -> tuple[str, ...]:
        """Ask which symbols the provider carries, by its own names."""
        reply = await self._get("/api/symbols", {})
        return decode.symbols(reply.body)

    async def _get(
        self,
        path: str,
        params: Mapping[str, str],
        listing: Listing | None = None,
        *,
        is_best: bool = False,
    ) -> Reply:
        where = self._transport.base_url
        if quiet_s := self.quiet_s:
            raise ReadingError(
                FailureKind.THROTTLED,
                f"the provider asked to be left alone for another {quiet_s:.0f} s",
                where=where,
                retry_after_s=quiet_s,
            )
        try:
            reply = await self._transport.get(path, params)
        except ReadingError as error:
            error.where = where
            raise
        if reply.status == _OK:
            return reply
        if is_best and reply.status == _NOT_FOUND and _says_none(reply.body):
            return reply
        raise self._refusal(reply, listing)

    def _refusal(self, reply: Reply, listing: Listing | None) -> ReadingError:
        status, where = reply.status, self._transport.base_url
        said = decode.detail(reply.body)
        kind, what, remedy = FailureKind.HTTP, f"the provider answered {status}", ""
        retry_after_s = None
        if status in {_TOO_MANY, _UNAVAILABLE}:
            retry_after_s = self._retry_after_s(reply.headers)
        if status == _TOO_MANY or retry_after_s is not None:
            kind = FailureKind.THROTTLED
            self._free_at_s = self._now_s() + (retry_after_s or 0.0)
        elif status == _BAD_REQUEST and listing is not None:
            kind, what = FailureKind.UNSUPPORTED, f"the provider does not carry {listing.name}"
            remedy = "Take it out of `symbols`, or name it there as the provider does."
        elif status == _NOT_FOUND:
            what = "the provider answered 404: there is no heatmap at this address"
            remedy = "Look whether heatmap.base_url is right."
        return ReadingError(
            kind,
            f"{what} ({said})" if said else what,
            where=where,
            remedy=remedy,
            status=status,
            retry_after_s=retry_after_s,
        )

    def _retry_after_s(self, headers: Mapping[str, str]) -> float | None:
        """Return the wish in seconds, bounded; both forms; None where there is none to be read."""
        asked = headers.get("Retry-After", "").strip()
        if asked.isascii() and asked.isdigit():
            seconds = float(asked[:_DIGITS_MAX]) if len(asked) <= _DIGITS_MAX else float("inf")
        else:
            until_s = _epoch_s(asked)
            if until_s is None:
                return None
            served_s = _epoch_s(headers.get("Date", ""))
            seconds = until_s - (self._wall() / 1000.0 if served_s is None else served_s)
        return min(max(seconds, 0.0), _LIMITS.retry_after_max_s)


class _ServerAge:
    """How old a reply is by its headers; a clock that is off by a constant is not age."""

    __slots__ = ("_offset_s", "_parsed_s", "_text")

    def __init__(self) -> None:
        self._offset_s: float | None = None
        self._text = ""
        self._parsed_s: float | None = None

    def measure(self, headers: Mapping[str, str], now_s: float) -> float | None:
        """Return the greater of `Age` and what `Date` lags behind its first offset, in seconds."""
        text = headers.get("Date", "")
        if text != self._text:
            self._text, self._parsed_s = text, _epoch_s(text)
        lag_s = None
        if self._parsed_s is not None:
            offset_s = now_s - self._parsed_s
            if self._offset_s is None:
                self._offset_s = offset_s
            lag_s = max(offset_s - self._offset_s, 0.0)
        age = headers.get("Age", "").strip()
        if age.isascii() and age.isdigit() and len(age) <= _DIGITS_MAX:
            return max(float(age), lag_s or 0.0)
        return lag_s


def _epoch_s(text: str) -> float | None:
    if not text:
        return None
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None


def _says_none(body: bytes) -> bool:
    return decode.detail(body).lower() == _NONE_SUITABLE


def _aged(reading: Reading, age_s: float | None) -> Reading:
    return reading if age_s is None else msgspec.structs.replace(reading, server_age_s=age_s)
