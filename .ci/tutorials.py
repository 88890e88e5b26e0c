"""Run the tutorials and write what their commands print back into the pages; part of ``make docs``.

A tutorial is run from top to bottom in a folder of its own: ``sh`` blocks by bash, ``sql`` blocks against the published
warehouse. A ``text`` block that follows is what the block before it prints. Comments say what a reader does by hand:

    <!-- tutorial: data olist -->                     ~/data/olist is the folder of that name among the real data sets
    <!-- tutorial: project shop -->                   the project that the queries are about
    <!-- tutorial: append shop/shopwright.toml -->    the next block is added to that file
    <!-- tutorial: replace shop/shopwright.toml -->   the sections of the next block replace those of the same name
    <!-- tutorial: file shop/raw/lines.csv -->       the next block is that file, which is there before anything is run
    <!-- tutorial: run COMMAND -->                    a command whose output the next text block is
    <!-- tutorial: skip -->                           the next block is not run

    python .ci/tutorials.py [--check] [PAGE ...]

Durations differ from run to run and are left out. A page whose data set is not on this machine is left as it is, which is
said; ``SHOPWRIGHT_REAL_DATA`` names the folder of the data sets.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parents[1]
PAGES = [
    *sorted((ROOT / "docs" / "tutorials").glob("*.md")),
    ROOT / "docs" / "explanation" / "what-counts.md",
]
REAL_DATA = Path(os.environ.get("SHOPWRIGHT_REAL_DATA") or ROOT.parent / "shared" / "data")

_BLOCK = re.compile(
    r"^<!-- tutorial: (?P<directive>.+?) -->$|^```(?P<kind>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FILE = re.compile(
    r"^<!-- tutorial: file (?P<path>.+?) -->\n+```\w+\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL
)
_DURATION = re.compile(r"; \d+\.\d s\b(, [\d,]+ rows per second)?")


class MissingDataError(Exception):
    """A data set is not on this machine."""


@dataclass
class Tutorial:
    """One page as it is run."""

    page: Path
    scratch: Path
    project: str = ""
    directives: list[str] = field(default_factory=list)
    """Those since the last block."""
    printed: str | None = None
    """What the last block printed; None where it is not to be compared."""

    @property
    def home(self) -> Path:
        """The reader's home."""
        return self.scratch / "home"

    def run(self) -> str:
        """Run the page; return its text with the outputs of today."""
        self.home.mkdir()
        text = self.page.read_text("utf-8")
        for match in _FILE.finditer(text):
            file = self.scratch / match["path"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(match["body"], "utf-8")
        return _BLOCK.sub(self._step, text)

    def _step(self, match: re.Match[str]) -> str:
        if match["directive"]:
            self._direct(match["directive"])
            return match[0]
        kind, body = match["kind"], match["body"]
        if kind == "text" and self.printed is not None:
            printed, self.printed = self.printed, None
            return f"```text\n{_DURATION.sub('', printed)}```"
        directives, self.directives = self.directives, []
        self.printed = None
        for directive in directives:
            verb, _, argument = directive.partition(" ")
            if verb in {"append", "replace"}:
                self._write(self.scratch / argument, body, replace=verb == "replace")
                return match[0]
            if verb in {"file", "skip"}:
                return match[0]
        if kind == "sh":
            self.printed = self._shell(body)
        elif kind == "sql":
            self.printed = self._query(body)
        return match[0]

    def _direct(self, directive: str) -> None:
        verb, _, argument = directive.partition(" ")
        if verb == "data":
            if not (REAL_DATA / argument).is_dir():
                raise MissingDataError(f"no data set {argument} in {REAL_DATA}")
            (self.home / "data").mkdir(exist_ok=True)
            (self.home / "data" / argument).symlink_to((REAL_DATA / argument).resolve())
        elif verb == "project":
            self.project = argument
        elif verb == "run":
            self.printed = self._shell(argument)
        elif verb in {"append", "file", "replace", "skip"}:
            self.directives.append(directive)
        else:
            raise ValueError(f"{self.page}: unknown directive '{directive}'")

    def _shell(self, commands: str) -> str:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = os.environ | {"HOME": str(self.home), "PATH": path, "COLUMNS": "200"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            cwd=self.scratch,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{self.page}: {commands}\n{done.stdout}{done.stderr}")
        text = done.stdout.replace(str(self.home), "~").replace(f"{self.scratch}/", "")
        return "".join(f"{line.rstrip()}\n" for line in text.strip("\n").splitlines())

    def _write(self, file: Path, text: str, *, replace: bool) -> None:
        before = file.read_text("utf-8")
        if replace:
            for name in tomllib.loads(text):
                before = re.sub(
                    rf"^\[{re.escape(name)}\]\n.*?(?=^\[|\Z)", "", before, flags=re.MULTILINE | re.DOTALL
                )
        file.write_text(f"{before}\n{text}", "utf-8")

    def _query(self, statement: str) -> str:
        database = self.scratch / self.project / "published" / "warehouse.duckdb"
        with duckdb.connect(str(database), read_only=True) as connection:
            result = connection.execute(statement)
            names = [column[0] for column in result.description or []]
            rows = result.fetchall()
        return format_rows(names, rows)


def format_rows(names: list[str], rows: list[tuple[object, ...]]) -> str:
    """Return a query's rows as aligned columns; numbers are on the right, with thousands separators."""
    numeric = [all(not isinstance(row[index], str) for row in rows) for index in range(len(names))]
    cells = [names, *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(names))]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, numeric, strict=True)
        )
        for line in cells
    ]
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | str | float):
        return str(value)
    return f"{value:,}" if hasattr(value, "__round__") else str(value)


def render(page: Path) -> str:
    """Run a page in a folder that is gone afterwards; return its text with the outputs of today.

    Raises:
        MissingDataError: its data set is not on this machine.
        RuntimeError: one of its commands failed.
    """
    with tempfile.TemporaryDirectory(prefix="tutorial-") as folder:
        return Tutorial(page, Path(folder).resolve()).run()


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` only name those that are stale; return the exit code."""
    check = "--check" in arguments
    pages = [Path(item).resolve() for item in arguments if item != "--check"] or PAGES
    stale = 0
    for page in pages:
        try:
            text = render(page)
        except MissingDataError as error:
            print(f"{page.name}: not run: {error}")
            continue
        if text == page.read_text("utf-8"):
            print(f"{page.name}: up to date")
            continue
        stale += 1
        print(f"{page.name}: {'stale' if check else 'written'}")
        if not check:
            page.write_text(text, "utf-8")
    return int(check and stale > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
