"""A transport without a network: a scene's replies, late, wrong or missing, in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from multidict import CIMultiDict

from bot.heatmap.failure import FailureKind, ReadingError
from bot.heatmap.transport import Reply
from tests.fakes.heatmap_faults import FAULTS, Answer, Fault, as_json, good
from tests.fakes.heatmap_scene import Scene, a_scene

BASE_URL = "http://heatmap.test"


class SceneTransport:
    """Answers from a scene after `latency_s` of the loop; `fault` and `error` are switches."""

    def __init__(self, scene: Scene | None = None, *, latency_s: float = 0.1) -> None:
        self.scene = scene or a_scene()
        self.latency_s = latency_s
        self.timeout_s = 3.0
        self.fault: str | Fault = ""
        """What is wrong with the main route: a name of FAULTS, or a function."""
        self.best_fault: Fault | None = None
        self.error: ReadingError | None = None
        """Raised instead of any answer."""
        self.headers: dict[str, str] = {}
        self.asked: list[tuple[float, str]] = []
        """The loop's time and the path of each request."""
        self.params: list[Mapping[str, str]] = []
        self.under_way: dict[str, int] = {}
        self.under_way_max: dict[str, int] = {}
        self.is_open = False

    @property
    def base_url(self) -> str:
        return BASE_URL

    @asynccontextmanager
    async def open(self) -> AsyncIterator["SceneTransport"]:
        """Stand in for opening a session."""
        self.is_open = True
        try:
            yield self
        finally:
            self.is_open = False

    def times(self, path: str) -> list[float]:
        """When a path was asked for, in seconds of the loop, to the millisecond."""
        return [round(at, 3) for at, asked in self.asked if asked == path]

    async def get(self, path: str, params: Mapping[str, str]) -> Reply:
        assert self.is_open, "a transport is used while it is open"
        self.params.append(params)
        self.asked.append((asyncio.get_running_loop().time(), path))
        for key in (path, "all"):
            self.under_way[key] = self.under_way.get(key, 0) + 1
            self.under_way_max[key] = max(self.under_way_max.get(key, 0), self.under_way[key])
        try:
            await asyncio.sleep(min(self.latency_s, self.timeout_s))
            if self.latency_s > self.timeout_s:
                raise ReadingError(FailureKind.TIMEOUT, "no whole answer within 3 s")
            if self.error is not None:
                raise self.error
            return _reply(self._answer(path), self.headers)
        finally:
            for key in (path, "all"):
                self.under_way[key] -= 1

    def _answer(self, path: str) -> Answer:
        match path.strip("/").split("/"):
            case ["api", "stats"]:
                return Answer(body=as_json(self.scene.stats()))
            case ["api", "symbols"]:
                return Answer(body=as_json(self.scene.listing()))
            case ["api", "heatmap", name, "best"]:
                return self._best(name)
            case ["api", "heatmap", name] if name in self.scene.symbols:
                fault = FAULTS[self.fault] if isinstance(self.fault, str) and self.fault else good
                if callable(self.fault):
                    fault = self.fault
                return fault(self.scene.heatmap(name), self.scene.replies)
            case _:
                return Answer(400, as_json({"detail": "Symbol is not supported"}))

    def _best(self, name: str) -> Answer:
        if self.best_fault is not None:
            return self.best_fault({}, 0)
        found = self.scene.best(name)
        if found is None:
            return Answer(404, as_json({"detail": "No suitable cluster found"}))
        return Answer(body=as_json(found))


def _reply(answer: Answer, headers: Mapping[str, str]) -> Reply:
    return Reply(
        status=answer.status, headers=CIMultiDict({**headers, **answer.headers}), body=answer.body
    )
