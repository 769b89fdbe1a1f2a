"""Exchanges that give data alone."""

import re
from typing import Any

import pytest

from bot.venue.profiles import PUBLIC
from bot.venue.profiles.profile import Profile
from bot.venue.profiles.public import PROFILES, refusal_of, used_of

SECOND = 1_767_225_600_000
TIMES: dict[str, Any] = {
    "okx": {"code": "0", "data": [{"ts": str(SECOND)}], "msg": ""},
    "bitget": {"code": "00000", "data": {"serverTime": str(SECOND)}},
    "hyperliquid": {"specialStatuses": None, "time": SECOND},
    "gate": {"server_time": SECOND},
    "kucoinfutures": {"code": "200000", "data": SECOND},
    "bingx": {"code": 0, "msg": "", "data": {"serverTime": SECOND}},
    "mexc": {"success": True, "code": 0, "data": SECOND},
    "krakenfutures": {"result": "success", "serverTime": "2026-01-01T00:00:00.000Z"},
    "deribit": {"jsonrpc": "2.0", "result": SECOND},
}


def test_the_register_and_the_module_name_the_same() -> None:
    assert PUBLIC == tuple(PROFILES)


@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda row: row.connection.id)
def test_none_of_them_trades_money_and_each_says_why(profile: Profile) -> None:
    assert not profile.is_live
    assert profile.open_api is None
    assert re.fullmatch(
        rf"{profile.connection.title} gives data and paper trading only: .+\.", profile.why_not
    )


@pytest.mark.parametrize("exchange_id", PROFILES)
def test_each_tells_its_time(exchange_id: str) -> None:
    assert SECOND == PROFILES[exchange_id].connection.time_of(TIMES[exchange_id])


@pytest.mark.parametrize("exchange_id", PROFILES)
def test_a_success_is_no_refusal(exchange_id: str) -> None:
    assert refusal_of(200, TIMES[exchange_id]) is None


@pytest.mark.parametrize(
    ("status", "parsed", "code"),
    [
        (200, {"code": "50011", "msg": "Too Many Requests"}, "50011"),
        (400, {"label": "INVALID_PARAM_VALUE", "message": "no"}, "INVALID_PARAM_VALUE"),
        (500, [], "http:500"),
        (422, {"status": "x"}, "http:422"),
    ],
)
def test_a_refusal_is_seen(status: int, parsed: Any, code: str) -> None:
    refusal = refusal_of(status, parsed)

    assert refusal is not None
    assert code == refusal.code


def test_headers_count_nothing() -> None:
    assert {} == used_of({"x-used": "3"})
