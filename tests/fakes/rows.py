"""Builders of facts, events and ledgers for the tests of the store: ordinary values by default."""

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from bot.model.account import Account, Hold, HoldCause, OperatingState, Operation
from bot.model.bracket import Bracket, BracketStatus, LegRef
from bot.model.cluster import Cluster, ClusterEvent, ClusterEventKind, ClusterState
from bot.model.commands import PlaceOrder
from bot.model.events import Event, HeatmapRead, PriceMoved, Ticked
from bot.model.facts import ClusterChanged, Decision, Fact
from bot.model.heatmap import Reading, Row
from bot.model.order import Fill, Leg, Order, OrderKind, OrderRequest
from bot.model.primitives import (
    BracketId,
    ClientOrderId,
    ClusterId,
    FillId,
    Millis,
    PositionSide,
    Price,
    Qty,
    Side,
    SignalId,
    Symbol,
    Usd,
)
from bot.model.signal import EntryStyle, Refusal, Rule, Signal, Strategy
from bot.store.files import DataFiles
from bot.store.opening import OpenRequest, open_ledger
from bot.store.recorder import Ledger

BTC = Symbol("BTC/USDT:USDT")
ETH = Symbol("ETH/USDT:USDT")
T0 = Millis(1_767_225_600_000)
WALL = Millis(1_790_000_000_000)

Entries = Sequence[tuple[Event, Decision]]


def a_cluster(number: int = 1, **changes: object) -> Cluster:
    cluster = Cluster(
        id=ClusterId(number),
        symbol=BTC,
        side=PositionSide.SHORT,
        state=ClusterState.ACTIVE,
        anchor_level=89_365.0 + number,
        level=89_365.25 + number,
        low=89_360.0 + number,
        high=89_370.0 + number,
        leverage_tier=25.0,
        notional_usd=1_234_567.8,
        strength=0.734_512,
        first_seen_at=T0,
        last_seen_at=Millis(T0 + 60_000),
        seen=12,
    )
    return msgspec.structs.replace(cluster, **changes)


def a_cluster_event(
    kind: ClusterEventKind = ClusterEventKind.ACTIVE, *, at: Millis = T0, number: int = 1
) -> ClusterEvent:
    return ClusterEvent(kind=kind, at=at, cluster=a_cluster(number), price=89_300.5)


def a_signal(name: str = "sig1", **changes: object) -> Signal:
    signal = Signal(
        id=SignalId(name),
        symbol=BTC,
        at=T0,
        strategy=Strategy.HUNT,
        position_side=PositionSide.LONG,
        entry_style=EntryStyle.IOC,
        current_price=Price(Decimal("89175.10")),
        entry_price=Price(Decimal("89175.20")),
        stop_price=Price(Decimal("88750.0")),
        target_price=Price(Decimal("89365.0")),
        risk_reward_gross=2.1,
        risk_reward=1.7,
        win_per_unit_usd=Usd(Decimal("120.5")),
        loss_per_unit_usd=Usd(Decimal("70.25")),
        break_even_probability=0.37,
        strength=0.73,
        reason="toward the short cluster",
        cluster_id=ClusterId(1),
        cluster_gen=1,
        cluster_level=89_365.25,
    )
    return msgspec.structs.replace(signal, **changes)


def a_refusal(rule: Rule = Rule.PAYS_TOO_LITTLE, **changes: object) -> Refusal:
    refusal = Refusal(
        symbol=BTC,
        strategy=Strategy.HUNT,
        rule=rule,
        position_side=PositionSide.LONG,
        cluster_id=ClusterId(1),
        cluster_level=89_365.25,
        saw=1.2,
        limit=1.5,
        numbers={"entry": 89_175.2, "stop": 88_750.0},
        first_at=T0,
        at=T0,
    )
    return msgspec.structs.replace(refusal, **changes)


def an_order(name: str = "c1", **changes: object) -> Order:
    request = OrderRequest(
        client_id=ClientOrderId(name),
        symbol=BTC,
        bracket_id=BracketId("b1"),
        leg=Leg.ENTRY,
        attempt=1,
        side=Side.BUY,
        kind=OrderKind.LIMIT,
        qty=Qty(Decimal("0.010")),
        price=Price(Decimal("89175.2")),
        valid_until=Millis(T0 + 5_000),
    )
    order = Order(request=request, intended_at=T0, updated_at=T0)
    return msgspec.structs.replace(order, **changes)


def a_fill(name: str = "f1", **changes: object) -> Fill:
    fill = Fill(
        id=FillId(name),
        symbol=BTC,
        client_id=ClientOrderId("c1"),
        side=Side.BUY,
        qty=Qty(Decimal("0.010")),
        price=Price(Decimal("89175.2")),
        fee_usd=Usd(Decimal("0.445876")),
        at=Millis(T0 + 200),
    )
    return msgspec.structs.replace(fill, **changes)


def a_bracket(name: str = "b1", **changes: object) -> Bracket:
    bracket = Bracket(
        id=BracketId(name),
        symbol=BTC,
        position_side=PositionSide.LONG,
        signal=a_signal(),
        status=BracketStatus.OPEN,
        qty=Qty(Decimal("0.010")),
        entered_qty=Qty(Decimal("0.010")),
        entry_notional_usd=Usd(Decimal("891.752")),
        fees_usd=Usd(Decimal("0.445876")),
        stop_price=Price(Decimal("88750.0")),
        target_price=Price(Decimal("89365.0")),
        risk_usd=Usd(Decimal(50)),
        legs=(LegRef(leg=Leg.ENTRY, client_id=ClientOrderId("c1"), attempt=1),),
        opened_at=T0,
        first_fill_at=Millis(T0 + 200),
    )
    return msgspec.structs.replace(bracket, **changes)


def an_account(**changes: object) -> Account:
    account = Account(
        balance_usd=Usd(Decimal("9999.554124")),
        equity_peak_usd=Usd(Decimal(10_000)),
        day="2026-01-01",
        day_start_equity_usd=Usd(Decimal(10_000)),
        fees_usd=Usd(Decimal("0.445876")),
        cool_downs={str(ETH): Millis(T0 + 1_000)},
    )
    return msgspec.structs.replace(account, **changes)


def an_operation() -> Operation:
    hold = Hold(cause=HoldCause.OPERATOR, state=OperatingState.HOLD, since=T0, detail="by hand")
    return Operation(holds=(hold,))


def a_price(at: Millis = T0, *, mark: float = 89_175.1, symbol: Symbol = BTC) -> PriceMoved:
    return PriceMoved(
        at=at,
        symbol=symbol,
        mark=mark,
        bid=mark - 0.1,
        ask=mark + 0.1,
        last=mark,
        high=mark + 3.0,
        low=mark - 2.5,
        since_at=Millis(at - 1000),
        depth_usd=2_345_678.9,
    )


def a_reading(at: Millis = T0, *, rows: int = 50, symbol: Symbol = BTC) -> HeatmapRead:
    cells = tuple(
        Row(
            level=89_365.25 + 13.7 * index,
            side=PositionSide.SHORT,
            notional_usd=123_456.7 + index * 1_001.3,
            strength=0.5 + index / 200,
            low=89_365.25 + 13.7 * index,
            high=89_365.25 + 13.7 * index,
            leverage_tier=25.0,
            provider_id=index,
        )
        for index in range(rows)
    )
    reading = Reading(symbol=symbol, price=89_175.1, rows=cells, content_key=f"k{at}")
    return HeatmapRead(at=at, reading=reading, asked_at=Millis(at - 40), sequence=1)


def decided(*facts: Fact) -> Decision:
    return Decision(facts=facts)


def with_facts(*facts: Fact, at: Millis = T0) -> Entries:
    return [(Ticked(at=at), Decision(facts=facts))]


def an_intent(name: str = "c1", at: Millis = T0) -> tuple[Event, Decision]:
    from bot.model.facts import OrderChanged  # noqa: PLC0415

    order = an_order(name)
    command = PlaceOrder(symbol=BTC, request=order.request)
    return a_price(at), Decision(facts=(OrderChanged(order=order),), commands=(command,))


def a_readings_decision(at: Millis = T0, rows: int = 50) -> tuple[Event, Decision]:
    facts = tuple(
        ClusterChanged(cluster=a_cluster(number, last_seen_at=at)) for number in range(1, rows + 1)
    )
    return a_reading(at, rows=rows), Decision(facts=facts)


def a_request(folder: Path, **changes: object) -> OpenRequest:
    request = OpenRequest(
        files=DataFiles(folder=folder),
        mode="paper",
        instance="test1",
        wall=WALL,
        pid=os.getpid(),
        host="here",
        version="1.0.0",
    )
    return msgspec.structs.replace(request, **changes)


def a_ledger(folder: Path, **changes: object) -> Ledger:
    return open_ledger(a_request(folder, **changes))
