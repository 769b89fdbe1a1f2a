"""Logging: readable lines on a terminal, JSON lines with a priority in a service.

One event per fact, named `noun.participle`, values as fields. Every rendered line passes the
redaction, standard-library logging included, so that no secret leaves by this door.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

Story = Callable[[EventDict], str | None]
"""Turns one event into the lines a person reads; None: not for people."""

_PRIORITY = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
_LEVELS = {name: getattr(logging, name.upper()) for name in _PRIORITY}
_SECRET = re.compile(
    r"((?:signature|api_?key|passphrase|password|secret|token)[\"']?\s*[=:]\s*[\"']?)[^\s\"'&,}]+",
    re.IGNORECASE,
)
_FIELD_MAX = 2000


class Redactor:
    """Takes registered secret values, and whatever looks like one, out of a rendered line."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = [s for s in secrets if len(s) >= 4]  # noqa: PLR2004  (shorter hits words)

    def __call__(self, line: str) -> str:
        """Return the line without secrets."""
        for secret in self._secrets:
            line = line.replace(secret, "***")
        return _SECRET.sub(r"\1***", line)


def set_up(
    *,
    level: str,
    story: Story | None,
    redactor: Redactor | None = None,
    stream: TextIO | None = None,
) -> None:
    """Configure structlog and the standard library once, at start.

    With `story` the lines are for a person; without, each is one JSON object behind `<N>`, the
    priority that journald reads.
    """
    clean = redactor or Redactor()
    render = _story_renderer(story) if story is not None else _json_renderer()
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            _cut_long_fields,
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        # Looked up at each line: a progress bar stands in for the stream while it is drawn.
        logger_factory=lambda *_args: _Printer(stream or sys.stdout, clean),
        cache_logger_on_first_use=False,
    )
    handler = _Bridge()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(_LEVELS[level], logging.WARNING))


class _Printer:
    """Writes rendered lines; a closed or full stream never stops the bot (P26)."""

    def __init__(self, out: TextIO, clean: Redactor) -> None:
        self._out = out
        self._clean = clean

    def msg(self, line: str) -> None:
        if not line:
            return
        try:
            self._out.write(self._clean(line) + "\n")
            self._out.flush()
        except (OSError, ValueError):
            return

    debug = info = warning = error = critical = log = msg


class _Bridge(logging.Handler):
    """Lets aiohttp, asyncio and the like speak through the same door."""

    def emit(self, record: logging.LogRecord) -> None:
        level = "error" if record.levelno >= logging.ERROR else "warning"
        log = structlog.get_logger()
        getattr(log, level)("library.warned", logger=record.name, text=record.getMessage())


def _json_renderer() -> Callable[[WrappedLogger, str, EventDict], str]:
    to_json = structlog.processors.JSONRenderer(default=str)

    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        priority = _PRIORITY.get(str(event.get("level")), 6)
        return f"<{priority}>{to_json(logger, name, event)!s}"

    return render


def _story_renderer(story: Story) -> Callable[[WrappedLogger, str, EventDict], str]:
    to_json = structlog.processors.JSONRenderer(default=str)

    def render(logger: WrappedLogger, name: str, event: EventDict) -> str:
        try:
            return story(event) or ""
        except Exception:  # noqa: BLE001  (a line that reads badly must not stop the bot)
            return str(to_json(logger, name, event))

    return render


def _cut_long_fields(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    cut: dict[str, Any] = {
        key: value[:_FIELD_MAX] + "…"
        if isinstance(value, str) and len(value) > _FIELD_MAX
        else value
        for key, value in event.items()
    }
    return cut
