"""All the small ways in which a module can be wrong: one changed operator, constant, name or statement each.

mutmut was considered: it keeps its state and a copied tree in the repository, runs the whole test suite
where a fork with one in-process check does, and has no list of reasoned equivalents to fail against.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
}
ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
}
TWINS: Final[tuple[frozenset[str], ...]] = (
    frozenset({"min", "max"}),
    frozenset({"bisect_left", "bisect_right"}),
    frozenset({"CUSTOMER", "TECHNICIAN"}),
    frozenset({"customer", "technician"}),
    frozenset({"paused", "faults"}),
    frozenset({"common", "stretches"}),
    frozenset({"from_ms", "to_ms"}),
    frozenset({"_earliest", "_latest"}),
    frozenset({"intersect", "subtract"}),
    frozenset({"_paused", "_resumed"}),
)
"""Names that are easily taken for one another."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change. ``name`` is stable while the line it changes is: no line numbers in it."""

    name: str
    apply: Callable[[], None]
    """Change the tree in place; meant for a process that ends afterwards."""


def mutants(module: str, source: str) -> tuple[ast.Module, list[Mutant]]:
    """Return the tree of a module and every mutant of it, in order of the source."""
    tree = ast.parse(source)
    found = list(_walk(tree, module, source))
    names: dict[str, int] = {}
    for n, mutant in enumerate(found):
        times = names[mutant.name] = names.get(mutant.name, 0) + 1
        if times > 1:
            found[n] = Mutant(f"{mutant.name} (#{times})", mutant.apply)
    return tree, found


def _walk(node: ast.AST, where: str, source: str) -> Iterator[Mutant]:
    """Yield the mutants of a node, then of what it holds; annotations and docstrings are left alone."""
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        where = f"{where}.{node.name}"
    for change, apply in _changes(node):
        yield Mutant(f"{where}: {_shown(node, source)} | {change}", apply)
    for field, value in ast.iter_fields(node):
        if field in {"annotation", "returns", "decorator_list", "ctx"}:
            continue
        children = value if isinstance(value, list) else [value]
        for index, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_text(child) or _is_for_type_checkers(child):
                continue
            if isinstance(child, ast.Assign | ast.AugAssign | ast.Expr) and isinstance(value, list):
                name = f"{where}: {_shown(child, source)} | left out"
                yield Mutant(name, lambda v=value, i=index: v.__setitem__(i, ast.Pass()))  # type: ignore[misc]
            yield from _walk(child, where, source)


def _changes(node: ast.AST) -> Iterator[tuple[str, Callable[[], None]]]:  # noqa: C901, PLR0912 - one case a kind
    match node:
        case ast.Compare():
            for index, operator in enumerate(node.ops):
                for other in COMPARISONS.get(type(operator), ()):
                    yield other.__name__, _set_item(node.ops, index, other())
        case ast.BinOp() | ast.AugAssign() if type(node.op) in ARITHMETIC:
            arithmetic = ARITHMETIC[type(node.op)]
            yield arithmetic.__name__, _set(node, "op", arithmetic())
        case ast.BoolOp():
            boolean = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield type(boolean).__name__, _set(node, "op", boolean)
            for index in range(len(node.values)):
                kept = node.values[:index] + node.values[index + 1 :]
                # The compiler wants two parts: a lone one is written twice.
                yield f"without part {index + 1}", _set(node, "values", (kept * 2)[: max(2, len(kept))])
        case ast.UnaryOp(op=ast.Not()):
            yield "without not", _unnot(node)
        case ast.UnaryOp(op=ast.USub()):
            yield "positive", _set(node, "op", ast.UAdd())
        case ast.Constant(value=bool() as flag):
            yield str(not flag), _set(node, "value", not flag)
        case ast.Constant(value=int() as number):
            yield str(number + 1), _set(node, "value", number + 1)
            yield str(number - 1), _set(node, "value", number - 1)
        case ast.Constant(value=str() as text):
            yield "another text", _set(node, "value", text + "!")
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield "None", _set(node, "value", ast.Constant(None))
        case ast.If() | ast.IfExp() | ast.While():
            for flag in (True, False):
                yield f"condition {flag}", _set(node, "test", ast.Constant(flag))
        case ast.comprehension(ifs=[_, *_]):
            yield "no condition", _set(node, "ifs", [])
        case ast.Name(id=name, ctx=ast.Load()):
            yield from ((twin, _set(node, "id", twin)) for twin in _twins(name))
        case ast.Attribute(attr=name, ctx=ast.Load()):
            yield from ((twin, _set(node, "attr", twin)) for twin in _twins(name))
        case _:
            pass


def _twins(name: str) -> list[str]:
    return [twin for pair in TWINS if name in pair for twin in pair - {name}]


def _set(node: Any, field: str, value: object) -> Callable[[], None]:
    return lambda: setattr(node, field, value)


def _set_item(items: list[Any], index: int, value: object) -> Callable[[], None]:
    return lambda: items.__setitem__(index, value)


def _unnot(node: ast.UnaryOp) -> Callable[[], None]:
    """Turn ``not x`` into ``not not x``, whose truth is that of ``x``."""
    return lambda: setattr(node, "operand", ast.UnaryOp(ast.Not(), node.operand))


def _shown(node: ast.AST, source: str) -> str:
    """Return the text of a node on one line, shortened in the middle."""
    text = " ".join((ast.get_source_segment(source, node) or ast.unparse(node)).split())
    return text if len(text) <= 70 else f"{text[:50]} ... {text[-15:]}"


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_for_type_checkers(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Import | ast.ImportFrom)
        or (
            isinstance(node, ast.match_case)
            and isinstance(node.pattern, ast.MatchAs)
            and not node.pattern.name
        )
        or isinstance(node, ast.Assert)
    )
