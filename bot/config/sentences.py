"""msgspec's complaints become sentences: the key, the nearest one that exists, the range."""

import difflib
import re
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import inspect

from bot.config.document import Document, Mistake, dotted

_WHERE = re.compile(r" - at `\$(?P<path>[^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]+)`")
_STEP = re.compile(r"\.([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]")


def explain(
    error: msgspec.ValidationError, document: Document, root: type
) -> tuple[Mistake, tuple[str | int, ...]]:
    """One complaint as a Mistake, and the path of the key to take out."""
    message = str(error)
    where = _WHERE.search(message)
    path = _path(where.group("path") if where else "", document.data)
    text = message[: where.start()] if where else message
    unknown = _UNKNOWN.match(text)
    if unknown:
        path = (*path, unknown.group("key"))
        what = f"{dotted(path)} is not a key."
        return Mistake(line=document.line(path), what=what, remedy=_nearest(path, root)), path
    field = _field(path, root)
    value = _value(path, document.data)
    what = f"{dotted(path)} is {_shown(value)}."
    remedy = f"It must be {_wanted(field)}." if field is not None else f"{text}."
    return Mistake(line=document.line(path), what=what, remedy=remedy), path


def _path(text: str, data: Any) -> tuple[str | int, ...]:
    """`.risk.tiers[2]` -> ("risk", "tiers", 2)."""
    steps: list[str | int] = []
    for name, index in _STEP.findall(text):
        steps.append(name or (int(index) if index.isdigit() else 0))
    del data
    return tuple(steps)


def _value(path: tuple[str | int, ...], data: Any) -> Any:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value[:60]}"'
    if isinstance(value, dict):
        return "a group of keys"
    if isinstance(value, list):
        return "a list"
    if value is None or isinstance(value, bool):
        return {None: "empty", True: "true", False: "false"}[value]
    return str(value)


def _fields(kind: Any) -> tuple[inspect.Field, ...]:
    for candidate in getattr(kind, "types", (kind,)):
        if isinstance(candidate, inspect.StructType):
            return candidate.fields
    return ()


def _field(path: tuple[str | int, ...], root: type) -> inspect.Field | None:
    """The field a path names, or the last one on the way that has a name."""
    kind: Any = inspect.type_info(root)
    found: inspect.Field | None = None
    for step in path:
        if isinstance(step, int):
            continue
        match = next((f for f in _fields(kind) if f.name == step), None)
        if match is None:
            return found
        found, kind = match, match.type
    return found


def _nearest(path: tuple[str | int, ...], root: type) -> str:
    """A suggestion for an unknown key, looked for beside it first and everywhere then."""
    parent = _field(path[:-1], root)
    siblings = _fields(parent.type if parent is not None else inspect.type_info(root))
    key = str(path[-1])
    prefix = ".".join(str(step) for step in path[:-1])
    close = difflib.get_close_matches(key, [f.name for f in siblings], n=1, cutoff=0.5)
    if close:
        field = next(f for f in siblings if f.name == close[0])
        name = f"{prefix}.{field.name}" if prefix else field.name
        return f"Did you mean {name} ({_wanted(field)})?"
    elsewhere = [
        f"{section.name}.{field.name}"
        for section in _fields(inspect.type_info(root))
        for field in _fields(section.type)
        if field.name == key
    ]
    if elsewhere:
        return f"Did you mean {elsewhere[0]}?"
    return f"Known here: {', '.join(f.name for f in siblings)}."


def _wanted(field: inspect.Field) -> str:
    """`1 to 10, default 3`, `one of: http, local`, `true or false, default true`."""
    text = _kind(field.type)
    default = field.default
    if isinstance(default, msgspec.Struct) or default is msgspec.NODEFAULT or default is None:
        return text
    shown = _shown(default).strip('"') if not isinstance(default, tuple) else str(list(default))
    return f"{text}, default {shown}" if shown else text


def _kind(kind: Any) -> str:
    match kind:
        case inspect.EnumType(cls=members):
            text = f"one of: {', '.join(str(member.value) for member in members)}"
        case inspect.StrType(pattern=str(pattern)):
            text = f"one of: {pattern.strip('^$()').replace('|', ', ')}"
        case inspect.BoolType():
            text = "true or false"
        case inspect.IntType() | inspect.FloatType() | inspect.DecimalType():
            text = _range(kind)
        case inspect.StructType():
            text = "a group of keys"
        case inspect.VarTupleType() | inspect.TupleType():
            text = "a list"
        case _:
            text = "text"
    return text


def _range(kind: Any) -> str:
    what = "a whole number" if isinstance(kind, inspect.IntType) else "a number"
    low = _bound(getattr(kind, "ge", None), getattr(kind, "gt", None), "above ")
    high = _bound(getattr(kind, "le", None), getattr(kind, "lt", None), "below ")
    if low and high:
        return f"{what}, {low} to {high}"
    return f"{what}, {low or high} or {'more' if low else 'less'}" if low or high else what


def _bound(closed: float | Decimal | None, open_: float | Decimal | None, word: str) -> str:
    if closed is not None:
        return f"{closed:g}" if isinstance(closed, float) else str(closed)
    return f"{word}{open_}" if open_ is not None else ""
