"""What `liqbot sim serve` is told and what it says: options, a configuration, the way on."""

import os
import secrets
import sys
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

from bot import __version__
from bot.cli.context import command_name
from bot.cli.progress import Bar
from bot.cli.sim_story import summary, told
from bot.clock import wall_now
from bot.errors import DataDirError, UsageError
from bot.model.instrument import display_symbol, unified_symbol
from bot.model.primitives import Symbol
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.faults import FaultSettings, spread
from bot.sim.emulator.life import Opened, Request
from bot.sim.emulator.server import loopback
from bot.sim.emulator.state import Happening
from bot.sources import instant_of

TITLES: Final = {"binanceusdm": "Binance USD-M", "bybit": "Bybit v5"}
BAR_MS: Final = 300_000
NAMED_MAX: Final = 8
CONFIG: Final = """\
# Rehearsal against an emulated exchange on this machine: {title}, `liqbot sim serve`.
# The keys are no part of it: LIQBOT_EXCHANGE_API_KEY and LIQBOT_EXCHANGE_SECRET.
mode: live
symbols: [{symbols}]
data_dir: "{data_dir}"  # every start of the emulator is a new account and wants a new one
market:
  source: exchange
exchange:
  id: {exchange}
  base_url: "http://{address}"
  stream_url: "ws://{address}"
  speed: {speed}
heatmap:
  provider: local  # from the emulator's open interest
  serve: ""
  allow_unstable_provider: true  # else live entries wait until levels have stood still for an hour
"""


def request_of(words: Mapping[str, Any]) -> Request:
    """The options as a Request. Raises UsageError for what click cannot judge."""
    loopback(words["listen"])
    start_at = instant_of(words["start_at"], "--start-at")
    if start_at % BAR_MS:
        raise UsageError(
            f"{words['start_at']} is not a whole five minutes.",
            where="--start-at",
            remedy="Write a time whose minutes are 00, 05, 10 and so on.",
        )
    return Request(
        exchange=words["exchange"],
        listen=words["listen"],
        symbols=_symbols(words["symbols"]),
        seed=words["seed"],
        speed=words["speed"],
        balance_usd=_balance(words["balance"]),
        start_at=start_at,
        history_days=words["history_days"],
        is_still=words["is_still"],
        api_key=words["api_key"],
        secret=words["secret"],
        account_id=words["account"] or str(wall_now() // 1_000),
        token=words["token"] or secrets.token_urlsafe(16),
        faults=FaultSettings(
            latency_ms=words["latency_ms"],
            jitter_ms=min(words["jitter_ms"], words["latency_ms"]),
            shares=spread(words["faults"], lost_replies=words["lost_replies"]),
            stream_drop=words["faults"] / 60.0,
            stream_repeat=words["faults"],
        ),
        duration_s=words["duration"],
    )


def _symbols(text: str) -> tuple[Symbol, ...]:
    names = [name for name in text.replace(" ", ",").split(",") if name]
    try:
        symbols = tuple(dict.fromkeys(unified_symbol(name) for name in names))
    except ValueError as error:
        raise UsageError(
            f"{error}.", where="--symbols", remedy="Write them like BTCUSDT,ETHUSDT."
        ) from error
    if not symbols:
        raise UsageError(
            "No symbol is named.", where="--symbols", remedy="Write them like BTCUSDT,ETHUSDT."
        )
    return symbols


def _balance(text: str) -> Decimal:
    try:
        usd = Decimal(text.replace(",", ""))
    except InvalidOperation:
        usd = Decimal(-1)
    if not (usd.is_finite() and usd > 0):
        raise UsageError(
            f"{text!r} is no amount above 0.", where="--balance", remedy="Write 10000."
        )
    return usd


def config_text(request: Request, address: str) -> str:
    """A configuration of the bot that trades on the emulator at an address."""
    return CONFIG.format(
        title=TITLES[request.exchange],
        symbols=", ".join(display_symbol(symbol) for symbol in request.symbols),
        data_dir=f"rehearsal-{request.account_id}",
        exchange=request.exchange,
        address=address,
        speed=request.speed,
    )


def write_config(path: Path, text: str) -> None:
    """Write a configuration. Raises UsageError where the file exists already."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise taken(path) from error
    except OSError as error:
        raise DataDirError(
            f"It cannot be written: {error.strerror}.",
            where=str(path),
            remedy="Name another place.",
        ) from error


def taken(path: Path) -> UsageError:
    """The refusal to write over a file."""
    return UsageError(
        "The file is there already.", where=str(path), remedy="Name another, or remove it."
    )


class Talk:
    """The Ui on a terminal."""

    def __init__(self, request: Request, *, config: Path | None, is_quiet: bool) -> None:
        self._request = request
        self._config = config
        self._is_quiet = is_quiet
        self._bar: Bar | None = None
        _say(f"liqbot {__version__}   REHEARSAL   nothing leaves this machine, no money is real")
        names = ", ".join(display_symbol(symbol) for symbol in request.symbols[:NAMED_MAX])
        more = len(request.symbols) - NAMED_MAX
        _say(f"exchange  {TITLES[request.exchange]}, {names}{f' and {more} more' * (more > 0)}")
        prices = "they stand still until moved" if request.is_still else f"seed {request.seed}"
        _say(f"prices    {prices}, {request.history_days} days of history")

    def progress(self, share: float, what: str) -> None:
        """A bar on a terminal; nothing elsewhere."""
        self._bar = self._bar or Bar(what)
        self._bar.advance(share)

    def opened(self, opened: Opened) -> None:
        """Where it is, and exactly what to do next."""
        if self._bar is not None:
            self._bar.close()
        request = self._request
        at = f"[{opened.host}]" if ":" in opened.host else opened.host
        address = f"{at}:{opened.port}"
        _say(
            f"account   {request.account_id}, {request.balance_usd:,.2f} USDT; market time runs "
            f"{request.speed:g} times\n          faster than the clock"
        )
        faults = request.faults
        bad = sum(faults.shares.values())
        line = f"line      {faults.latency_ms:g} ms there and back, in market time"
        _say(line + (f"; {bad * 100:.3g} % of requests go wrong" if bad else ""))
        _say(f"ready     http://{address} and ws://{address}\n")
        self._say_next(address)
        _say(f"Control   http://{address}/_emulator/state with X-Emulator-Token: {request.token}")
        _say("Stop      Ctrl-C (the account is gone then)\n")

    def happened(self, happening: Happening) -> None:
        """One line of the story."""
        if self._is_quiet:
            return
        line = told(happening)
        if line is not None:
            _say(line)

    def stopped(self, core: Emulator, why: str) -> None:
        """The sum of it."""
        _say(f"\nStopping: {why}.")
        _say(summary(core, begun_usd=self._request.balance_usd))

    def _say_next(self, address: str) -> None:
        request, name = self._request, command_name()
        if self._config is not None:
            write_config(self._config, config_text(request, address))
            _say(f"{self._config}  written")
        else:
            _say("In the configuration of the bot:")
            for line in config_text(request, address).splitlines():
                if not line.startswith("#"):
                    _say(f"  {line.split('  #')[0]}")
        config = self._config or Path("my.yaml")
        _say("In another terminal in this folder:")
        _say(f"  export LIQBOT_EXCHANGE_API_KEY={request.api_key}")
        _say(f"  export LIQBOT_EXCHANGE_SECRET={request.secret}")
        _say(f"  {name} confirm -c {config}   (once: real orders, as far as the bot knows)")
        _say(f"  {name} run -c {config}\n")


def _say(text: str) -> None:
    """A line on stdout; that nobody reads any more is no reason for an exchange to stop."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
