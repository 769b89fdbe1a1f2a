"""What the bot says of itself."""

from decimal import Decimal

import msgspec

from bot.clock import LoopClock, run_virtual
from bot.core.state import State
from bot.model.account import Hold, HoldCause, OperatingState, Operation
from bot.model.bracket import Bracket
from bot.model.market import Funding
from bot.model.primitives import Millis
from bot.model.settings import CoreSettings
from bot.model.snapshot import Snapshot, SymbolSnapshot
from bot.ops import status
from tests.fakes.rows import T0, a_bracket, a_price, a_refusal, an_account
from tests.fakes.views import BTC, INSTRUMENT


def a_state(*brackets: Bracket, **changes: object) -> State:
    known = {
        "at": T0,
        "brackets": brackets,
        "account": an_account(),
        "symbols": (
            SymbolSnapshot(
                symbol=BTC,
                funding=Funding(symbol=BTC, rate=0.0001, next_at=Millis(T0 + 3_600_000)),
            ),
        ),
    }
    return State(
        settings=CoreSettings(instance="test", symbols=(BTC,)),
        instruments={BTC: INSTRUMENT},
        snapshot=msgspec.convert(known | changes, Snapshot, from_attributes=True),
    )


def the_document(state: State) -> dict[str, object]:
    async def ask() -> dict[str, object]:
        return status.document(state, LoopClock(start_at=Millis(T0 + 5_000)), started_at=T0)

    return run_virtual(ask())


def test_the_headline_names_positions_and_their_stops() -> None:
    protected = a_bracket(stop_confirmed_at=T0)

    assert "TRADING, no position" == status.headline(a_state())
    assert "TRADING, 1 position, protected" == status.headline(a_state(protected))
    assert "TRADING, 2 positions, 1 without a confirmed stop" == status.headline(
        a_state(protected, a_bracket("b2"))
    )


def test_the_headline_says_why_it_does_not_trade() -> None:
    hold = Hold(cause=HoldCause.OPERATOR, state=OperatingState.HOLD, since=T0, detail="by hand")
    state = a_state(operation=Operation(holds=(hold,)))

    assert "HOLD, no position: by hand" == status.headline(state)
    document = the_document(state)
    assert ("HOLD", "by hand") == (document["state"], document["reason"])


def test_equity_is_the_balance_and_what_is_open_at_the_mark() -> None:
    state = a_state(a_bracket())
    state.symbols[BTC].price = a_price(mark=89_275.2)

    document = the_document(state)

    assert Decimal("10000.554124") == status.equity_usd(state)
    assert ("10000.55", "9999.55", "0.55") == (
        document["equity_usd"],
        document["balance_usd"],
        document["day_pnl_usd"],
    )
    assert {"day_loss_usd": "200.00", "positions": 3, "losses_in_a_row": 4} == document["limits"]
    assert {"age_s": 5.0, "next_funding_at": "2026-01-01T01:00:00.000Z"} == document["market"]
    msgspec.json.encode(document)


def test_before_the_first_account_reading_money_is_unknown() -> None:
    document = the_document(a_state(account=None))

    assert document["equity_usd"] is None
    assert document["drawdown_pct"] is None
    assert {"age_s": None, "next_funding_at": "2026-01-01T01:00:00.000Z"} == document["market"]


def test_the_last_refusal_is_the_newest_and_nearest() -> None:
    state = a_state()
    episodes = [
        a_refusal(at=T0, numbers={"rr_net": 9.0}),
        a_refusal(at=Millis(T0 + 1), numbers={}),
        a_refusal(at=Millis(T0 + 1), numbers={"rr_net": 1.2}, count=7),
    ]
    state.symbols[BTC].refusals = {(str(i),): row for i, row in enumerate(episodes)}

    found = the_document(state)["last_refusal"]

    assert isinstance(found, dict)
    assert 7 == found["count"]
