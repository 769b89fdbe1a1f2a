"""What Bybit's codes prove, and how its replies are told apart."""

import pytest

from bot.gateway.failures import UNREAD, Verdict
from bot.venue.profiles.bybit import CODES, CONNECTION, PROFILE, refusal_of, time_of, used_of
from tests.fakes.live_bybit import NOW


@pytest.mark.parametrize("code", ["10000", "10016", "10019", "131200", "5004"])
def test_e4_trouble_of_its_servers_proves_nothing(code: str) -> None:
    assert Verdict.UNKNOWN is CODES[code]


def test_e5_a_code_that_is_in_no_list_proves_nothing() -> None:
    assert "987654" not in CODES


@pytest.mark.parametrize("code", ["429", "110063", "110079"])
def test_e6_a_server_under_load_has_read_nothing(code: str) -> None:
    assert Verdict.BUSY is CODES[code]


@pytest.mark.parametrize("code", ["110072", "110030", "10014"])
def test_e7_a_duplicate_id_means_that_the_order_exists(code: str) -> None:
    assert Verdict.DUPLICATE is CODES[code]


@pytest.mark.parametrize("code", ["110001", "110008", "110010"])
def test_e13_a_cancel_of_what_is_not_open_is_not_found(code: str) -> None:
    assert Verdict.NOT_FOUND is CODES[code]


@pytest.mark.parametrize("code", ["110092", "110093"])
def test_e14_a_trigger_on_the_wrong_side_is_refused_with_its_own_code(code: str) -> None:
    assert Verdict.REJECTED is CODES[code]


@pytest.mark.parametrize("code", ["10024", "10027", "110023", "110042", "110066"])
def test_e31_what_may_not_be_traded_is_not_a_bad_key(code: str) -> None:
    assert Verdict.REJECTED is CODES[code]


@pytest.mark.parametrize("code", ["10006", "10018", "10429"])
def test_e34_too_many_requests_are_turned_away_unread(code: str) -> None:
    assert Verdict.RATE is CODES[code]


@pytest.mark.parametrize("code", ["10002", "-1"])
def test_e37_outside_of_its_window_a_request_is_turned_away_unread(code: str) -> None:
    assert Verdict.CLOCK is CODES[code]
    assert CODES[code] in UNREAD


@pytest.mark.parametrize("code", ["110004", "110006", "110007", "110012", "110044", "110045"])
def test_e39_want_of_margin_is_a_refusal(code: str) -> None:
    assert Verdict.REJECTED is CODES[code]


@pytest.mark.parametrize("code", ["10003", "10004", "10005", "10007", "10010", "33004"])
def test_e45_a_key_that_is_refused_is_told(code: str) -> None:
    assert Verdict.AUTH is CODES[code]


@pytest.mark.parametrize("code", ["110025", "110026", "110027", "110043", "34040"])
def test_a_setting_that_is_as_it_should_be_counts_as_done(code: str) -> None:
    assert Verdict.ALREADY_SO is CODES[code]


@pytest.mark.parametrize("code", ["10001", "110003", "110009", "110017", "110094", "10017"])
def test_what_was_judged_and_refused_does_not_exist(code: str) -> None:
    assert Verdict.REJECTED is CODES[code]


def test_a_refusal_comes_with_http_200_too() -> None:
    refusal = refusal_of(200, {"retCode": 110007, "retMsg": "ab not enough", "result": {}})

    assert ("110007", "ab not enough") == refusal


def test_a_success_is_no_refusal() -> None:
    assert refusal_of(200, {"retCode": 0, "retMsg": "OK", "result": {}}) is None


@pytest.mark.parametrize("parsed", [{}, [], {"result": {}}])
def test_what_has_no_code_is_no_refusal(parsed: object) -> None:
    assert refusal_of(200, parsed) is None


def test_its_clock_is_read_in_milliseconds() -> None:
    assert NOW == time_of({"result": {"timeSecond": "1", "timeNano": f"{NOW}999999"}})


def test_headers_that_do_not_name_their_endpoint_count_nothing() -> None:
    assert {} == used_of({"x-bapi-limit": "10", "x-bapi-limit-status": "2"})


def test_ccxt_asks_for_nothing_by_itself() -> None:
    options = CONNECTION.options

    assert {"types": ["linear"], "usePrivateInstrumentsInfo": False} == options["fetchMarkets"]
    assert 6 == options["unifiedMarginStatus"]
    assert options["enableUnifiedAccount"] is True
    assert options["enableUnifiedMargin"] is False
    assert "recvWindow" == CONNECTION.window_option


def test_it_trades_money_and_carries_the_stop_with_the_entry() -> None:
    assert PROFILE.is_live
    assert PROFILE.has_attached_stop
    assert PROFILE.open_api is not None
