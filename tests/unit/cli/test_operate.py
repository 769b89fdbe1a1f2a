"""`hold`, `resume` and `flatten`: they wait for the state, and say it."""

from pathlib import Path

from tests.fakes.verbs import Bot, a_config, a_hold, a_position, a_status, running, say

HELD = a_status(state="HOLD", holds=[a_hold()], reason="by hand")


def test_hold_says_what_the_state_is_now(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))
    with running(tmp_path / "data", Bot(hold=HELD)) as bot:
        said = say("hold", "--reason", "by hand", "-c", config)

    assert 0 == said.code
    assert "Now HOLD because by hand; 0 positions open.\n" == said.out
    assert [{"verb": "hold", "reason": "by hand"}] == bot.asked


def test_a_hold_that_was_not_heard_ends_with_69(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))
    with running(tmp_path / "data", Bot(hold=a_status())):
        said = say("hold", "-c", config)

    assert 69 == said.code
    assert "has not reached HOLD yet" in said.err


def test_resume_says_what_the_state_is_now(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))
    with running(tmp_path / "data", Bot(resume=[a_status(), HELD])):
        assert "Now TRADING; 0 positions open.\n" == say("resume", "-c", config).out
        assert 69 == say("resume", "-c", config).code


def test_flatten_waits_until_flat(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))
    closing = a_status(state="FLATTEN", positions=[a_position()])
    bot = Bot(status=closing, flatten=closing, flat=[closing, HELD])
    with running(tmp_path / "data", bot):
        said = say("flatten", "--yes", "-c", config, "--json")

    assert 0 == said.code
    assert "HOLD" == said.document["state"]
    assert ["status", "flatten", "flat", "flat"] == [row["verb"] for row in bot.asked]


def test_flatten_that_stays_open_says_so(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))
    closing = a_status(state="FLATTEN", positions=[a_position()])
    with running(tmp_path / "data", Bot(status=closing, flatten=closing, flat=closing)):
        said = say("flatten", "--yes", "-c", config)

    assert 69 == said.code
    assert "Not flat yet: 1 position open" in said.err


def test_flatten_is_never_done_unasked(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))
    bot = Bot(status=a_status(positions=[a_position()]))
    with running(tmp_path / "data", bot):
        said = say("flatten", "--no-input", "-c", config)
        piped = say("flatten", "-c", config, text="y\n")

    assert 2 == said.code
    assert "flatten would close 1 position (BTCUSDT), and nobody can be asked here." in said.err
    assert 2 == piped.code
    assert {"status"} == {row["verb"] for row in bot.asked}


def test_without_a_bot_they_end_with_3(tmp_path: Path) -> None:
    config = str(a_config(tmp_path))

    for verb in ("hold", "resume", "flatten"):
        said = say(verb, "-c", config)

        assert 3 == said.code
        assert "liqbot is not running here." in said.err
        assert "Start it: liqbot run" in said.err
