"""What Binance's user stream tells of a happening."""

from decimal import Decimal
from typing import Any

from bot.model.events import FundingRead
from bot.model.market import Funding
from bot.model.primitives import Millis, Side
from bot.sim.emulator.binance_user import user_messages
from bot.sim.emulator.core import Emulator
from bot.sim.emulator.state import Origin, Why
from tests.fakes.contracts import BTC, NOON
from tests.fakes.emu_market import exchange_at, limit, market, placed, price_event, stop

LATER = Millis(NOON + 1000)


def told(core: Emulator) -> list[dict[str, Any]]:
    return [message for row in core.take_happenings() for message in user_messages(core, row)]


def kinds(messages: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """What each message is, and of orders the execution and the status."""
    return [
        (row["e"], *(row["o"][key] for key in "xX" if key in row.get("o", {}))) for row in messages
    ]


def test_every_trade_is_one_message_with_its_number_and_fee() -> None:
    core = exchange_at()
    core.partial_usd = Decimal(50)
    placed(core, limit(Side.BUY, "1", "101", client_id="a"))
    core.partial_usd = None
    core.on_market(price_event(100.5, LATER))

    messages = told(core)

    assert kinds(messages) == [
        ("ORDER_TRADE_UPDATE", "NEW", "NEW"),
        ("ACCOUNT_UPDATE",),
        ("ORDER_TRADE_UPDATE", "TRADE", "PARTIALLY_FILLED"),
        ("ACCOUNT_UPDATE",),
        ("ORDER_TRADE_UPDATE", "TRADE", "FILLED"),
    ]
    first, last = messages[2]["o"], messages[4]["o"]
    assert (first["c"], first["i"], first["t"]) == ("a", core.trades[0].order_id, core.trades[0].id)
    assert (first["l"], first["z"], first["L"]) == ("0.499", "0.499", "100.1")
    assert Decimal(first["n"]) == core.trades[0].fee_usd
    assert (last["l"], last["z"], last["m"]) == ("0.501", "1.000", True)


def test_a_stop_tells_of_itself_and_of_its_child() -> None:
    core = exchange_at()
    placed(core, market(Side.BUY, "1"))
    order = placed(core, stop(Side.SELL, "1", "95", client_id="stop"))
    core.take_happenings()

    core.on_market(price_event(94.5, LATER))
    messages = told(core)

    assert kinds(messages) == [
        ("ORDER_TRADE_UPDATE", "NEW", "NEW"),
        ("ALGO_UPDATE", "TRIGGERED"),
        ("ACCOUNT_UPDATE",),
        ("ORDER_TRADE_UPDATE", "TRADE", "FILLED"),
        ("ALGO_UPDATE", "FINISHED"),
    ]
    triggered, finished = messages[1]["o"], messages[4]["o"]
    child = messages[3]["o"]
    assert (triggered["caid"], triggered["aid"], triggered["aq"]) == ("stop", order.id, "0.000")
    assert (finished["ai"], finished["aq"], finished["ap"]) == (
        str(child["i"]),
        "1.000",
        "94.40000000",
    )
    assert (child["c"] != "stop", child["R"], child["ot"]) == (True, True, "STOP_MARKET")


def test_a_refused_trigger_tells_why() -> None:
    core = exchange_at()
    placed(core, stop(Side.SELL, "1", "95"))
    core.refuse_next_trigger(Why.NOTHING_TO_REDUCE)
    core.take_happenings()

    core.on_market(price_event(94.5, LATER))
    (message,) = told(core)

    assert (message["o"]["X"], message["o"]["rm"]) == ("REJECTED", "Reduce Only reject")


def test_new_and_canceled_stops_are_told() -> None:
    core = exchange_at()
    order = placed(core, stop(Side.SELL, "1", "95"))
    core.cancel(order, LATER)

    assert kinds(told(core)) == [("ALGO_UPDATE", "NEW"), ("ALGO_UPDATE", "CANCELED")]


def test_the_account_tells_wallet_and_position() -> None:
    core = exchange_at()
    core.set_margin_mode(BTC, "isolated", NOON)
    core.take_happenings()
    placed(core, market(Side.SELL, "1"))

    update = told(core)[1]["a"]

    assert (update["m"], update["B"][0]["wb"]) == ("ORDER", "9999.95005000")
    (position,) = update["P"]
    assert (position["pa"], position["mt"], position["iw"]) == ("-1.000", "isolated", "4.99500000")


def test_the_funding_of_a_crossed_position_tells_the_balance_alone() -> None:
    core = exchange_at()
    placed(core, market(Side.BUY, "1"))
    funding = Funding(symbol=BTC, rate=0.001, next_at=LATER)
    core.on_market(FundingRead(at=NOON, funding=funding))
    core.take_happenings()

    core.on_market(price_event(100.0, LATER))
    (message,) = told(core)

    assert (message["a"]["m"], message["a"]["P"]) == ("FUNDING_FEE", [])


def test_e26_a_changed_leverage_is_told() -> None:
    core = exchange_at()
    core.set_leverage(BTC, 3, NOON)

    (message,) = told(core)

    assert message["e"] == "ACCOUNT_CONFIG_UPDATE"
    assert message["ac"] == {"s": "BTCUSDT", "l": 3}


def test_a_liquidation_has_the_exchanges_own_name() -> None:
    core = exchange_at()
    placed(core, market(Side.BUY, "1"))
    core.take_happenings()

    core.trade_by_hand(BTC, Side.SELL, Decimal(1), LATER, origin=Origin.LIQUIDATION)
    last = told(core)[-1]["o"]

    assert last["c"].startswith("autoclose-")
    assert last["o"] == "LIQUIDATION"
