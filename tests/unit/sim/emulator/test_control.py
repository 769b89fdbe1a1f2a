"""The control routes: what the emulator's books say, and what may befall the account."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from bot.model.order import OrderKind, TimeInForce
from bot.model.primitives import Side
from bot.sim.emulator.control import PREFIX
from bot.sim.emulator.faults import Kind
from bot.sim.emulator.state import NewOrder, Order, Origin, Why
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_dialect import Served, served

T = TypeVar("T")


def told(story: Callable[[Served], Awaitable[T]]) -> T:
    async def whole() -> T:
        async with asyncio.timeout(10), served() as emulator:
            return await story(emulator)

    return asyncio.run(whole())


def bought(emulator: Served, qty: str = "2") -> None:
    emulator.core.place(
        NewOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, qty=Decimal(qty)), NOON
    )


def resting(emulator: Served, client_id: str = "mine") -> Order:
    order = emulator.core.place(
        NewOrder(
            symbol=BTC, client_id=client_id, side=Side.BUY, kind=OrderKind.LIMIT,
            qty=Decimal(1), price=Decimal(98), time_in_force=TimeInForce.GTC,
        ),
        NOON,
    )  # fmt: skip
    assert isinstance(order, Order)
    return order


def test_the_state_holds_all_that_a_ledger_can_be_compared_with() -> None:
    async def story(emulator: Served) -> tuple[Any, Decimal]:
        bought(emulator)
        resting(emulator)
        return (await emulator.control("state"))[1], emulator.core.balance_usd

    state, balance = told(story)

    assert str(balance) == state["balance_usd"]
    assert [("BTC/USDT:USDT", "2")] == [(row["symbol"], row["qty"]) for row in state["holdings"]]
    assert ["mine"] == [row["client_id"] for row in state["orders"]]
    assert 2 == state["orders_ever"]
    assert ["buy"] == [row["side"] for row in state["trades"]]
    assert ["commission"] == [row["kind"] for row in state["incomes"]]
    assert {"BTC/USDT:USDT": 100.0, "ETH/USDT:USDT": 100.0} == state["prices"]
    assert ("binanceusdm", False) == (state["exchange"], state["is_hedge"])
    assert NOON <= state["at"]


@pytest.mark.parametrize("verb", ["state", "close-position", "faults"])
def test_without_the_token_nothing_is_told_and_nothing_happens(verb: str) -> None:
    async def story(emulator: Served) -> tuple[int, int, int]:
        bought(emulator)
        words = {} if verb == "state" else {"symbol": "BTCUSDT", "is_on": False}
        status = (await emulator.control(verb, token="wrong", **words))[0]
        none = (await emulator.ask(f"{PREFIX}/state"))[0]
        assert emulator.faults.is_on
        return status, none, len(emulator.core.holdings)

    assert (403, 403, 1) == told(story)


def test_the_exchange_itself_knows_nothing_of_these_routes() -> None:
    async def story(emulator: Served) -> int:
        await emulator.control("state")
        await emulator.ask(f"{PREFIX}/else", "PUT")
        return len(emulator.dialect.handled)

    assert 0 == told(story)


def test_a_position_is_closed_by_hand_and_the_account_hears_of_it() -> None:
    async def story(emulator: Served) -> tuple[int, Any, Any, int]:
        bought(emulator)
        emulator.core.take_happenings()
        status, _ = await emulator.control("close-position", symbol="BTCUSDT")
        trade = emulator.core.trades[-1]
        return status, emulator.core.holdings, trade, len(emulator.heard)

    status, holdings, trade, heard = told(story)

    assert (200, {}) == (status, holdings)
    assert (Side.SELL, Decimal(2), Origin.MANUAL) == (trade.side, trade.qty, trade.origin)
    assert 0 < heard


def test_a_part_of_a_position_is_taken_by_the_exchange() -> None:
    async def story(emulator: Served) -> tuple[Any, Any]:
        bought(emulator)
        await emulator.control("adl", symbol="btc", qty="0.5")
        return emulator.core.holdings[BTC].qty, emulator.core.trades[-1].origin

    assert (Decimal("1.5"), Origin.ADL) == told(story)


def test_somebody_else_trades_on_the_account() -> None:
    async def story(emulator: Served) -> Decimal:
        await emulator.control("trade", symbol="BTCUSDT", side="sell", qty="0.3")
        return emulator.core.holdings[BTC].qty

    assert Decimal("-0.3") == told(story)


def test_an_order_is_canceled_by_hand() -> None:
    async def story(emulator: Served) -> tuple[int, int, bool]:
        order = resting(emulator)
        first = (await emulator.control("cancel-order", client_id="mine"))[0]
        again = (await emulator.control("cancel-order", client_id="mine"))[0]
        return first, again, emulator.core.orders[order.id].is_working

    assert (200, 409, False) == told(story)


def test_leverage_margin_mode_and_position_mode_are_set_behind_the_bots_back() -> None:
    async def story(emulator: Served) -> tuple[Any, ...]:
        await emulator.control("set-leverage", symbol="BTCUSDT", leverage=7)
        await emulator.control("set-margin-mode", symbol="BTCUSDT", mode="isolated")
        await emulator.control("set-hedge", is_hedge=True)
        await emulator.control("set-reduce-only", is_reduce_only=True)
        core = emulator.core
        return core.leverages[BTC], core.margin_modes[BTC], core.is_hedge, core.is_reduce_only_mode

    assert (7, "isolated", True, True) == told(story)


def test_the_next_orders_are_refused_for_a_reason() -> None:
    async def story(emulator: Served) -> list[Any]:
        await emulator.control("refuse-next", why="no_margin", times=2)
        ask = NewOrder(symbol=BTC, side=Side.BUY, kind=OrderKind.MARKET, qty=Decimal(1))
        return [emulator.core.place(ask, NOON) for _ in range(3)]

    first, second, third = told(story)

    assert [Why.NO_MARGIN, Why.NO_MARGIN] == [first, second]
    assert isinstance(third, Order)


def test_a_fault_is_ordered_for_the_next_request_of_a_kind() -> None:
    async def story(emulator: Served) -> tuple[int, int]:
        await emulator.control("fault-next", kind="busy", method="post", path="/order")
        first = (await emulator.ask("/order", "POST"))[0]
        second = (await emulator.ask("/order", "POST"))[0]
        return first, second

    assert (503, 200) == told(story)


def test_faults_are_set_and_switched_off() -> None:
    async def story(emulator: Served) -> list[int]:
        shares = {"shares": {"busy": 1.0}, "latency_ms": 0, "jitter_ms": 0}
        await emulator.control("faults", settings=shares)
        bad = (await emulator.ask("/x"))[0]
        await emulator.control("faults", is_on=False)
        good = (await emulator.ask("/x"))[0]
        state = (await emulator.control("state"))[1]["faults"]
        assert {"is_on": False, "counts": {Kind.BUSY: 1}, "ordered": []} == state
        return [bad, good]

    assert [503, 200] == told(story)


def test_orders_show_late_fill_in_parts_and_markets_halt() -> None:
    async def story(emulator: Served) -> tuple[Any, ...]:
        await emulator.control("shows-after", ms=1_500)
        await emulator.control("fill-at-most", usd="50")
        await emulator.control("halt", symbol="BTCUSDT")
        core = emulator.core
        halted = set(core.tape.halted)
        await emulator.control("halt", symbol="BTCUSDT", is_halted=False)
        return core.shows_after_ms, core.partial_usd, halted, set(core.tape.halted)

    assert (1_500, Decimal(50), {BTC}, set()) == told(story)


@pytest.mark.parametrize(
    ("verb", "words", "status", "part"),
    [
        ("dance", {"symbol": "BTCUSDT"}, 404, "not a verb"),
        ("close-position", {"symbol": "BTCUSDT"}, 409, "Nothing is held"),
        ("close-position", {"symbol": "SOLUSDT"}, 409, "not listed"),
        ("close-position", {"symbol": "///"}, 422, "not understood"),
        ("trade", {"symbol": "BTCUSDT"}, 409, "qty"),
        ("trade", {"colour": "red"}, 422, "not understood"),
        ("set-margin-mode", {"symbol": "BTCUSDT", "mode": "both"}, 409, "margin mode"),
        ("set-leverage", {"symbol": "BTCUSDT", "leverage": 500}, 409, "refuses"),
        ("move", {"symbol": "BTCUSDT", "mark": 5}, 409, "--still"),
        ("set-key", {}, 409, "revoked, read_only, withdraw"),
        ("refuse-next", {"why": "no reason"}, 422, "not understood"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_sentence(
    verb: str, words: dict[str, Any], status: int, part: str
) -> None:
    found, body = told(lambda emulator: emulator.control(verb, **words))

    assert status == found
    assert part in body["error"]


def test_every_answer_tells_the_version_of_the_books() -> None:
    async def story(emulator: Served) -> tuple[int, int]:
        _, before = await emulator.control("set-leverage", symbol="BTCUSDT", leverage=3)
        _, after = await emulator.control("trade", symbol="BTCUSDT", side="buy", qty="1")
        return before["version"], after["version"]

    before, after = told(story)

    assert before < after


def test_the_key_may_be_revoked_may_only_read_and_may_withdraw_and_back_again() -> None:
    async def story(emulator: Served) -> list[tuple[bool, bool, bool]]:
        key, found = emulator.dialect.key, []
        for is_on in (True, False):
            for right in ("revoked", "read_only", "withdraw"):
                await emulator.control("set-key", right=right, is_on=is_on)
            found.append((key.is_revoked, not key.can_trade, key.can_withdraw))
        return found

    assert [(True, True, True), (False, False, False)] == told(story)
