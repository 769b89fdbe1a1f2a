"""What a person sees around the story of a run: where things are, how to stop, what to type."""

import signal
import sys
from datetime import UTC, datetime
from typing import Any

import structlog

from bot.cli.context import Place, paste_command
from bot.cli.run import banner, money
from bot.clock import monotonic_s
from bot.core.state import State
from bot.model.instrument import display_symbol
from bot.model.wiring import MarketSource
from bot.ops.status import headline, open_brackets
from bot.request import Confirmation, Opened

BAR_AFTER_S = 1.0
BAR_EVERY_S = 0.2

log = structlog.get_logger()


class Told:
    """The Ui of a run on a terminal; a service gets the same as log events."""

    def __init__(self, place: Place, *, is_story: bool, is_terminal: bool) -> None:
        self._place = place
        self._is_story = is_story
        self._is_terminal = is_terminal
        self._began_s = monotonic_s()
        self._progress: Any = None
        self._drawn_s = 0.0
        self._closed_before = 0
        self._opened: Opened | None = None

    @property
    def _is_live(self) -> bool:
        return self._place.config.is_live

    def begin(self) -> None:
        """The first lines: mode, safety, and where things are."""
        self._say(banner(self._place), "run.started")
        self._say(f"config    {self._place.config_path}      data  {self._place.data_dir}")

    def progress(self, share: float, what: str) -> None:
        """A bar on a terminal for what takes long; nothing elsewhere."""
        if not (self._is_terminal and self._is_story):
            return
        now_s = monotonic_s()
        if now_s - self._began_s < BAR_AFTER_S or now_s - self._drawn_s < BAR_EVERY_S:
            return
        self._drawn_s = now_s
        if self._progress is None:
            from rich.progress import Progress  # noqa: PLC0415  (only where it is seen)

            self._progress = Progress(transient=True, auto_refresh=False)
            self._progress.start()
            self._task = self._progress.add_task(what, total=1.0)
        self._progress.update(self._task, completed=share, description=what, refresh=True)

    def confirm(self, question: Confirmation) -> bool:
        """Ask whoever sits at the terminal; a service is told to be confirmed first."""
        if not (self._is_terminal and sys.stdin.isatty()):
            return False
        from bot.cli.confirm import ask  # noqa: PLC0415  (once in the life of an account)

        self._end_progress()
        # The loop stands still meanwhile, and Ctrl-C must be heard all the same.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return ask(question)
        finally:
            signal.signal(signal.SIGINT, before)

    def opened(self, opened: Opened) -> None:
        """What account this is, and which market."""
        self._end_progress()
        self._opened = opened
        config, account = self._place.config, opened.snapshot.account
        risk = f"risk {config.risk.risk_pct:.2f} % a trade, at most {config.risk.max_positions}"
        if account is None and self._is_live:
            self._say(f"account   {opened.account}, new here, {risk} positions")
        elif account is None:
            self._say(f"account   {money(config.paper.balance_usd)} USDT, new, {risk} positions")
        else:
            whose = f"{opened.account}, " if self._is_live else ""
            held = sum(row.open_qty > 0 for row in opened.snapshot.brackets)
            kept = f", {held} open position{'s' if held != 1 else ''} with its stop" if held else ""
            self._say(f"account   {whose}{money(account.balance_usd)} USDT, resumed{kept}")
        if opened.ledger_note:
            self._say(f"ledger    {opened.ledger_note}")
        self._say(f"market    {self._market(opened)}")

    def ready(self, state: State) -> None:
        """Reconciled: what to type next."""
        took_s = monotonic_s() - self._began_s
        log.info("run.ready", at=state.at, took_s=round(took_s, 2), state=headline(state))
        if not self._is_story:
            return
        self._say(f"ready in {took_s:.1f} s\n")
        self._say_holds(state)
        if self._place.config.market.source is not MarketSource.RECORDED:
            named = display_symbol(next(iter(state.symbols)))
            stays = "keep their stops at the exchange" if self._is_live else "are kept"
            self._say(f"Stop  Ctrl-C (positions {stays})")
            self._say("From another terminal in this folder:")
            self._say(
                f"  {paste_command(self._place, 'status')}   (also: why {named}, trades, check)"
            )
            is_new = self._opened is not None and self._opened.is_new
            if is_new and self._place.config.market.source is MarketSource.SIMULATED:
                self._say("You should see a first trade within two minutes.")
            self._say("")

    def _say_holds(self, state: State, *, is_over: bool = False) -> None:
        """A state that an earlier run left behind must not be a surprise."""
        holds = [hold for hold in state.operation.holds if hold.symbol is None]
        if not holds:
            return
        why = "; ".join(hold.detail or str(hold.cause) for hold in holds)
        self._say(f"{state.operation.state}: no new entries, because {why}.")
        if not is_over and any(hold.needs_operator for hold in holds):
            self._say(f"  {paste_command(self._place, 'resume')}   goes on trading")
        self._say("")

    def stopping(self, why: str) -> None:
        """Why it stops."""
        self._end_progress()
        self._say(f"Stopping: {why}.", "run.stopping", why=why)

    def stopped(self, state: State) -> None:
        """What stays."""
        self._say_holds(state, is_over=True)
        held = len(open_brackets(state))
        if held:
            them = "position stays open with its stop" if held == 1 else "positions stay open"
            kind = "" if self._is_live else "paper "
            self._say(f"{held} {kind}{them}; the next run resumes.")
        if self._is_story:
            self._say(_summary(self._place))
        log.info("run.stopped", at=state.at, state=headline(state))

    def _market(self, opened: Opened) -> str:
        config = self._place.config
        symbols = len(config.symbols)
        when = datetime.fromtimestamp(opened.start_at / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M")
        if config.market.source is MarketSource.SIMULATED:
            simulated = config.market.simulated
            return (
                f"simulated, seed {simulated.seed}, {symbols} symbols, "
                f"{simulated.history_days} days of history, now {when} UTC\n"
                f"          runs {simulated.speed:g} times faster than the clock; times below are "
                "market time"
            )
        if config.market.source is MarketSource.EXCHANGE:
            exchange = config.exchange
            where = f"{exchange.id} at {exchange.base_url}" if exchange.base_url else exchange.id
            pace = "" if exchange.speed == 1 else f", {exchange.speed:g} times real time"
            return f"{where}, {symbols} symbols, now {when} UTC{pace}; times below are UTC"
        speed = config.market.recorded.speed
        pace = f"{speed:g} times real time" if speed else "flat out"
        return f"recorded, {symbols} symbols from {when} UTC, {pace}; times below are market time"

    def _say(self, text: str, event: str = "", **fields: Any) -> None:
        if self._is_story:
            sys.stdout.write(text + "\n")
            sys.stdout.flush()
        elif event:
            log.info(event, message=text, **fields)

    def _end_progress(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None


def _summary(place: Place) -> str:
    from bot.store.reader import Reader  # noqa: PLC0415  (at the end only)

    with Reader(place.ledger) as reader:
        trades = reader.trades(limit=100_000)
    won = sum(trade.pnl_usd > 0 for trade in trades)
    total = sum(trade.pnl_usd for trade in trades)
    count = f"{len(trades)} trade{'s' if len(trades) != 1 else ''} closed so far"
    return (
        f"{count}: {total:+,.2f} USDT, {won} won, {len(trades) - won} lost. "
        f"All of it is in {place.data_dir}"
    )
