"""Which interface speaks for which exchange."""

import pytest

from bot.clock import LoopClock, run_virtual
from bot.market.public_binance import BinancePublic
from bot.market.public_bybit import BybitPublic
from bot.market.public_unified import UnifiedPublic
from bot.market.publicdata import PublicApi
from bot.market.publics import NATIVE, open_public
from bot.model.primitives import Millis
from tests.fakes.market_line import MarketLine


def opened(exchange_id: str) -> PublicApi:
    async def story() -> PublicApi:
        return open_public(exchange_id, MarketLine(has={}), LoopClock(start_at=Millis(0)))

    return run_virtual(story())


@pytest.mark.parametrize(
    ("exchange_id", "kind"),
    [("binanceusdm", BinancePublic), ("bybit", BybitPublic), ("okx", UnifiedPublic)],
)
def test_an_exchange_is_spoken_to_in_its_own_words_where_we_know_them(
    exchange_id: str, kind: type
) -> None:
    assert kind is type(opened(exchange_id))
    assert (exchange_id in NATIVE) is (kind is not UnifiedPublic)
