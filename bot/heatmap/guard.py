"""The guard at every outgoing call: known hosts, no redirects, bounded time and size, TLS verified.

There is no switch that loosens any of it. A private certificate authority is named to OpenSSL
with SSL_CERT_FILE.
"""

import asyncio
import ssl
import zlib
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final, Self

import aiohttp
from yarl import URL

import bot
from bot.errors import ConfigError
from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.transport import Reply
from bot.model.wiring import HeatmapSettings

CONNECTIONS_MAX: Final = 8
_CHUNK_BYTES: Final = 65_536
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
    "User-Agent": f"liqbot/{bot.__version__}",
}


class Guard:
    """A session that asks only hosts that it was told of; use it with `async with`."""

    def __init__(self, base_urls: Iterable[str], *, timeout_s: float, body_max_bytes: int) -> None:
        self._origins = frozenset(checked_url(text).origin() for text in base_urls)
        self._timeout_s = timeout_s
        self._body_max_bytes = body_max_bytes
        self._stack = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        is_tls = any(origin.scheme == "https" for origin in self._origins)
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=CONNECTIONS_MAX, ssl=ssl.create_default_context() if is_tls else True
            ),
            headers=_HEADERS,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),  # Ours is the one that counts.
            auto_decompress=False,  # It would unpack before it counts.
            trust_env=False,
        )
        self._session = await self._stack.enter_async_context(session)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()
        self._session = None

    async def get(self, url: str) -> Reply:
        """Ask, and return a whole answer of any status but a redirect, or raise ReadingError.

        The time is the event loop's and holds for everything: name, connection, headers, body.
        """
        assert self._session is not None, "a guard is used with `async with`"
        target = URL(url, encoded=True)
        if target.origin() not in self._origins:
            raise ReadingError(
                FailureKind.REFUSED, f"{target.host} is not a host that may be asked"
            )
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._session.get(target, allow_redirects=False) as response,
            ):
                return await self._read(response)
        except TimeoutError as error:
            raise ReadingError(
                FailureKind.TIMEOUT, f"no whole answer within {self._timeout_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise _unreachable(error) from error

    async def _read(self, response: aiohttp.ClientResponse) -> Reply:
        if 300 <= response.status < 400:  # noqa: PLR2004
            target = response.headers.get("Location", "somewhere else")[:200]
            raise ReadingError(
                FailureKind.HTTP,
                f"the provider answered {response.status} and points to {target}: "
                "redirects are not followed",
                remedy="Set heatmap.base_url to the address that answers.",
                status=response.status,
            )
        if (response.content_length or 0) > self._body_max_bytes:
            raise self._too_large()
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        unpacker = _unpacker(encoding)
        parts: list[bytes] = []
        size = packed_size = 0
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            packed_size += len(chunk)
            part = _unpack(unpacker, chunk, self._body_max_bytes - size + 1) if unpacker else chunk
            size += len(part)
            if max(size, packed_size) > self._body_max_bytes:
                raise self._too_large()
            parts.append(part)
        if unpacker and not unpacker.eof:
            raise ReadingError(FailureKind.MALFORMED, "the packed reply ends too early")
        return Reply(status=response.status, headers=response.headers, body=b"".join(parts))

    def _too_large(self) -> ReadingError:
        limit = f"{self._body_max_bytes:,} bytes"
        return ReadingError(FailureKind.MALFORMED, f"the reply is larger than {limit}")


class GuardedTransport:
    """A Transport to one base URL through a guard."""

    def __init__(self, guard: Guard, base_url: str) -> None:
        self._guard = guard
        self._root = checked_url(base_url)
        self._base_url = base_url

    @property
    def base_url(self) -> str:
        """As the configuration spells it."""
        return self._base_url

    async def get(self, path: str, params: Mapping[str, str]) -> Reply:
        """Ask for a path below the base URL."""
        url = self._root.joinpath(*path.strip("/").split("/"), encoded=True)
        return await self._guard.get(str(url.with_query(params) if params else url))


@asynccontextmanager
async def guarded(settings: HeatmapSettings) -> AsyncIterator[GuardedTransport]:
    """Open the transport that the configuration names."""
    guard = Guard(
        (settings.base_url,),
        timeout_s=settings.timeout_s,
        body_max_bytes=settings.body_max_bytes,
    )
    async with guard:
        yield GuardedTransport(guard, settings.base_url)


def checked_url(text: str) -> URL:
    """Return a base URL that can be asked, or raise ConfigError."""
    try:
        url = URL(text)
        is_good = url.scheme in {"http", "https"} and bool(url.host) and url.port != 0
    except ValueError:
        url, is_good = URL(), False
    if not is_good or url.user or url.password or url.query_string or url.fragment:
        raise ConfigError(
            f"{text!r} is not an address that can be asked.",
            where="heatmap.base_url",
            remedy="Write it like https://api.example.com or http://127.0.0.1:8790, "
            "without user, query or fragment.",
        )
    return url


def _unpacker(encoding: str) -> "zlib._Decompress | None":
    if encoding in {"identity", ""}:
        return None
    if encoding in {"gzip", "x-gzip"}:
        return zlib.decompressobj(_GZIP_WINDOW)
    raise ReadingError(
        FailureKind.MALFORMED, f"the reply is packed as {encoding[:30]!r}, which was not asked for"
    )


def _unpack(unpacker: "zlib._Decompress", chunk: bytes, size_max: int) -> bytes:
    try:
        return unpacker.decompress(chunk, size_max)
    except zlib.error as error:
        raise ReadingError(FailureKind.MALFORMED, "the packed reply cannot be unpacked") from error


def _unreachable(error: aiohttp.ClientError | OSError) -> ReadingError:
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return ReadingError(
                FailureKind.UNREACHABLE,
                f"the certificate or the TLS of {error.host} cannot be trusted",
                remedy="Look whether heatmap.base_url is right and the machine's clock is. "
                "Verification cannot be turned off; a private authority is named with "
                "SSL_CERT_FILE.",
            )
        case aiohttp.ClientConnectorDNSError():
            what = f"the name {error.host} is not known"
        case aiohttp.ClientConnectorError():
            why = error.strerror or "no connection"
            what = f"nothing answers at {error.host}:{error.port} ({why})"
        case aiohttp.ClientPayloadError():
            what = "the reply broke off"
        case aiohttp.ClientResponseError():
            return ReadingError(FailureKind.MALFORMED, "the answer is not HTTP")
        case _:
            what = f"the connection broke ({type(error).__name__})"
    return ReadingError(FailureKind.UNREACHABLE, what)
