"""The operator's line into the running bot: a Unix socket that only its owner can open.

One JSON object a line in each direction: `{"verb": "status"}` -> `{"ok": ...}` or
`{"error": {"code", "what", "where", "remedy"}}`. A socket file cannot be reached from a web page.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from bot.errors import LiqbotError

LINE_MAX = 64 * 1024
IDLE_S = 10.0
"""A connection that says nothing for so long is closed."""
PATH_MAX = 100
"""sockaddr_un holds 108 bytes, the terminating zero included."""

Answer = Callable[[dict[str, Any]], Awaitable[Any]]


@contextlib.asynccontextmanager
async def listening(path: Path, answer: Answer) -> AsyncIterator[None]:
    """Answer requests on `path` while inside; the file is 0600 and goes away with us."""
    path.unlink(missing_ok=True)  # noqa: ASYNC240  (one local call, microseconds)
    mask = os.umask(0o177)
    try:
        server = await asyncio.start_unix_server(_handler(answer), path=path, limit=LINE_MAX)
    finally:
        os.umask(mask)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()
        path.unlink(missing_ok=True)  # noqa: ASYNC240  (the same)


def _handler(
    answer: Answer,
) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(IDLE_S):
                line = await reader.readline()
                writer.write(await _reply(line, answer) + b"\n")
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError):
            pass  # whoever asked has gone, or never asked
        finally:
            writer.close()

    return handle


async def _reply(line: bytes, answer: Answer) -> bytes:
    try:
        request = msgspec.json.decode(line, type=dict[str, Any])
        return msgspec.json.encode({"ok": await answer(request)})
    except LiqbotError as error:
        what, where, remedy, code = error.what, error.where, error.remedy, error.exit_code
    except msgspec.DecodeError:
        what, where, remedy, code = "The request is not one JSON object on a line.", "", "", 2
    body = {"code": code, "what": what, "where": where, "remedy": remedy}
    return msgspec.json.encode({"error": body})
