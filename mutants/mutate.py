"""Every small fault that can be put into a file: one changed piece of source each."""

import ast
import copy
from pathlib import Path
from typing import Iterator, List, NamedTuple, Optional, Tuple

COMPARISONS = {
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
OPERATORS = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}
# calls that leave a value of the same kind, so that the mutant still runs
METHODS = {
    'abs',
    'clamp',
    'clone',
    'contiguous',
    'copy',
    'detach',
    'exp',
    'flip',
    'float',
    'round',
    'sigmoid',
    'softmax',
}
METHODS |= {'square', 'squeeze', 't', 'transpose', 'unflatten', 'flatten', 'expand'}
LOGS = {'print_log', 'debug', 'info', 'warning', '_log'}
SKIPPED = (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr, ast.Assert, ast.Global, ast.Nonlocal)


class Mutant(NamedTuple):
    """One fault; ``file`` is relative to the repository, ``first`` to ``last`` are the lines of its statement."""

    file: str
    line: int
    original: str
    mutated: str
    first: int
    last: int
    source: str

    @property
    def name(self) -> str:
        return f'{self.file}: {self.original} -> {self.mutated}'


def mutants_of(path: Path, root: Path) -> List[Mutant]:
    """All mutants of a file in the order of its lines."""
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    found = {}
    for node, replacement, statement in _walk(ast.parse(text), None):
        start, end = (
            _offset(lines, node.lineno, node.col_offset),
            _offset(lines, node.end_lineno, node.end_col_offset),
        )
        original, mutated = text[start:end], ast.unparse(replacement)
        if isinstance(replacement, (ast.BinOp, ast.BoolOp, ast.IfExp, ast.UnaryOp, ast.Compare)):
            mutated = f'({mutated})'
        source = text[:start] + mutated + text[end:]
        mutant = Mutant(
            path.relative_to(root).as_posix(),
            node.lineno,
            ' '.join(original.split()),
            ' '.join(mutated.split()),
            *_lines(statement),
            source,
        )
        if ast.unparse(ast.parse(source)) != ast.unparse(ast.parse(text)):
            found.setdefault(source, mutant)
    return list(found.values())


def _walk(node: ast.AST, statement: Optional[ast.stmt]) -> Iterator[Tuple[ast.AST, ast.AST, ast.stmt]]:
    """(node, its replacement, its innermost statement), without text for people and type hints."""
    if isinstance(node, SKIPPED) or _is_text(node) or getattr(node, 'name', '') == '__repr__':
        return
    if isinstance(node, ast.stmt):
        statement = node
    if statement is not None:
        for replacement in _replacements(node):
            yield node, replacement, statement
        if isinstance(node, (ast.If, ast.IfExp)):
            yield from ((node.test, ast.Constant(value), statement) for value in (True, False))
    for field, value in ast.iter_fields(node):
        if field in ('annotation', 'returns', 'bases', 'decorator_list', 'type_comment'):
            continue
        children = value if isinstance(value, list) else [value]
        if isinstance(node, ast.Call) and getattr(node.func, 'id', '') == 'cast' and field == 'args':
            children = children[1:]
        for child in children:
            if isinstance(child, ast.AST):
                yield from _walk(child, statement)


def _is_text(node: ast.AST) -> bool:
    """A docstring, a log message, a type alias, or what only type checkers run."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Call):
        return _called(node) in LOGS
    if isinstance(node, ast.Assign):
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        alias = isinstance(node.value, ast.Subscript) and getattr(node.value.value, 'id', '') in ('Tuple', 'Union')
        return '__all__' in names or alias
    return isinstance(node, ast.If) and getattr(node.test, 'id', '') == 'TYPE_CHECKING'


def _called(node: ast.Call) -> str:
    return getattr(node.func, 'id', getattr(node.func, 'attr', ''))


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        yield _changed(node, ops=[COMPARISONS[type(node.ops[0])](), *node.ops[1:]])
    elif isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        yield _changed(node, op=OPERATORS[type(node.op)]())
    elif isinstance(node, ast.BoolOp):
        yield _changed(node, op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
    elif isinstance(node, ast.UnaryOp):
        yield node.operand
    elif isinstance(node, ast.Constant):
        yield from map(ast.Constant, _values(node.value))
    elif isinstance(node, ast.Return) and node.value is not None:
        yield ast.Return(ast.Constant(None))
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
        yield node.value
    elif isinstance(node, (ast.Expr, ast.AugAssign)) or (
        isinstance(node, ast.Assign) and not isinstance(node.targets[0], (ast.Name, ast.Tuple))
    ):
        yield ast.Pass()


def _calls(node: ast.Call) -> Iterator[ast.AST]:
    if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
        yield node.func.value
    if len(node.args) > 1 and _called(node) != 'get':  # None instead of False
        yield _changed(node, args=node.args[:-1])
    for i, keyword in enumerate(node.keywords):
        if keyword.arg != 'device':  # the same on a machine without a GPU
            yield _changed(node, keywords=node.keywords[:i] + node.keywords[i + 1 :])


def _values(value: object) -> List[object]:
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, 0] if value else [1]
    if isinstance(value, float):
        return [value * 2, 0.0] if value else [1.0]
    # a string with a space is a message
    return [f'XX{value}'] if isinstance(value, str) and ' ' not in value else []


def _changed(node: ast.AST, **fields) -> ast.AST:
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return changed


def _offset(lines: List[str], line: int, column: int) -> int:
    """Index into the text; the columns of ``ast`` count bytes."""
    return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())


def _lines(statement: ast.stmt) -> Tuple[int, int]:
    """First and last line; of a compound statement, those of its header."""
    body = getattr(statement, 'body', None)
    return statement.lineno, statement.end_lineno if not body else max(statement.lineno, body[0].lineno - 1)
