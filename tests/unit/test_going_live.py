"""What must be true before a real order leaves: the key, the person, the account, in this order."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest
import structlog

from bot import credentials, going_live
from bot.config import Config, load
from bot.errors import AccessError, ConfigError, DataDirError, UnavailableError
from bot.link import Link, connect
from bot.market.instruments import Terms, instrument_of
from bot.model.account import KeyRights
from bot.model.instrument import Instrument
from bot.model.primitives import Symbol
from bot.request import Confirmation
from bot.sim.emulator.faults import Kind, Ordered
from bot.store.opening import bind_account, is_confirmed
from bot.venue.api import Fees, Identity, PrivateApi
from bot.venue.setup import Ready
from tests.fakes.live_served import BTC, ETH, KEYS, ServedExchange, serving
from tests.fakes.rows import a_ledger

T = TypeVar("T")
RIGHTS = KeyRights(can_withdraw=False, is_ip_restricted=True)


@pytest.fixture(params=["binanceusdm", "bybit"])
def served(request: pytest.FixtureRequest) -> Iterator[ServedExchange]:
    with serving(request.param) as exchange:
        yield exchange


@pytest.fixture
def binance() -> Iterator[ServedExchange]:
    with serving() as exchange:
        yield exchange


def linked(served: ServedExchange, folder: Path, act: Callable[[Link, Config], Awaitable[T]]) -> T:
    """Act over an open line, and hang up."""
    config = load(served.config(folder))
    keys = credentials.find(KEYS)

    async def main() -> T:
        link = await connect(config, keys, lambda *_: None)
        try:
            return await act(link, config)
        finally:
            await link.close()

    return asyncio.run(main())


def known(
    served: ServedExchange, folder: Path, told: Callable[[], None] = lambda: None
) -> Identity:
    async def ask(link: Link, config: Config) -> Identity:
        api = going_live.open_api(link, list(config.symbol_settings))
        told()
        return await going_live.identify(link, api)

    return linked(served, folder, ask)


def contracts(link: Link) -> dict[Symbol, Instrument]:
    terms = Terms(taker_fee_bps=Decimal(77), maker_fee_bps=Decimal(77))
    return {row: instrument_of(row, link.client.exchange.markets, terms) for row in (BTC, ETH)}


def made_ready(
    served: ServedExchange, folder: Path, told: Callable[[], None] = lambda: None
) -> Ready:
    async def ask(link: Link, config: Config) -> Ready:
        api: PrivateApi = going_live.open_api(link, list(config.symbol_settings))
        told()
        return await going_live.set_up(link, api, config, contracts(link))

    return linked(served, folder, ask)


def fails(served: ServedExchange, path: str, kind: Kind = Kind.HTML, times: int = 9) -> None:
    """Requests to a path go wrong from now on."""
    ordered = Ordered(kind=kind, method="GET", path=path, times=times)
    served.do(lambda: served.faults.ordered.append(ordered))


# --- whose key it is


def test_the_account_is_the_exchanges_number_of_it(served: ServedExchange, tmp_path: Path) -> None:
    identity = known(served, tmp_path)

    assert ("1001", True) == (identity.account_id, identity.can_trade)
    assert [] == served.changes


def test_e46_a_key_that_may_withdraw_is_refused(served: ServedExchange, tmp_path: Path) -> None:
    served.key.can_withdraw = True
    with pytest.raises(AccessError, match="may withdraw money"):
        known(served, tmp_path)


def test_e47_a_key_that_may_only_look_is_refused(served: ServedExchange, tmp_path: Path) -> None:
    if served.exchange == "bybit":
        served.key.is_read_only = True
    else:
        served.key.can_trade = False
    with pytest.raises(AccessError, match="may look and not trade") as caught:
        known(served, tmp_path)

    assert "set mode: paper" in caught.value.remedy


def test_e45_a_key_that_is_not_valid_is_no_exchange_that_is_down(
    served: ServedExchange, tmp_path: Path
) -> None:
    served.key.secret = "another"
    with pytest.raises(AccessError, match="The key is not accepted") as caught:
        known(served, tmp_path)

    assert 77 == caught.value.exit_code
    assert caught.value.what.count("(") == 1, "the code is told once"


def test_an_exchange_that_is_down_is_tried_again(binance: ServedExchange, tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="does not answer for the account") as caught:
        known(binance, tmp_path, lambda: fails(binance, "apiRestrictions"))

    assert 69 == caught.value.exit_code
    assert "No order was sent." in caught.value.remedy


def test_c13_a_symbol_that_cannot_be_traded_is_refused(
    binance: ServedExchange, tmp_path: Path
) -> None:
    async def ask(link: Link, config: Config) -> PrivateApi:
        del config
        return going_live.open_api(link, [BTC, Symbol("BTTC/USDT:USDT")])

    with pytest.raises(ConfigError, match="BTTCUSDT is not a perpetual"):
        linked(binance, tmp_path, ask)


# --- the person


def test_the_question_names_exchange_and_account_and_tells_of_the_key(
    served: ServedExchange, tmp_path: Path
) -> None:
    async def ask(link: Link, config: Config) -> Confirmation:
        del config
        rights = KeyRights(can_withdraw=None, is_ip_restricted=False)
        identity = Identity(account_id="55", rights=rights, can_trade=True)
        return going_live.confirmation_of(link, identity)

    question = linked(served, tmp_path, ask)

    assert f"{served.exchange} account 55" == question.account
    assert f"trade live on {question.account}" == question.phrase
    assert 2 == len(question.told)
    assert "Look at the key's rights there yourself." in question.told[0]
    assert "Restrict it to this machine's address" in question.told[1]


class Asked:
    """A person who answers yes or no."""

    def __init__(self, *, agrees: bool) -> None:
        self.agrees = agrees
        self.times = 0

    def __call__(self, question: Confirmation) -> bool:
        del question
        self.times += 1
        return self.agrees


QUESTION = Confirmation(account="an account", phrase="trade live on an account")


def test_a_yes_is_kept_and_asked_for_once(tmp_path: Path) -> None:
    ledger, person = a_ledger(tmp_path, mode="live"), Asked(agrees=True)
    with structlog.testing.capture_logs() as logs:
        for _ in range(2):
            going_live.require_confirmed(ledger, QUESTION, ask=person)
    found = is_confirmed(ledger, "an account"), ledger.meta.account_id, person.times
    ledger.close()

    assert (True, "an account", 1) == found
    assert ["live.confirmed"] == [entry["event"] for entry in logs]


def test_a_no_leaves_the_ledger_to_nobody(tmp_path: Path) -> None:
    ledger = a_ledger(tmp_path, mode="live")
    with pytest.raises(AccessError, match="Nobody has confirmed live trading on an account"):
        going_live.require_confirmed(ledger, QUESTION, ask=Asked(agrees=False))
    found = is_confirmed(ledger, "an account"), ledger.meta.account_id
    ledger.close()

    assert (False, "") == found


def test_c15_another_accounts_ledger_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    ledger, person = a_ledger(tmp_path, mode="live"), Asked(agrees=True)
    bind_account(ledger, "another account")
    with pytest.raises(DataDirError, match="belongs to another account"):
        going_live.require_confirmed(ledger, QUESTION, ask=person)
    ledger.close()

    assert 0 == person.times


# --- the account


def test_the_account_is_set_as_the_configuration_asks(
    served: ServedExchange, tmp_path: Path
) -> None:
    served.do(lambda: served.core.set_hedge(is_hedge=True))
    ready = made_ready(served, tmp_path)
    core = served.core

    assert not core.is_hedge
    assert {BTC: 5, ETH: 5} == {row: core.leverages[row] for row in (BTC, ETH)}
    assert {"isolated"} == {core.margin_modes[row] for row in (BTC, ETH)}
    assert {BTC, ETH} == set(ready.fees)
    assert () == ready.findings


def test_e28_hedge_mode_with_a_position_stops_the_start(
    binance: ServedExchange, tmp_path: Path
) -> None:
    binance.hold()
    binance.do(lambda: setattr(binance.core, "is_hedge", True))
    with pytest.raises(ConfigError, match="hedge mode") as caught:
        made_ready(binance, tmp_path)

    assert "exchange account" == caught.value.where
    assert "BTCUSDT" in caught.value.what
    assert binance.core.is_hedge


def test_what_cannot_be_set_on_one_symbol_is_told_and_stops_nothing(
    binance: ServedExchange, tmp_path: Path
) -> None:
    binance.hold(BTC)
    with structlog.testing.capture_logs() as logs:
        ready = made_ready(binance, tmp_path)
    judged = [entry["text"] for entry in logs if entry["event"] == "account.judged"]

    assert {BTC} == {row.symbol for row in ready.findings}
    assert len(ready.findings) == len(judged) > 0
    assert all("Entries on it wait." in text for text in judged)
    assert 5 == binance.core.leverages[ETH]


def test_e45_a_key_that_is_refused_meanwhile_is_told_as_a_key(
    served: ServedExchange, tmp_path: Path
) -> None:
    """As an exchange that does not answer it would be tried again for ever."""
    name = "is_expired" if served.exchange == "bybit" else "is_revoked"
    with pytest.raises(AccessError, match="The key is not accepted"):
        made_ready(served, tmp_path, lambda: setattr(served.key, name, True))


def test_an_account_that_cannot_be_read_is_not_traded_on(
    binance: ServedExchange, tmp_path: Path
) -> None:
    with pytest.raises(UnavailableError):
        made_ready(binance, tmp_path, lambda: fails(binance, "positionRisk"))

    assert [] == binance.changes


def test_the_accounts_fees_take_the_place_of_the_configurations(
    binance: ServedExchange, tmp_path: Path
) -> None:
    async def ask(link: Link, config: Config) -> dict[Symbol, Instrument]:
        del config
        fees = {BTC: Fees(taker_bps=4.5, maker_bps=1.8)}
        ready = Ready(account_id="1", rights=RIGHTS, fees=fees, findings=())
        return going_live.with_fees(contracts(link), ready)

    found = linked(binance, tmp_path, ask)

    assert (Decimal("4.5"), Decimal("1.8")) == (found[BTC].taker_fee_bps, found[BTC].maker_fee_bps)
    assert Decimal(77) == found[ETH].taker_fee_bps, "what is not told stays as it was"


def test_e37_a_start_whose_time_is_found_wrong_looks_at_the_clock_once_more(
    served: ServedExchange, tmp_path: Path
) -> None:
    async def hurried(link: Link, config: Config) -> Identity:
        del config
        link.clock.skip_ahead(8_000)
        return await going_live.identify(link, going_live.open_api(link, [BTC, ETH]))

    assert linked(served, tmp_path, hurried).can_trade
