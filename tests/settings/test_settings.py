"""Settings are read once, checked, and wrong ones are explained in one line."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from pydantic import ValidationError

from shopwright.cli.templates import TEMPLATES, render
from shopwright.core.errors import ConfigurationError
from shopwright.settings import FieldSettings, Settings, SourceSettings, load_project

SOURCE = {"name": "a", "adapter": "mapped", "path": "raw"}


def write(folder, text):
    (folder / "shopwright.toml").write_text(text, encoding="utf-8")


def test_an_empty_file_is_a_project_with_all_defaults(tmp_path):
    write(tmp_path, "")
    assert load_project(tmp_path).settings == Settings()


def test_settings_survive_a_round_trip():
    given = Settings.model_validate(
        {"sources": [SOURCE | {"map": {"user_id": "who", "price": {"sql": "1"}}}]}
    )
    assert Settings.model_validate_json(given.model_dump_json()) == given


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_what_init_writes_shows_the_defaults_and_loads(tmp_path, template):
    text = render(template, name='Zoë\'s "shop" \\ [x]', path="raw/*.csv")
    write(tmp_path, text)
    loaded = load_project(tmp_path).settings
    assert loaded.shop.name == 'Zoë\'s "shop" \\ [x]'
    assert len(loaded.sources) == (template.adapter is not None)


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_what_init_comments_out_is_valid_when_it_is_uncommented(template):
    bare = [
        line.removeprefix("#").removeprefix(" ")
        for line in render(template, name="x", path="raw").splitlines()
    ]
    text = "\n".join(line for line in bare if re.match(r'\[|[a-z_]+ = |\s*"', line))
    loaded = Settings.model_validate(tomllib.loads(text))
    settled = {"complete_through": loaded.orders.complete_through} if template.complete_through else {}
    examples = {"sources": (), "experiments": (), "shop": {}, "collector": {}, "engine": {}}
    assert {**loaded.model_dump(), **examples} == {**Settings(orders=settled).model_dump(), **examples}
    assert loaded.sources[-1].adapter == "mapped"
    assert loaded.experiments[0].name == "checkout"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x = ", "shopwright.toml"),
        ('[shop]\nnmae = "x"', "no setting 'shop.nmae'; did you mean 'name'?"),
        ("[shopp]", "did you mean 'shop'?"),
        ('[shop]\ntimezone = "Berlin"', "shop.timezone: no time zone 'Berlin'"),
        ('[shop]\ncurrency = "usd"', "shop.currency"),
        ("[ingest]\nmax_record_bytes = 1000", "ingest.max_record_bytes"),
        ("[ingest]\nmax_future_hours = -1", "ingest.max_future_hours"),
        ('[engine]\nmemory_limit = "much"', "engine.memory_limit"),
        ('[engine]\nmemory_limit = "4GB; drop"', "engine.memory_limit"),
    ],
)
def test_a_wrong_setting_is_named_with_its_place(tmp_path, text, says):
    write(tmp_path, text)
    with pytest.raises(ConfigurationError) as raised:
        load_project(tmp_path)
    assert says in str(raised.value)


def test_a_file_that_is_no_utf8_is_an_error_and_no_crash(tmp_path):
    (tmp_path / "shopwright.toml").write_bytes(b'[shop]\nname = "caf\xe9"')
    with pytest.raises(ConfigurationError):
        load_project(tmp_path)


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "a/b"},
        {"name": ""},
        {"encoding": "klingon"},
        {"encoding": "base64"},
        {"timezone": "Mars/Base"},
        {"delimiter": ";;"},
        {"header": False},
        {"format": "xlsx"},
        {"map": {"user_id": {"column": "a", "value": "b"}}},
        {"map": {"user_id": {}}},
        {"map": {"user_id": []}},
    ],
)
def test_a_wrong_source_is_refused(changed):
    with pytest.raises(ValidationError):
        SourceSettings.model_validate(SOURCE | changed)


def test_two_sources_of_one_name_are_refused():
    with pytest.raises(ValidationError, match="two sources are named 'a'"):
        Settings.model_validate({"sources": [SOURCE, SOURCE]})


def test_a_field_may_be_named_by_its_column_alone_or_by_several():
    assert FieldSettings.model_validate("who").columns == ("who",)
    assert FieldSettings.model_validate(["who", "visitor"]).columns == ("who", "visitor")


CASE = Path(__file__).parents[1] / "cases" / "meaning" / "18-folder-names"


@pytest.mark.parametrize(
    "name", [*CASE.joinpath("names.txt").read_text().split(), "a\\b", "a%20b", "{% x %}", "{#y"]
)
def test_a_folder_whose_name_would_be_misread_is_refused_in_one_line(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "shopwright.toml").write_text("")
    with pytest.raises(ConfigurationError, match="a project cannot be in a folder whose name has") as error:
        load_project(folder)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["a b", "ünal", "a'b", "{y}", "100%", "a[1]", "a&b;c", "$x"])
def test_other_folder_names_are_fine(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "shopwright.toml").write_text("")
    assert load_project(folder).root == folder
