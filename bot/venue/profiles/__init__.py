"""Exchanges we know: one module each, declared and never derived.

A run loads the module of its own exchange and no other.
"""

from difflib import get_close_matches
from importlib import import_module
from typing import Final

from bot.errors import ConfigError
from bot.venue.profiles.profile import Profile

LIVE: Final = ("binanceusdm", "bybit")
"""Each is a module here."""
PUBLIC: Final = (
    "okx",
    "bitget",
    "hyperliquid",
    "gate",
    "kucoinfutures",
    "bingx",
    "mexc",
    "krakenfutures",
    "deribit",
)
"""Data and paper trading; they share one module."""


def known_ids() -> tuple[str, ...]:
    """Every exchange there is a profile of, those that trade money first."""
    return (*LIVE, *PUBLIC)


def profile_of(exchange_id: str) -> Profile:
    """What is declared of an exchange.

    Raises:
        ConfigError: we know no such exchange; the nearest name is suggested.

    """
    if exchange_id in LIVE:
        profile: Profile = import_module(f"bot.venue.profiles.{exchange_id}").PROFILE
        return profile
    if exchange_id in PUBLIC:
        public: Profile = import_module("bot.venue.profiles.public").PROFILES[exchange_id]
        return public
    near = get_close_matches(exchange_id.lower(), known_ids(), n=1, cutoff=0.4)
    raise ConfigError(
        f"{exchange_id!r} is no exchange that liqbot knows.",
        where="exchange.id",
        remedy=(
            f"Did you mean {near[0]}?" if near else "Write one of: " + ", ".join(known_ids()) + "."
        ),
    )
