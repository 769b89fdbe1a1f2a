"""ccxt as a signer and a map of endpoints: one instance, behind our own line.

`Client` is what markets and venues call.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from bot.gateway.connection import DATA, Connection, Lane, Route
from bot.gateway.http import Transport
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock


class Hidden(Protocol):
    """A secret that is shown only when it is used."""

    def reveal(self) -> str:
        """The value itself."""
        ...


class Keys(Protocol):
    """Keys as `bot.credentials` finds them."""

    @property
    def api_key(self) -> Hidden | None: ...

    @property
    def secret(self) -> Hidden | None: ...

    @property
    def password(self) -> Hidden | None: ...


class Client:
    """One exchange over one Transport."""

    def __init__(
        self,
        connection: Connection,
        *,
        transport: Transport,
        clock: ExchangeClock,
        limiter: Limiter,
        keys: Keys | None = None,
        base_url: str = "",
        stream_url: str = "",
        timeout_s: float = 4.0,
        has_streams: bool = False,
    ) -> None:
        raise NotImplementedError

    async def call(
        self,
        route: Route,
        params: Mapping[str, Any] | None = None,
        *,
        lane: Lane = DATA,
        window_ms: int | None = None,
    ) -> Any:
        """Call one endpoint and give its parsed body, numbers that are not whole as strings."""
        raise NotImplementedError
