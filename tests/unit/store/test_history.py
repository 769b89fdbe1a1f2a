"""Every accepted poll is kept, and never at trading's expense."""

import asyncio
from pathlib import Path

import msgspec

from bot.clock import LoopClock, run_virtual
from bot.model.events import HeatmapRead
from bot.model.primitives import Millis
from bot.store import history
from bot.store.history import DAY_MS, QUEUE_MAX, History, polls
from bot.store.sqlite import driver
from tests.fakes.rows import BTC, ETH, T0, a_reading

FOR_EVER = {"since": Millis(0), "until": Millis(2**60)}


def a_poll(at: int, *, content: str = "", symbol: str = BTC) -> HeatmapRead:
    event = a_reading(Millis(at), rows=3)
    reading = msgspec.structs.replace(event.reading, content_key=content, symbol=symbol)
    return msgspec.structs.replace(event, reading=reading)


def bodies(path: Path) -> int:
    connection = driver().connect(path)
    count = connection.execute("SELECT count(body) FROM poll").fetchone()[0]
    connection.close()
    return int(count)


def kept(path: Path, *events: HeatmapRead, days: int = 90) -> History:
    keeper = History(path, days=days)
    for event in events:
        keeper.keep(event)
    keeper.close()
    return keeper


def test_polls_come_back_as_they_were_read(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    events = [a_poll(T0, content="a"), a_poll(T0 + 5_000, content="a")]
    kept(path, *events, a_poll(T0, symbol=ETH))

    assert [(event.at, event.reading) for event in events] == [
        (event.at, event.reading) for event in polls(path, BTC, **FOR_EVER)
    ]


def test_a_repeated_content_is_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    kept(path, *(a_poll(T0 + n * 5_000, content="same") for n in range(5)))
    found = polls(path, BTC, **FOR_EVER)

    assert 1 == bodies(path)
    assert [T0 + n * 5_000 for n in range(5)] == [event.at for event in found]
    assert 1 == len({event.reading for event in found})


def test_clusters_that_repeat_at_another_price_are_stored_once(tmp_path: Path) -> None:
    """Between two bars of the local engine only the price changes, in eleven of twelve polls."""
    path = tmp_path / "history.db"
    first = a_poll(T0, content="a")
    moved = msgspec.structs.replace(first.reading, price=97_500.5, content_key="b")
    kept(path, first, msgspec.structs.replace(first, at=Millis(T0 + 5_000), reading=moved))
    found = [event.reading for event in polls(path, BTC, **FOR_EVER)]

    assert 1 == bodies(path)
    assert [first.reading.price, 97_500.5] == [reading.price for reading in found]
    assert 1 == len({reading.rows for reading in found})
    assert 2 == len({reading.content_key for reading in found})


def test_clusters_that_change_at_the_same_price_are_stored_again(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    first = a_poll(T0, content="a")
    fewer = msgspec.structs.replace(first.reading, rows=first.reading.rows[1:], content_key="b")
    kept(path, first, msgspec.structs.replace(first, at=Millis(T0 + 5_000), reading=fewer))

    assert 2 == bodies(path)
    assert [3, 2] == [len(event.reading.rows) for event in polls(path, BTC, **FOR_EVER)]


def test_content_is_compared_whole_where_the_reading_has_no_key(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    kept(path, a_poll(T0), a_poll(T0 + 5_000))

    assert 1 == bodies(path)


def test_old_days_go_whole_and_a_new_day_needs_no_older_one(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    events = [a_poll(T0 + n * DAY_MS // 2, content="same") for n in range(8)]
    kept(path, *events, days=1)

    assert [event.at for event in events[4:]] == [e.at for e in polls(path, BTC, **FOR_EVER)]


def test_a_full_queue_loses_the_oldest_and_counts(tmp_path: Path) -> None:
    keeper = History(tmp_path / "history.db", days=1)
    for number in range(QUEUE_MAX + 3):
        keeper.keep(a_poll(T0 + number, content="same"))

    assert 3 == keeper.dropped


def test_a_disk_that_does_not_take_it_is_told_and_not_raised(tmp_path: Path) -> None:
    keeper = kept(tmp_path / "none" / "history.db", a_poll(T0))

    assert (1, 0) == (keeper.dropped, keeper.written)


def test_a_damaged_history_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    path.write_bytes(b"rubbish " * 4_000)
    keeper = kept(path, a_poll(T0))

    assert 1 == keeper.written
    assert (tmp_path / "history.damaged").exists()


def test_it_writes_every_two_seconds_of_the_wall(tmp_path: Path) -> None:
    path = tmp_path / "history.db"

    async def main() -> int:
        clock = LoopClock(start_at=T0, speed=60.0)
        keeper = History(path, days=1)
        keeper.keep(a_poll(T0))
        try:
            async with asyncio.timeout(2.1):
                await keeper.run(clock)
        except TimeoutError:
            pass
        keeper.close()
        return keeper.written

    assert 1 == run_virtual(main())
    assert 2.0 == history.FLUSH_S
