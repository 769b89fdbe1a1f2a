"""The account is set as the configuration asks, read back, and never changed under a position."""

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from msgspec.structs import replace

from bot.clock import LoopClock, run_virtual
from bot.gateway.failures import GatewayError, NoAnswerError, Verdict
from bot.model.account import VenueSnapshot
from bot.model.commands import PlaceOrder
from bot.model.primitives import Millis, Side, Symbol
from bot.model.wiring import ExchangeSettings, MarginMode
from bot.venue.api import Modes
from bot.venue.setup import AT_ONCE, Ready, Wanted, deviations, prepare, wanted_of
from tests.fakes.live_api import FakeApi, no_answer, refused
from tests.fakes.paper import BTC, NOW, instrument, request
from tests.fakes.sim_exchange import World
from tests.fakes.sim_market import INSTRUMENTS

Arrange = Callable[[FakeApi], None]


def prepared(
    arrange: Arrange,
    *,
    is_shared: bool = False,
    api_type: type[FakeApi] = FakeApi,
    **settings: object,
) -> tuple[Ready, FakeApi]:
    async def main() -> tuple[Ready, FakeApi]:
        clock = LoopClock(start_at=NOW)
        api = api_type(World(), clock=clock)
        arrange(api)
        ready = await prepare(
            api,
            settings=ExchangeSettings(**settings),  # type: ignore[arg-type]
            instruments=INSTRUMENTS,
            now=clock.now,
            is_margin_mode_shared=is_shared,
        )
        return ready, api

    return run_virtual(main())


def hold(api: FakeApi) -> None:
    api.world.marks[BTC] = Decimal(100_000)
    api.world.trade_by_hand(BTC, Side.BUY, Decimal("0.1"), NOW)


def changes(api: FakeApi) -> list[str]:
    return [name for name in api.calls if name.startswith("set_")]


def test_what_is_as_it_should_be_is_left_alone() -> None:
    ready, api = prepared(lambda _: None)

    assert [] == changes(api)
    assert ("1001", ()) == (ready.account_id, ready.findings)
    assert 4.5 == ready.fees[BTC].taker_bps


def test_what_differs_is_set_and_read_back() -> None:
    def arrange(api: FakeApi) -> None:
        api.is_one_way = False
        api.margin_modes[BTC] = "cross"
        api.leverages[BTC] = 20.0

    ready, api = prepared(arrange)

    assert ["set_one_way", "set_margin_mode", "set_leverage"] == changes(api)
    assert (True, "isolated", 5.0) == (api.is_one_way, api.margin_modes[BTC], api.leverages[BTC])
    assert "modes" in api.calls
    assert () == ready.findings


class CountsSettings(FakeApi):
    """Knows how many leverages were being set at the same time."""

    now = most = 0

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.08)
        await super().set_leverage(symbol, leverage)
        self.now -= 1


@pytest.mark.parametrize(("is_shared", "most"), [(False, AT_ONCE), (True, 1)])
def test_symbols_are_set_side_by_side_but_never_too_many(*, is_shared: bool, most: int) -> None:
    """Thirty one after the other are five seconds of a first start."""
    symbols = [Symbol(f"C{number}/USDT:USDT") for number in range(AT_ONCE + 4)]

    async def main() -> CountsSettings:
        clock = LoopClock(start_at=NOW)
        api = CountsSettings(World(), clock=clock)
        api.leverages |= dict.fromkeys(symbols, 20.0)
        await prepare(
            api,
            settings=ExchangeSettings(),
            instruments={symbol: replace(instrument(), symbol=symbol) for symbol in symbols},
            now=clock.now,
            is_margin_mode_shared=is_shared,
        )
        return api

    api = run_virtual(main())

    assert dict.fromkeys(symbols, 5.0) == {symbol: api.leverages[symbol] for symbol in symbols}
    assert most == api.most


class TellsLittle(FakeApi):
    """Its reading of the account tells the settings of no symbol, as Bybit's tells those of one."""

    async def account(
        self, *, asked_at: Millis, fills_since: Millis, touched: Sequence[Symbol]
    ) -> tuple[VenueSnapshot, Modes]:
        found, modes = await super().account(
            asked_at=asked_at, fills_since=fills_since, touched=touched
        )
        return found, replace(modes, margin_modes={}, leverages={})


def test_every_symbol_is_set_where_the_account_alone_does_not_tell_of_them() -> None:
    def arrange(api: FakeApi) -> None:
        api.leverages |= dict.fromkeys(INSTRUMENTS, 20.0)

    ready, api = prepared(arrange, api_type=TellsLittle)

    assert dict.fromkeys(INSTRUMENTS, 5.0) == api.leverages
    assert () == ready.findings


def test_already_so_is_no_refusal_and_is_believed_only_when_it_is_read_back() -> None:
    def arrange(api: FakeApi) -> None:
        api.leverages[BTC] = 20.0
        api.fail("set_leverage", refused("110043", Verdict.ALREADY_SO))

    ready, _ = prepared(arrange)

    assert ["BTCUSDT was set and read back, and still its leverage is 20 and not 5."] == [
        row.what for row in ready.findings
    ]


def test_a_setting_that_did_not_take_is_said() -> None:
    def arrange(api: FakeApi) -> None:
        api.is_one_way = False
        api.leverages[BTC] = 20.0
        api.is_stuck = True

    ready, _ = prepared(arrange)

    assert [(True, None), (False, BTC)] == [(row.is_fatal, row.symbol) for row in ready.findings]


def test_a_setting_without_an_answer_is_judged_by_what_is_read_back() -> None:
    def arrange(api: FakeApi) -> None:
        api.leverages[BTC] = 20.0
        api.fail("set_leverage", no_answer())

    ready, api = prepared(arrange)

    assert 20.0 == api.leverages[BTC]
    assert [BTC] == [row.symbol for row in ready.findings]


@pytest.mark.parametrize("what", ["margin_modes", "leverages"])
def test_e27_nothing_is_changed_on_a_symbol_with_a_position(what: str) -> None:
    def arrange(api: FakeApi) -> None:
        hold(api)
        values = getattr(api, what)
        values[BTC] = "cross" if what == "margin_modes" else 20.0

    ready, api = prepared(arrange)
    (finding,) = ready.findings

    assert [] == changes(api)
    assert (False, BTC) == (finding.is_fatal, finding.symbol)
    assert "Close them" in finding.remedy


def test_e27_nor_on_one_with_an_open_order() -> None:
    def arrange(api: FakeApi) -> None:
        api.world.marks[BTC] = Decimal(100_000)
        rest = PlaceOrder(symbol=BTC, request=request("rest", Side.BUY, limit="90000"))
        api.world.handle(rest, NOW)
        api.leverages[BTC] = 20.0

    ready, api = prepared(arrange)

    assert [] == changes(api)
    assert [BTC] == [row.symbol for row in ready.findings]


def test_e28_hedge_mode_with_a_position_is_fatal_and_left_alone() -> None:
    def arrange(api: FakeApi) -> None:
        hold(api)
        api.is_one_way = False

    ready, api = prepared(arrange)
    (finding,) = ready.findings

    assert [] == changes(api)
    assert finding.is_fatal
    assert "BTCUSDT" in finding.what


def test_a_refusal_is_told_in_the_exchanges_words() -> None:
    def arrange(api: FakeApi) -> None:
        api.is_one_way = False
        api.margin_modes[BTC] = "cross"
        api.leverages[BTC] = 20.0
        for name in ("set_one_way", "set_margin_mode", "set_leverage"):
            api.fail(name, refused("-4168"))

    ready, _ = prepared(arrange)

    assert [True, False, False] == [row.is_fatal for row in ready.findings]
    assert all("refused with -4168" in row.what for row in ready.findings)


def test_a_margin_mode_of_the_whole_account_is_changed_only_while_all_of_it_is_flat() -> None:
    def arrange(api: FakeApi) -> None:
        api.margin_modes[BTC] = "cross"

    def arrange_held(api: FakeApi) -> None:
        arrange(api)
        hold(api)

    flat, api = prepared(arrange, is_shared=True)
    held, other = prepared(arrange_held, is_shared=True)

    assert (["set_margin_mode"], ()) == (changes(api), flat.findings)
    assert [] == changes(other)
    assert ["The account"] == [row.what[:11] for row in held.findings]


def test_e47_a_key_that_may_not_trade_changes_nothing() -> None:
    def arrange(api: FakeApi) -> None:
        api.can_trade = False
        api.leverages[BTC] = 20.0

    ready, api = prepared(arrange)

    assert [] == changes(api)
    assert ready.findings[0].is_fatal


def test_fees_that_are_not_told_hold_nothing_up() -> None:
    ready, _ = prepared(lambda api: api.fail("fees", no_answer()))

    assert {} == ready.fees
    assert [(False, None)] == [(row.is_fatal, row.symbol) for row in ready.findings]


@pytest.mark.parametrize("call", ["identity", "account"])
def test_an_exchange_that_does_not_answer_is_an_error(call: str) -> None:
    with pytest.raises(GatewayError):
        prepared(lambda api: api.fail(call, NoAnswerError("nobody")))


def test_wishes_stay_within_what_a_contract_allows() -> None:
    settings = ExchangeSettings(leverage=20, margin_mode=MarginMode.CROSS)
    small = {BTC: replace(instrument(), leverage_max=Decimal("12.5"))}

    assert Wanted(margin_mode="cross", leverages={BTC: 12}) == wanted_of(settings, small)


def test_what_the_exchange_does_not_tell_is_no_difference() -> None:
    async def main() -> dict[Symbol | None, str]:
        api = FakeApi(World(), clock=LoopClock(start_at=NOW))
        api.margin_modes.clear()
        api.leverages.clear()
        return deviations(await api.modes(), wanted_of(ExchangeSettings(), INSTRUMENTS))

    assert {} == run_virtual(main())
