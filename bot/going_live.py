"""What must be true before a real order leaves: whose account, what the key may do, who said yes.

In this order: keys, identity, the ledger's account, the typed word of a person, and only then the
account's settings. Nothing is changed at the exchange before a person has confirmed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

import structlog
from msgspec.structs import replace

from bot import credentials
from bot.config import Config
from bot.errors import AccessError, ConfigError, LiqbotError, UnavailableError
from bot.gateway.failures import GatewayError, RefusedError, Verdict
from bot.link import Link
from bot.market.instruments import checked
from bot.model.instrument import Instrument
from bot.model.primitives import Symbol
from bot.request import Confirmation
from bot.store.opening import bind_account, confirm, is_confirmed, require_account
from bot.store.recorder import Ledger
from bot.venue import setup
from bot.venue.api import Identity, PrivateApi
from bot.venue.setup import Ready

T = TypeVar("T")

log = structlog.get_logger()


def account_name(link: Link, identity: Identity) -> str:
    """How the ledger calls the account."""
    return f"{link.profile.connection.id} account {identity.account_id}"


def confirmation_of(link: Link, identity: Identity) -> Confirmation:
    """The question for one account."""
    account = account_name(link, identity)
    found = credentials.judge(identity.rights)
    told = tuple(f"{finding.what} {finding.remedy}" for finding in found)
    return Confirmation(account=account, phrase=f"trade live on {account}", told=told)


def open_api(link: Link, symbols: Sequence[Symbol]) -> PrivateApi:
    """The exchange's private interface for these symbols.

    Raises:
        ConfigError: one is no contract that can be traded there; nobody need be asked then.

    """
    for symbol in symbols:
        checked(symbol, link.client.exchange.markets)
    make = link.profile.open_api
    assert make is not None, "the configuration refuses exchanges that have none"
    return make(link.client, link.ids(dict.fromkeys(symbols)), link.clock)


async def identify(link: Link, api: PrivateApi) -> Identity:
    """Whose key it is; refuses one that may do too much, or too little.

    Raises:
        AccessError: the key is not valid here, may withdraw, or may not trade.
        UnavailableError: the exchange does not answer.

    """
    title = link.profile.connection.title
    try:
        identity = await _timely(link, api.identity)
    except GatewayError as error:
        raise _failure(title, error) from error
    for finding in credentials.judge(identity.rights):
        if finding.is_fatal:
            raise AccessError(finding.what, where="exchange keys", remedy=finding.remedy)
    if not identity.can_trade:
        raise AccessError(
            "The key may look and not trade.",
            where="exchange keys",
            remedy="Give it the right to trade futures at the exchange, or set mode: paper.",
        )
    return identity


def require_confirmed(
    ledger: Ledger, question: Confirmation, *, ask: Callable[[Confirmation], bool]
) -> None:
    """See that a person has said yes to this account, now or before; `ask` is for now.

    Raises:
        DataDirError: the ledger belongs to another account.
        AccessError: nobody has confirmed.

    """
    require_account(ledger, question.account)
    if not is_confirmed(ledger, question.account):
        if not ask(question):
            raise AccessError(
                f"Nobody has confirmed live trading on {question.account}.",
                where=str(ledger.files.ledger),
                remedy="Run `liqbot confirm` once and type what it asks for.",
            )
        confirm(ledger, question.account)
        log.info("live.confirmed", text=f"live trading on {question.account} was confirmed")
    bind_account(ledger, question.account)


async def set_up(
    link: Link, api: PrivateApi, config: Config, instruments: Mapping[Symbol, Instrument]
) -> Ready:
    """Set the account as the configuration asks, and read it back.

    Raises:
        ConfigError: the account cannot be traded on as it is.
        AccessError: the key may not do one of the things that are asked.
        UnavailableError: the exchange does not answer for the account.

    """
    prepare = partial(
        setup.prepare,
        api,
        settings=config.exchange,
        instruments=instruments,
        now=link.clock.now,
        is_margin_mode_shared=link.profile.has_shared_margin_mode,
    )
    try:
        ready = await _timely(link, prepare)
    except GatewayError as error:
        raise _failure(link.profile.connection.title, error) from error
    for finding in ready.findings:
        if finding.is_fatal:
            raise ConfigError(finding.what, where="exchange account", remedy=finding.remedy)
        log.warning("account.judged", text=f"{finding.what} {finding.remedy}")
    return ready


def with_fees(instruments: Mapping[Symbol, Instrument], ready: Ready) -> dict[Symbol, Instrument]:
    """The contracts with what this account really pays."""
    return {
        symbol: replace(
            instrument,
            taker_fee_bps=Decimal(str(fees.taker_bps)),
            maker_fee_bps=Decimal(str(fees.maker_bps)),
        )
        if (fees := ready.fees.get(symbol)) is not None
        else instrument
        for symbol, instrument in instruments.items()
    }


async def _timely(link: Link, ask: Callable[[], Awaitable[T]]) -> T:
    """Ask; where the exchange finds our time wrong, look at its clock and ask once more (E37)."""
    try:
        return await ask()
    except RefusedError as error:
        if error.verdict is not Verdict.CLOCK:
            raise
        await link.client.sync_time()
        return await ask()


def _failure(title: str, error: GatewayError) -> LiqbotError:
    """Why the account cannot be asked: a key to be mended, or an exchange to be waited for."""
    reason = error.reason.rstrip(".")
    if isinstance(error, RefusedError) and error.verdict is Verdict.AUTH:
        return AccessError(
            f"The key is not accepted: {reason}.",
            where="exchange keys",
            remedy="Look at the key there: is it whole, is this machine's address allowed, "
            "may it trade futures?",
        )
    return UnavailableError(
        f"{title} does not answer for the account: {reason}.",
        where="exchange",
        remedy="No order was sent. Look at the network and the exchange's status page.",
    )
