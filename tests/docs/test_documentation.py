"""What the documentation names exists: links, paths, make verbs, commands and options."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_FENCE = re.compile(r"^[ ]*```.*?^[ ]*```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?)\s*$", re.MULTILINE)
_PATH = re.compile(r"(?<![\w./~-])(?:src|docs|tests|benchmarks|requirements|\.ci|\.github)/[\w./*-]*[\w*/]")
_ROOT_FILE = re.compile(r"(?<![\w./-])(?:Makefile|pyproject\.toml|LICENSE|[A-Z]+\.md)(?![\w/])")
_MODULE = re.compile(r"(?<![\w./-])shopwright(?:\.[A-Za-z_]\w*)+(?![\w.]*/)")
_MAKE = re.compile(r"(?<![\w-])make +([a-z]+)\b")
_COMMAND = re.compile(r"(?:^|[\s/;&(])shopwright +([a-z][^|;&>)\n]*)", re.MULTILINE)


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


every_page = pytest.mark.parametrize("page", PAGES, ids=_name)


def _fences(page: Path) -> list[str]:
    return [fence.replace("\\\n", " ") for fence in _FENCE.findall(page.read_text("utf-8"))]


def _prose(page: Path) -> str:
    return _FENCE.sub("", page.read_text("utf-8"))


def _code(page: Path) -> list[str]:
    """Everything a page sets as code: its blocks, and its spans."""
    return [*_fences(page), *_SPAN.findall(_prose(page))]


def _slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _missing_link(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    if not file.exists():
        return True
    if not anchor or file.suffix != ".md":
        return False
    return anchor not in {_slug(heading) for heading in _HEADING.findall(_prose(file))}


def _exists(path: str) -> bool:
    return any(ROOT.glob(path)) if "*" in path else (ROOT / path).exists()


def _resolves(name: str) -> bool:
    try:
        resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


@cache
def _command_line() -> Any:
    from typer.main import get_command

    from shopwright.cli.main import app

    return get_command(app)


def _options(command: Any) -> set[str]:
    given = {
        option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)
    }
    return {"--help", *given}


def _wrong_words(text: str) -> list[str]:
    """The first words of a command line that the app would not know; none where it is right."""
    command, known = _command_line(), _options(_command_line())
    for word in shlex.split(text.rstrip("\\"), comments=True):
        option = word.partition("=")[0]
        if option.startswith("-") and option not in known:
            return [word]
        if not word.startswith("-") and hasattr(command, "commands"):
            if word not in command.commands:
                return [word]
            command = command.commands[word]
            known |= _options(command)
    return []


def test_the_readme_is_among_the_pages():
    assert ROOT / "README.md" in PAGES


@every_page
def test_relative_links_resolve(page):
    targets = [link for link in _LINK.findall(_prose(page)) if not re.match(r"[a-z]+:", link)]
    assert [target for target in targets if _missing_link(page, target)] == []


@every_page
def test_paths_exist(page):
    code = "\n".join(_code(page))
    named = {*_PATH.findall(code), *_ROOT_FILE.findall(code)}
    assert sorted(path for path in named if not _exists(path)) == []


@every_page
def test_modules_exist(page):
    named = set(_MODULE.findall("\n".join(_code(page)))) - {"shopwright.toml"}
    assert sorted(name for name in named if not _resolves(name)) == []


@every_page
def test_make_verbs_exist(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(_MAKE.findall("\n".join(_code(page)))) - targets == set()


@every_page
def test_commands_and_options_exist(page):
    lines = [line for code in _code(page) for line in _COMMAND.findall(code)]
    assert {line: wrong for line in lines if (wrong := _wrong_words(line))} == {}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("run --project demo", []),
        ("run --projct demo", ["--projct"]),
        ("quarantine lst", ["lst"]),
        ("--help", []),
        ("rum", ["rum"]),
    ],
)
def test_a_wrong_command_line_would_be_noticed(line, wrong):
    assert _wrong_words(line) == wrong
