"""Lines for people, lines for journald, and no secret in either."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from bot import logs


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_service_line_is_json_behind_its_priority() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out)
    structlog.get_logger().warning("heatmap.went_stale", symbol="BTC/USDT:USDT", age_s=21.5)
    line = out.getvalue()

    assert line.startswith("<4>{")
    assert {
        "event": "heatmap.went_stale",
        "symbol": "BTC/USDT:USDT",
        "age_s": 21.5,
        "level": "warning",
    } == json.loads(line[3:])


def test_events_below_the_level_are_left_out() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out)
    structlog.get_logger().debug("heatmap.read")

    assert not out.getvalue()


def test_registered_secrets_and_what_looks_like_one_are_taken_out() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out, redactor=logs.Redactor(["s3cr3t-value"]))
    log = structlog.get_logger()
    log.info("order.rejected", reason="GET /x?signature=abcdef123&apiKey=k9 failed")
    log.info("order.rejected", reason="token: zzz and s3cr3t-value")

    for secret in ("abcdef123", "k9", "zzz", "s3cr3t-value"):
        assert secret not in out.getvalue()


def test_libraries_speak_through_the_same_door() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out)
    logging.getLogger("aiohttp.client").error("password=hunter2 refused")

    assert '"event": "library.warned"' in out.getvalue()
    assert "hunter2" not in out.getvalue()


def test_locals_of_an_exception_stay_inside() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out)

    def fail() -> None:
        api_key_value = "VERYSECRET"
        raise ValueError(len(api_key_value))

    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("task.died")

    assert "VERYSECRET" not in out.getvalue()
    assert "ValueError" in out.getvalue()


def test_p26_a_closed_stream_never_stops_the_bot() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out)
    out.close()
    structlog.get_logger().error("store.failed")


def test_a_story_decides_what_people_see() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=lambda e: e.get("text"), stream=out)
    log = structlog.get_logger()
    log.info("operator.resumed", text="entries are allowed")
    log.info("order.accepted")

    assert "entries are allowed\n" == out.getvalue()


def test_very_long_fields_are_cut() -> None:
    out = io.StringIO()
    logs.set_up(level="info", story=None, stream=out)
    structlog.get_logger().info("heatmap.rejected", body="x" * 100_000)

    assert len(out.getvalue()) < 3000
