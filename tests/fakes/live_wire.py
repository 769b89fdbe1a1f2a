"""A server on loopback whose every byte is the test's: what comes back whole, cut, late, not."""

import asyncio
import gzip
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, NamedTuple, Self, TypeVar

import msgspec

T = TypeVar("T")
HANG: Final = b"hang"
"""Instead of a reply: nothing, for as long as anybody waits."""
DROP: Final = b""
"""Instead of a reply: the connection is closed."""


class Arrived(NamedTuple):
    """A request as it came."""

    line: str
    """`POST /fapi/v1/order HTTP/1.1`"""
    headers: dict[str, str]
    """Names in lower case."""
    body: str

    @property
    def target(self) -> str:
        """Path and query."""
        return self.line.split(" ")[1]


def raw(
    body: bytes,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """A reply as it crosses the wire; `length` is what it claims to have."""
    rows = {"Content-Length": str(len(body) if length is None else length), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in rows.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + body


def as_json(found: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A reply that holds a document."""
    return raw(msgspec.json.encode(found), status=status, headers=headers)


def packed(body: bytes) -> bytes:
    """A reply that is packed."""
    return raw(gzip.compress(body), headers={"Content-Encoding": "gzip"})


class Wire:
    """The server; use it with `async with`. It gives its answers in turn, the last one for ever."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.arrived: list[Arrived] = []
        self.has_arrived = asyncio.Event()
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._is_over = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._is_over.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                lines = head.split("\r\n")
                pairs = (row.split(": ", 1) for row in lines[1:] if row)
                headers = {name.lower(): value for name, value in pairs}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.arrived.append(Arrived(lines[0], headers, body.decode()))
                self.has_arrived.set()
                answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                if answer == HANG:
                    await self._is_over.wait()
                writer.write(answer)
                await writer.drain()
                if answer in {HANG, DROP} or self._is_over.is_set() or is_cut(answer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def is_cut(answer: bytes) -> bool:
    """It claims more than it has."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return f"Content-Length: {len(body)}".encode() not in head


def with_wire(act: Callable[[Wire], Awaitable[T]], *answers: bytes) -> T:
    """Run `act` against a server with those answers."""

    async def run() -> T:
        async with asyncio.timeout(20), Wire(*answers) as wire:
            return await act(wire)

    return asyncio.run(run())
