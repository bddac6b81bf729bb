"""The text of a filter or a PATCH path to its syntax tree: one lexer, one grammar (RFC 7644 §3.4.2.2, §3.5.2).

Names stay as they are written; scim.binding checks that they exist and that a value can be compared with them.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

from scim.errors import InvalidFilter, InvalidPath, ScimError
from scim.nodes import And, Compare, Node, Not, Or, Present, ValuePath, chain, chained, levels

# The bounds of one text. Nesting has two, since parentheses add no level to the tree. MAX_LEVELS makes a tree safe for
# recursion and for SQL: SQLite 3.40 parses with a stack of 100 entries, and a level takes three of them (32 nested ORs
# overflow it). A chain of MAX_TERMS is 8 levels deep (see `chain`).
MAX_LENGTH = 65_536
MAX_DEPTH = 50
MAX_LEVELS = 16
MAX_TERMS = 200
MAX_DIGITS = 40
SHOWN = 40  # characters of the client's text that an error repeats

OPERATORS = ("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr")

Filter: TypeAlias = Node[str]
"""A filter as written; the target of a leaf is the whole name, with its schema's URN if the client gave it."""


@dataclass(frozen=True, slots=True)
class PatchPath:
    """The target of a PATCH operation: `path`, or `path[filter]`, or `path[filter].sub` (RFC 7644 §3.5.2)."""

    path: str
    filter: Filter | None = None
    sub: str | None = None


def parse_filter(text: str) -> Filter:
    """The tree of a filter. Raises InvalidFilter."""
    parser = _Parser(text, "filter", InvalidFilter)
    try:
        tree = parser.disjunction()
        parser.end('write one comparison, or several joined by "and" or "or", and close only brackets that were opened')
        parser.check_levels(tree)
    except InvalidFilter:
        unescaped = _unescaped(text)
        if unescaped is None:
            raise
        return unescaped
    return tree


def parse_path(text: str) -> PatchPath:
    """The target that the path of a PATCH operation names. Raises InvalidPath, and InvalidFilter between brackets."""
    parser = _Parser(text, "path", InvalidPath)
    if parser.tokens[1] == "[":
        name, tree = parser.bracketed()
        parser.check_levels(tree)
        path = PatchPath(name, tree, parser.sub_attribute())
    else:
        path = PatchPath(parser.attribute())
    parser.end("an attribute is followed by nothing but [filter] and .subAttribute")
    return path


# A token is a text in double quotes up to its closing quote or the end, a bracket, or a word. The quantifiers are
# possessive (`*+`): a text that is never closed costs one scan and no backtracking.
_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[()\[\]]|[^ \t\r\n()\[\]"]++', re.DOTALL)

# `$` is legal only at the start, for $ref. RFC 7643 §2.1 allows it everywhere else, where no attribute needs it.
_NAME = r"\$?[A-Za-z][A-Za-z0-9_-]*"
# The URN is everything before the last colon, so the last word of a bare schema URN is read as the attribute.
_PATH = rf"(?:[A-Za-z][A-Za-z0-9._~%/+:-]*:)?{_NAME}(?:\.{_NAME})?"
_ATTRIBUTE = re.compile(_PATH)
_SUB_ATTRIBUTE = re.compile(rf"\.({_NAME})")

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# A text without escapes, whose value is what is between the quotes; the JSON parser reads any other.
_PLAIN = re.compile('"[^"\\\\\x00-\x1f\ud800-\udfff]*+"')
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False, "null": None}

_UNESCAPED = re.compile(rf'[ \t\r\n]*({_PATH})[ \t\r\n]+[eE][qQ][ \t\r\n]*"(.*)"[ \t\r\n]*', re.DOTALL)
_JUNCTION = re.compile(r'"\s+(?:and|or)\s|\s(?:and|or)\s+"', re.IGNORECASE)
_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")


class _Parser:
    """A recursive-descent parser of one text; `at` is the index of the current token."""

    def __init__(self, text: str, noun: str, refusal: type[ScimError]) -> None:
        if len(text) > MAX_LENGTH:
            raise refusal(f"The {noun} has {len(text)} characters: shorten it to at most {MAX_LENGTH}.")
        self.text = text
        self.noun = noun
        self.refusal = refusal
        # Two empty tokens mark the end, because `term` looks one token ahead.
        self.tokens: list[str] = _TOKEN.findall(text)
        self.tokens += ("", "")
        self.at = self.depth = self.terms = 0
        self.in_brackets = False

    def disjunction(self) -> Filter:
        return self.chained(Or, "or", self.conjunction)

    def conjunction(self) -> Filter:
        return self.chained(And, "and", self.term)

    def chained(self, kind: type[And[str]] | type[Or[str]], word: str, operand: Callable[[], Filter]) -> Filter:
        """One operand, or several joined by the word."""
        operands = [operand()]
        while self.tokens[self.at].lower() == word:
            self.at += 1
            operands.append(operand())
        return chain(kind, operands)

    def term(self) -> Filter:
        word, ahead = self.tokens[self.at], self.tokens[self.at + 1]
        if word == "(":
            return self.nested(")")
        if ahead == "(" and word.lower() == "not":
            self.at += 1
            return Not(self.nested(")"))
        return self.value_path() if ahead == "[" else self.comparison(self.attribute())

    def nested(self, closing: str) -> Filter:
        """The filter in parentheses or brackets; the current token opens them."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fault(f"brackets may stand at most {MAX_DEPTH} deep in each other")
        self.at += 1
        tree = self.disjunction()
        if self.tokens[self.at] != closing:
            raise self.fault(f'{closing} is expected, or "and" or "or" with another comparison')
        self.at += 1
        self.depth -= 1
        return tree

    def value_path(self) -> Filter:
        """`emails[filter]`, or Entra's `emails[filter].value eq "x"`, which is not in RFC 7644 §3.4.2.2."""
        path, elements = self.bracketed()
        sub = self.sub_attribute()
        word = self.tokens[self.at].lower()
        if sub is None and word == "pr":
            self.at += 1
        elif sub or word in OPERATORS:
            return _same_element(path, elements, self.comparison(sub or "value"))
        return ValuePath(path, elements)

    def attribute(self) -> str:
        token = self.tokens[self.at]
        if _ATTRIBUTE.fullmatch(token) is None:
            raise self.fault('an attribute is expected, such as userName, name.givenName or emails[type eq "work"]')
        self.at += 1
        return token

    def bracketed(self) -> tuple[str, Filter]:
        """An attribute and the filter in brackets behind it."""
        path = self.attribute()
        if self.in_brackets:
            raise self.fault("brackets cannot hold other brackets, so use a sub-attribute of the outer attribute")
        if "." in path.rpartition(":")[2]:
            raise self.fault("brackets follow the attribute itself, not its sub-attribute")
        # Between brackets errors are invalidFilter in a PATCH path too (RFC 7644 §3.12).
        outer, self.refusal, self.in_brackets = self.refusal, InvalidFilter, True
        tree = self.nested("]")
        self.refusal, self.in_brackets = outer, False
        return path, tree

    def sub_attribute(self) -> str | None:
        match = _SUB_ATTRIBUTE.fullmatch(self.tokens[self.at])
        if match is None:
            return None
        self.at += 1
        return match[1]

    def comparison(self, path: str) -> Compare[str] | Present[str]:
        word = self.tokens[self.at].lower()
        if word not in OPERATORS:
            if path.lower() == "not":
                raise self.fault("not is followed by parentheses, as in not (title pr)")
            raise self.fault(f"the attribute is followed by an operator, one of {', '.join(OPERATORS)}")
        self.terms += 1
        if self.terms > MAX_TERMS:
            raise self.fault(f"a {self.noun} may hold at most {MAX_TERMS} comparisons")
        self.at += 1
        return Present(path) if word == "pr" else Compare(path, word, self.value())

    def value(self) -> str | bool | int | float | None:
        token = self.tokens[self.at]
        value = self.string(token) if token.startswith('"') else self.unquoted(token)
        self.at += 1
        return value

    def string(self, token: str) -> str:
        if _PLAIN.fullmatch(token):
            return token[1:-1]
        try:
            value: str = json.loads(token)
        except ValueError as error:
            remedy = r'a value ends with a double quote, and inside it " is written \" and \ is written \\'
            raise self.fault(remedy) from error
        if _SURROGATE.search(value):
            raise self.fault("the value holds half a character, so write both halves of its surrogate pair")
        return value

    def unquoted(self, token: str) -> bool | int | float | None:
        """RFC 7644 has true, false and null in lower case only; clients capitalise them."""
        if token.lower() in _WORDS:
            return _WORDS[token.lower()]
        match = _NUMBER.fullmatch(token)
        if match is None:
            raise self.fault("put the value in double quotes; only numbers, true, false and null stand without them")
        if len(token.lstrip("-")) > MAX_DIGITS:
            raise self.fault(f"a number has at most {MAX_DIGITS} digits")
        if match.lastindex is None:
            return int(token)
        value = float(token)
        if math.isinf(value):
            raise self.fault("the number is too large")
        return value

    def check_levels(self, tree: Filter) -> None:
        # Each level takes at least one token.
        found = levels(tree) if len(self.tokens) > MAX_LEVELS else 0
        if found > MAX_LEVELS:
            raise InvalidFilter(f"The {self.noun} is {found} levels deep: simplify it to at most {MAX_LEVELS}.")

    def end(self, remedy: str) -> None:
        if self.tokens[self.at]:
            raise self.fault(remedy)

    def fault(self, remedy: str) -> ScimError:
        """The error about the current token: one sentence of bounded length."""
        token = self.tokens[self.at]
        if not token:
            return self.refusal(f"The {self.noun} ends too early: {remedy}.")
        start = next(islice(_TOKEN.finditer(self.text), self.at, None)).start()
        found = repr(token)  # Escapes what is invisible or cannot be sent.
        found = f"{found[:SHOWN]}…" if len(found) > SHOWN else found
        return self.refusal(f"The {self.noun} cannot be read at character {start + 1}, {found}: {remedy}.")


def _same_element(path: str, elements: Filter, leaf: Compare[str] | Present[str]) -> Filter:
    """`emails[elements].value eq "x"` in its RFC form `emails[elements and value eq "x"]`.

    The comparison is outside the brackets, so `ne` negates `eq` over all elements: it holds when no element has both
    the type work and this value, and when there are no elements. Inside the brackets it would require an element of
    type work with another value, and miss a user without one. `eq null` means not `pr`, and `ne null` means `pr`.
    """
    wanted, negated = leaf, False
    match leaf:
        case Compare(target, "eq" | "ne" as op, None):
            wanted, negated = Present(target), op == "eq"
        case Compare(target, "ne", operand):
            wanted, negated = Compare(target, "eq", operand), True
    tree = ValuePath(path, chain(And, [*chained(And, elements), wanted]))
    return Not(tree) if negated else tree


def _unescaped(text: str) -> Compare[str] | None:
    """A lone `attr eq "…"` whose value may hold quotes and backslashes, since Entra is not known to escape them. The
    value is the text between the first and the last quote, unless that could be several comparisons."""
    match = _UNESCAPED.fullmatch(text)
    if match is None or _JUNCTION.search(match[2]) or _HALF_CHARACTER.search(match[2]):
        return None
    return Compare(match[1], "eq", match[2])
