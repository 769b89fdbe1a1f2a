"""Who follows what on an emulated exchange's websockets, and how much may wait."""

import asyncio
import json
from decimal import Decimal

from bot.sim.emulator.streams import WAITING_MAX, Hub, Line, decimals_of, heard


def waiting(line: Line) -> list[str]:
    return asyncio.run(line.take())


def test_a_message_reaches_those_who_follow_its_topic_and_nobody_else() -> None:
    hub = Hub()
    one, other = hub.open(), hub.open()
    hub.follow(one, ["a", "b"])
    hub.follow(other, ["b"])
    hub.publish("a", lambda: {"n": 1})
    hub.publish("b", lambda: {"n": 2})

    assert ['{"n":1}', '{"n":2}'] == waiting(one)
    assert ['{"n":2}'] == waiting(other)


def test_what_nobody_follows_is_not_even_made() -> None:
    hub = Hub()
    made: list[int] = []
    hub.publish("a", lambda: made.append(1))
    line = hub.open()
    hub.follow(line, ["a"])
    hub.unfollow(line, ["a"])
    hub.publish("a", lambda: made.append(1))

    assert [] == made
    assert not hub.is_followed("a")


def test_a_message_is_made_once_for_all_who_follow_it() -> None:
    hub = Hub()
    made: list[int] = []
    for _ in range(3):
        hub.follow(hub.open(), ["a"])
    hub.publish("a", lambda: made.append(1))

    assert [1] == made


def test_on_a_combined_stream_messages_carry_the_name_of_their_stream() -> None:
    hub = Hub()
    line = hub.open(is_combined=True)
    hub.follow(line, ["btcusdt@bookTicker"])
    hub.publish("btcusdt@bookTicker", lambda: {"s": "BTCUSDT"})
    [text] = waiting(line)

    assert {"stream": "btcusdt@bookTicker", "data": {"s": "BTCUSDT"}} == json.loads(text)


def test_a_line_that_does_not_read_is_dropped_and_its_messages_are_let_go() -> None:
    hub = Hub()
    line = hub.open()
    broken: list[bool] = []
    line.on_drop = lambda: broken.append(True)
    hub.follow(line, ["a"])
    for _ in range(WAITING_MAX):
        hub.publish("a", lambda: "one of many")

    assert "" == line.why_dropped

    hub.publish("a", lambda: "one too many")

    assert "too slow" == line.why_dropped
    assert [True] == broken
    assert [] == waiting(line)


def test_a_closed_line_gets_nothing_and_is_forgotten() -> None:
    hub = Hub()
    line = hub.open()
    hub.follow(line, ["a"])
    hub.close(line)

    assert not hub.is_followed("a")
    assert {} == hub.lines


def test_only_proved_lines_on_the_users_address_are_told_of_the_account() -> None:
    hub = Hub()
    hub.open()
    unproved, proved = hub.open(is_user=True), hub.open(is_user=True)
    proved.is_authentic = True

    assert [proved] == hub.users()
    assert unproved is not proved


def test_a_taker_waits_until_there_is_something() -> None:
    async def story() -> list[str]:
        line = Hub().open()
        async with asyncio.TaskGroup() as tasks:
            taking = tasks.create_task(line.take())
            await asyncio.sleep(0)
            assert not taking.done()
            line.say({"a": 1})
            line.say({"a": 2})
        return taking.result()

    assert ['{"a":1}', '{"a":2}'] == asyncio.run(story())


def test_what_is_no_object_is_not_heard() -> None:
    assert {"op": "ping"} == heard('{"op":"ping"}')
    assert [None, None, None] == [heard(text) for text in ("", "[1]", '{"op":')]


def test_digits_follow_from_the_grid() -> None:
    assert [1, 2, 0, 0] == [decimals_of(Decimal(step)) for step in ("0.1", "0.010", "1", "10")]
