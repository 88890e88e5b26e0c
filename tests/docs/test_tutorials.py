"""What the tutorials print is what their commands print today."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"marketplace.md", "what-counts.md"}


def _load_script():
    spec = importlib.util.spec_from_file_location("tutorials", ROOT / ".ci" / "tutorials.py")
    script = importlib.util.module_from_spec(spec)
    sys.modules["tutorials"] = script
    spec.loader.exec_module(script)
    return script


tutorials = _load_script()


@pytest.mark.slow
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=() if page.name in QUICK else pytest.mark.long, id=page.stem)
        for page in tutorials.PAGES
    ],
)
def test_a_tutorial_prints_what_it_says(page):
    try:
        text = tutorials.render(page)
    except tutorials.MissingDataError as error:
        pytest.skip(f"{error}; set SHOPWRIGHT_REAL_DATA to a folder that has it")
    assert text == page.read_text("utf-8"), "run make docs"


def test_a_changed_output_is_noticed_and_durations_are_left_out(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\necho '3 rows; 1.5 s, 10 rows per second'\n```\n\n```text\n3 rows\n```\n")
    assert tutorials.render(page) == page.read_text()
    page.write_text(page.read_text().replace("text\n3 rows", "text\n4 rows"))
    assert "text\n3 rows\n" in tutorials.render(page)


def test_a_command_that_fails_stops_the_page(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("```sh\nfalse\n```\n")
    with pytest.raises(RuntimeError, match="false"):
        tutorials.render(page)


def test_files_are_there_before_anything_is_run(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\ncat raw/a.txt\n```\n```text\n```\n<!-- tutorial: file raw/a.txt -->\n\n```text\nhere\n```\n"
    )
    assert tutorials.render(page) == page.read_text().replace("```text\n```", "```text\nhere\n```", 1)


def test_sections_are_replaced_and_appended(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "```sh\nmkdir shop; printf '[shop]\\nname = 1\\n[engine]\\nthreads = 2\\n' > shop/s.toml\n```\n"
        "<!-- tutorial: replace shop/s.toml -->\n```toml\n[shop]\nname = 2\n```\n"
        "<!-- tutorial: run cat shop/s.toml -->\n```text\n```\n"
    )
    assert "```text\n[engine]\nthreads = 2\n\n[shop]\nname = 2\n```" in tutorials.render(page)
