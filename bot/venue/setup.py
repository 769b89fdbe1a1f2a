"""How the account must be set before anything is traded on it, and whether it still is.

One position a symbol, the margin mode and the leverage of the configuration: set where they
differ, then read back. Nothing is changed on a symbol that has a position or an open order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from bot.gateway.failures import GatewayError, RefusedError, Verdict
from bot.model.account import KeyRights
from bot.model.instrument import Instrument, display_symbol
from bot.model.primitives import Millis, Symbol, Value
from bot.model.wiring import ExchangeSettings
from bot.venue.api import Fees, Modes, PrivateApi
from bot.venue.together import together

AT_ONCE: Final = 8
"""Symbols that are set side by side: thirty one after the other are five seconds."""

log = structlog.get_logger()


class SetupFinding(Value, frozen=True, kw_only=True):
    """What is not as it should be, in a plain sentence, and what to do about it."""

    is_fatal: bool
    """Nothing may be traded; else entries on `symbol` wait, where one is named."""
    what: str
    remedy: str = ""
    symbol: Symbol | None = None


class Ready(Value, frozen=True, kw_only=True):
    """What is known of the account once it is set."""

    account_id: str
    rights: KeyRights
    fees: Mapping[Symbol, Fees]
    """Of the symbols that the exchange tells them of."""
    findings: tuple[SetupFinding, ...]


class Wanted(Value, frozen=True, kw_only=True):
    """How the account is to be set."""

    margin_mode: str
    leverages: Mapping[Symbol, int]


def wanted_of(settings: ExchangeSettings, instruments: Mapping[Symbol, Instrument]) -> Wanted:
    """The configuration's wishes, within what each contract allows."""
    leverages = {
        symbol: max(min(settings.leverage, int(instrument.leverage_max)), 1)
        for symbol, instrument in instruments.items()
    }
    return Wanted(margin_mode=settings.margin_mode.value, leverages=leverages)


def deviations(modes: Modes, wanted: Wanted) -> dict[Symbol | None, str]:
    """What differs, as half a sentence by symbol; None: the account as a whole.

    What the exchange does not tell is no difference.
    """
    found: dict[Symbol | None, str] = {}
    if not modes.is_one_way:
        found[None] = "the account is in hedge mode, and the bot needs one-way mode"
    for symbol, leverage in wanted.leverages.items():
        mode = modes.margin_modes.get(symbol, wanted.margin_mode)
        known = modes.leverages.get(symbol, leverage)
        parts = []
        if mode != wanted.margin_mode:
            parts.append(f"its margin mode is {mode} and not {wanted.margin_mode}")
        if known != leverage:
            parts.append(f"its leverage is {known:g} and not {leverage}")
        if parts:
            found[symbol] = " and ".join(parts)
    return found


async def prepare(
    api: PrivateApi,
    *,
    settings: ExchangeSettings,
    instruments: Mapping[Symbol, Instrument],
    now: Callable[[], Millis],
    is_margin_mode_shared: bool = False,
) -> Ready:
    """Set the account as the configuration asks, and read it back.

    `is_margin_mode_shared`: the exchange knows one margin mode for the whole account (Bybit).

    Raises:
        GatewayError: the exchange does not answer for the account; nothing is known then.

    """
    identity = await api.identity()
    findings: list[SetupFinding] = []
    if not identity.can_trade:
        findings.append(
            SetupFinding(
                is_fatal=True,
                what="The key may look and not trade.",
                remedy="Give it the right to trade futures at the exchange, or set mode: paper.",
            )
        )
    asked_at = now()
    snapshot, _ = await api.account(asked_at=asked_at, fills_since=asked_at, touched=())
    modes = await api.modes()  # Of every symbol; an account's reading may know only some (Bybit).
    busy = {row.symbol for row in snapshot.positions if row.qty}
    busy |= {row.symbol for row in snapshot.orders}
    wanted = wanted_of(settings, instruments)
    if identity.can_trade:
        change = _Change(api, busy, is_margin_mode_shared=is_margin_mode_shared)
        findings += await change.all_of(modes, wanted)
        if change.has_changed:
            modes = await api.modes()
    findings += _unchanged(modes, wanted, findings)
    fees = await _fees(api, instruments, findings)
    return Ready(
        account_id=identity.account_id,
        rights=identity.rights,
        fees=fees,
        findings=tuple(findings),
    )


class _Change:
    """Changes what differs, some symbols at a time; one where they share what is changed."""

    def __init__(
        self, api: PrivateApi, busy: Collection[Symbol], *, is_margin_mode_shared: bool
    ) -> None:
        self.has_changed = False
        self._api = api
        self._busy = busy
        self._is_margin_mode_shared = is_margin_mode_shared

    async def all_of(self, modes: Modes, wanted: Wanted) -> list[SetupFinding]:
        found: list[SetupFinding | None] = []
        if not modes.is_one_way:
            found.append(await self._one_way())
        slots = asyncio.Semaphore(1 if self._is_margin_mode_shared else AT_ONCE)
        async with together() as group:
            tasks = [
                group.create_task(self._symbol(symbol, leverage, modes, wanted, slots))
                for symbol, leverage in wanted.leverages.items()
            ]
        found += [row for task in tasks for row in task.result()]
        return [row for row in found if row is not None]

    async def _symbol(
        self,
        symbol: Symbol,
        leverage: int,
        modes: Modes,
        wanted: Wanted,
        slots: asyncio.Semaphore,
    ) -> list[SetupFinding | None]:
        """One setting of a symbol after the other; symbols side by side."""
        found: list[SetupFinding | None] = []
        async with slots:
            if modes.margin_modes.get(symbol, wanted.margin_mode) != wanted.margin_mode:
                found.append(await self._margin_mode(symbol, wanted.margin_mode))
            if modes.leverages.get(symbol, leverage) != leverage:
                found.append(await self._leverage(symbol, leverage))
        return found

    async def _one_way(self) -> SetupFinding | None:
        what = "The account is in hedge mode (a long and a short side for each symbol)"
        if self._busy:
            return SetupFinding(
                is_fatal=True,
                what=f"{what}, and has positions or orders ({_named(self._busy)}).",
                remedy="Close them, or set one-way mode at the exchange; then start again.",
            )
        why = await self._try(self._api.set_one_way())
        if not why:
            return None
        return SetupFinding(
            is_fatal=True,
            what=f"{what}, and it cannot be changed: {why}.",
            remedy="Set one-way mode at the exchange, then start again.",
        )

    async def _margin_mode(self, symbol: Symbol, mode: str) -> SetupFinding | None:
        name = display_symbol(symbol)
        busy = {row for row in self._busy if self._is_margin_mode_shared or row == symbol}
        if busy:
            where = "The account" if self._is_margin_mode_shared else name
            return _waits(
                symbol,
                f"{where} is not in {mode} margin mode, and there are positions or orders "
                f"({_named(busy)}): it is left as it is.",
                f"Close them and start again, or set exchange.margin_mode to what {name} has.",
            )
        why = await self._try(self._api.set_margin_mode(symbol, mode))
        remedy = f"Set {name} to {mode} at the exchange, then start again."
        what = f"{name} cannot be set to {mode} margin: {why}."
        return _waits(symbol, what, remedy) if why else None

    async def _leverage(self, symbol: Symbol, leverage: int) -> SetupFinding | None:
        name = display_symbol(symbol)
        if symbol in self._busy:
            return _waits(
                symbol,
                f"{name} has another leverage than {leverage}, and a position or orders: "
                "it is left as it is.",
                f"Close them and start again, or set exchange.leverage to what {name} has.",
            )
        why = await self._try(self._api.set_leverage(symbol, leverage))
        remedy = "Set another exchange.leverage, or set it at the exchange; then start again."
        what = f"{name} cannot be set to leverage {leverage}: {why}."
        return _waits(symbol, what, remedy) if why else None

    async def _try(self, change: Awaitable[None]) -> str:
        """Why it did not work; empty where it did, or may have: it is read back."""
        self.has_changed = True
        try:
            await change
        except RefusedError as error:
            return "" if error.verdict is Verdict.ALREADY_SO else error.reason
        except GatewayError as error:
            log.warning("setup.unanswered", text=f"A setting got no answer: {error.reason}.")
        return ""


def _unchanged(
    modes: Modes, wanted: Wanted, findings: Sequence[SetupFinding]
) -> list[SetupFinding]:
    """What still differs although nothing has said why."""
    said = {row.symbol for row in findings}
    return [
        SetupFinding(
            is_fatal=symbol is None,
            symbol=symbol,
            what=f"{display_symbol(symbol) if symbol else 'The account'} was set and read back, "
            f"and still {what}.",
            remedy="Set it at the exchange, then start again.",
        )
        for symbol, what in deviations(modes, wanted).items()
        if symbol not in said
    ]


async def _fees(
    api: PrivateApi, instruments: Mapping[Symbol, Instrument], findings: list[SetupFinding]
) -> dict[Symbol, Fees]:
    fees: dict[Symbol, Fees] = {}
    for symbol in instruments:
        try:
            fees[symbol] = await api.fees(symbol)
        except GatewayError as error:
            findings.append(
                SetupFinding(
                    is_fatal=False,
                    what=f"The fees on {display_symbol(symbol)} are not known: {error.reason}.",
                    remedy="The contract's own are assumed.",
                )
            )
    return fees


def _waits(symbol: Symbol, what: str, remedy: str) -> SetupFinding:
    return SetupFinding(
        is_fatal=False, symbol=symbol, what=f"{what} Entries on it wait.", remedy=remedy
    )


def _named(symbols: Collection[Symbol]) -> str:
    return ", ".join(sorted(display_symbol(symbol) for symbol in symbols))
