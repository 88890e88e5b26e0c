"""The reference pages are what the code says, and say everything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
import typer

from shopwright.cli import reference
from shopwright.contracts import ENTITIES, dictionary
from shopwright.metrics import MEASURES, METRICS
from shopwright.metrics import reference as metrics_reference
from shopwright.settings import Settings
from shopwright.settings import reference as settings_reference
from shopwright.warehouse import reference as warehouse_reference
from shopwright.warehouse.dbt_config import DBT_PROJECT

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "reference"


def _app():
    app = typer.Typer()
    group = typer.Typer()
    app.add_typer(group, name="quarantine")

    @app.command()
    def load(
        folder: Annotated[Path, typer.Argument(help="Folder | archive.")],
        limit: Annotated[int, typer.Option("--limit", "-n", help="Most rows\n  to load.")] = 3,
    ) -> None:
        """Load files.

        Example:
            shop load raw
        """

    @app.command(hidden=True)
    def secret() -> None: ...

    @group.command("list")
    def list_rows() -> None:
        """List rows."""

    return app


def test_the_pages_are_what_the_code_says_now():
    assert reference.stale(FOLDER) == [], "run make docs"


def test_a_changed_page_is_stale(tmp_path):
    assert reference.stale(tmp_path) == [tmp_path / name for name in reference.pages()]


def test_every_command_shows_an_example_of_itself():
    text = reference.pages()["cli.md"]
    sections = text.split("\n## ")[1:]
    # Once as the heading, once as the usage: the third is an example.
    silent = [name for section in sections if section.count(name := section.split("\n")[0]) < 3]
    assert silent == []


def test_a_command_has_its_usage_help_example_and_options():
    text = reference.render(_app(), name="shop")
    assert "## shop load" in text
    assert "Load files.\n\nExample:\n\n    shop load raw" in text
    assert "Folder \\| archive. [required] |" in text
    assert "Most rows to load. [default: 3] |" in text


def test_commands_of_groups_are_listed_and_hidden_ones_are_not():
    text = reference.render(_app(), name="shop")
    assert "| [`shop quarantine list`](#shop-quarantine-list) | List rows. |" in text
    assert "secret" not in text


def test_every_column_and_rule_is_in_the_dictionary():
    titles = ["", *(entity.name for entity in ENTITIES), "rules for any record"]
    sections = dict(zip(titles, dictionary.render().split("\n## "), strict=True))
    for entity in ENTITIES:
        names = [*(c.name for c in entity.columns), *(r.name for r in entity.all_rules())]
        assert [name for name in names if f"| `{name}` |" not in sections[entity.name]] == []


def test_rows_of_every_table_have_as_many_cells_as_its_header():
    for text in (dictionary.render(), reference.render(_app(), name="shop")):
        for table in (block for block in text.split("\n\n") if block.startswith("| ")):
            widths = {line.replace("\\|", "").count("|") for line in table.strip().splitlines()}
            assert len(widths) == 1, table


def _setting_classes(model=Settings):
    yield model
    for field in model.model_fields.values():
        for section in settings_reference._models_in(field.annotation):
            yield from _setting_classes(section)


@pytest.mark.parametrize("section", [*_setting_classes()][1:], ids=lambda section: section.__name__)
def test_every_setting_is_described_and_on_the_page(section):
    meanings = settings_reference.read_meanings(section)
    text = settings_reference.render()
    for name, field in section.model_fields.items():
        assert settings_reference._models_in(field.annotation) or f"| `{name}` |" in text
        assert meanings.get(name, "").endswith("."), f"{section.__name__}.{name} has no sentence below it"


def test_every_gold_model_and_column_is_described():
    text = warehouse_reference.render()
    for folder in ("marts", "features", "health"):
        for model in (DBT_PROJECT / "models" / folder).rglob("*.sql"):
            assert f"\n## {model.stem}\n" in text
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert [row for row in rows if row.endswith("|  |")] == []


def test_every_metric_and_measure_is_on_the_page():
    text = metrics_reference.render()
    assert [name for name in (*METRICS, *MEASURES) if f"| `{name}` |" not in text] == []
