"""YAML without its surprises: plain scalars mean what they look like, or the line is refused."""

import re
from pathlib import Path
from typing import Any

import msgspec
import yaml

from bot.errors import ConfigError

BYTES_MAX = 256 * 1024
NODES_MAX = 20_000
DEPTH_MAX = 20

_INT = re.compile(r"[-+]?(0|[1-9][0-9_]*)$")
_FLOAT = re.compile(r"[-+]?([0-9][0-9_]*)?\.?[0-9]+([eE][-+]?[0-9]+)?$|[-+]?[0-9]+\.$")
_SECRET = re.compile(r"(^|_)(api_?key|secret|password|passphrase|token|private_key)s?$")
_CORE_TAGS = frozenset({f"tag:yaml.org,2002:{t}" for t in ("map", "seq", "str", "int", "float")})


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to mend."""

    line: int
    what: str
    remedy: str = ""


class Document:
    """Plain data with the line of every key, and what was wrong already with the YAML."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.data: dict[str, Any] = {}
        self.lines: dict[tuple[str | int, ...], int] = {}
        self.mistakes: list[Mistake] = []

    def line(self, path: tuple[str | int, ...]) -> int:
        """The line of a key, or of the nearest enclosing one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def remove(self, path: tuple[str | int, ...]) -> bool:
        """Take a key out, so that the rest can be judged; False where it is not there."""
        if not path:
            return False
        holder: Any = self.data
        for step in path[:-1]:
            try:
                holder = holder[step]
            except (KeyError, IndexError, TypeError):
                return False
        last = path[-1]
        if (isinstance(holder, list) and isinstance(last, int)) or not isinstance(holder, dict):
            return self.remove(path[:-1])
        return holder.pop(last, self) is not self


def read_document(path: Path) -> Document:
    """Parse a file into a Document. Raises ConfigError where it cannot be read as YAML at all."""
    document = Document(str(path))
    text = _read_text(path)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        problem = getattr(error, "problem", None) or "it is not YAML"
        raise ConfigError(
            f"The file is not valid YAML: {problem}.",
            where=f"{path}:{line}",
            remedy="Check the indentation, the quotes and the colons there.",
        ) from error
    except RecursionError as error:
        raise ConfigError("The file is nested too deeply.", where=str(path)) from error
    if root is None:
        return document
    if not isinstance(root, yaml.MappingNode):
        raise ConfigError("The file is not a list of keys.", where=f"{path}:1")
    _Converter(document).mapping(root, ())
    return document


def _read_text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(
            "There is no such file.",
            where=str(path),
            remedy="Write one with `liqbot init`, or name yours with -c.",
        ) from error
    except OSError as error:
        raise ConfigError(f"The file cannot be read: {error.strerror}.", where=str(path)) from error
    if len(raw) > BYTES_MAX:
        raise ConfigError(f"The file is larger than {BYTES_MAX // 1024} KB.", where=str(path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            "The file is not UTF-8.", where=str(path), remedy="Save it as UTF-8."
        ) from error


class _Converter:
    """Nodes to plain data; refuses what YAML would turn into something else."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._seen: set[int] = set()

    def mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {} if path else self._document.data
        for key_node, value_node in node.value:
            key = str(getattr(key_node, "value", ""))
            line = key_node.start_mark.line + 1
            here = (*path, key)
            if key in found:
                self._refuse(line, f"{dotted(here)} is given twice.", "Keep one of them.")
                continue
            self._document.lines[here] = line
            if _SECRET.search(key.lower()):
                self._refuse(
                    line,
                    f"{dotted(here)} looks like a secret, and secrets do not belong in this file.",
                    "Put it into a credentials file or the environment: docs/configuration.md.",
                )
                continue
            found[key] = self.value(value_node, here)
        return found

    def value(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:
        line = node.start_mark.line + 1
        if id(node) in self._seen:
            self._refuse(line, f"{dotted(path)} is an alias.", "Write the value out.")
            return None
        self._seen.add(id(node))
        if len(self._seen) > NODES_MAX or len(path) > DEPTH_MAX:
            raise ConfigError("The file is too large or too deep.", where=self._document.name)
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, i)) for i, item in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _scalar(self, node: yaml.Node, path: tuple[str | int, ...], line: int) -> Any:
        text = str(node.value)
        if getattr(node, "style", None) is not None:
            return text
        if node.tag not in _CORE_TAGS and node.tag.startswith("tag:yaml.org,2002:python"):
            self._refuse(line, f"{dotted(path)} carries a tag.", "Write a plain value.")
            return None
        plain = {"null": None, "~": None, "": None, "true": True, "false": False}
        if text.lower() in plain:
            return plain[text.lower()]
        if _INT.match(text):
            return int(text.replace("_", ""))
        if _FLOAT.match(text) and not re.match(r"[-+]?0[0-9]", text):
            return float(text.replace("_", ""))
        return text

    def _refuse(self, line: int, what: str, remedy: str) -> None:
        self._document.mistakes.append(Mistake(line=line, what=what, remedy=remedy))


def dotted(path: tuple[str | int, ...]) -> str:
    """`risk.max_leverage`, `symbols[2]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text
