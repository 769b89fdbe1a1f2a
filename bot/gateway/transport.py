"""The line to the exchange: TLS or loopback, no proxy, no redirect, bounded in time and size.

What is certain of a failure is whether the request had begun to leave: aiohttp tells that just
before it writes the first byte, so whatever goes wrong earlier has sent nothing, timeouts
included.
"""

import asyncio
import ssl
import zlib
from types import SimpleNamespace
from typing import Any, Final

import aiohttp
from yarl import URL

from bot.gateway.failures import GatewayError, NoAnswerError, NotSentError
from bot.gateway.http import HttpReply, HttpRequest
from bot.gateway.signer import is_loopback

BODY_MAX_BYTES: Final = 16 * 1024 * 1024
"""Binance's list of contracts is 1 MB."""
CONNECTIONS_MAX: Final = 32
KEEP_ALIVE_S: Final = 75.0
"""aiohttp's own 15 s would put a TLS handshake in front of most orders (venues.md, 6)."""
NAMES_KEPT_S: Final = 300
_CHUNK_BYTES: Final = 65_536
_GZIP_WINDOW: Final = 16 + zlib.MAX_WBITS
_REPEATABLE: Final = frozenset({"GET", "HEAD"})


class Flight:
    """One request on its way."""

    def __init__(self, method: str) -> None:
        self.method = method
        self.has_left = False

    def leave(self) -> None:
        """Its first byte is about to be written.

        aiohttp repeats a GET, PUT or DELETE by itself when a kept connection turns out to be
        dead; what changes something is not repeated unseen.
        """
        if self.has_left and self.method not in _REPEATABLE:
            raise NoAnswerError("the connection was closed before a reply came")
        self.has_left = True


class AiohttpTransport:
    """A Transport over one session of its own; connections open with the first request."""

    def __init__(
        self, *, body_max_bytes: int = BODY_MAX_BYTES, connections_max: int = CONNECTIONS_MAX
    ) -> None:
        self._body_max_bytes = body_max_bytes
        self._connections_max = connections_max
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        """Send and wait, at most `timeout_s` of the loop's seconds in all.

        Raises:
            NotSentError: nothing of the request has left this machine.
            NoAnswerError: it may have arrived; no whole reply came back.

        """
        url = _checked(request.url)
        session = self._open()
        flight = Flight(request.method)
        try:
            async with (
                asyncio.timeout(timeout_s),
                session.request(
                    request.method,
                    url,
                    headers=request.headers,
                    data=request.body.encode() or None,
                    allow_redirects=False,
                    trace_request_ctx=flight,
                ) as response,
            ):
                body = await self._read(response)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return HttpReply(status=response.status, headers=headers, body=body)
        # aiohttp's errors quote the URL with its signature: none of them is passed on.
        except TimeoutError:
            what = f"no whole reply within {timeout_s:g} s"
            raise _failure(flight, what, "no connection") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(flight, _broken(error), _unreachable(error)) from None

    async def close(self) -> None:
        """Let go of every connection; nothing can be sent afterwards."""
        self._is_closed = True
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _open(self) -> aiohttp.ClientSession:
        if self._is_closed:
            raise NotSentError("the connection to the exchange is closed")
        if self._session is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_headers_sent.append(_leave)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=self._connections_max,
                    keepalive_timeout=KEEP_ALIVE_S,
                    ttl_dns_cache=NAMES_KEPT_S,
                    ssl=ssl.create_default_context(),
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None),  # Ours is the one that counts.
                auto_decompress=False,  # It would unpack before it counts.
                trace_configs=[trace],
                trust_env=False,
            )
        return self._session

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if (response.content_length or 0) > self._body_max_bytes:
            raise self._too_large()
        unpacker = _unpacker(response.headers.get("Content-Encoding", "").strip().lower())
        parts: list[bytes] = []
        size = packed_size = 0
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            packed_size += len(chunk)
            part = _unpack(unpacker, chunk, self._body_max_bytes - size + 1) if unpacker else chunk
            size += len(part)
            if max(size, packed_size) > self._body_max_bytes:
                raise self._too_large()
            parts.append(part)
        if unpacker and packed_size and not unpacker.eof:
            raise NoAnswerError("the packed reply ends too early")
        return b"".join(parts)

    def _too_large(self) -> NoAnswerError:
        return NoAnswerError(f"the reply is larger than {self._body_max_bytes:,} bytes")


async def _leave(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    del session, params
    context.trace_request_ctx.leave()


def _checked(text: str) -> URL:
    """Give a URL that may be asked; encoded as it is signed."""
    try:
        url = URL(text, encoded=True)
        host = url.host or ""
    except ValueError:
        raise NotSentError("the address cannot be read") from None
    if url.scheme == "https" and host:
        return url
    if url.scheme == "http" and is_loopback(host):
        return url
    raise NotSentError(f"{host or 'an address without a host'} is not asked without encryption")


def _failure(flight: Flight, after: str, before: str) -> GatewayError:
    return NoAnswerError(after) if flight.has_left else NotSentError(before)


def _broken(error: Exception) -> str:
    """What went wrong once the request had left."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return "the connection was closed before a reply came"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "the reply broke off"
    return f"the connection broke ({type(error).__name__})"


def _unreachable(error: Exception) -> str:
    """Why nothing could be sent."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return f"the certificate or the TLS of {error.host} cannot be trusted"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} is not known"
        case aiohttp.ClientConnectorError():
            return f"nothing answers at {error.host}:{error.port}"
        case _:
            return f"no connection ({type(error).__name__})"


def _unpacker(encoding: str) -> "zlib._Decompress | None":
    if encoding in {"identity", ""}:
        return None
    if encoding in {"gzip", "x-gzip"}:
        return zlib.decompressobj(_GZIP_WINDOW)
    raise NoAnswerError("the reply is packed in a way that was not asked for")


def _unpack(unpacker: "zlib._Decompress", chunk: bytes, size_max: int) -> bytes:
    try:
        return unpacker.decompress(chunk, size_max)
    except zlib.error:
        raise NoAnswerError("the packed reply cannot be unpacked") from None
