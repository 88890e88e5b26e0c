"""Write the table of packages into the architecture page, from each package's docstring and the layers that imports keep.

python .ci/packages.py [--check]
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "explanation" / "architecture.md"
PACKAGE = ROOT / "src" / "shopwright"
_TABLE = re.compile(r"(<!-- packages: written by `make docs` -->\n).*?(<!-- end of packages -->)", re.DOTALL)


def layers() -> list[list[str]]:
    """Return the layers of the import contract, from the edges down; packages of one layer do not import one another."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = [
        item for item in contracts if item["type"] == "layers" and item["containers"] == ["shopwright"]
    ]
    return [[name.strip(" ()") for name in re.split(r"[|:]", layer)] for layer in contract["layers"]]


def remit(package: str) -> str:
    """Return the first paragraph of a package's docstring, on one line."""
    text = (PACKAGE / package / "__init__.py").read_text("utf-8")
    return " ".join((ast.get_docstring(ast.parse(text)) or "").split("\n\n")[0].split())


def render(page: str) -> str:
    """Return the page with the table of today."""
    rows = [
        f"| {number} | `src/shopwright/{package}` | {remit(package)} |"
        for number, packages in enumerate(layers(), start=1)
        for package in sorted(packages)
    ]
    table = "\n".join(["| layer | package | what it holds |", "| --- | --- | --- |", *rows])
    return _TABLE.sub(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", page)


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` only say whether it is stale; return the exit code."""
    text = PAGE.read_text("utf-8")
    current = render(text)
    if "--check" not in arguments:
        PAGE.write_text(current, "utf-8")
        return 0
    if text != current:
        print(f"{PAGE.relative_to(ROOT)} is not what the packages say; run make docs")
    return int(text != current)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
