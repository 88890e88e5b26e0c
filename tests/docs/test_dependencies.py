"""Licences of dependencies, the bill of materials of a lock, and pins of what workflows and images are made from."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import tomllib
from email.message import Message
from pathlib import Path
from types import SimpleNamespace
from uuid import UUID

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
LOCKS = ("app", "dev", "service")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
DOCKERFILES = sorted((ROOT / "infra" / "docker").glob("*.Dockerfile"))


@pytest.fixture(scope="module")
def dependencies():
    spec = importlib.util.spec_from_file_location("dependencies", ROOT / ".ci" / "dependencies.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["dependencies"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["dependencies"]


def package(name, version="1.0", requires=(), **fields):
    metadata = Message()
    metadata["Name"] = name
    for field, values in fields.items():
        for value in [values] if isinstance(values, str) else values:
            metadata[field.replace("_", "-")] = value
    return SimpleNamespace(metadata=metadata, version=version, requires=list(requires))


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (["MIT"], True),
        (["MIT OR GPL-3.0-only"], True),
        (["GPL-3.0-only OR MIT AND BSD-3-Clause"], True),
        (["MIT AND BSD-3-Clause"], True),
        (["MIT", "BSD-3-Clause"], True),
        (["GPL-3.0-only"], False),
        (["MIT AND GPL-3.0-only"], False),
        (["MIT", "GPL-3.0-only"], False),
        (["(MIT OR BSD-3-Clause) AND GPL-3.0-only"], False),
        (["(GPL-3.0-only OR MIT"], False),
        (["mit"], False),
        ([""], False),
        ([], False),
    ],
)
def test_a_licence_is_allowed_only_if_it_is_listed(dependencies, licences, expected):
    assert dependencies.is_allowed(licences, {"MIT": "", "BSD-3-Clause": ""}) is expected


def test_a_package_s_words_on_its_licence_are_found(dependencies):
    classifiers = ["License :: OSI Approved", "License :: OSI Approved :: MIT License", "Topic :: Database"]
    find = dependencies.find_licences
    assert find(package("a", License_Expression="MIT", Classifier=classifiers)) == ["MIT"]
    assert find(package("a", Classifier=classifiers, License="see file")) == ["MIT License"]
    assert find(package("a", License="BSD 3\nRedistribution and use")) == ["BSD 3"]
    assert find(package("a")) == []


def test_all_licences_of_this_environment_are_allowed(dependencies):
    assert dependencies.check_licences() == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"License_Expression": "AGPL-3.0-only"}, "newcomer 1.0: AGPL-3.0-only is not in licences.toml"),
        ({}, "newcomer 1.0: no licence is not in licences.toml"),
    ],
)
def test_a_newcomer_with_another_licence_is_told(dependencies, monkeypatch, fields, message):
    installed = dependencies.read_installed() | {"newcomer": package("newcomer", **fields)}
    monkeypatch.setattr(dependencies, "read_installed", lambda: installed)
    assert dependencies.check_licences() == [message]


def test_a_copyleft_tool_that_begins_to_reach_users_is_told(dependencies, monkeypatch):
    project = dependencies._read_project()
    project["dependencies"].append("codespell")
    monkeypatch.setattr(dependencies, "_read_project", lambda: project)
    assert dependencies.check_licences() == ["codespell is under GPL-2.0-only and reaches users"]


def test_each_exception_has_a_reason():
    rules = tomllib.loads((ROOT / "requirements" / "licences.toml").read_text("utf-8"))
    assert set(rules) == {"shipped", "packages"}
    assert all(reason.strip() for reason in rules["shipped"].values())
    assert all(rule["licence"] and rule["reason"] for rule in rules["packages"].values())


def test_what_requires_what_follows_extras_and_markers(dependencies):
    installed = {
        "a": package("a", requires=["B>=1", 'c; extra == "x"', 'd; python_version < "3"']),
        "b": package("b", requires=["a[x]"]),
        "c": package("c"),
        "d": package("d"),
    }
    graph = dependencies.build_graph([Requirement("a"), Requirement("absent")], installed)
    assert graph == {"": {"a"}, "a": {"b", "c"}, "b": {"a"}, "c": set()}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_bill_of_materials_holds_the_whole_lock(dependencies, lock):
    text = (ROOT / "requirements" / f"{lock}.lock").read_text("utf-8")
    bill = dependencies.build_sbom(lock, text, dependencies.read_installed())
    assert bill == dependencies.build_sbom(lock, text, dependencies.read_installed())
    json.dumps(bill)
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert UUID(bill["serialNumber"].removeprefix("urn:uuid:")).version == 5
    pins = re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", text, re.MULTILINE)
    assert [(part["name"], part["version"]) for part in bill["components"]] == pins
    hashes = [
        one["content"] for part in bill["components"] for one in part["externalReferences"][0]["hashes"]
    ]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", text))
    references = {part["bom-ref"] for part in bill["components"]}
    assert len(references) == len(pins)
    references.add(bill["metadata"]["component"]["bom-ref"])
    rows = bill["dependencies"]
    assert {row["ref"] for row in rows} <= references
    assert len({row["ref"] for row in rows}) == len(rows)
    assert all(set(row["dependsOn"]) <= references for row in rows)


def test_a_package_of_another_version_says_nothing_of_the_locked_one(dependencies):
    text = "a==1.0 \\\n    --hash=sha256:" + "0" * 64 + "\n"
    for version, expected in (("1.0", [{"expression": "MIT"}]), ("2.0", None)):
        installed = {"a": package("a", version, License_Expression="MIT")}
        (part,) = dependencies.build_sbom("dev", text, installed)["components"]
        assert part.get("licenses") == expected


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned_by_commit(workflow):
    uses = re.findall(r"uses: *(.*)", workflow.read_text("utf-8"))
    assert uses
    assert [line for line in uses if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v[\d.]+", line)] == []


def test_one_version_of_an_action_has_one_commit():
    text = "".join(workflow.read_text("utf-8") for workflow in WORKFLOWS)
    pins = set(re.findall(r"uses: *([\w./-]+)@([0-9a-f]{40}) # (v[\d.]+)", text))
    assert len({action for action, _, _ in pins}) == len(pins)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_unless_a_job_says_otherwise(workflow):
    text = workflow.read_text("utf-8")
    assert re.search(r"^permissions:\n  contents: read\n\n", text, re.MULTILINE)
    jobs = re.split(r"^  (?=\w+:\n)", text[text.index("\njobs:\n") :], flags=re.MULTILINE)[1:]
    # what may write or sign runs no code of dependencies
    assert [
        job for job in jobs if re.search(r": write$", job, re.MULTILINE) and "actions/checkout" in job
    ] == []


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_base_images_are_pinned_by_digest(dockerfile):
    images = re.findall(r"^FROM (\S+)", dockerfile.read_text("utf-8"), re.MULTILINE)
    assert len(images) == 2
    assert [image for image in images if not re.fullmatch(r"[\w.:-]+@sha256:[0-9a-f]{64}", image)] == []
    assert len(set(images)) == 1
