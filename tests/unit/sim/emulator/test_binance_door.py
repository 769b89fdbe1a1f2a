"""Who is let in at Binance: keys, signatures, windows, weights, bans."""

import msgspec
import pytest

from bot.gateway.http import HttpReply
from bot.model.primitives import Millis
from bot.sim.emulator.binance_call import Call
from bot.sim.emulator.binance_door import BAN_MS, PATIENCE, Counter, Door, Key
from bot.sim.emulator.binance_words import Refused
from tests.fakes.contracts import NOON
from tests.fakes.emu_binance import BUY_ONE, ORDER, Wire, signed

BALANCE = "/fapi/v3/balance"


def door() -> Door:
    return Door(Key(api_key="key", secret="secret"))


def refusal(knock: Door, weight: int, at: int, *, is_order: bool = False) -> HttpReply:
    with pytest.raises(Refused) as refused:
        knock.knock(weight, Millis(at), is_order=is_order)
    return refused.value.reply


def test_uses_are_forgotten_after_their_span() -> None:
    counter = Counter(1000)
    counter.add(5, NOON)
    counter.add(3, Millis(NOON + 600))

    assert counter.add(0, Millis(NOON + 999)) == 8
    assert counter.frees_in_ms(Millis(NOON + 999)) == 1
    assert counter.add(0, Millis(NOON + 1000)) == 3


def test_e34_too_much_weight_is_429_until_the_minute_has_passed() -> None:
    knocked = door()
    knocked.knock(2400, NOON, is_order=False)

    reply = refusal(knocked, 1, NOON + 1000)

    assert (reply.status, reply.headers["retry-after"]) == (429, "59")
    assert msgspec.json.decode(reply.body)["code"] == -1003
    knocked.knock(2399, Millis(NOON + 60_000), is_order=False)


def test_e35_whoever_goes_on_is_banned() -> None:
    knocked = door()
    knocked.knock(2400, NOON, is_order=False)
    for _ in range(PATIENCE):
        assert refusal(knocked, 1, NOON).status == 429

    reply = refusal(knocked, 1, NOON)
    until = NOON + BAN_MS

    assert (reply.status, reply.headers["retry-after"]) == (418, "120")
    assert f"banned until {until}" in reply.body.decode()
    assert refusal(knocked, 1, until - 1).status == 418
    knocked.knock(1, Millis(until), is_order=False)


def test_orders_have_limits_of_their_own() -> None:
    knocked = door()
    for _ in range(300):
        knocked.knock(0, NOON, is_order=True)

    reply = refusal(knocked, 0, NOON, is_order=True)

    assert (reply.status, msgspec.json.decode(reply.body)["code"]) == (429, -1015)
    knocked.knock(0, Millis(NOON + 10_000), is_order=True)


def test_e36_what_others_use_counts_as_well() -> None:
    knocked = door()

    knocked.use(2000, NOON)

    assert knocked.headers(NOON, is_order=False) == {"x-mbx-used-weight-1m": "2000"}


def test_a_request_needs_a_key_a_time_and_a_signature() -> None:
    wire = Wire()

    assert wire.carry("GET", BALANCE, "timestamp=1", key="")["code"] == -2014
    assert wire.carry("GET", BALANCE, "timestamp=1", key="other")["code"] == -2015
    assert wire.carry("GET", BALANCE, "")["code"] == -1102
    assert wire.carry("GET", BALANCE, f"timestamp={NOON}&signature=no")["code"] == -1022
    assert wire.code("GET", BALANCE) == 0


@pytest.mark.parametrize(
    ("offset", "window", "code"),
    [
        (-5000, None, 0),
        (-5001, None, -1021),
        (-2001, 2000, -1021),
        (999, None, 0),
        (1000, None, -1021),
        (0, 60_001, -1131),
    ],
)
def test_e37_a_request_is_taken_within_its_window_only(
    offset: int, window: int | None, code: int
) -> None:
    wire = Wire()

    answer = wire.carry("POST", ORDER, signed({**BUY_ONE, "recvWindow": window}, NOON + offset))

    assert int(answer.get("code", 0)) == code


def test_the_key_alone_opens_a_listen_key() -> None:
    knocked = door()
    knocked.check_key(Call(params={}, at=NOON, api_key="key"))

    with pytest.raises(Refused, match="-2015"):
        knocked.check_key(Call(params={}, at=NOON, api_key="other"))
