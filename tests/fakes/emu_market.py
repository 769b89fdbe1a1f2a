"""An emulated exchange with two contracts, and the words to move it in tests."""

from decimal import Decimal
from typing import Any

from bot.model.events import PriceMoved
from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Millis, Side, Symbol
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import NewOrder, Order
from tests.fakes.contracts import BALANCE, BTC, INSTRUMENTS, NOON


def price_event(
    price: float,
    at: int = NOON,
    *,
    symbol: Symbol = BTC,
    low: float | None = None,
    high: float | None = None,
    depth_usd: float | None = None,
) -> PriceMoved:
    """A price with a spread of two ticks; the range is the price alone unless told."""
    return PriceMoved(
        at=Millis(at),
        symbol=symbol,
        mark=price,
        bid=round(price - 0.1, 1),
        ask=round(price + 0.1, 1),
        last=price,
        high=price if high is None else high,
        low=price if low is None else low,
        since_at=Millis(at - 1000),
        depth_usd=depth_usd,
    )


def exchange_at(price: float = 100.0, **settings: Any) -> Emulator:
    """An exchange whose symbols trade at a price."""
    core = Emulator(INSTRUMENTS, balance_usd=BALANCE, **settings)
    for symbol in INSTRUMENTS:
        core.on_market(price_event(price, symbol=symbol))
    return core


def market(side: Side, qty: str, **more: Any) -> NewOrder:
    return NewOrder(symbol=BTC, side=side, kind=OrderKind.MARKET, qty=Decimal(qty), **more)


def limit(side: Side, qty: str, price: str, **more: Any) -> NewOrder:
    return NewOrder(
        symbol=BTC,
        side=side,
        kind=OrderKind.LIMIT,
        qty=Decimal(qty),
        price=Decimal(price),
        **{"time_in_force": TimeInForce.GTC, **more},
    )


def stop(side: Side, qty: str, trigger: str, **more: Any) -> NewOrder:
    return NewOrder(
        symbol=BTC,
        side=side,
        kind=OrderKind.STOP_MARKET,
        qty=Decimal(qty),
        trigger_price=Decimal(trigger),
        **{"is_reduce_only": True, **more},
    )


def placed(core: Emulator, asked: NewOrder, at: int = NOON) -> Order:
    """Place an order that must be taken."""
    order = core.place(asked, Millis(at))
    assert isinstance(order, Order), order
    return order
