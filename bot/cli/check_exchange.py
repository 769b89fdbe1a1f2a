"""What `liqbot check` asks an exchange: reached, listed, and whether real orders could leave.

Nothing is sent that changes anything: no order, no setting.
"""

import asyncio
import os
from collections.abc import Collection
from typing import TYPE_CHECKING

from bot import credentials
from bot.cli import tables
from bot.cli.checks import Check, failed
from bot.cli.context import Place, paste_command
from bot.config.exchange import is_loopback
from bot.errors import AccessError, ConfigError, DataDirError, LiqbotError
from bot.model.instrument import Instrument, display_symbol
from bot.model.primitives import ZERO, Symbol
from bot.model.wiring import MarketSource
from bot.store.reader import Reader

if TYPE_CHECKING:
    from bot.link import Link
    from bot.venue.api import Modes, PrivateApi

SKEW_WARN_MS = 1_000


def exchange(place: Place) -> list[Check]:
    """What the exchange says, a line each; nothing where none is used."""
    if place.config.market.source is not MarketSource.EXCHANGE:
        return []
    return asyncio.run(_asked(place))


async def _asked(place: Place) -> list[Check]:
    from bot.link import connect  # noqa: PLC0415  (ccxt, only where an exchange is asked)

    keys = _keys(place)
    try:
        link = await connect(place.config, keys, lambda *_: None)
    except LiqbotError as error:
        return [failed("exchange", error)]
    try:
        found = [reached(place, link)]
        if keys is not None:
            found += await _account(place, link)
        elif place.config.is_live:
            found.append(Check(name="account", verdict="-", what="not asked without keys"))
        return found
    finally:
        await link.close()


def _keys(place: Place) -> credentials.Credentials | None:
    """A whole pair for live trading; what is wrong with it is told on a line of its own."""
    if not place.config.is_live:
        return None
    try:
        keys = credentials.find(os.environ, place.config_path.with_name(credentials.FILE_NAME))
    except AccessError:
        return None
    return keys if keys.is_complete else None


def _contracts(place: Place, link: "Link") -> dict[Symbol, Instrument | ConfigError]:
    """Every symbol's contract, or why it cannot be traded."""
    from bot.market.instruments import Terms, instrument_of  # noqa: PLC0415  (with the exchange)

    is_paper = not place.config.is_live
    terms = Terms(taker_fee_bps=ZERO, maker_fee_bps=ZERO, can_convert=is_paper)
    markets = link.client.exchange.markets
    found: dict[Symbol, Instrument | ConfigError] = {}
    for symbol in place.config.symbol_settings:
        try:
            found[symbol] = instrument_of(symbol, markets, terms)
        except ConfigError as error:
            found[symbol] = error
    return found


def reached(place: Place, link: "Link") -> Check:
    """That it answers, lists and trades what is configured, and how far its clock is off."""
    from bot.market.instruments import is_trading  # noqa: PLC0415  (with the exchange)

    title, contracts = link.profile.connection.title, _contracts(place, link)
    errors = [row for row in contracts.values() if isinstance(row, ConfigError)]
    if errors:
        all_of_them = ConfigError(
            " ".join(error.what for error in errors),
            where=f"symbols on {title}",
            remedy=" ".join(dict.fromkeys(error.remedy for error in errors)),
        )
        return failed("exchange", all_of_them)
    skew_ms = link.clock.now() - link.clock.wall()
    clock, remedies = "", []
    if not is_loopback(place.config.exchange.base_url):  # An emulator has a time of its own.
        clock = f", its clock is {skew_ms / 1000:+.1f} s off this machine's"
        if abs(skew_ms) > SKEW_WARN_MS:
            remedies.append("Orders follow the exchange's clock; let NTP keep yours all the same.")
    markets = link.client.exchange.markets
    halted = [display_symbol(row) for row in contracts if not is_trading(markets[row])]
    if halted:
        remedies.append(f"It does not trade {', '.join(halted)} now: no entries there.")
    return Check(
        name="exchange",
        verdict="warn" if remedies else "ok",
        what=f"answers, {tables.count(len(contracts), 'symbol')} listed{clock}",
        where=title,
        remedy=" ".join(remedies),
    )


async def _account(place: Place, link: "Link") -> list[Check]:
    from bot import going_live  # noqa: PLC0415  (ccxt, only where an exchange is asked)

    contracts = _contracts(place, link)
    listed = {row: known for row, known in contracts.items() if isinstance(known, Instrument)}
    try:
        api = going_live.open_api(link, list(listed))
        identity = await going_live.identify(link, api)
    except LiqbotError as error:
        return [failed("account", error)]
    account = going_live.account_name(link, identity)
    keys = [
        Check(name="key", verdict="warn", what=row.what, remedy=row.remedy)
        for row in credentials.judge(identity.rights)
    ]
    return [*await _money(place, link, api, account, listed), *keys, _confirmed(place, account)]


async def _money(
    place: Place,
    link: "Link",
    api: "PrivateApi",
    account: str,
    listed: dict[Symbol, Instrument],
) -> list[Check]:
    """What the account holds, and whether it is set as the configuration asks."""
    from bot.gateway.failures import GatewayError  # noqa: PLC0415  (with the exchange)

    now = link.clock.now()
    try:
        held, _ = await api.account(asked_at=now, fills_since=now, touched=())
        modes = await api.modes()
    except GatewayError as error:
        what = f"the key may trade, and the account was not read: {error.reason}"
        return [Check(name="account", verdict="warn", what=what, where=account)]
    busy = {row.symbol for row in held.positions if row.qty}
    busy |= {row.symbol for row in held.orders}
    balance = held.balance_usd
    told = Check(
        name="account",
        verdict="ok" if balance > 0 else "warn",
        what=f"the key may trade, {tables.usd(balance)} USDT",
        where=account,
        remedy="" if balance > 0 else "Put money into its futures wallet: nothing can be traded.",
    )
    return [told, *_settings(place, link, modes, busy, listed)]


def _settings(
    place: Place,
    link: "Link",
    modes: "Modes",
    busy: Collection[Symbol],
    listed: dict[Symbol, Instrument],
) -> list[Check]:
    """What differs, and whether the start can set it: not where something is open."""
    from bot.venue import setup  # noqa: PLC0415  (with the exchange)

    found = []
    for symbol, what in setup.deviations(
        modes, setup.wanted_of(place.config.exchange, listed)
    ).items():
        is_account_wide = symbol is None or link.profile.has_shared_margin_mode
        is_held = bool(busy) if is_account_wide else symbol in busy
        if symbol is None and is_held:
            error = ConfigError(
                f"{what[0].upper()}{what[1:]}, and something is open.",
                where="exchange account",
                remedy="Close it, or set one-way mode at the exchange.",
            )
            found.append(failed("settings", error))
            continue
        who = f"{display_symbol(symbol)}: " if symbol else ""
        remedy = "The start sets it."
        if is_held:
            remedy = "Something is open: it is left as it is, and entries wait."
        found.append(Check(name="settings", verdict="warn", what=f"{who}{what}", remedy=remedy))
    return found


def _confirmed(place: Place, account: str) -> Check:
    try:
        with Reader(place.ledger) as reader:
            owner, confirmed = reader.meta["account_id"], reader.confirmed_account()
    except LiqbotError:
        owner = confirmed = ""
    if owner and owner != account:
        other = DataDirError(
            f"This ledger belongs to {owner}, and the key is of {account}.",
            where=str(place.ledger),
            remedy="Use another --data-dir for this account, or the other key.",
        )
        return failed("confirmed", other)
    if confirmed == account:
        return Check(name="confirmed", verdict="ok", what="live trading was confirmed")
    missing = AccessError(
        f"Nobody has confirmed live trading on {account}.",
        where=str(place.ledger),
        remedy=f"Run `{paste_command(place, 'confirm')}` once and type what it asks for.",
    )
    return failed("confirmed", missing)
