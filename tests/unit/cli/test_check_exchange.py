"""What an exchange says to `check`: a line each, nothing changed, and the right exit code."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.cli.check_exchange import reached
from bot.cli.context import Place
from bot.clock import run_virtual, wall_now
from bot.config import load
from bot.gateway.limiter import Limiter
from bot.gateway.time import ExchangeClock
from bot.link import Link
from bot.model.primitives import Millis
from bot.venue.profiles import profile_of
from tests.fakes.live_connection import Scripted, a_client, a_reply
from tests.fakes.live_served import BTC, KEYS, ServedExchange, serving
from tests.fakes.sim_process import free_port
from tests.fakes.verbs import Said, a_config, say


@pytest.fixture(params=["binanceusdm", "bybit"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    with serving(request.param) as exchange:
        yield exchange


@pytest.fixture
def binance() -> Iterator[ServedExchange]:
    with serving() as exchange:
        yield exchange


def lines(said: Said, name: str) -> list[dict[str, Any]]:
    return [row for row in said.document if row["name"] == name]


def line(said: Said, name: str) -> dict[str, Any]:
    (found,) = lines(said, name)
    return found


def checked(served: ServedExchange, folder: Path, *, more: str = "", **environ: str) -> Said:
    path = str(served.config(folder, more=more))
    return say("check", "--json", "-c", path, environ={**KEYS, **environ})


def confirmed(served: ServedExchange, folder: Path) -> None:
    text = f"trade live on {served.account}\n"
    assert 0 == say("confirm", "-c", str(served.config(folder)), environ=KEYS, text=text).code


def test_paper_on_an_exchanges_prices_is_checked_without_keys(
    served: ServedExchange, tmp_path: Path
) -> None:
    said = say("check", "--json", "-c", str(served.config(tmp_path, mode="paper")))

    assert 0 == said.code
    assert ("ok", "answers, 2 symbols listed") == (
        line(said, "exchange")["verdict"],
        line(said, "exchange")["what"],
    )
    assert [] == lines(said, "account")
    assert [] == served.signed


def test_c7_keys_are_ignored_on_paper(binance: ServedExchange, tmp_path: Path) -> None:
    path = str(binance.config(tmp_path, mode="paper"))
    said = say("check", "--json", "-c", path, environ=KEYS)

    assert "ignored: paper trading sends nothing" in line(said, "keys")["what"]
    assert [] == binance.signed


def test_what_the_start_would_do_is_told_and_nothing_is_changed(
    served: ServedExchange, tmp_path: Path
) -> None:
    said = checked(served, tmp_path)

    account = line(said, "account")
    assert ("ok", served.account) == (account["verdict"], account["where"])
    assert "the key may trade, 10,000.00 USDT" == account["what"]
    assert "works from any address" in line(said, "key")["what"]
    settings = lines(said, "settings")
    assert ["warn", "warn"] == [row["verdict"] for row in settings]
    assert "BTCUSDT: its margin mode is cross and not isolated" in settings[0]["what"]
    assert "its leverage is 20 and not 5" in settings[0]["what"]
    assert "The start sets it." == settings[0]["remedy"]
    assert [] == served.changes


def test_an_account_that_nobody_has_confirmed_is_told_with_the_command(
    served: ServedExchange, tmp_path: Path
) -> None:
    before = checked(served, tmp_path)
    row = line(before, "confirmed")

    assert 77 == before.code
    assert f"Nobody has confirmed live trading on {served.account}." == row["what"]
    assert f"Run `liqbot confirm -c {tmp_path / 'config.yaml'}` once" in row["remedy"]

    confirmed(served, tmp_path)
    after = checked(served, tmp_path)

    assert 0 == after.code
    assert "ok" == line(after, "confirmed")["verdict"]


def test_c15_a_ledger_of_another_account_is_told(tmp_path: Path) -> None:
    with serving(account="1001") as first:
        confirmed(first, tmp_path)
    with serving(account="1002") as second:
        said = checked(second, tmp_path)

    assert 73 == said.code
    assert "belongs to binanceusdm account 1001" in line(said, "confirmed")["what"]


@pytest.mark.parametrize("name", KEYS)
def test_e45_a_wrong_key_or_secret_is_not_accepted(
    served: ServedExchange, tmp_path: Path, name: str
) -> None:
    said = checked(served, tmp_path, **{name: "Xq7mistaken"})
    account = line(said, "account")

    assert 77 == said.code
    assert "The key is not accepted" in account["what"]
    assert "is it whole" in account["remedy"]
    assert "Xq7mistaken" not in said.out
    assert "ok" == line(said, "exchange")["verdict"]


def test_e46_a_key_that_may_withdraw_is_refused(served: ServedExchange, tmp_path: Path) -> None:
    served.key.can_withdraw = True
    said = checked(served, tmp_path)

    assert 77 == said.code
    assert "may withdraw money" in line(said, "account")["what"]


def test_e47_a_key_that_may_only_look_is_refused(served: ServedExchange, tmp_path: Path) -> None:
    if served.exchange == "bybit":
        served.key.is_read_only = True
    else:
        served.key.can_trade = False
    said = checked(served, tmp_path)

    assert 77 == said.code
    assert "The key may look and not trade." == line(said, "account")["what"]


def test_c7_without_keys_the_exchange_is_asked_all_the_same(
    binance: ServedExchange, tmp_path: Path
) -> None:
    said = say("check", "--json", "-c", str(binance.config(tmp_path)))

    assert 77 == said.code
    assert "ok" == line(said, "exchange")["verdict"]
    assert ("-", "not asked without keys") == (
        line(said, "account")["verdict"],
        line(said, "account")["what"],
    )
    assert "exchange_api_key and exchange_secret are missing" in line(said, "keys")["what"]


def test_hedge_mode_is_set_by_the_start_unless_something_is_open(
    binance: ServedExchange, tmp_path: Path
) -> None:
    binance.do(lambda: binance.core.set_hedge(is_hedge=True))
    confirmed(binance, tmp_path)
    said = checked(binance, tmp_path)
    (row,) = [row for row in lines(said, "settings") if "hedge mode" in row["what"]]

    assert (0, "warn", "The start sets it.") == (said.code, row["verdict"], row["remedy"])


def test_e28_hedge_mode_with_a_position_stops_the_start(
    binance: ServedExchange, tmp_path: Path
) -> None:
    confirmed(binance, tmp_path)
    binance.hold()
    binance.do(lambda: setattr(binance.core, "is_hedge", True))
    said = checked(binance, tmp_path)
    (row,) = [row for row in lines(said, "settings") if "hedge mode" in row["what"]]

    assert (78, "FAIL") == (said.code, row["verdict"])
    assert "something is open" in row["what"]


def test_what_is_held_is_not_set(binance: ServedExchange, tmp_path: Path) -> None:
    binance.hold(BTC)
    btc, eth = lines(checked(binance, tmp_path), "settings")

    assert "BTCUSDT" in btc["what"]
    assert "left as it is, and entries wait" in btc["remedy"]
    assert "The start sets it." == eth["remedy"]


def test_an_account_without_money_is_told(binance: ServedExchange, tmp_path: Path) -> None:
    binance.do(lambda: setattr(binance.core, "balance_usd", 0))

    assert "warn" == line(checked(binance, tmp_path), "account")["verdict"]


def test_an_exchange_that_is_not_there_ends_with_69(tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    text = f'market: {{source: exchange}}\nexchange: {{base_url: "http://{address}"}}\n'
    said = say("check", "--json", "-c", str(a_config(tmp_path, text)))
    row = line(said, "exchange")

    assert 69 == said.code
    assert "does not answer" in row["what"]
    assert f"http://{address}" == row["where"]
    assert row["remedy"]


def test_c13_a_symbol_that_is_not_listed_is_told_with_the_nearest(
    binance: ServedExchange, tmp_path: Path
) -> None:
    path = binance.config(tmp_path)
    path.write_text(path.read_text().replace("ETHUSDT", "ETHHUSDT"), encoding="utf-8")
    said = say("check", "--json", "-c", str(path), environ=KEYS)
    row = line(said, "exchange")

    assert 78 == said.code
    assert "ETHHUSDT is not a perpetual that the exchange lists." == row["what"]
    assert "ETHUSDT" in row["remedy"]
    assert "ok" == line(said, "account")["verdict"], "all that is wrong is told at once"


@pytest.mark.parametrize(("off_s", "verdict"), [(0, "ok"), (-5, "warn"), (5, "warn")])
def test_a_skewed_clock_is_told(tmp_path: Path, off_s: int, verdict: str) -> None:
    """The machine's clock moves nothing, and whoever reads both wants to know."""
    path = a_config(tmp_path, "symbols: [BTCUSDT]\nmarket: {source: exchange}\n")
    place = Place(config_path=path, config=load(path), data_dir=tmp_path / "data")

    async def look() -> Any:
        clock = ExchangeClock(start_at=Millis(wall_now() + off_s * 1000))
        client = a_client(Scripted(a_reply({})), clock=clock)
        client.exchange.markets = {BTC: A_MARKET}
        profile = profile_of("binanceusdm")
        limiter = Limiter(profile.connection.budgets, clock=clock)
        found = reached(place, Link(profile=profile, client=client, clock=clock, limiter=limiter))
        await client.close()
        return found

    found = run_virtual(look())

    assert verdict == found.verdict
    assert f"its clock is {off_s:+.1f} s off" in found.what.replace("-0.0", "+0.0")
    assert ("NTP" in found.remedy) == (verdict == "warn")


def test_a_halted_symbol_is_told(tmp_path: Path) -> None:
    path = a_config(tmp_path, "symbols: [BTCUSDT]\nmarket: {source: exchange}\n")
    place = Place(config_path=path, config=load(path), data_dir=tmp_path / "data")

    async def look() -> Any:
        clock = ExchangeClock(start_at=wall_now())
        client = a_client(Scripted(a_reply({})), clock=clock)
        client.exchange.markets = {BTC: A_MARKET | {"active": False}}
        profile = profile_of("binanceusdm")
        limiter = Limiter(profile.connection.budgets, clock=clock)
        return reached(place, Link(profile=profile, client=client, clock=clock, limiter=limiter))

    found = run_virtual(look())

    assert "warn" == found.verdict
    assert "It does not trade BTCUSDT now: no entries there." == found.remedy


def test_where_no_exchange_is_used_none_is_asked(tmp_path: Path) -> None:
    assert [] == lines(say("check", "--json", "-c", str(a_config(tmp_path))), "exchange")


A_MARKET: dict[str, Any] = {
    "swap": True,
    "linear": True,
    "settle": "USDT",
    "contractSize": "1",
    "precision": {"price": "0.1", "amount": "0.001"},
    "active": True,
}
