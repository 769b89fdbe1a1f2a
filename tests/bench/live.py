"""Live trading on an emulated exchange that answers after 80 ms: stops, cycles, start, memory."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from bot.model.instrument import unified_symbol
from bot.sim.profiles import profile_of
from tests.bench.figures import Figure, median, quantile
from tests.bench.living import Seen
from tests.bench.processes import ROOT, Daemon, liqbot, write_config
from tests.bench.provider import provider
from tests.fakes.emu_process import KEYS, EmulatorProcess, environment

LATENCY_MS = 80.0
SYMBOLS = 30
PRICE_MIN = 5.0
"""A still market trades a hundred coins a minute: they are to be worth something."""
STARTS = 3
HELD_S = 180.0
TRADE_S = 400.0


def names() -> list[str]:
    """Thirty contracts of the emulator."""
    found = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "BNBUSDT"]
    number = 0
    while len(found) < SYMBOLS:
        name = f"C{number:03d}USDT"
        number += 1
        if profile_of(unified_symbol(name)).price >= PRICE_MIN:
            found.append(name)
    return found


def emulator(folder: Path) -> EmulatorProcess:
    """Thirty still contracts at the market's own speed."""
    return EmulatorProcess(
        folder,
        symbols=names(),
        speed=1.0,
        is_still=True,
        latency_ms=LATENCY_MS,
        balance="10000000",
        options=("--quiet",),
    )


def document(exchange: EmulatorProcess, heatmap_url: str) -> dict[str, Any]:
    """Limits within the hard ceilings, so that thirty enter at once on the first good reading."""
    return {
        "mode": "live",
        "symbols": names(),
        "market": {"source": "exchange"},
        "exchange": {
            "id": "binanceusdm",
            "base_url": exchange.base_url,
            "stream_url": exchange.stream_url,
        },
        "heatmap": {
            "base_url": heatmap_url,
            "serve": "",
            "allow_unstable_provider": True,
        },
        "tracker": {"active_after_polls": 1, "active_after_s": 0},
        "strategies": {
            "common": {"age_min_s": 0, "target_min_costs": 1, "funding_guard_s": 0},
            "levels": {"enabled": False},
            "breakout": {"enabled": False},
            "size": {"volume_share_max": 1.0},
        },
        "risk": {
            "min_net_rr": 1.0,
            "risk_pct": 0.1,
            "max_notional_usd": 1_000.0,
            "max_account_notional_usd": 1_000_000.0,
            "max_positions": 50,
            "max_positions_per_side": 50,
            "day_loss_pct": 20.0,
            "losses_in_a_row": 50,
            "losing_streak_hold_s": 0,
            "cool_down_s": 0,
            "orders_per_minute_max": 600,
        },
        "log": {"level": "error"},
    }


def trading() -> Iterator[Figure]:
    """Sixty entries, thirty of them at once; then thirty positions at rest."""
    with TemporaryDirectory(prefix="liqbot-bench-") as name:
        folder = Path(name)
        with emulator(folder) as exchange:
            config = write_config(folder, document(exchange, "http://127.0.0.1:9"))
            seen = _seen(config, folder / "data", exchange.address)
    yield from _entries(seen)
    yield from _cycle(seen)
    yield Figure(
        "resident memory after it, 30 positions, streams (bench included)",
        "-",
        f"{seen.resident_mb:.0f} MB",
        None,
    )
    own_ms = [taken - LATENCY_MS for taken in seen.call_ms]
    yield Figure(
        "of a call: gateway and emulator beyond the 80 ms",
        "-",
        f"{median(own_ms):.1f} ms, p99 {quantile(own_ms, 0.99):.1f} ms",
        None,
    )


def _entries(seen: Seen) -> Iterator[Figure]:
    limit_ms = LATENCY_MS + 50
    for what, taken in (
        ("one after the other", seen.singles.stopped_ms),
        ("thirty at once", seen.burst.stopped_ms),
    ):
        late = quantile(taken, 0.99)
        yield Figure(
            f"first fill to stop on the venue, {len(taken)} entries {what}",
            f"p99 <= {limit_ms:.0f} ms",
            f"{median(taken):.0f} ms, p99 {late:.0f} ms",
            late <= limit_ms,
        )
    burst = seen.burst
    yield Figure(
        "30 symbols at once: from the signals until the last stop",
        "<= 1,000 ms",
        f"{burst.signal_ms:,.0f} ms ({burst.whole_ms:,.0f} ms from the first fill; "
        f"{len(burst.stopped_ms)} of {SYMBOLS} entered)",
        burst.signal_ms <= 1_000 and len(burst.stopped_ms) == SYMBOLS,
    )


def _cycle(seen: Seen) -> Iterator[Figure]:
    calls = sum(seen.account_calls.values()) / max(seen.readings, 1)
    middle = median(seen.reading_ms)
    yield Figure(
        f"steady cycle with 30 positions, median of {seen.readings}",
        "<= 500 ms, <= 6 requests",
        f"{middle:.0f} ms (max {max(seen.reading_ms):.0f} ms), {calls:.1f} requests",
        middle <= 500 and calls <= 6,
    )
    others = sum(seen.other_calls.values()) / seen.steady_s * 60
    yield Figure(
        "public requests beside it; of the minute's weight, all together",
        "-",
        f"{others:.0f} a minute; {seen.used['weight']:.0%}",
        None,
    )


def starting() -> Iterator[Figure]:
    """The real process with a provider over HTTP: a new account's first start, then the next."""
    first: list[float] = []
    second: list[float] = []
    held_mb = most_mb = 0.0
    with provider(names()) as url, TemporaryDirectory(prefix="liqbot-bench-") as name:
        for number in range(STARTS):
            folder = Path(name) / str(number)
            folder.mkdir()
            with emulator(folder) as exchange:
                config = write_config(folder, document(exchange, url))
                data = folder / "data"
                _confirm(config, data, exchange)
                with Daemon(config, data, KEYS) as daemon:
                    first.append(daemon.ready_s)
                with Daemon(config, data, KEYS) as daemon:
                    second.append(daemon.ready_s)
                    if number == STARTS - 1:
                        time.sleep(HELD_S)  # noqa: TID251  (a real process is given time)
                        held_mb = daemon.resident_mb()
                        most_mb = daemon.resident_mb("VmHWM")
    for what, taken in (("first", first), ("second", second)):
        yield Figure(
            f"live start to reconciled, 30 symbols, {what} start",
            "<= 4 s",
            f"{median(taken):.1f} s ({min(taken):.1f} to {max(taken):.1f})",
            median(taken) <= 4.0,
        )
    yield Figure(
        f"resident memory live, 30 symbols, streams, after {HELD_S:.0f} s",
        "<= 180 MB",
        f"{held_mb:.0f} MB (at most {most_mb:.0f} MB)",
        held_mb <= 180,
    )


def _confirm(config: Path, data_dir: Path, exchange: EmulatorProcess) -> None:
    phrase = f"trade live on {exchange.exchange} account {exchange.account}\n"
    subprocess.run(
        liqbot("confirm", "-c", config, "--data-dir", data_dir),
        input=phrase.encode(),
        env=environment(),
        check=True,
        capture_output=True,
        timeout=60,
    )


def _seen(config: Path, data_dir: Path, address: str) -> Seen:
    words = [str(config), str(data_dir), address]
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.living", *words],
        cwd=ROOT,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        timeout=TRADE_S,
    )
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Seen)
