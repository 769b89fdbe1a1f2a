"""A state is what the snapshot says; all else is rebuilt from the market."""

import msgspec

from bot.core.state import State
from bot.model.cluster import ProviderGate
from bot.model.market import Candle, Funding
from bot.model.order import OrderStatus
from bot.model.primitives import ClusterId, FillId, Millis, PositionSide, SignalId
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot, SymbolSnapshot
from tests.fakes.contracts import BTC, ETH, INSTRUMENTS, NOON
from tests.fakes.rows import a_bracket, a_cluster, an_account, an_operation, an_order

SETTINGS = CoreSettings(instance="test", symbols=(BTC, ETH))


def a_candle(number: int) -> Candle:
    return Candle(
        symbol=BTC,
        open_at=Millis(NOON + (number - 30) * 60_000),
        timeframe_ms=60_000,
        open=100.0,
        high=101.0,
        low=99.0,
        close=100.0,
        volume=5.0,
    )


def test_a_new_ledger_gives_an_empty_state_of_every_symbol() -> None:
    state = State(settings=SETTINGS, instruments=INSTRUMENTS, snapshot=Snapshot(at=NOON))

    assert [BTC, ETH] == list(state.symbols)
    assert state.account is None
    assert state.last_snapshot_at is None, "nothing has been reconciled"
    assert ({}, {}, {}) == (state.orders, state.brackets, state.positions)
    assert ClusterId(1) == state.next_cluster_id


def test_what_the_ledger_holds_is_known_again() -> None:
    funding = Funding(symbol=BTC, rate=0.0001, next_at=Millis(NOON + 1))
    snapshot = Snapshot(
        at=NOON,
        symbols=(
            SymbolSnapshot(
                symbol=BTC,
                clusters=(a_cluster(7),),
                last_price=89_000.0,
                last_price_at=NOON,
                candles=tuple(a_candle(number) for number in range(30)),
                funding=funding,
                open_interest=tuple(
                    (Millis(NOON - hours * 3_600_000), 100.0) for hours in range(720, 0, -1)
                ),
            ),
        ),
        next_cluster_id=ClusterId(8),
        orders=(an_order("c1", status=OrderStatus.OPEN),),
        brackets=(a_bracket(),),
        signals_used=(SignalId("s1"),),
        fills_seen=(FillId("BTC|f1"),),
        funding_seen=("fu1",),
        fills_cursor=Millis(NOON - 5),
        account=an_account(),
        operation=an_operation(),
        gate=ProviderGate(samples=201, stability=0.9, is_open=True, first_at=NOON),
    )
    state = State(settings=SETTINGS, instruments=INSTRUMENTS, snapshot=snapshot)
    symbol = state.symbols[BTC]

    assert [a_cluster(7)] == symbol.tracker.clusters
    assert 89_000.0 == symbol.tracker.last_price
    assert symbol.bars.atr_1m_pct is not None, "thirty bars are enough for the volatility"
    assert funding == symbol.funding
    assert snapshot.orders == tuple(state.orders.values())
    assert {a_bracket().id: a_bracket()} == state.brackets
    assert [snapshot.orders[0].request.client_id] == list(state.desk.live())
    assert ({"s1"}, {"BTC|f1"}, {"fu1"}) == (
        state.signals_used,
        state.fills_seen,
        state.funding_seen,
    )
    assert (an_account(), an_operation()) == (state.account, state.operation)
    assert snapshot.gate == state.gate.gate
    assert (NOON - 5, NOON, 8) == (state.fills_cursor, state.at, state.next_cluster_id)


def test_a_symbol_that_is_no_longer_traded_is_left_out() -> None:
    known = Snapshot(at=NOON, symbols=(SymbolSnapshot(symbol=ETH),))
    only_btc = msgspec.structs.replace(SETTINGS, symbols=(BTC,))
    state = State(settings=only_btc, instruments=INSTRUMENTS, snapshot=known)

    assert [BTC] == list(state.symbols)


def test_which_side_a_cluster_backed_is_forgotten_when_no_rule_asks_any_more() -> None:
    """A run of months must not remember every trade for a rule of ten minutes."""
    symbol = State(settings=SETTINGS, instruments=INSTRUMENTS, snapshot=Snapshot(at=NOON)).symbols[
        BTC
    ]
    for minute in range(60):
        at = Millis(NOON + minute * 60_000)
        symbol.note_backed(ClusterId(minute), PositionSide.LONG, at, keep_s=600.0)

    assert list(range(49, 60)) == sorted(symbol.backed)
