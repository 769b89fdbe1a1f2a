"""Options of the emulator, the configuration it writes, and what it says."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.cli.sim_talk import Talk, config_text, request_of, taken, write_config
from bot.config import load
from bot.errors import ConfigError, DataDirError, UsageError
from bot.model.primitives import Side
from bot.model.wiring import MarketSource, Mode, Provider
from bot.sim.emulator.faults import Kind
from bot.sim.emulator.life import Opened
from tests.fakes.contracts import NOON
from tests.fakes.emu_market import exchange_at, market
from tests.fakes.worlds import BTC, ETH, START

OPTIONS: dict[str, Any] = {
    "exchange": "binanceusdm",
    "listen": "127.0.0.1:8791",
    "symbols": "btc, ETHUSDT BTC/USDT",
    "seed": 7,
    "speed": 20.0,
    "balance": "12,500",
    "history_days": 3,
    "start_at": "2026-01-01T00:00:00Z",
    "is_still": False,
    "latency_ms": 80.0,
    "jitter_ms": 20.0,
    "lost_replies": 0.05,
    "faults": 0.0,
    "api_key": "k",
    "secret": "s",
    "account": "",
    "token": "",
    "duration": None,
}


def asked(**more: Any) -> dict[str, Any]:
    return {**OPTIONS, **more}


def test_options_become_a_request() -> None:
    request = request_of(asked())

    assert (BTC, ETH) == request.symbols
    assert Decimal(12_500) == request.balance_usd
    assert START == request.start_at
    assert {Kind.LOST_REPLY: 0.05} == request.faults.shares
    assert 0.0 == request.faults.stream_drop


def test_every_start_is_an_account_and_a_token_of_its_own() -> None:
    one, other = request_of(asked()), request_of(asked())
    named = request_of(asked(account="1001", token="t"))

    assert one.account_id.isdigit()
    assert one.token != other.token
    assert 16 <= len(one.token)
    assert ("1001", "t") == (named.account_id, named.token)


def test_the_jitter_is_never_more_than_the_latency() -> None:
    assert 5.0 == request_of(asked(latency_ms=5.0)).faults.jitter_ms


def test_a_share_of_faults_is_for_streams_as_well() -> None:
    faults = request_of(asked(faults=0.06, lost_replies=0.0)).faults

    assert pytest.approx(0.06) == sum(faults.shares.values())
    assert pytest.approx(0.001) == faults.stream_drop
    assert 0.06 == faults.stream_repeat


@pytest.mark.parametrize(
    "more",
    [
        {"symbols": " , "},
        {"symbols": "btc,-"},
        {"balance": "-5"},
        {"balance": "Infinity"},
        {"listen": "10.0.0.1:1"},
        {"start_at": "2026-01-01T00:03:00Z"},
        {"start_at": "soon"},
    ],
)
def test_what_is_no_option_is_a_sentence_with_a_remedy(more: dict[str, Any]) -> None:
    with pytest.raises((UsageError, ConfigError)) as caught:
        request_of(asked(**more))

    assert caught.value.what.endswith(".")
    assert caught.value.remedy


@pytest.mark.parametrize("exchange", ["binanceusdm", "bybit"])
def test_the_configuration_it_writes_trades_on_it(tmp_path: Path, exchange: str) -> None:
    path = tmp_path / "my.yaml"
    request = request_of(asked(exchange=exchange, account="77"))
    write_config(path, config_text(request, "127.0.0.1:8791"))
    config = load(path)

    assert (Mode.LIVE, MarketSource.EXCHANGE) == (config.mode, config.market.source)
    assert (exchange, 20.0) == (config.exchange.id, config.exchange.speed)
    assert ("http://127.0.0.1:8791", "ws://127.0.0.1:8791") == (
        config.exchange.base_url,
        config.exchange.stream_url,
    )
    assert Provider.LOCAL is config.heatmap.provider
    assert [BTC, ETH] == list(config.symbol_settings)
    assert "rehearsal-77" == config.data_dir
    assert "k" not in path.read_text().split()


def test_it_writes_nothing_over_anything(tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    write_config(path, "a: 1\n")
    with pytest.raises(UsageError):
        write_config(path, "b: 1\n")

    assert "a: 1\n" == path.read_text()
    assert str(path) in str(taken(path))


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(DataDirError):
        write_config(tmp_path / "nowhere" / "my.yaml", "a: 1\n")


Said = Callable[[], str]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    return lambda: capsys.readouterr().out


def test_it_says_exactly_what_to_do_next(said: Said) -> None:
    request = request_of(asked(token="sesame"))
    Talk(request, config=None, is_quiet=False).opened(Opened(host="127.0.0.1", port=8791))
    text = said()

    for line in config_text(request, "127.0.0.1:8791").splitlines():
        assert line.startswith("#") or line.split("  #")[0] in text
    assert "export LIQBOT_EXCHANGE_API_KEY=k\n" in text
    assert "export LIQBOT_EXCHANGE_SECRET=s\n" in text
    assert "5 % of requests go wrong" in text
    assert "http://127.0.0.1:8791/_emulator/state with X-Emulator-Token: sesame" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_configuration_that_was_written_is_named_in_the_commands(
    said: Said, tmp_path: Path
) -> None:
    path = tmp_path / "my.yaml"
    talk = Talk(request_of(asked()), config=path, is_quiet=False)
    talk.opened(Opened(host="::1", port=9))
    text = said()

    assert f"{path}  written" in text
    assert f"run -c {path}" in text
    assert 'base_url: "http://[::1]:9"' in path.read_text()


def test_many_symbols_are_counted_and_not_listed(said: Said) -> None:
    names = ",".join(f"A{number}USDT" for number in range(30))
    Talk(request_of(asked(symbols=names)), config=None, is_quiet=True)

    assert "A7USDT and 22 more" in said()


@pytest.mark.parametrize("is_quiet", [True, False])
def test_the_story_is_told_unless_it_is_to_be_quiet_and_the_sum_always(
    said: Said, *, is_quiet: bool
) -> None:
    core = exchange_at()
    core.place(market(Side.BUY, "1"), NOON)
    talk = Talk(request_of(asked(balance="10000")), config=None, is_quiet=is_quiet)
    for happening in core.take_happenings():
        talk.happened(happening)
    talk.stopped(core, "Ctrl-C")
    text = said()

    assert is_quiet == ("FILLED   buy 1" not in text)
    assert "Stopping: Ctrl-C." in text
    assert "1 fill: -0.05 USDT" in text
