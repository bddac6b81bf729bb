"""docs/conformance.md: the part by hand, and the tables that the tests themselves make (`make docs` rewrites them)."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "conformance.md"
MARK = "<!-- What follows is made by `make docs` from the tests. -->"

_NAMED = re.compile(r"RFC (\d{4}) ((?:§[\d.]+(?:, | and | to )?)+)")
_SECTION = re.compile(r"§\d+(?:\.\d+)*(?: to §\d+(?:\.\d+)*)?")
_EXCUSES = frozenset({"skip", "skipif", "xfail", "importorskip"})
_REQUIREMENT = re.compile(r"R(\d+)\b")


def page() -> str:
    """The page as it should be."""
    by_hand = PAGE.read_text("utf-8").partition(MARK)[0] if PAGE.exists() else ""
    return by_hand + "\n".join([MARK, "", *_features(), "", *_requirements(), ""])


def _features() -> Iterator[str]:
    yield "## What is tested, by RFC section"
    yield ""
    yield "`holds`: `.ci/run` fails unless every test of the row passes, on SQLite and on Postgres, and skips none."
    yield "Where tests are marked as skipped or as expected to fail, the row says so instead."
    yield ""
    yield "| feature | RFC | tests | state |"
    yield "|---|---|---|---|"
    for path in _modules():
        text = path.read_text("utf-8")
        tree = ast.parse(text)
        said = " ".join((ast.get_docstring(tree) or "").split())
        sentence = re.sub(r"\s*\([^()]*RFC[^()]*\)", "", said.partition(". ")[0]).rstrip(".")
        tests = f"{path.relative_to(ROOT)} ({len(list(_tests(tree)))})"
        yield f"| {sentence} | {_sections(text) or '–'} | {tests} | {_state(tree)} |"


def _sections(text: str) -> str:
    """The sections that a module names, each once, by RFC."""
    named: dict[str, set[str]] = {}
    for number, sections in _NAMED.findall(" ".join(text.split())):
        named.setdefault(number, set()).update(_SECTION.findall(sections))
    return "; ".join(f"{number} {', '.join(sorted(named[number], key=_place))}" for number in sorted(named, key=int))


def _place(section: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", section)]


def _state(tree: ast.Module) -> str:
    """Whether a module's tests all count: those that are not, by their marks and calls."""
    named = [node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in _EXCUSES]
    return f"{len(named)} skipped or expected to fail" if named else "holds"


def _requirements() -> Iterator[str]:
    yield "## Faults of other servers, as requirements of this one"
    yield ""
    yield "| requirement | held by | in |"
    yield "|---|---|---|"
    for number, name, module in sorted(_requiring(), key=lambda found: found[0]):
        yield f"| R{number} | {name.removeprefix('test_').replace('_', ' ')} | {module} |"


def _requiring() -> Iterator[tuple[int, str, Path]]:
    """The tests that hold a requirement, as their docstrings say: its number, the test's name and its module."""
    for path in _modules():
        for test in _tests(ast.parse(path.read_text("utf-8"))):
            number = _REQUIREMENT.match(ast.get_docstring(test) or "")
            if number:
                yield int(number.group(1)), test.name, path.relative_to(ROOT)


def _modules() -> list[Path]:
    folders = ("tests/scim", "tests/store", "tests/app", "tests/fuzz", "tests/conformance")
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("test_*.py"))


def _tests(tree: ast.Module) -> Iterator[ast.FunctionDef]:
    return (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"))


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
