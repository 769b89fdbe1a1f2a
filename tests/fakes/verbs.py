"""Verbs as a person calls them, a ledger with a little of everything, and a bot that answers."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import structlog
from click.testing import CliRunner

from bot.cli import liqbot
from bot.errors import LiqbotError, UsageError
from bot.model.bracket import BracketStatus, ClosedBy
from bot.model.cluster import ClusterEventKind, ProviderGate
from bot.model.facts import (
    AccountChanged,
    BracketChanged,
    ClusterChanged,
    ClusterEventHappened,
    Decision,
    Fact,
    FillBooked,
    GateChanged,
    OrderChanged,
    Refused,
    SignalRaised,
)
from bot.model.order import Leg, Order, OrderStatus
from bot.model.primitives import ClientOrderId, Millis, PositionSide, Price, Qty, Side, Usd
from bot.model.signal import Rule
from bot.ops import control
from tests.fakes import rows


class Said(NamedTuple):
    """What a verb printed, and the code it ended with."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What `--json` printed: one document and nothing else."""
        return msgspec.json.decode(self.out)


def say(*words: str, environ: Mapping[str, str] | None = None, text: str = "") -> Said:
    """Call a verb in this process, apart from the environment's own variables."""
    clear: dict[str, str | None] = dict.fromkeys(
        (
            "LIQBOT_CONFIG",
            "LIQBOT_DATA_DIR",
            "STATE_DIRECTORY",
            "RUNTIME_DIRECTORY",
            "CREDENTIALS_DIRECTORY",
            "LIQBOT_EXCHANGE_API_KEY",
            "LIQBOT_EXCHANGE_SECRET",
        )
    )
    with as_it_was():
        result = CliRunner().invoke(
            liqbot, list(words), env={**clear, **(environ or {})}, input=text
        )
    error = result.exception
    if isinstance(error, LiqbotError):
        return Said(error.exit_code, result.stdout, result.stderr + str(error))
    if error is not None and not isinstance(error, SystemExit):
        raise error
    return Said(result.exit_code, result.stdout, result.stderr)


@contextlib.contextmanager
def as_it_was() -> Iterator[None]:
    """A verb sets logging up for a process of its own; here the next one finds none of it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        structlog.reset_defaults()
        root.handlers[:] = handlers
        root.setLevel(level)


def a_config(folder: Path, text: str = "") -> Path:
    """A configuration file in `folder`; its data directory is `folder`/data."""
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


class Bot:
    """Answers a verb with what the test has set (of a list: one after the other); remembers all."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    async def answer(self, request: dict[str, Any]) -> Any:
        self.asked.append(request)
        verb = str(request["verb"])
        if verb not in self.answers:
            raise UsageError(f"{verb!r} is no verb.", where="control socket")
        found = self.answers[verb]
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found


@contextlib.contextmanager
def running(data_dir: Path, bot: Bot) -> Iterator[Bot]:
    """The bot's control socket, answered on a thread of its own."""
    data_dir.mkdir(mode=0o700, exist_ok=True)
    loop = asyncio.new_event_loop()
    is_open = threading.Event()
    is_over = asyncio.Event()

    async def serve() -> None:
        async with control.listening(data_dir / "control.sock", bot.answer):
            is_open.set()
            await is_over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    try:
        assert is_open.wait(timeout=10)
        yield bot
    finally:
        loop.call_soon_threadsafe(is_over.set)
        thread.join(timeout=10)
        loop.close()


def a_status(**changes: Any) -> dict[str, Any]:
    """The answer to `status` of a bot that trades and holds nothing."""
    document: dict[str, Any] = {
        "state": "TRADING",
        "reason": None,
        "holds": [],
        "mode": "paper",
        "account": "the embedded market with seed 24",
        "version": "1.0.0",
        "at": "2026-01-01T14:52:04.120Z",
        "uptime_s": 52.0,
        "equity_usd": "10028.36",
        "balance_usd": "10000.00",
        "day_pnl_usd": "28.36",
        "drawdown_pct": 0.0,
        "losses_in_a_row": 0,
        "heatmap": {
            "provider": "http",
            "fresh": True,
            "symbols_fresh": 3,
            "symbols": 3,
            "age_s": 2.0,
            "stability": 0.97,
            "samples": 400,
            "floating": False,
        },
        "market": {"age_s": 0.4, "next_funding_at": "2026-01-01T16:00:00.000Z"},
        "limits": {"day_loss_usd": "200.00", "positions": 3, "losses_in_a_row": 4},
        "positions": [],
        "last_refusal": None,
    }
    return document | changes


def a_position(**changes: Any) -> dict[str, Any]:
    """One protected position, as `status` gives it."""
    document: dict[str, Any] = {
        "bracket": "b1",
        "symbol": "BTC/USDT:USDT",
        "side": "long",
        "strategy": "hunt",
        "qty": "0.077",
        "entry_price": "97424.9",
        "mark_price": "97910.5",
        "stop_price": "96914.4",
        "stop_confirmed": True,
        "stop_delay_ms": 200,
        "target_price": "98651.2",
        "pnl_usd": "28.36",
        "r": 0.57,
        "risk_usd": "49.41",
        "fees_usd": "3.75",
        "funding_usd": "0.00",
        "opened_at": "2026-01-01T14:31:21.020Z",
        "is_floating": False,
    }
    return document | changes


def a_hold(**changes: Any) -> dict[str, Any]:
    """A hold by the operator."""
    document: dict[str, Any] = {
        "cause": "operator",
        "state": "HOLD",
        "symbol": None,
        "since": "2026-01-01T09:14:02.000Z",
        "until": None,
        "needs_operator": True,
        "detail": "by hand",
    }
    return document | changes


def a_look(**changes: Any) -> dict[str, Any]:
    """How BTC looks to a bot that has refused the best of two candidates."""
    document: dict[str, Any] = {
        "at": "2026-01-01T15:50:20.000Z",
        "started_at": "2026-01-01T14:00:00.000Z",
        "state": "TRADING",
        "holds": [],
        "price": 98460.0,
        "price_age_s": 1.0,
        "spread_pct": 0.01,
        "reading_age_s": 2.0,
        "staleness": "",
        "coverage": 0.6,
        "stability": 0.97,
        "is_floating": False,
        "clusters": [
            a_cluster_document(7, "short", 98913.2, 0.46),
            a_cluster_document(8, "long", 97410.0, -1.07),
        ],
        "tradable": [7, 8],
        "levels": {"support": [97410.0], "resistance": [98913.2]},
        "refusals": [
            a_refusal_document(),
            a_refusal_document(
                rule="opposite_nearer",
                side="short",
                cluster=8,
                cluster_level=97410.0,
                saw=11.3e6,
                limit=1.9e6,
                numbers={"entry": 98460.0},
            ),
            a_refusal_document(
                strategy="breakout",
                rule="no_break",
                side=None,
                cluster=None,
                cluster_level=None,
                saw=2520.0,
                limit=15.0,
                numbers={},
            ),
        ],
        "signal": None,
        "position": None,
    }
    return document | changes


def a_cluster_document(number: int, side: str, level: float, away: float) -> dict[str, Any]:
    return {
        "cluster": number,
        "side": side,
        "state": "active",
        "level": level,
        "distance_pct": away,
        "notional_usd": 5.2e6,
        "strength": 0.8,
    }


def a_refusal_document(**changes: Any) -> dict[str, Any]:
    document: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "strategy": "hunt",
        "rule": "pays_too_little",
        "side": "long",
        "cluster": 7,
        "cluster_level": 98913.2,
        "saw": 0.62,
        "limit": 1.5,
        "numbers": {
            "entry": 98460.0,
            "stop": 98085.9,
            "target": 98863.7,
            "win_per_unit": 315.01,
            "loss_per_unit": 511.68,
            "rr_net": 0.62,
            "break_even": 0.62,
            "stop_min_pct": 0.15,
            "target_needed": 99316.4,
            "stop_needed": 98387.8,
            "next_level": 99870.0,
        },
        "count": 3,
        "first_at": "2026-01-01T15:49:00.000Z",
        "at": "2026-01-01T15:50:17.000Z",
    }
    return document | changes


def a_written_ledger(folder: Path) -> Path:
    """A ledger in `folder`/data: two trades, a position, clusters, a signal, refusals."""
    data_dir = folder / "data"
    ledger = rows.a_ledger(data_dir)
    at = rows.T0
    closed = {
        "status": BracketStatus.CLOSED,
        "exited_qty": Qty(Decimal("0.010")),
        "stop_confirmed_at": Millis(at + 400),
    }
    won = rows.a_bracket(
        "b1",
        **closed,
        closed_by=ClosedBy.TARGET,
        closed_at=Millis(at + 3_600_000),
        exit_notional_usd=Usd(Decimal("893.652")),
    )
    lost = rows.a_bracket(
        "b2",
        **closed,
        symbol=rows.ETH,
        closed_by=ClosedBy.STOP,
        closed_at=Millis(at + 7_200_000),
        exit_notional_usd=Usd(Decimal("890.752")),
    )
    held = rows.a_bracket("b3", stop_confirmed_at=Millis(at + 400))
    entry, stop = an_entry_and_its_stop(at)
    facts: list[Fact] = [
        AccountChanged(account=rows.an_account(fees_usd=Usd(Decimal("0.445876")))),
        GateChanged(provider="http:http://127.0.0.1:8790", gate=ProviderGate(stability=0.97)),
        ClusterChanged(cluster=rows.a_cluster(1)),
        ClusterChanged(cluster=rows.a_cluster(2, side=PositionSide.LONG, level=88_900.0)),
        ClusterEventHappened(event=rows.a_cluster_event(ClusterEventKind.NEW)),
        ClusterEventHappened(event=rows.a_cluster_event(at=Millis(at + 5_000))),
        SignalRaised(signal=rows.a_signal("s1")),
        SignalRaised(signal=rows.a_signal("s2"), denied=rows.a_refusal(Rule.COOL_DOWN)),
        Refused(refusal=rows.a_refusal(count=31)),
        Refused(refusal=rows.a_refusal(Rule.TOO_NEAR, cluster_id=None, count=9, numbers={})),
        OrderChanged(order=entry),
        OrderChanged(order=stop),
        FillBooked(fill=rows.a_fill(), bracket_id=won.id),
        *(BracketChanged(bracket=row) for row in (won, lost, held)),
    ]
    ledger.record_now([(rows.a_price(at), Decision()), *rows.with_facts(*facts)])
    ledger.close(wall=rows.WALL)
    return data_dir


def an_entry_and_its_stop(at: Millis) -> tuple[Order, Order]:
    """A filled entry and the stop that protects it."""
    entry = rows.an_order("c1", status=OrderStatus.FILLED, accepted_at=Millis(at + 100))
    stop_request = msgspec.structs.replace(
        entry.request,
        client_id=ClientOrderId("c2"),
        leg=Leg.STOP,
        side=Side.SELL,
        price=None,
        trigger_price=Price(Decimal("88750.0")),
    )
    stop = Order(
        request=stop_request,
        status=OrderStatus.OPEN,
        intended_at=Millis(at + 200),
        accepted_at=Millis(at + 400),
        updated_at=at,
    )
    return entry, stop
