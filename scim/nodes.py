"""The nodes of a filter's tree, the same before and after its names are resolved (RFC 7644 §3.4.2.2, Figure 1).

The target of a leaf is a name as written in what scim.filter reads, and a resolved Target in what scim.binding makes
of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

T = TypeVar("T")
"""What names an attribute: scim.filter.Path before binding, scim.attributes.Target after it."""


@dataclass(frozen=True, slots=True)
class Compare(Generic[T]):
    """`target op operand`, true where some value of the target stands in this relation to the operand.

    As written, `op` is one of eq, ne, co, sw, ew, gt, ge, lt and le, and `operand` a JSON literal. After binding there
    is no ne, and `operand` is a comparison key; `literal` is the text that it is the key of, None where it is not text.
    """

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
    """`target[filter]`: one element satisfies the whole filter, which has no value path in it."""

    target: T
    filter: "Node[T]"


Node: TypeAlias = Compare[T] | Present[T] | And[T] | Or[T] | Not[T] | ValuePath[T]


def chain(kind: type[And[T]] | type[Or[T]], operands: Sequence[Node[T]]) -> Node[T]:
    """The operands joined in halves: a chain of 200 is 8 levels deep, where one from left to right would be 199."""
    if len(operands) < 3:
        return kind(*operands) if len(operands) == 2 else operands[0]
    middle = (len(operands) + 1) // 2
    return kind(chain(kind, operands[:middle]), chain(kind, operands[middle:]))


def chained(kind: type[And[T]] | type[Or[T]], tree: Node[T]) -> list[Node[T]]:
    """What a chain of one kind joins, from left to right."""
    if not isinstance(tree, kind):
        return [tree]
    return chained(kind, tree.left) + chained(kind, tree.right)


def levels(tree: Node[T]) -> int:
    """How many operators and brackets stand above the deepest comparison."""
    match tree:
        case And(left, right) | Or(left, right):
            return 1 + max(levels(left), levels(right))
        case Not(inner) | ValuePath(_, inner):
            return 1 + levels(inner)
    return 0
