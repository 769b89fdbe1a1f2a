"""`liqbot run`: the bot itself, until Ctrl-C, a signal, or the end of a recording."""

import asyncio
import math
import os
import sys
from decimal import Decimal
from urllib.parse import urlsplit

import click

from bot import __version__, credentials
from bot.cli.context import Place, find_place, place_options
from bot.config.exchange import is_loopback
from bot.errors import UsageError
from bot.model.wiring import MarketSource, Provider

DURATION_MAX_S = 30 * 86_400.0


@click.command("run")
@place_options
@click.option(
    "--duration",
    type=click.FloatRange(min=0, min_open=True, max=DURATION_MAX_S),
    metavar="SECONDS",
    help="Stop by itself after so long.",
)
def run_command(config: str | None, data_dir: str | None, duration: float | None) -> None:
    """Trade until stopped; positions keep their stops."""
    if duration is not None and not math.isfinite(duration):
        raise click.BadParameter(f"{duration} is no number of seconds.", param_hint="--duration")
    place = find_place(config, data_dir)
    _refuse_flat_out_http(place)
    from bot import app, logs  # noqa: PLC0415  (heavy: only a run needs them)
    from bot.cli.telling import Told  # noqa: PLC0415
    from bot.clock import VirtualLoop  # noqa: PLC0415
    from bot.request import Request  # noqa: PLC0415
    from bot.story import Story  # noqa: PLC0415

    settings = place.config.log
    is_terminal = sys.stdout.isatty()
    is_story = settings.format == "story" or (
        settings.format == "auto" and "JOURNAL_STREAM" not in os.environ
    )
    has_colour = is_terminal and "NO_COLOR" not in os.environ
    level = os.environ.get("LIQBOT_LOG_LEVEL", settings.level)
    if level not in {"debug", "info", "warning", "error"}:
        raise UsageError(
            f"LIQBOT_LOG_LEVEL is {level!r}.", remedy="Use one of: debug, info, warning, error."
        )
    story = Story(colour=has_colour, is_brief=place.config.is_flat_out)
    redactor = logs.Redactor(secrets_of(place))
    logs.set_up(level=level, story=story if is_story else None, redactor=redactor)
    os.umask(0o077)
    told = Told(place, is_story=is_story, is_terminal=is_terminal)
    told.begin()
    request = Request(
        config=place.config,
        config_path=place.config_path,
        data_dir=place.data_dir,
        duration_s=duration,
    )
    loop_factory = VirtualLoop if place.config.is_flat_out else None
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        runner.run(app.run(request, told))


def secrets_of(place: Place) -> list[str]:
    """What must never stand in a log, whatever prints it: the keys of a live run."""
    if not place.config.is_live:
        return []
    file = place.config_path.with_name(credentials.FILE_NAME)
    keys = credentials.find(os.environ, file)
    return [key.reveal() for key in (keys.api_key, keys.secret, keys.password) if key is not None]


def _refuse_flat_out_http(place: Place) -> None:
    if place.config.is_flat_out and place.config.heatmap.provider is Provider.HTTP:
        raise UsageError(
            "A recording played flat out cannot poll a provider over HTTP.",
            where=str(place.config_path),
            remedy="Set heatmap.provider: local, or market.recorded.speed above 0.",
        )


def banner(place: Place) -> str:
    """The first line: version, mode and safety."""
    config, source = place.config, place.config.market.source
    exchange = config.exchange
    near = urlsplit(exchange.base_url).netloc if is_loopback(exchange.base_url) else ""
    if config.is_live and near:
        # A proxy on this machine would lead to the exchange itself.
        what = f"orders for {exchange.id} go to {near}: a rehearsal, unless that is a proxy"
    elif config.is_live:
        what = f"real orders on {exchange.id}"
    elif source is MarketSource.SIMULATED:
        what = "embedded market: nothing leaves this machine, no keys"
    elif source is MarketSource.EXCHANGE:
        whence = f", asked at {near}" if near else ""
        what = f"prices of {exchange.id}{whence}: no order leaves this machine, no keys"
    else:
        what = "recorded market: no order leaves this machine, no keys"
    return f"liqbot {__version__}   {config.mode.upper()}   {what}"


def money(value: Decimal | str | None) -> str:
    """`10,000.00`."""
    return "-" if value is None else f"{Decimal(value):,.2f}"
