"""The page of experiments: what it keeps is read anew when the settings say something else."""

from __future__ import annotations

import shutil

import pytest

from shopwright.settings import load_project


@pytest.fixture
def shop(clicks, tmp_path):
    """A shop of its own, to be changed."""
    return load_project(shutil.copytree(clicks.root, tmp_path / "shop"))


def _change(shop, old, new):
    file = shop.root / "shopwright.toml"
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def _hypothesis(page):
    return next(each.value for each in page.markdown if each.value.startswith("*"))


@pytest.mark.slow
def test_other_words_in_the_settings_are_shown_at_once(open_page, shop):
    assert _hypothesis(open_page(shop, "experiments.py")) == "*A banner helps*"
    _change(shop, "A banner helps", "A flag helps")
    assert _hypothesis(open_page(shop, "experiments.py")) == "*A flag helps*"


def test_another_plan_asks_for_a_build(open_page, shop):
    assert not open_page(shop, "experiments.py").error
    _change(shop, "end = 2025-01-31", "end = 2025-01-30")
    page = open_page(shop, "experiments.py")
    assert not page.exception
    assert "shopwright build" in page.error[0].value
