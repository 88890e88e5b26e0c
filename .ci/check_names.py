"""Names and docstrings keep to ``docs/contributing/naming.md``: run by ``make check``, or on some files with their paths.

Counts the names that Python files define (functions, classes, parameters, variables, attributes) and how many of them are
house words, listed with their alternatives in ``docs/contributing/house-words.txt``; more than ``MAX_SHARE`` fails. The
docstring of a function or method begins with an imperative, that of anything else with a noun; a function's that begins
with an article or a question word fails.

    python .ci/check_names.py                       the package: a summary, and what fails
    python .ci/check_names.py -v src/shopwright/lake    every house word below a folder, with its line
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WORDS = ROOT / "docs" / "contributing" / "house-words.txt"
PACKAGE = ROOT / "src" / "shopwright"
MAX_SHARE = 0.005
NOT_IMPERATIVE = frozenset(
    [
        "a",
        "all",
        "an",
        "and",
        "any",
        "as",
        "at",
        "both",
        "by",
        "each",
        "every",
        "everything",
        "for",
        "from",
        "how",
        "if",
        "in",
        "it",
        "its",
        "most",
        "nothing",
        "of",
        "on",
        "only",
        "one",
        "since",
        "so",
        "some",
        "such",
        "that",
        "the",
        "there",
        "these",
        "this",
        "those",
        "to",
        "two",
        "under",
        "until",
        "what",
        "when",
        "where",
        "whether",
        "which",
        "who",
        "whom",
        "whose",
        "why",
        "with",
        "without",
    ]
)
# What a decorator turns into a value is described by a noun.
VALUES = {"property", "cached_property", "fixture", "overload"}


class HouseWords:
    """The word list: what is no name, and what to use instead."""

    def __init__(self, text: str) -> None:
        self.whole: dict[str, str] = {}
        self.first: dict[str, str] = {}
        self.anywhere: dict[str, str] = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                word, _, instead = line.partition(" ")
                group = self.anywhere if word[0] == "*" else self.first if word[-1] == "*" else self.whole
                group[word.strip("*_")] = instead.strip()

    def alternative(self, name: str) -> str | None:
        """Return what to use instead of a name; None where the name is fine."""
        components = [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)]
        if not components:
            return None
        if (instead := self.whole.get("_".join(components))) is not None:
            return instead
        if len(components) > 1 and components[0] in self.first:
            return self.first[components[0]]
        return next((self.anywhere[part] for part in components if part in self.anywhere), None)


def defined_names(tree: ast.AST) -> list[tuple[str, int]]:
    """Return every name that a module defines with its line, once for each scope that defines it."""
    names: dict[tuple[str, int], int] = {}

    def visit(node: ast.AST, scope: int) -> None:
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.setdefault((node.name, scope), line)
            scope = id(node)
        elif isinstance(node, ast.arg):
            names.setdefault((node.arg, scope), line)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault((node.id, scope), line)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.setdefault((node.attr, scope), line)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.setdefault((node.name, scope), line)
        for child in ast.iter_child_nodes(node):
            visit(child, scope)

    visit(tree, 0)
    return [(name, line) for (name, _), line in names.items()]


def moods(tree: ast.AST) -> list[tuple[str, int]]:
    """Return the functions whose docstring does not begin with an imperative, with their line."""
    wrong = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _is_value(node):
            first = (ast.get_docstring(node) or "").partition(" ")[0].strip(".,:;").lower()
            if first in NOT_IMPERATIVE:
                wrong.append((node.name, node.lineno))
    return wrong


def _is_value(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    decorators = {ast.unparse(item).partition("(")[0].rpartition(".")[2] for item in node.decorator_list}
    return bool(decorators & VALUES)


def main(arguments: list[str]) -> int:
    """Print what fails; return the exit code."""
    verbose = "-v" in arguments
    folders = [Path(item) for item in arguments if item != "-v"] or [PACKAGE]
    words = HouseWords(WORDS.read_text("utf-8"))
    count, house, mood = 0, Counter[str](), 0
    files = [file for path in folders for file in ([path] if path.is_file() else sorted(path.rglob("*.py")))]
    for file in files:
        tree = ast.parse(file.read_text("utf-8"))
        for name, line in defined_names(tree):
            count += 1
            if (instead := words.alternative(name)) is not None:
                house[name] += 1
                if verbose:
                    print(f"{file}:{line}: {name} is a house word; use {instead}")
        for name, line in moods(tree):
            mood += 1
            if verbose or mood <= 20:
                print(f"{file}:{line}: the docstring of {name}() does not begin with an imperative")
    share = sum(house.values()) / max(count, 1)
    print(
        f"{sum(house.values())} of {count:,} names are house words ({share:.2%}, limit {MAX_SHARE:.2%}): ",
        end="",
    )
    print(", ".join(f"{name} {times}" for name, times in house.most_common(15)) or "none")
    if mood:
        print(f"{mood} docstrings of functions do not begin with an imperative")
    return int(share > MAX_SHARE or mood > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
