"""What has to be known of an exchange before anything is asked of it: declared, never derived.

A Route names one endpoint with the parameters that may be sent to it; any other raises. A
Connection says how the exchange counts requests, how it says no, and what its codes mean.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from bot.gateway.failures import Verdict
from bot.model.primitives import Millis, Value


class Lane(Value, frozen=True, kw_only=True, order=True):
    """Who goes first when requests have to wait, and how far into a budget one may reach."""

    rank: int
    name: str
    share_max: float
    """Of each budget: the rest is kept for the lanes before it."""


PROTECT = Lane(rank=0, name="protect", share_max=1.0)
CANCEL = Lane(rank=1, name="cancel", share_max=0.95)
QUERY = Lane(rank=2, name="query", share_max=0.9)
ENTRY = Lane(rank=3, name="entry", share_max=0.8)
DATA = Lane(rank=4, name="data", share_max=0.7)
LANES = (PROTECT, CANCEL, QUERY, ENTRY, DATA)


class Budget(Value, frozen=True, kw_only=True):
    """So much may be used within any span of `interval_ms`."""

    name: str
    capacity: int
    interval_ms: int


class Route(Value, frozen=True, kw_only=True):
    """One endpoint: ccxt's implicit method, what it costs, and what may be sent to it."""

    name: str
    """As ccxt names it, `fapiPrivatePostOrder`."""
    costs: Mapping[str, int] = {}
    """By the budget's name."""
    params: frozenset[str] = frozenset()
    """Names that may be sent; any other raises."""


class Refusal(NamedTuple):
    """A reply that says no."""

    code: str
    message: str


class Connection(Value, frozen=True, kw_only=True):
    """One exchange as the gateway sees it."""

    id: str
    """ccxt's name of it."""
    title: str
    """As people call it."""
    options: Mapping[str, Any]
    """ccxt's constructor options: what would lead to calls we did not ask for is off."""
    budgets: tuple[Budget, ...]
    codes: Mapping[str, Verdict]
    """By the exchange's code; a code that is not here proves nothing."""
    refusal_of: Callable[[int, Any], Refusal | None]
    """From status and parsed body: the refusal in it, None where the reply is a success."""
    used_of: Callable[[Mapping[str, str]], Mapping[str, int]]
    """From the reply's headers (lower case): what the exchange has counted, by budget."""
    time_route: Route
    time_params: Mapping[str, str] = {}
    """What `time_route` has to be asked with, where it answers other questions as well."""
    time_of: Callable[[Any], Millis]
    """From the reply of `time_route`: the exchange's own time."""
    window_param: str = ""
    """Where a receive window is a parameter of each request, its name."""
    window_option: str = ""
    """Where it is one of ccxt's options, its name."""
    window_default_ms: int = 5_000
