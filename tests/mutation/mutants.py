"""Small deliberate defects in a module's functions, one at a time.

A mutant changes one thing: a comparison, a sign, a bound, a branch, a statement. Texts, notes and
assertions (`assert_never` is one) are left alone: nobody's money hangs on them.
"""

import ast
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Final, NamedTuple

Change = Callable[[], None]
"""Changes the tree that it was found in."""

_COMPARED: Final[dict[type[ast.cmpop], type[ast.cmpop]]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_COMPUTED: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
_TEXTS: Final = frozenset({"text", "detail", "what", "why", "reason", "where"})
_TOLD: Final = frozenset({"note"})


class Mutant(NamedTuple):
    """One defect."""

    line: int
    what: str
    codes: dict[str, CodeType]
    """The module's functions with the defect in, by qualified name."""


def mutants_of(source: str, filename: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its lines."""
    count = len(list(_changes(ast.parse(source))))
    for number in range(count):
        tree = ast.parse(source)
        line, what, change = list(_changes(tree))[number]
        change()
        compiled = compile(ast.fix_missing_locations(tree), filename, "exec")
        yield Mutant(line=line, what=what, codes=dict(_functions(compiled)))


def put_in(module: ModuleType, codes: dict[str, CodeType]) -> None:
    """Give a loaded module's functions other bodies; its names and classes stay."""
    for function in _loaded(module):
        code = codes.get(function.__qualname__)
        if code is not None:
            function.__code__ = code


def _loaded(module: ModuleType) -> Iterator[FunctionType]:
    for value in vars(module).values():
        if isinstance(value, FunctionType) and value.__module__ == module.__name__:
            yield value
        elif isinstance(value, type) and value.__module__ == module.__name__:
            yield from (row for row in vars(value).values() if isinstance(row, FunctionType))


def _functions(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant.co_qualname, constant
            yield from _functions(constant)


def _changes(tree: ast.Module) -> Iterator[tuple[int, str, Change]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield from _in_function(node)


def _in_function(function: ast.FunctionDef) -> Iterator[tuple[int, str, Change]]:
    for statement, block in _statements(function.body):
        if _is_told(statement):
            continue
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
            yield statement.lineno, "call left out", _left_out(statement, block)
        if isinstance(statement, ast.If | ast.While):
            for value in (True, False):
                yield statement.lineno, f"condition {value}", _fixed(statement, value=value)
        if isinstance(statement, ast.Return) and isinstance(statement.value, ast.Constant):
            yield from _returned(statement)
        for node in _own_expressions(statement):
            yield from _in_expression(node)


def _statements(body: list[ast.stmt]) -> Iterator[tuple[ast.stmt, list[ast.stmt]]]:
    for statement in body:
        yield statement, body
        for name in ("body", "orelse", "finalbody"):
            yield from _statements(getattr(statement, name, []))
        for case in getattr(statement, "cases", []):
            yield from _statements(case.body)


def _own_expressions(statement: ast.stmt) -> Iterator[ast.expr]:
    """Expressions of a statement itself, not those of the statements in it."""
    for child in ast.iter_child_nodes(statement):
        if isinstance(child, ast.expr | ast.keyword | ast.comprehension):
            yield from _expressions(child)


def _expressions(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.JoinedStr):
        return
    if isinstance(node, ast.expr):
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _expressions(child)


def _in_expression(node: ast.expr) -> Iterator[tuple[int, str, Change]]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in _COMPARED:
            other = _COMPARED[type(op)]

            def compare(node: ast.Compare = node) -> None:
                node.ops = [other()]

            yield node.lineno, f"{type(op).__name__} to {other.__name__}", compare
        case ast.BinOp(op=sign) if type(sign) in _COMPUTED:
            opposite = _COMPUTED[type(sign)]

            def compute(node: ast.BinOp = node) -> None:
                node.op = opposite()

            yield node.lineno, f"{type(sign).__name__} to {opposite.__name__}", compute
        case ast.BoolOp():

            def join(node: ast.BoolOp = node) -> None:
                node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()

            yield node.lineno, "and/or", join
        case _:
            yield from _in_value(node)


def _in_value(node: ast.expr) -> Iterator[tuple[int, str, Change]]:
    match node:
        case ast.UnaryOp(op=ast.Not()):

            def affirm(node: ast.UnaryOp = node) -> None:
                node.op = ast.UAdd()
                node.operand = ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])

            yield node.lineno, "not left out", affirm
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):

            def count(node: ast.Constant = node, number: float = number) -> None:
                node.value = number + 1

            yield node.lineno, f"{number} to {number + 1}", count
        case _:
            return


def _is_told(statement: ast.stmt) -> bool:
    match statement:
        case ast.Assert():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name))):
            return name in _TOLD
        case ast.Expr(value=ast.Call(func=ast.Name(id="assert_never"))):
            return True
        case ast.Assign(targets=[ast.Name(id=name)]):
            return name in _TEXTS
        case _:
            return False


def _left_out(statement: ast.Expr, block: list[ast.stmt]) -> Change:
    def change() -> None:
        block[block.index(statement)] = ast.copy_location(ast.Pass(), statement)

    return change


def _fixed(statement: ast.If | ast.While, *, value: bool) -> Change:
    def change() -> None:
        statement.test = ast.copy_location(ast.Constant(value), statement.test)

    return change


def _returned(statement: ast.Return) -> Iterator[tuple[int, str, Change]]:
    constant = statement.value
    assert isinstance(constant, ast.Constant)
    if isinstance(constant.value, bool):

        def change() -> None:
            constant.value = not constant.value

        yield statement.lineno, "the other answer", change
