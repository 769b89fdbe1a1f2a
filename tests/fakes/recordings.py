"""A folder of small recorded files, and market time that does not wait."""

from pathlib import Path

from bot.model.primitives import Millis
from bot.model.wiring import RecordedSettings

MIN5 = 300_000
T0 = 1_764_547_200_000  # 2025-12-01
PRICES = (100.0, 101.0, 99.0, 102.0, 103.5)


def a_bar(at: int, opened: float, closed: float) -> str:
    high, low = max(opened, closed) + 0.5, min(opened, closed) - 0.5
    return f"{at},{opened:g},{high:g},{low:g},{closed:g},12.25"


def a_folder(
    folder: Path, name: str = "BTCUSDT", *, scale: float = 1.0, missing: tuple[int, ...] = ()
) -> Path:
    """Five bars (four closes apart), open interest and funding at 00:10."""
    rows = [
        a_bar(T0 + k * MIN5, price * scale, PRICES[min(k + 1, 4)] * scale)
        for k, price in enumerate(PRICES)
        if k not in missing
    ]
    files = {
        "candles": "t,o,h,l,c,v\n" + "\n".join(rows) + "\n",
        "oi": "t,oi\n" + "".join(f"{T0 + k * MIN5},{1000 + k}\n" for k in range(5)),
        "funding": f"t,rate\n{T0 - 28_200_000},0.0002\n{T0 + 600_000},0.0001\n",
    }
    for kind, text in files.items():
        (folder / kind).mkdir(exist_ok=True)
        (folder / kind / f"{name}.csv").write_text(text, encoding="utf-8")
    return folder


def the_settings(*, start: str = "2025-12-01", end: str = "") -> RecordedSettings:
    return RecordedSettings(
        candles="candles/{symbol}.csv*",
        open_interest="oi/{symbol}.csv*",
        funding="funding/{symbol}.csv*",
        tiers="",
        start=start,
        end=end,
        warm_up_days=1,
        spread_bps=20.0,
        depth_usd=50_000.0,
    )


class JumpingClock:
    """A Clock that sleeps by moving on."""

    def __init__(self, start_at: int) -> None:
        self._now = start_at
        self.slept_s: list[float] = []

    @property
    def speed(self) -> float:
        return 1.0

    def now(self) -> Millis:
        return Millis(self._now)

    def wall(self) -> Millis:
        return Millis(self._now)

    async def sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self._now += round(seconds * 1000)
