"""The adapters fit the ports: the type checker reads these lines, and they hold at run time too."""

import inspect

import pytest

from bot import ports
from bot.clock import LoopClock
from bot.heatmap.local import LocalEngine
from bot.heatmap.local_feed import LocalFeed
from bot.heatmap.poller import HttpFeed
from bot.market.recorded import RecordedMarket
from bot.market.simulated import SimulatedMarket
from bot.store.recorder import Ledger
from bot.venue.paper import PaperVenue

CLOCK: type[ports.Clock] = LoopClock
MARKETS: tuple[type[ports.Market], ...] = (RecordedMarket, SimulatedMarket)
VENUES: tuple[type[ports.Venue], ...] = (PaperVenue,)
FEEDS: tuple[type[ports.Feed], ...] = (HttpFeed, LocalFeed)
SOURCES: tuple[type[ports.ReadingSource], ...] = (LocalEngine,)
STORES: tuple[type[ports.Store], ...] = (Ledger,)

PAIRS = [
    (ports.Clock, CLOCK),
    *((ports.Market, made) for made in MARKETS),
    *((ports.Venue, made) for made in VENUES),
    *((ports.Feed, made) for made in FEEDS),
    *((ports.ReadingSource, made) for made in SOURCES),
    *((ports.Store, made) for made in STORES),
]


@pytest.mark.parametrize(("port", "made"), PAIRS, ids=lambda kind: kind.__name__)
def test_an_adapter_waits_where_its_port_waits(port: type, made: type) -> None:
    """A forgotten await is a command that never leaves."""
    for name, asked in vars(port).items():
        if name.startswith("_") or not callable(asked):
            continue
        answered = getattr(made, name)

        assert inspect.iscoroutinefunction(asked) == inspect.iscoroutinefunction(answered), name
