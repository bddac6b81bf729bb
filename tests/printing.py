"""A filter or PATCH path as text that is read back as an equal tree; escapes may make it longer than MAX_LENGTH."""

import json

from scim.filter import Filter, PatchPath
from scim.nodes import And, Compare, Not, Or, Present, ValuePath, chain, chained


def printed(tree: Filter | PatchPath) -> str:
    """The text of a tree as scim.filter reads it."""
    match tree:
        case PatchPath(path, None):
            return path
        case PatchPath(path, Compare() | Present() | And() | Or() | Not() | ValuePath() as inner, sub):
            return f"{path}[{printed(inner)}]{f'.{sub}' if sub else ''}"
        case Compare(path, op, operand):
            return f"{path} {op} {json.dumps(operand, ensure_ascii=False)}"
        case Present(path):
            return f"{path} pr"
        case Not(operand):
            return f"not ({printed(operand)})"
        case ValuePath(path, inner):
            return f"{path}[{printed(inner)}]"
        case And():
            return _joined(tree, "and")
        case Or():
            return _joined(tree, "or")
    raise AssertionError(tree)


def _joined(tree: And[str] | Or[str], word: str) -> str:
    """The chain without parentheses where the parser would build this very tree, else one level with them."""
    kind = type(tree)
    operands = chained(kind, tree)
    if chain(kind, operands) != tree:
        operands = [tree.left, tree.right]
    return f" {word} ".join(
        f"({printed(each)})" if isinstance(each, (kind, Or)) else printed(each) for each in operands
    )
