"""What is declared of an exchange that we trade on."""

from collections.abc import Callable

from bot.gateway.client import Client
from bot.gateway.connection import Connection
from bot.model.primitives import Symbol, Value
from bot.ports import Clock
from bot.venue.api import PrivateApi


class Profile(Value, frozen=True, kw_only=True):
    """One exchange: how it is reached, and who speaks its private interface."""

    connection: Connection
    is_live: bool
    """Trading with real money passes the whole suite."""
    why_not: str = ""
    """Where it does not: the sentence that live trading is refused with."""
    open_api: Callable[[Client, dict[Symbol, str], Clock], PrivateApi] | None = None
    """(client, the exchange's own ids by symbol, clock)"""
    has_shared_margin_mode: bool = False
    """Margin mode is one setting of the whole account."""
    has_attached_stop: bool = False
    """An entry can carry its stop, so that a position is never without one."""
