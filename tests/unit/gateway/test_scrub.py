"""What an exchange echoes is shown without keys, signatures and queries."""

import pytest

from bot.gateway.scrub import LENGTH_MAX, scrubbed

KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y6Kt5h2Vy"
SIGNATURE = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Margin is insufficient.", "Margin is insufficient."),
        (f"Invalid key {KEY}", "Invalid key ***"),
        (f"short key {KEY[:8]}", "short key ***"),
        (
            "error sign! origin_string[1700000000000KEY5000symbol=BTCUSDT] end",
            "error sign! *** end",
        ),
        (
            f"GET https://fapi.binance.com/fapi/v1/order?symbol=B&signature={SIGNATURE} failed",
            "GET https://fapi.binance.com failed",
        ),
        (f"body symbol=B&signature={SIGNATURE}", "body symbol=B&signature=***"),
        ('{"listenKey": "pqia91ma19a5s6", "a": 1}', '{"listenKey": "***", "a": 1}'),
        ("two\nlines\x1b[31m", "two lines [31m"),
        ("Way too many requests; IP banned until 1700000000000.",) * 2,
    ],
)
def test_a_message_keeps_its_words_and_loses_its_secrets(text: str, shown: str) -> None:
    assert shown == scrubbed(text, (KEY, KEY[:8]))


def test_a_long_message_is_cut() -> None:
    assert LENGTH_MAX == len(scrubbed("no " * 1000))


def test_an_empty_secret_hides_nothing() -> None:
    assert "all of it" == scrubbed("all of it", ("",))
