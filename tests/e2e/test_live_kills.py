"""A hundred real SIGKILLs of the real process that trades live on an emulated exchange."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.live_kills import Killed, battery

KILLS = {"binanceusdm": 50, "bybit": 50}


@pytest.mark.timeout(600)
def test_p1_p4_a_hundred_kills_leave_no_position_bare_and_both_books_the_same(
    tmp_path: Path,
) -> None:
    """After each of them the next life has every stop back within 10 s, its own start included."""

    def killed(exchange: str) -> Killed:
        folder = tmp_path / exchange
        folder.mkdir()
        return battery(folder, exchange, kills=KILLS[exchange], seed=1)

    with ThreadPoolExecutor(len(KILLS)) as at_once:
        found = dict(zip(KILLS, at_once.map(killed, KILLS), strict=True))

    assert 100 == sum(row.kills for row in found.values())
    assert all(row.kills_with_position for row in found.values()), found
    assert all(row.trades >= 5 for row in found.values()), found
