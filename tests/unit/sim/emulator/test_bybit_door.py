"""Who is let in at Bybit: keys, signatures, windows, limits."""

import hashlib
import hmac

import pytest

from bot.model.primitives import Millis
from bot.sim.emulator.bybit_door import IP_BAN_MS
from tests.fakes.contracts import NOON
from tests.fakes.emu_bybit import KEY, SECRET, Client

INFO = "/v5/account/info"


def test_a_signed_request_is_let_in() -> None:
    assert 0 == Client().get(INFO).code


def test_keys_are_refused_for_what_is_wrong_with_them() -> None:
    unknown, forged = Client(), Client()
    unknown.api_key = "other"
    forged.secret = "other"
    expired, elsewhere, reader = Client(), Client(), Client()
    expired.dialect.door.key.is_expired = True
    elsewhere.dialect.door.key.is_from_elsewhere = True
    reader.dialect.door.key.is_read_only = True

    assert (10003, 401) == (unknown.get(INFO).code, unknown.get(INFO).status)
    assert 10004 == forged.get(INFO).code
    assert 33004 == expired.get(INFO).code
    assert 10010 == elsewhere.get(INFO).code
    assert (0, 10005) == (reader.get(INFO).code, reader.order("Buy", "1").code)


@pytest.mark.parametrize(
    ("off_ms", "code"), [(-5_000, 0), (-5_001, 10002), (999, 0), (1000, 10002)]
)
def test_e37_a_clock_that_is_off_is_told(off_ms: int, code: int) -> None:
    client = Client()
    client.clock_off_ms = off_ms

    assert code == client.get(INFO).code


def test_e37_an_order_that_comes_too_late_is_not_placed() -> None:
    client = Client()
    client.clock_off_ms = -5_001
    late = client.order("Buy", "1", orderLinkId="late")

    assert 10002 == late.code
    assert {} == client.core.orders


def test_e34_headers_tell_what_is_left_and_beyond_it_is_10006() -> None:
    client = Client()
    answers = [client.cancel(orderLinkId="none") for _ in range(11)]
    first, last = answers[0].headers, answers[10].headers

    assert ("10", "9", str(NOON)) == (
        first["x-bapi-limit"],
        first["x-bapi-limit-status"],
        first["x-bapi-limit-reset-timestamp"],
    )
    assert [110001] * 10 + [10006] == [answer.code for answer in answers]
    assert (200, "0", str(NOON + 1000)) == (
        answers[10].status,
        last["x-bapi-limit-status"],
        last["x-bapi-limit-reset-timestamp"],
    )


def test_e34_each_endpoint_has_a_second_of_its_own_and_it_rolls_on() -> None:
    client = Client()
    for _ in range(10):
        client.cancel(orderLinkId="none")

    assert 0 == client.get(INFO).code
    client.now += 1000
    assert 110001 == client.cancel(orderLinkId="none").code


def test_e35_too_many_requests_ban_the_address_for_a_while() -> None:
    client = Client()
    client.dialect.door.ip_requests_max = 3
    answers = [client.get("/v5/market/time") for _ in range(4)]
    client.now += IP_BAN_MS - 1
    still = client.get("/v5/market/time")
    client.now += 1
    again = client.get("/v5/market/time")

    assert [200, 200, 200, 403] == [answer.status for answer in answers]
    assert (10018, 403) == (still.code, still.status)
    assert 200 == again.status


def test_the_private_stream_opens_for_the_key_alone() -> None:
    client = Client()
    expires = str(NOON + 1000)
    sign = hmac.new(SECRET.encode(), f"GET/realtime{expires}".encode(), hashlib.sha256).hexdigest()
    dialect = client.dialect

    assert dialect.is_authentic([KEY, expires, sign], NOON)
    assert not dialect.is_authentic([KEY, expires, sign], Millis(NOON + 1000))
    assert not dialect.is_authentic(["other", expires, sign], NOON)
    assert not dialect.is_authentic([KEY, expires, "0" * 64], NOON)
    assert not dialect.is_authentic([], NOON)
