"""The control socket: one question, one answer, only for its owner."""

import asyncio
import contextlib
import stat
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from bot.errors import UsageError
from bot.ops import control


async def answer(request: dict[str, Any]) -> Any:
    if request.get("verb") == "status":
        return {"state": "TRADING"}
    raise UsageError("There is no such verb.", where="verb", remedy="Ask for status.")


async def ask(path: Path, line: bytes) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    await writer.drain()
    reply = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return reply


def with_server(path: Path, talk: Callable[[], Awaitable[Any]]) -> Any:
    async def main() -> Any:
        async with control.listening(path, answer):
            return await talk()

    return asyncio.run(main())


def test_a_question_gets_its_answer(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    reply = with_server(path, lambda: ask(path, b'{"verb": "status"}\n'))

    assert b'{"ok":{"state":"TRADING"}}\n' == reply
    assert not path.exists()


def test_a_refusal_comes_back_with_its_remedy(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    reply = with_server(path, lambda: ask(path, b'{"verb": "x"}\n'))

    assert b'"remedy":"Ask for status."' in reply
    assert b'"code":2' in reply


def test_noise_is_answered_and_breaks_nothing(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def talk() -> tuple[bytes, bytes]:
        noise = await ask(path, b"\xff\xfe{]\n")
        return noise, await ask(path, b'{"verb": "status"}\n')

    noise, good = with_server(path, talk)

    assert b'"code":2' in noise
    assert b'"TRADING"' in good


def test_an_endless_line_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def talk() -> bytes:
        with contextlib.suppress(ConnectionError):
            await ask(path, b"x" * (control.LINE_MAX * 3) + b"\n")
        return await ask(path, b'{"verb": "status"}\n')

    assert b'"TRADING"' in with_server(path, talk)


def test_only_the_owner_may_open_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def talk() -> int:
        return stat.S_IMODE(path.stat().st_mode)

    assert 0o600 == with_server(path, talk)


def test_a_socket_left_by_a_killed_run_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    path.touch()

    reply = with_server(path, lambda: ask(path, b'{"verb": "status"}\n'))

    assert b'"TRADING"' in reply
