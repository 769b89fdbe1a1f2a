"""Requests and replies as they cross the wire, and who carries them."""

from typing import Protocol

from bot.model.primitives import Value


class HttpRequest(Value, frozen=True, kw_only=True):
    """What ccxt has signed and wants sent."""

    method: str
    url: str
    headers: dict[str, str] = {}
    body: str = ""


class HttpReply(Value, frozen=True, kw_only=True):
    """What came back, whole; a reply that was cut off is no reply."""

    status: int
    headers: dict[str, str] = {}
    """Names in lower case."""
    body: bytes = b""


class Transport(Protocol):
    """Carries one request and brings its reply."""

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpReply:
        """Send and wait, at most `timeout_s` in all.

        Raises:
            NotSentError: nothing of the request has left this machine.
            NoAnswerError: it may have arrived; no whole reply came back.

        """
        ...

    async def close(self) -> None:
        """Let go of every connection."""
        ...
