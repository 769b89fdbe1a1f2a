"""How a request leaves: what the client needs from a network, or from whatever stands in for it."""

from collections.abc import Mapping
from typing import Protocol

from bot.model.primitives import Value


class Reply(Value, frozen=True, kw_only=True):
    """What came back, whole and within its limits."""

    status: int
    headers: Mapping[str, str]
    """Names are looked up without regard to case."""
    body: bytes


class Transport(Protocol):
    """One provider's host."""

    @property
    def base_url(self) -> str:
        """Where it is, as the configuration spells it."""
        ...

    async def get(self, path: str, params: Mapping[str, str]) -> Reply:
        """Ask, and return a whole answer whatever its status, or raise ReadingError."""
        ...
