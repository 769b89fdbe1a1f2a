"""What `liqbot check` asks an exchange: reached, listed, and whether real orders could leave.

Nothing is sent that changes anything: no order, no setting.
"""

import asyncio
import os
from typing import TYPE_CHECKING

from bot import credentials
from bot.cli import tables
from bot.cli.checks import Check, failed
from bot.cli.context import Place
from bot.config.exchange import is_loopback
from bot.errors import AccessError, ConfigError, LiqbotError
from bot.model.instrument import display_symbol
from bot.model.primitives import ZERO
from bot.model.wiring import MarketSource
from bot.store.reader import Reader

if TYPE_CHECKING:
    from bot.link import Link

SKEW_WARN_MS = 1_000


def exchange(place: Place) -> list[Check]:
    """One line for the line, one for the account; nothing where no exchange is used."""
    if place.config.market.source is not MarketSource.EXCHANGE:
        return []
    return asyncio.run(_asked(place))


async def _asked(place: Place) -> list[Check]:
    from bot.link import connect  # noqa: PLC0415  (ccxt, only where an exchange is asked)

    config = place.config
    keys = None
    try:
        if config.is_live:
            file = place.config_path.with_name(credentials.FILE_NAME)
            keys = credentials.find(os.environ, file)
            credentials.require(keys, mode=config.mode)
        link = await connect(config, keys, lambda *_: None)
    except LiqbotError as error:
        return [failed("exchange", error)]
    try:
        found = [_reached(place, link)]
        if config.is_live:
            found += await _account(place, link)
        return found
    finally:
        await link.close()


def _reached(place: Place, link: "Link") -> Check:
    config = place.config
    listed = link.ids(config.symbol_settings)
    missing = [display_symbol(row) for row in config.symbol_settings if row not in listed]
    if missing:
        error = ConfigError(
            f"{link.profile.connection.title} does not list {', '.join(missing)}.",
            where=str(place.config_path),
            remedy="Take them out of symbols, or choose another exchange.id.",
        )
        return failed("exchange", error)
    skew_ms = link.clock.now() - link.clock.wall()
    is_off = abs(skew_ms) > SKEW_WARN_MS and not is_loopback(config.exchange.base_url)
    clock = f"its clock is {skew_ms / 1000:+.1f} s off this machine's"
    what = f"answers, {tables.count(len(listed), 'symbol')} listed, {clock}"
    return Check(
        name="exchange",
        verdict="warn" if is_off else "ok",
        what=what,
        where=link.profile.connection.title,
        remedy="Orders follow the exchange's clock; let NTP keep yours all the same."
        if is_off
        else "",
    )


async def _account(place: Place, link: "Link") -> list[Check]:
    from bot import going_live  # noqa: PLC0415  (ccxt, only where an exchange is asked)
    from bot.gateway.failures import GatewayError  # noqa: PLC0415
    from bot.market.instruments import Terms, instrument_of  # noqa: PLC0415
    from bot.venue import setup  # noqa: PLC0415

    config = place.config
    try:
        api = going_live.open_api(link, list(config.symbol_settings))
        identity = await going_live.identify(link, api)
    except LiqbotError as error:
        return [failed("account", error)]
    account = going_live.account_name(link, identity)
    found = [Check(name="account", verdict="ok", what="the key may trade", where=account)]
    found += [
        Check(name="key", verdict="warn", what=row.what, remedy=row.remedy)
        for row in credentials.judge(identity.rights)
    ]
    found.append(_confirmed(place, account))
    try:
        modes = await api.modes()
    except GatewayError as error:
        return [*found, Check(name="settings", verdict="warn", what=f"not read: {error.reason}")]
    terms = Terms(taker_fee_bps=ZERO, maker_fee_bps=ZERO)
    markets = link.client.exchange.markets
    listed = {row: instrument_of(row, markets, terms) for row in config.symbol_settings}
    wanted = setup.wanted_of(config.exchange, listed)
    for symbol, what in setup.deviations(modes, wanted).items():
        who = display_symbol(symbol) if symbol else "account"
        remedy = "The start sets it where nothing is open."
        found.append(Check(name="settings", verdict="warn", what=f"{who}: {what}", remedy=remedy))
    return found


def _confirmed(place: Place, account: str) -> Check:
    try:
        with Reader(place.ledger) as reader:
            is_confirmed = reader.confirmed_account() == account
    except LiqbotError:
        is_confirmed = False
    if is_confirmed:
        return Check(name="confirmed", verdict="ok", what="live trading was confirmed")
    missing = AccessError(
        "Nobody has confirmed live trading on this account.",
        where=account,
        remedy="Run `liqbot confirm` once and type what it asks for.",
    )
    return failed("confirmed", missing)
