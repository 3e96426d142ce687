"""Reads the settings of a published Python config without executing it."""

import ast
import operator
from typing import Any, Dict

ARITHMETIC = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.FloorDiv: operator.floordiv}


def config_values(text: str) -> Dict[str, Any]:
    """The values of ``name = value`` at the top level, as far as they are plain data.

    Plain data are literals, ``dict(...)``, earlier names, their items, and arithmetic on numbers. Names in other
    statements are left out.

    Raises:
        ValueError: the text is not Python.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ValueError(f'not a Python config: {type(error).__name__} {error}') from error
    values: Dict[str, Any] = {}
    for statement in tree.body:
        try:
            _execute(statement, values)
        except (LookupError, TypeError, ValueError, ArithmeticError, RecursionError):
            # what an unknown statement may change is not known any more
            for node in ast.walk(statement):
                if isinstance(node, ast.Name):
                    values.pop(node.id, None)
    return values


def _execute(statement: ast.stmt, values: Dict[str, Any]) -> None:
    """An assignment to a name or an item, or ``item.update(...)``."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target, value = statement.targets[0], _value(statement.value, values)
        if isinstance(target, ast.Name):
            values[target.id] = value
            return
        if isinstance(target, ast.Subscript):
            _value(target.value, values)[_value(target.slice, values)] = value
            return
    call = getattr(statement, 'value', None)
    if isinstance(statement, ast.Expr) and isinstance(call, ast.Constant):  # a comment as a string
        return
    if isinstance(statement, ast.Expr) and isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
        owner = _value(call.func.value, values)
        if call.func.attr == 'update' and isinstance(owner, dict) and not call.args:
            owner.update(_keywords(call, values))
            return
    raise ValueError(f'line {statement.lineno} is not plain data')


def _keywords(call: ast.Call, values: Dict[str, Any]) -> Dict[str, Any]:
    if not all(keyword.arg for keyword in call.keywords):
        raise ValueError(f'line {call.lineno} is not plain data')
    return {str(keyword.arg): _value(keyword.value, values) for keyword in call.keywords}


def _value(node: ast.expr, values: Dict[str, Any]) -> Any:
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple)):
        items = [_value(item, values) for item in node.elts]
        return items if isinstance(node, ast.List) else tuple(items)
    if isinstance(node, ast.Dict) and None not in node.keys:  # no **other
        return {_value(key, values): _value(value, values) for key, value in zip(node.keys, node.values) if key}
    if isinstance(node, ast.Name):
        return values[node.id]
    if isinstance(node, ast.Subscript):
        return _value(node.value, values)[_value(node.slice, values)]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, values)
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        left, right = _value(node.left, values), _value(node.right, values)
        if {type(left), type(right)} <= {int, float} and max(abs(left), abs(right)) < 1e9:
            return ARITHMETIC[type(node.op)](left, right)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        return _keywords(node, values)
    raise ValueError(f'line {node.lineno} is not plain data')
