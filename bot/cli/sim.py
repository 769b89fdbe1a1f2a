"""`liqbot sim serve`: an exchange on this machine to rehearse live trading against."""

import asyncio
import math
from pathlib import Path
from typing import Any, Final

import click

EXCHANGES: Final = ("binanceusdm", "bybit")
SYMBOLS: Final = "BTCUSDT,ETHUSDT,SOLUSDT"
DURATION_MAX_S: Final = 30 * 86_400.0


class Seconds(click.FloatRange):
    """A number of seconds; no NaN."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Refuse what is no number."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is no number of seconds.", param, ctx)
        return number


@click.group("sim")
def sim_command() -> None:
    """An exchange on this machine to rehearse against."""


@sim_command.command("serve")
@click.option(
    "--exchange", type=click.Choice(EXCHANGES), default=EXCHANGES[0], show_default=True,
    help="Whose interface it speaks.",
)  # fmt: skip
@click.option(
    "--listen", metavar="HOST:PORT", default="127.0.0.1:8791", show_default=True,
    help="Where it answers; loopback only.",
)  # fmt: skip
@click.option(
    "--symbols", metavar="A,B", default=SYMBOLS, show_default=True, help="Contracts listed."
)
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=24, show_default=True,
    help="The same seed is the same market.",
)  # fmt: skip
@click.option(
    "--speed", type=click.FloatRange(0, 1000, min_open=True), default=20.0, show_default=True,
    help="Market seconds per second.",
)  # fmt: skip
@click.option(
    "--balance", metavar="USDT", default="10000", show_default=True, help="To begin with."
)
@click.option(
    "--history-days", type=click.IntRange(1, 60), default=7, show_default=True,
    help="Days of market made before the start.",
)  # fmt: skip
@click.option(
    "--start-at", metavar="TIME", default="2026-01-01T00:00:00Z", show_default=True,
    help="Market time at the start, a whole five minutes.",
)  # fmt: skip
@click.option("--still", "is_still", is_flag=True, help="Prices stand still until they are moved.")
@click.option(
    "--latency-ms", type=click.FloatRange(0, 60_000), default=80.0, show_default=True,
    help="Of a request and its reply, in market time.",
)  # fmt: skip
@click.option(
    "--jitter-ms", type=click.FloatRange(0, 60_000), default=20.0, show_default=True,
    help="Most it differs, either way.",
)  # fmt: skip
@click.option(
    "--lost-replies", type=click.FloatRange(0, 0.5), default=0.0, show_default=True,
    help="Share of requests whose reply is lost.",
)  # fmt: skip
@click.option(
    "--faults", type=click.FloatRange(0, 0.5), default=0.0, show_default=True,
    help="Share of requests that go wrong in any way.",
)  # fmt: skip
@click.option("--api-key", default="rehearsal", show_default=True, help="The key it accepts.")
@click.option("--secret", default="rehearsal", show_default=True, help="Its secret.")
@click.option("--account", default="", help="The account's number; a new one by default.")
@click.option("--token", default="", help="Opens the control routes; drawn by default.")
@click.option(
    "--write-config", metavar="FILE", help="Write a config.yaml that uses it; never over another."
)
@click.option("--quiet", is_flag=True, help="Tell no orders and fills.")
@click.option(
    "--duration", type=Seconds(0, DURATION_MAX_S, min_open=True), metavar="SECONDS",
    help="Stop by itself after so long.",
)  # fmt: skip
def serve_command(**words: Any) -> None:
    """Serve an emulated exchange until Ctrl-C.

    Unmodified clients of the exchange can trade on it, and nothing leaves this machine. Every
    start is a new exchange with a new account.
    """
    from bot import logs  # noqa: PLC0415  (heavy: only a run needs it)
    from bot.cli.sim_talk import Talk, request_of, taken  # noqa: PLC0415
    from bot.sim.emulator.life import serve  # noqa: PLC0415

    request = request_of(words)
    path = Path(words["write_config"]) if words["write_config"] else None
    if path is not None and path.exists():
        raise taken(path)
    logs.set_up(level="warning", story=None)
    asyncio.run(serve(request, Talk(request, config=path, is_quiet=words["quiet"])))
