"""The lock is complete: every requirement pinned within its range, with hashes, for every supported Python."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
PYTHONS = ("3.11", "3.12", "3.13")

_PIN = re.compile(
    r"^([a-z0-9][^ \\]*==[^\\]*?) *\\\n((?: +--hash=sha256:[0-9a-f]{64}(?: \\)?\n?)+)", re.MULTILINE
)


def _requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = [line for lines in project["optional-dependencies"].values() for line in lines]
    stated = [Requirement(line) for line in [*project["dependencies"], *extras]]
    return [requirement for requirement in stated if requirement.name != project["name"]]


def _pins(python):
    text = (ROOT / "requirements" / "dev.lock").read_text("utf-8")
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    pins = [Requirement(pin) for pin, _ in _PIN.findall(text)]
    valid = [pin for pin in pins if pin.marker is None or pin.marker.evaluate(environment)]
    return {canonicalize_name(pin.name): str(pin.specifier).removeprefix("==") for pin in valid}


@pytest.mark.parametrize("python", PYTHONS)
def test_every_requirement_is_pinned_within_its_range(python):
    pins = _pins(python)
    wrong = [
        str(requirement)
        for requirement in _requirements()
        if not requirement.specifier.contains(pins.get(canonicalize_name(requirement.name), "0"))
    ]
    assert wrong == [], "run make lock"


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_pin_has_hashes(lock):
    text = lock.read_text("utf-8")
    assert [line for line in _PIN.sub("", text).splitlines() if not line.startswith("#")] == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_no_lock_names_an_address_or_a_folder(lock):
    assert re.findall(r"://|--index|--find-links|file:| /", lock.read_text("utf-8")) == []
