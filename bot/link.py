"""The line to an exchange that a configuration asks for: opened, timed, its markets known."""

from collections.abc import Callable, Mapping

import structlog

from bot.clock import wall_now
from bot.config import Config
from bot.credentials import Credentials
from bot.errors import UnavailableError
from bot.gateway.client import Client
from bot.gateway.failures import GatewayError
from bot.gateway.limiter import Limiter
from bot.gateway.time import SUSPENDED, ExchangeClock, Readings, Sentinel, machine_readings
from bot.gateway.transport import AiohttpTransport
from bot.model.account import HoldCause
from bot.model.events import TroubleSeen
from bot.model.primitives import Symbol
from bot.ports import Emit
from bot.venue.profiles import profile_of
from bot.venue.profiles.profile import Profile

LOOKS = 3
"""At the exchange's clock before anything is signed."""

log = structlog.get_logger()


class Link:
    """One exchange, ready to be asked."""

    def __init__(
        self,
        *,
        profile: Profile,
        client: Client,
        clock: ExchangeClock,
        limiter: Limiter,
        read_clocks: Callable[[], Readings] = machine_readings,
    ) -> None:
        """`read_clocks` gives the machine's own, to see that it slept."""
        self.profile = profile
        self.client = client
        self.clock = clock
        self.limiter = limiter
        self._read_clocks = read_clocks

    def ids(self, symbols: Mapping[Symbol, object]) -> dict[Symbol, str]:
        """The exchange's own names; symbols it does not list are left out."""
        markets = self.client.exchange.markets
        return {symbol: markets[symbol]["id"] for symbol in symbols if symbol in markets}

    async def watch_clocks(self, emit: Emit) -> None:
        """Tell of a machine that was asleep, until canceled: all that is known is old then."""

        def report(what: str, ms: int) -> None:
            if what == SUSPENDED:
                detail = f"the machine was asleep for {ms / 1000:.0f} s"
                now = self.clock.now()
                emit(TroubleSeen(at=now, cause=HoldCause.CLOCK_JUMPED, detail=detail))
            else:
                # Market time follows the exchange: nothing of ours has moved.
                log.warning("clock.stepped", text=f"the wall clock was set by {ms / 1000:+.1f} s")

        await Sentinel(self.clock, read=self._read_clocks).run(report)

    async def close(self) -> None:
        """Hang up."""
        await self.client.close()


async def look_at_clock(client: Client) -> None:
    """Take over the exchange's time; one look may be lost.

    The first one pays for opening the line, so half of a handshake is its error, and Bybit
    refuses what is signed a second ahead: the others correct it.

    Raises:
        GatewayError: no look was answered.

    """
    for left in reversed(range(LOOKS)):
        try:
            await client.sync_time()
        except GatewayError:
            if not (left or client.clock.is_synced):
                raise


async def connect(
    config: Config, keys: Credentials | None, report: Callable[[float, str], None]
) -> Link:
    """Open the line, take over the exchange's time and load its markets.

    Raises:
        UnavailableError: it does not answer.
        ConfigError: the exchange or its address cannot be used.

    """
    settings = config.exchange
    profile = profile_of(settings.id)
    clock = ExchangeClock(start_at=wall_now(), speed=settings.speed)
    limiter = Limiter(profile.connection.budgets, clock=clock)
    client = Client(
        profile.connection,
        transport=AiohttpTransport(),
        clock=clock,
        limiter=limiter,
        keys=keys,
        base_url=settings.base_url,
        stream_url=settings.stream_url,
        timeout_s=settings.timeout_s,
        has_streams=settings.streams,
    )
    try:
        report(0.0, f"connecting to {profile.connection.title}")
        await look_at_clock(client)
        await client.load_markets()
    except GatewayError as error:
        await client.close()
        raise UnavailableError(
            f"{profile.connection.title} does not answer: {error.reason.rstrip('.')}.",
            where=settings.base_url or settings.id,
            remedy="Look at the network and the exchange's status page; then start again.",
        ) from error
    except BaseException:
        await client.close()
        raise
    return Link(profile=profile, client=client, clock=clock, limiter=limiter)
