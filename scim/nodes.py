"""The nodes of a filter's tree, the same before and after its names are resolved (RFC 7644 §3.4.2.2, Figure 1).

The target of a leaf is the attribute's name in a tree made by scim.filter, and a Target in one made by scim.binding.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
"""How a leaf refers to an attribute: by name before binding, by scim.attributes.Target after it."""


@dataclass(frozen=True, slots=True)
class Compare(Generic[T]):
    """`target op operand`: some value of the target compares so with the operand. Before binding, `op` is one of eq,
    ne, co, sw, ew, gt, ge, lt and le, and `operand` is a JSON literal. After binding ne has become Not and eq, and
    `operand` is a comparison key; if that is text, `literal` is the text as written."""

    target: T
    op: str
    operand: Any
    literal: str | None = None


@dataclass(frozen=True, slots=True)
class Present(Generic[T]):
    """`target pr`: the attribute has a value."""

    target: T


@dataclass(frozen=True, slots=True)
class And(Generic[T]):
    """Both are true."""

    left: "Node[T]"
    right: "Node[T]"


@dataclass(frozen=True, slots=True)
class Or(Generic[T]):
    """At least one is true."""

    left: "Node[T]"
    right: "Node[T]"


@dataclass(frozen=True, slots=True)
class Not(Generic[T]):
    """The operand is false."""

    operand: "Node[T]"


@dataclass(frozen=True, slots=True)
class ValuePath(Generic[T]):
    """`target[filter]`: one element satisfies the whole filter. The filter holds no other value path."""

    target: T
    filter: "Node[T]"


Node: TypeAlias = Compare[T] | Present[T] | And[T] | Or[T] | Not[T] | ValuePath[T]


def chain(kind: type[And[T]] | type[Or[T]], operands: Sequence[Node[T]]) -> Node[T]:
    """The operands joined in halves: a chain of 200 is 8 levels deep, where joined from left to right it is 199."""
    if len(operands) < 3:
        return kind(*operands) if len(operands) == 2 else operands[0]
    middle = (len(operands) + 1) // 2
    return kind(chain(kind, operands[:middle]), chain(kind, operands[middle:]))


def chained(kind: type[And[T]] | type[Or[T]], tree: Node[T]) -> list[Node[T]]:
    """The operands of a chain of one kind, from left to right."""
    if not isinstance(tree, kind):
        return [tree]
    return chained(kind, tree.left) + chained(kind, tree.right)


def levels(tree: Node[T]) -> int:
    """How many operators and brackets are around the innermost comparison."""
    match tree:
        case And(left, right) | Or(left, right):
            return 1 + max(levels(left), levels(right))
        case Not(inner) | ValuePath(_, inner):
            return 1 + levels(inner)
    return 0
