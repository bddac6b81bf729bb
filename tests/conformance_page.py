"""docs/conformance.md: the part by hand, and the tables that the tests themselves make (`make docs` rewrites them)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "conformance.md"
MARK = "<!-- What follows is made by `make docs` from the tests. -->"

_SECTION = re.compile(r"RFC (\d{4}) ((?:§[\d.]+(?:, | and | to )?)+)")
_REQUIREMENT = re.compile(r"R(\d+)")


def page() -> str:
    """The page as it should be."""
    by_hand = PAGE.read_text("utf-8").partition(MARK)[0] if PAGE.exists() else ""
    return by_hand + "\n".join([MARK, "", *_features(), "", *_requirements(), ""])


def _features() -> Iterator[str]:
    yield "## What is tested, by RFC section"
    yield ""
    yield "| feature | RFC | tests | state |"
    yield "|---|---|---|---|"
    for path in _modules():
        tree = ast.parse(path.read_text("utf-8"))
        said = " ".join((ast.get_docstring(tree) or "").split())
        found = [f"{number} {sections.rstrip(' ,')}" for number, sections in _SECTION.findall(path.read_text("utf-8"))]
        count = len(list(_tests(tree)))
        sentence = re.sub(r"\s*\([^()]*RFC[^()]*\)", "", said.partition(". ")[0]).rstrip(".")
        rfcs = ", ".join(dict.fromkeys(found)) or "–"
        yield f"| {sentence} | {rfcs} | {path.relative_to(ROOT)} ({count}) | holds |"


def _requirements() -> Iterator[str]:
    yield "## Faults of other servers, as requirements of this one"
    yield ""
    yield "| requirement | held by |"
    yield "|---|---|"
    tree = ast.parse((ROOT / "tests" / "app" / "test_requirements.py").read_text("utf-8"))
    for test in _tests(tree):
        number = _REQUIREMENT.fullmatch(ast.get_docstring(test) or "")
        if number:
            yield f"| R{number.group(1)} | {test.name.removeprefix('test_').replace('_', ' ')} |"


def _modules() -> list[Path]:
    folders = ("tests/scim", "tests/store", "tests/app", "tests/fuzz", "conformance")
    return sorted(path for folder in folders for path in (ROOT / folder).glob("test_*.py"))


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
