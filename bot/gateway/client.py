"""ccxt as a signer and a map of endpoints: one instance, behind our own line.

`Client` is what markets and venues call. A request waits for room first and is signed then, so
that its timestamp is the time it leaves; its receive window ends when the caller's does, however
long it has waited.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from bot.gateway.connection import DATA, PROTECT, Connection, Lane, Route
from bot.gateway.failures import (
    GatewayError,
    NoAnswerError,
    NotSentError,
    RefusedError,
    Verdict,
)
from bot.gateway.http import HttpRequest, Transport
from bot.gateway.limiter import Limiter, NoRoomError
from bot.gateway.scrub import scrubbed
from bot.gateway.signer import Hidden, Keys, new_exchange, redirect, revealed
from bot.gateway.time import ExchangeClock
from bot.gateway.verdicts import BANNED, TOO_MANY, Judge
from bot.model.primitives import Millis

__all__ = ["Client", "Hidden", "Keys"]

PATIENCE_MS: Final[Mapping[bool, int]] = {False: 10_000, True: 120_000}
"""How long a request without a window waits for room; True: public data, which has time."""
WINDOW_MIN_MS: Final = 250
"""With less left of its window a request would arrive too late: it is not sent."""
MARKETS_TIMEOUT_S: Final = 20.0
OWN_COST: Final = 5
"""What ccxt asks by itself counts as so many requests for the time."""


class Errand:
    """One call on its way through ccxt."""

    def __init__(self, route: str, *, timeout_s: float) -> None:
        self.route = route
        self.timeout_s = timeout_s
        self.sent_s: float | None = None
        """The loop's seconds; None until ccxt has signed and the request is handed on."""
        self.got_s = 0.0


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
        """Raise ConfigError where ccxt does not know the exchange or an address is none."""
        self.connection = connection
        self.clock = clock
        self.limiter = limiter
        self.calls: Counter[str] = Counter()
        """By the route's name: requests that were handed to the transport."""
        self.failures: Counter[str] = Counter()
        """Those of them that brought no success."""
        self.last_answer_at: Millis | None = None
        """Market time of the last whole reply, whatever it said."""
        self._transport = transport
        self._timeout_s = timeout_s
        self._errand: Errand | None = None
        """Set and taken within one step of the loop."""
        self._usual: dict[str, Any] = {}
        """ccxt's options as they are to be again once a call is signed."""
        self._exchange = new_exchange(
            connection, fetch=self._fetch, now=clock.exchange_now, has_streams=has_streams
        )
        redirect(self._exchange.urls["api"], base_url=base_url, stream_url=stream_url)
        shown = revealed(keys)
        for name, value in shown.items():
            setattr(self._exchange, name, value)
        self._secrets = tuple(shown.values())
        self._judge = Judge(connection, secrets=self._secrets)

    @property
    def exchange(self) -> Any:
        """The object of ccxt, for `markets` and `watch_...`; never for its unified REST calls."""
        return self._exchange

    async def call(
        self,
        route: Route,
        params: Mapping[str, Any] | None = None,
        *,
        lane: Lane = DATA,
        window_ms: int | None = None,
    ) -> Any:
        """Call one endpoint and give its parsed body, numbers that are not whole as strings.

        With `window_ms` the exchange may act on the request only within so much market time from
        now; what waiting for room has used of it is taken off.

        Raises:
            ValueError: a parameter that is not declared, or a route that ccxt does not have.
            GatewayError: no success; the class says what is known.

        """
        return (await self._call(route, params, lane, window_ms))[0]

    async def _call(
        self,
        route: Route,
        params: Mapping[str, Any] | None,
        lane: Lane,
        window_ms: int | None,
    ) -> tuple[Any, Errand]:
        asked = dict(params or {})
        if not hasattr(self._exchange, route.name):
            raise ValueError(f"ccxt has no {route.name} at {self.connection.title}")
        undeclared = asked.keys() - route.params
        if undeclared:
            raise ValueError(f"{route.name} does not take {', '.join(sorted(undeclared))}")
        start_at = self.clock.now()
        patience_ms = window_ms - WINDOW_MIN_MS if window_ms else PATIENCE_MS[lane == DATA]
        await self._make_room(lane, route.costs, Millis(start_at + patience_ms))
        errand = Errand(route.name, timeout_s=self._timeout_s)
        if window_ms is not None:
            window_ms -= self.clock.now() - start_at
            if self.connection.window_param:
                asked[self.connection.window_param] = window_ms
        try:
            return await self._sign_and_send(errand, asked, window_ms), errand
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001  (ccxt raises whatever it meets)
            self.failures[route.name] += 1
            name = type(error).__name__
            if errand.sent_s is None:
                text = scrubbed(str(error), self._secrets)
                raise NotSentError(f"ccxt did not sign {route.name}: {name}: {text}") from None
            raise NoAnswerError(f"ccxt stumbled over the reply of {route.name}: {name}") from None

    async def _sign_and_send(
        self, errand: Errand, params: dict[str, Any], window_ms: int | None
    ) -> Any:
        """Let ccxt sign and call `_fetch`: both happen in the first step, which nobody enters."""
        self._errand = errand
        name = self.connection.window_option
        if name and window_ms is not None:
            self._usual[name] = self._exchange.options.get(name)
            self._exchange.options[name] = window_ms
        try:
            return await getattr(self._exchange, errand.route)(params)
        finally:
            if self._errand is errand:  # ccxt could not sign
                self._take_errand()

    def _take_errand(self) -> Errand | None:
        """The call that ccxt has just signed for; no other sees its window."""
        self._exchange.options.update(self._usual)
        self._usual.clear()
        errand, self._errand = self._errand, None
        return errand

    async def load_markets(self, *, is_reload: bool = False) -> dict[str, Any]:
        """Give ccxt's markets by unified symbol; asked for once, and again with `is_reload`.

        Raises:
            GatewayError: they were not had; those of before are still there.

        """
        try:
            markets = await self._exchange.load_markets(is_reload)
        except GatewayError:
            raise
        except Exception as error:  # noqa: BLE001  (ccxt raises whatever it meets)
            raise NoAnswerError(
                f"the markets of {self.connection.title} cannot be read: {type(error).__name__}"
            ) from None
        return dict(markets)

    async def sync_time(self) -> int:
        """Look at the exchange's clock and follow it; ms that it was ahead of ours.

        Raises:
            GatewayError: it could not be had; nothing has moved.

        """
        body, errand = await self._call(
            self.connection.time_route, self.connection.time_params, PROTECT, None
        )
        try:
            server_at = self.connection.time_of(body)
        except (ArithmeticError, LookupError, TypeError, ValueError):
            raise NoAnswerError(f"{self.connection.title} tells no time") from None
        assert errand.sent_s is not None, "there is no reply without a request"
        return self.clock.observe(server_at, sent_s=errand.sent_s, got_s=errand.got_s)

    async def watch(self, method: str, *args: Any) -> Any:
        """Await one of ccxt's websocket methods (`watch_trades`).

        Raises:
            NoAnswerError: the stream broke or was closed; ccxt connects anew when asked again.

        """
        try:
            return await getattr(self._exchange, method)(*args)
        except GatewayError:
            raise
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            raise NoAnswerError(f"the stream of {method} was closed") from None
        except Exception as error:  # noqa: BLE001  (ccxt raises whatever it meets)
            text = scrubbed(str(error), self._secrets)
            raise NoAnswerError(f"{method}: {type(error).__name__}: {text}") from None

    async def close(self) -> None:
        """Close streams and connections; whoever still waits for a stream gets NoAnswerError."""
        for stream in list((self._exchange.clients or {}).values()):
            for future in list(stream.futures.values()):
                future.add_done_callback(lambda done: done.cancelled() or done.exception())
            stream.reject(NoAnswerError("the stream was closed"))
        if self._exchange.session is not None:
            await self._exchange.close()
        await self._transport.close()

    async def _make_room(self, lane: Lane, costs: Mapping[str, int], until: Millis) -> None:
        try:
            await self.limiter.acquire(lane, costs, until=until)
        except NoRoomError as error:
            raise RefusedError(
                f"not sent to {self.connection.title}: {error.why}",
                code="limiter",
                status=0,
                verdict=Verdict.RATE,
                retry_at=error.free_at,
            ) from None

    async def _fetch(self, url: str, method: str, headers: dict[str, str], body: str) -> Any:
        """Send what ccxt has signed: a call's own request, or one that ccxt makes by itself."""
        errand = self._take_errand()
        if errand is None:
            errand = Errand("ccxt", timeout_s=max(self._timeout_s, MARKETS_TIMEOUT_S))
            costs = {n: c * OWN_COST for n, c in self.connection.time_route.costs.items()}
            await self._make_room(DATA, costs, Millis(self.clock.now() + PATIENCE_MS[True]))
        headers = {**headers, "Accept-Encoding": "gzip"}
        request = HttpRequest(method=method, url=url, headers=headers, body=body)
        self.calls[errand.route] += 1
        loop = asyncio.get_running_loop()
        try:
            errand.sent_s = loop.time()
            reply = await self._transport.send(request, timeout_s=errand.timeout_s)
            errand.got_s = loop.time()
            self.last_answer_at = self.clock.now()
            self._count_used(reply.headers)
            return self._judge.success(reply, route=errand.route, now=self.clock.now())
        except RefusedError as error:
            self.failures[errand.route] += 1
            if error.status in {BANNED, TOO_MANY} and error.retry_at is not None:
                self.limiter.penalize(error.retry_at, error.reason)
            raise
        except GatewayError:
            self.failures[errand.route] += 1
            raise

    def _count_used(self, headers: Mapping[str, str]) -> None:
        try:
            used = self.connection.used_of(headers)
        except (LookupError, TypeError, ValueError):
            return  # a counter that cannot be read counts nothing
        self.limiter.observe(used)
