"""One look at the provider gives one plain sentence and, where needed, a remedy."""

import asyncio

import pytest

from bot.clock import run_virtual
from bot.errors import ConfigError
from bot.heatmap.listing import listing
from bot.heatmap.probe import ProbeResult, probe
from bot.model.primitives import Millis, Symbol
from bot.model.wiring import HeatmapSettings
from tests.fakes.heatmap_faults import FAULTS, status
from tests.fakes.heatmap_scene import a_scene
from tests.fakes.heatmap_server import HeatmapServer
from tests.fakes.heatmap_transport import BASE_URL, SceneTransport

SETTINGS = HeatmapSettings(base_url=BASE_URL)


def looked(transport: SceneTransport, *names: str) -> ProbeResult:
    listings = [listing(Symbol(f"{name}/USDT:USDT")) for name in names or ("BTC",)]

    async def run() -> ProbeResult:
        return await probe(
            SETTINGS, listings, wall=lambda: Millis(0), open_transport=transport.open
        )

    return run_virtual(run())


def test_a_provider_that_answers_is_said_with_what_it_carries() -> None:
    result = looked(SceneTransport(a_scene("BTCUSDT", "ETHUSDT")), "BTC", "ETH")

    assert result.is_ok
    assert BASE_URL == result.where
    assert "2 symbols, 12 clusters, answered in 100 ms" == result.what
    assert "" == result.remedy


def test_of_many_symbols_the_first_three_are_asked() -> None:
    transport = SceneTransport(a_scene(*(f"{name}USDT" for name in "ABCDE")))
    result = looked(transport, *"ABCDE")

    assert "5 symbols, 18 clusters in the first 3, answered in 100 ms" == result.what
    assert 4 == len(transport.asked)


def test_symbols_that_it_does_not_carry_are_named() -> None:
    scene = a_scene("AUSDT", "BUSDT", "CUSDT", "DUSDT")
    result = looked(SceneTransport(scene), "A", "B", "C", "D", "E", "F")

    assert not result.is_ok
    assert "the provider does not carry EUSDT, FUSDT" == result.what
    assert "symbols" in result.remedy


@pytest.mark.parametrize("fault", [name for name in FAULTS if name[:3] in {"h05", "h06", "h30"}])
def test_whatever_goes_wrong_has_a_sentence_and_a_remedy(fault: str) -> None:
    transport = SceneTransport()
    transport.fault = fault
    result = looked(transport)

    assert not result.is_ok
    assert result.what
    assert result.remedy.endswith(".")
    assert result.kind


def test_a_wrong_address_is_told_as_one() -> None:
    transport = SceneTransport()
    transport.fault = status(404, "Not Found")

    assert "heatmap.base_url" in looked(transport).remedy


def test_it_asks_through_the_guard_when_nothing_else_is_given() -> None:
    async def run() -> tuple[ProbeResult, ProbeResult]:
        async with HeatmapServer() as server:
            settings = HeatmapSettings(base_url=server.url)
            listings = [listing(Symbol("BTC/USDT:USDT"))]
            up = await probe(settings, listings, wall=lambda: Millis(0))
            await server.stop()
            return up, await probe(settings, listings, wall=lambda: Millis(0))

    up, down = asyncio.run(run())

    assert up.is_ok
    assert "1 symbol, 6 clusters" in up.what
    assert (False, "unreachable") == (down.is_ok, down.kind)
    assert "nothing answers at 127.0.0.1:" in down.what


def test_an_address_that_cannot_be_asked_is_the_operators_mistake() -> None:
    with pytest.raises(ConfigError):
        asyncio.run(probe(HeatmapSettings(base_url="nonsense"), [], wall=lambda: Millis(0)))
