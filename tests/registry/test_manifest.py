"""An artifact is read only if it is, byte by byte, what was sealed."""

from __future__ import annotations

import hashlib
import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.registry.artifacts import make_artifact

from shopwright.core.errors import ArtifactError
from shopwright.registry import FeatureRecord, Measure, read_manifest, write_manifest
from shopwright.registry.manifest import manifest_sha256


@pytest.fixture
def artifact(tmp_path):
    return make_artifact(tmp_path / "artifact")


def rewrite(artifact, **changes):
    file = artifact / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_what_is_written_is_read_back(tmp_path):
    features = (
        FeatureRecord.from_values("visits", np.array([3.0, np.nan, 1.0])),
        FeatureRecord.from_values("country", np.array(["SE", None, "DE", "SE"], dtype=object)),
        FeatureRecord.from_values("never", np.array([np.nan])),
    )
    artifact = make_artifact(tmp_path / "artifact", features=features)
    manifest = read_manifest(artifact, model="churn", sha256=manifest_sha256(artifact))
    assert manifest.features == features
    assert (manifest.features[0].lower, manifest.features[0].upper) == (1.0, 3.0)
    assert manifest.features[1].categories == ("DE", "SE")
    assert (manifest.features[2].lower, manifest.features[2].upper) == (None, None)
    assert sorted(manifest.files) == ["model.json", "rules.sql"]
    assert manifest.files["model.json"].sha256 == hashlib.sha256(b"{}").hexdigest()
    assert manifest.metrics["lift"] == Measure(value=None, reason="one class only")


def test_sealing_twice_gives_the_same_bytes(artifact):
    before = (artifact / "manifest.json").read_bytes()
    write_manifest(artifact, read_manifest(artifact, model="churn"))
    assert (artifact / "manifest.json").read_bytes() == before


@given(place=st.integers(0, 27), bit=st.integers(0, 7))
def test_any_changed_bit_of_a_file_is_noticed(place, bit, tmp_path_factory):
    artifact = make_artifact(tmp_path_factory.mktemp("bits") / "artifact")
    content = bytearray((artifact / "rules.sql").read_bytes())
    content[place] ^= 1 << bit
    (artifact / "rules.sql").write_bytes(bytes(content))
    with pytest.raises(ArtifactError, match=r"rules\.sql was changed"):
        read_manifest(artifact, model="churn")


def test_a_changed_manifest_is_noticed_by_its_own_seal(artifact):
    seal = manifest_sha256(artifact)
    (artifact / "model.json").write_text("[]")
    write_manifest(artifact, read_manifest_unchecked(artifact))
    read_manifest(artifact, model="churn")
    with pytest.raises(ArtifactError, match="not the one that was registered"):
        read_manifest(artifact, model="churn", sha256=seal)


def read_manifest_unchecked(artifact):
    from shopwright.registry import Manifest

    return Manifest.model_validate_json((artifact / "manifest.json").read_bytes())


def add(artifact):
    (artifact / "more.json").write_text("{}")


def add_folder(artifact):
    (artifact / "sub").mkdir()


def remove(artifact):
    (artifact / "model.json").unlink()


def link(artifact):
    outside = artifact.parent / "outside.json"
    (artifact / "model.json").rename(outside)
    (artifact / "model.json").symlink_to(outside)


def link_manifest(artifact):
    outside = artifact.parent / "manifest.json"
    (artifact / "manifest.json").rename(outside)
    (artifact / "manifest.json").symlink_to(outside)


def pipe(artifact):
    (artifact / "model.json").unlink()
    os.mkfifo(artifact / "model.json")


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (add, "'more.json' was added"),
        (add_folder, "'sub' is no plain file"),
        (remove, "model.json is missing"),
        (link, "'model.json' is a link"),
        (link_manifest, "'manifest.json' is a link"),
        (pipe, "'model.json' is no plain file"),
        (lambda folder: (folder / "manifest.json").unlink(), "has no manifest.json"),
        (lambda folder: (folder / "manifest.json").write_text("no"), "is no JSON"),
        (lambda folder: (folder / "manifest.json").write_text("[" * 200_000), "is no JSON"),
        (lambda folder: (folder / "manifest.json").write_text("[]"), "format 'None'"),
        (lambda folder: rewrite(folder, format=2), "format '2', and only 1 is known"),
        (lambda folder: rewrite(folder, format=True), "format 'True'"),
        (lambda folder: rewrite(folder, model="abandonment"), "of the model 'abandonment'"),
        (lambda folder: rewrite(folder, more=1), "more: Extra inputs"),
        (lambda folder: rewrite(folder, data_fingerprint="x"), "data_fingerprint: "),
    ],
)
def test_what_was_tampered_with_is_refused_in_one_line(tamper, says, artifact):
    tamper(artifact)
    with pytest.raises(ArtifactError) as caught:
        read_manifest(artifact, model="churn")
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "../model.json",
        "/etc/passwd.txt",
        "sub/model.json",
        "..",
        ".hidden.json",
        "a\\b.json",
        "a\nb.json",
        "",
        "manifest.json",
    ],
)
def test_a_path_trick_in_the_manifest_is_refused(name, artifact):
    rewrite(artifact, files={name: {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(ArtifactError, match="no plain file name"):
        read_manifest(artifact, model="churn")


@pytest.mark.parametrize("name", ["model.pkl", "model.joblib", "model.py", "model.so", "model", "model.JSON"])
def test_only_data_may_lie_in_an_artifact(name, artifact, tmp_path):
    rewrite(artifact, files={name: {"sha256": "0" * 64, "size": 1}})
    with pytest.raises(ArtifactError, match="no artifact may hold"):
        read_manifest(artifact, model="churn")
    whole = make_artifact(tmp_path / "whole")
    manifest = read_manifest(whole, model="churn")
    (whole / name).write_bytes(b"x")
    with pytest.raises(ArtifactError, match="no artifact may hold"):
        write_manifest(whole, manifest)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ArtifactError, match="cannot be read"):
        read_manifest(tmp_path / "none", model="churn")
