"""What a run stands on beyond this process: an exchange's line, and the account that it may use."""

import os
from typing import TYPE_CHECKING

import msgspec
import structlog

from bot import credentials
from bot.config import Config
from bot.config.exchange import is_loopback
from bot.model.wiring import MarketSource
from bot.request import Request, Ui
from bot.store.opening import require_account
from bot.store.recorder import Ledger

if TYPE_CHECKING:
    from bot.link import Link
    from bot.venue.api import PrivateApi

log = structlog.get_logger()


class Outside(msgspec.Struct, kw_only=True):
    """Nothing, for a market in this process; else the line, and for live trading the account."""

    account: str = ""
    """Whose books the ledger keeps, in words."""
    link: "Link | None" = None
    api: "PrivateApi | None" = None
    """Of the account that real orders are for; None: paper."""

    async def close(self) -> None:
        """Hang up."""
        if self.link is not None:
            await self.link.close()


async def reach(request: Request, ui: Ui, ledger: Ledger) -> Outside:
    """Connect to what the configuration asks for, and see that the ledger is this account's.

    Raises:
        DataDirError: the ledger belongs to another account.
        AccessError: keys are missing or refused, or nobody has confirmed live trading.
        UnavailableError: the exchange does not answer.
        ConfigError: a symbol is not traded there.

    """
    config = request.config
    if config.market.source is not MarketSource.EXCHANGE:
        account = paper_account(config)
        require_account(ledger, account)
        return Outside(account=account)
    from bot import going_live  # noqa: PLC0415  (ccxt only where an exchange is asked)
    from bot.link import connect  # noqa: PLC0415  (the same)

    keys = None
    if config.is_live:
        where = request.config_path.with_name(credentials.FILE_NAME)
        keys = credentials.find(os.environ, where)
        credentials.require(keys, mode=config.mode)
    else:
        require_account(ledger, paper_account(config))
    link = await connect(config, keys, ui.progress)
    outside = Outside(account=paper_account(config), link=link)
    if not config.is_live:
        return outside
    try:
        outside.api = going_live.open_api(link, list(config.symbol_settings))
        identity = await going_live.identify(link, outside.api)
        question = going_live.confirmation_of(link, identity)
        for row in question.told:
            log.warning("keys.judged", text=row)
        going_live.require_confirmed(ledger, question, ask=ui.confirm)
    except BaseException:
        await link.close()
        raise
    outside.account = question.account
    return outside


def paper_account(config: Config) -> str:
    """Which market a paper account lives on: money made on one means nothing on another."""
    market = config.market
    if market.source is MarketSource.SIMULATED:
        return f"the embedded market with seed {market.simulated.seed}"
    if market.source is MarketSource.EXCHANGE:
        is_rehearsal = is_loopback(config.exchange.base_url)
        whose = "a rehearsal of " if is_rehearsal else ""
        return f"paper money at the prices of {whose}{config.exchange.id}"
    return f"the {market.source} market"
