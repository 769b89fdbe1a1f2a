"""Paper trading on an exchange's public data, with real processes: no key is needed or sent."""

from pathlib import Path
from typing import Any

import pytest

from bot.store import check
from bot.store.files import DataFiles
from bot.store.reader import Reader
from tests.fakes.emu_process import EmulatorProcess, environment
from tests.fakes.live_process import live_config
from tests.fakes.live_wiretap import Wiretap
from tests.fakes.sim_process import Run

SPEED = 60.0
CANARY = {
    "LIQBOT_EXCHANGE_API_KEY": "CanaryKeyThatMustNeverBeSent0123456789",
    "LIQBOT_EXCHANGE_SECRET": "CanarySecretThatMustNeverBeSent9876543210",
}
ASKED = {
    "binanceusdm": (b"/fapi/v1/klines", b"/futures/data/openInterestHist", b"/premiumIndex"),
    "bybit": (b"/v5/market/kline", b"/v5/market/open-interest", b"/v5/market/tickers"),
}
SIGNED = (b"apikey", b"api-key", b"signature", b"bapi-sign", b"listenkey")


def paper_config(folder: Path, emulator: EmulatorProcess, line: Wiretap) -> Path:
    where: dict[str, Any] = {
        "base_url": f"http://{line.address}",
        "stream_url": f"ws://{line.address}",
    }
    return live_config(folder, emulator, mode="paper", exchange=where)


@pytest.mark.parametrize("exchange", ASKED)
@pytest.mark.parametrize("keys", [{}, CANARY], ids=["no keys", "keys that are not for paper"])
def test_prices_candles_and_open_interest_make_clusters_and_paper_trades(
    tmp_path: Path, exchange: str, keys: dict[str, str]
) -> None:
    """The account at the exchange is never touched, and nobody is told whose bot it is."""
    names = ("LIQBOT_EXCHANGE_API_KEY", "LIQBOT_EXCHANGE_SECRET")
    environ = {key: value for key, value in environment().items() if key not in names} | keys
    with (
        EmulatorProcess(tmp_path, exchange=exchange, speed=SPEED) as emulator,
        Wiretap(emulator.address) as line,
    ):
        run = Run(paper_config(tmp_path, emulator, line), environ=environ)
        try:
            assert run.hear("CLOSED", 60.0), run.said
            run.terminate()
            code = run.end()
        finally:
            run.kill()
        state, heard = emulator.state(), line.sent
    ledger = DataFiles(folder=tmp_path / "data").ledger
    with Reader(ledger) as reader:
        trades, prices = reader.trades(), reader.prices()
        clusters = [reader.clusters(symbol) for symbol in prices]

    assert 0 == code, run.said
    assert () == check.examine(ledger).problems
    assert trades
    assert 3 == len(prices)
    assert all(clusters)
    assert (0, [], []) == (state["orders_ever"], state["trades"], state["holdings"])
    assert [] == [path for path in ASKED[exchange] if path not in heard]
    assert [] == [word for word in SIGNED if word in heard.lower()]
    assert [] == [key for key in keys.values() if key.encode() in heard]
