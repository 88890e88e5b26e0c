"""Runs become versions, one of them is champion, and what is served is what was registered."""

from __future__ import annotations

import shutil
import sqlite3

import pytest
from tests.registry.artifacts import PASSES, make_run

from shopwright.core.errors import ArtifactError, BusyError, ConfigurationError, PromotionError
from shopwright.core.lock import exclusive_lock
from shopwright.registry import GateRecord, Registry, read_manifest
from shopwright.settings import Project, Settings

AFTER_FIRST = GateRecord(passes=True, reasons=("better",), champion=1)
FAILS = GateRecord(passes=False, reasons=("no better than recency alone",))


def log(registry, folder, **fields):
    return registry.log(make_run(folder, **fields))


def test_a_version_holds_what_was_logged(registry, tmp_path):
    plot = tmp_path / "roc.svg"
    plot.write_text("<svg/>")
    many = {f"p{number}": number for number in range(250)}
    assert log(registry, tmp_path / "a", parameters={**many, "long": "x" * 9_000}, plots=(plot,)) == 1
    found = registry.show("churn", "challenger")
    assert (found.number, found.verdict, found.gate) == (1, "predictable", PASSES)
    assert found.metrics["roc_auc"].upper == 0.8
    assert found.metrics["lift"].reason == "one class only"
    assert len(found.parameters) == 251
    assert found.data_fingerprint == "0" * 64
    assert registry.models() == ("churn",)
    client = registry._read_client()
    run = client.get_run(found.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.metrics == {"roc_auc": 0.7, "roc_auc_lower": 0.6, "roc_auc_upper": 0.8}
    assert [each.path for each in client.list_artifacts(found.run_id, "plots")] == ["plots/roc.svg"]


def test_the_champion_goes_through_the_gate_and_back(registry, tmp_path):
    assert [log(registry, tmp_path / str(number), gate=PASSES) for number in range(2)] == [1, 2]
    log(registry, tmp_path / "3", gate=FAILS)
    with pytest.raises(ConfigurationError, match=r"churn has no champion yet.*1, 2, 3"):
        registry.fetch("churn")
    assert registry.champion("churn") is None
    assert registry.promote("churn", 1).aliases == ("champion",)
    with pytest.raises(PromotionError, match="is already the champion"):
        registry.promote("churn", 1)
    with pytest.raises(PromotionError, match="compared with no champion, and now version 1 is the champion"):
        registry.promote("churn", 2)
    registry.record_gate("churn", 2, AFTER_FIRST)
    registry.promote("churn", 2)
    with pytest.raises(PromotionError, match="did not pass the gate: no better than recency alone"):
        registry.promote("churn", "challenger")
    with pytest.raises(PromotionError, match="give a reason"):
        registry.promote("churn", 3, force_reason=" ")
    forced = registry.promote("churn", "challenger", force_reason="the campaign starts today")
    assert forced.aliases == ("champion",)
    assert [registry.rollback("churn").number for _ in range(2)] == [2, 1]
    with pytest.raises(PromotionError, match="no champion of churn before version 1"):
        registry.rollback("churn")
    assert [(each.version, each.by) for each in registry.history("churn")] == [
        (1, "promotion"),
        (2, "promotion"),
        (3, "forced promotion"),
        (2, "rollback"),
        (1, "rollback"),
    ]
    assert registry.history("churn")[2].reason == "the campaign starts today"
    registry.promote("churn", 2)
    assert registry.champion("churn").number == 2


def test_going_back_ends_where_it_began_even_if_champions_return(registry, tmp_path):
    for number in range(2):
        log(registry, tmp_path / str(number))
    for version in (1, 2, 1):
        registry.promote("churn", version, force_reason="a test")
    assert [registry.rollback("churn").number for _ in range(2)] == [2, 1]
    with pytest.raises(PromotionError):
        registry.rollback("churn")


def test_a_change_of_champion_that_was_cut_short_counts_for_nothing(registry, tmp_path, monkeypatch):
    for number in range(3):
        log(registry, tmp_path / str(number))
    registry.promote("churn", 1)
    client = registry._read_client()
    with monkeypatch.context() as patch:
        patch.setattr(
            client, "set_registered_model_alias", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt)
        )
        with pytest.raises(KeyboardInterrupt):
            registry.promote("churn", 2, force_reason="a test")
    assert registry.champion("churn").number == 1
    registry.promote("churn", 3, force_reason="a test")
    assert registry.rollback("churn").number == 1


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda folder: (folder / "model.json").write_text("[]"), "model.json was changed"),
        (lambda folder: (folder / "extra.json").write_text("[]"), "'extra.json' was added"),
        (shutil.rmtree, "cannot be read"),
        (lambda folder: (folder / "rules.sql").unlink(), "rules.sql is missing"),
    ],
)
def test_a_tampered_version_is_neither_served_nor_promoted(tamper, says, registry, tmp_path):
    log(registry, tmp_path / "a")
    tamper(registry.fetch("churn", 1))
    with pytest.raises(ArtifactError, match=says):
        registry.fetch("churn", 1)
    with pytest.raises(ArtifactError, match=says):
        registry.promote("churn", 1)
    assert registry.champion("churn") is None


def test_files_and_manifest_of_another_version_or_model_are_refused(registry, tmp_path):
    log(registry, tmp_path / "a", content="[1]")
    log(registry, tmp_path / "b", content="[2]")
    log(registry, tmp_path / "c", model="abandonment")
    first, other = registry.fetch("churn", 1), registry.fetch("abandonment", 1)
    for source in (registry.fetch("churn", 2), other):
        shutil.rmtree(first)
        shutil.copytree(source, first)
        with pytest.raises(ArtifactError, match="not the one that was registered"):
            registry.fetch("churn", 1)
    with pytest.raises(ArtifactError, match="of the model 'abandonment'"):
        read_manifest(other, model="churn")


def test_a_run_that_cannot_be_stored_leaves_no_version_and_no_files(registry, project, tmp_path, monkeypatch):
    log(registry, tmp_path / "a")
    client = registry._read_client()
    with monkeypatch.context() as patch:
        patch.setattr(client, "set_terminated", client.set_terminated)
        patch.setattr(client, "log_artifacts", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            log(registry, tmp_path / "b")
    assert [each.number for each in registry.versions("churn")] == [1]
    assert len(list((project.models / "artifacts" / "churn").iterdir())) == 1


def test_an_unsealed_or_foreign_folder_is_not_logged(registry, tmp_path):
    run = make_run(tmp_path / "a", model="abandonment")
    (run.folder / "model.json").write_text("[]")
    with pytest.raises(ArtifactError, match="was changed"):
        registry.log(run)
    (run.folder / "manifest.json").unlink()
    with pytest.raises(ArtifactError, match="has no manifest"):
        registry.log(run)
    assert registry.models() == ()


def test_a_project_that_was_moved_serves_and_writes_where_it_is_now(registry, project, tmp_path):
    log(registry, tmp_path / "a")
    moved = Project(root=tmp_path / "moved", settings=project.settings)
    project.root.rename(moved.root)
    there = Registry(moved)
    assert there.fetch("churn", 1).is_relative_to(moved.root)
    log(there, tmp_path / "b")
    assert there.fetch("churn", 2).is_relative_to(moved.root)
    assert not project.root.exists()


def test_reading_an_empty_project_makes_no_store(tmp_path):
    project = Project(root=tmp_path, settings=Settings())
    registry = Registry(project)
    assert (registry.models(), registry.versions("churn"), registry.history("churn")) == ((), (), ())
    with pytest.raises(ConfigurationError, match="no model 'churn' has been trained yet"):
        registry.fetch("churn")
    assert not project.models.exists()


def test_unknown_names_are_told_with_those_that_there_are(registry, tmp_path):
    log(registry, tmp_path / "a")
    with pytest.raises(ConfigurationError, match="did you mean 'churn'"):
        registry.show("chrun")
    with pytest.raises(ConfigurationError, match="no version '7'; it has 1"):
        registry.fetch("churn", 7)
    with pytest.raises(ConfigurationError, match="is not a model name"):
        registry.versions("churn' or '1'='1")


def test_a_version_registered_by_something_else_is_shown_but_not_served(registry, tmp_path):
    log(registry, tmp_path / "a")
    registry._read_client().create_model_version("churn", source=tmp_path.as_uri())
    assert [each.number for each in registry.versions("churn")] == [2, 1]
    with pytest.raises(ArtifactError, match="has no seal"):
        registry.fetch("churn", 2)
    with pytest.raises(ArtifactError, match="has no seal"):
        registry.promote("churn", 2, force_reason="a test")


def test_one_that_writes_waits_for_another_but_not_for_ever(project, tmp_path):
    with (
        exclusive_lock(project.models / ".lock", "train"),
        pytest.raises(BusyError, match="shopwright train"),
    ):
        log(Registry(project, patience_seconds=0.1), tmp_path / "a")


def test_artifacts_from_elsewhere_are_kept_by_their_seal(project, empty_database, tmp_path):
    elsewhere = tmp_path / "elsewhere.db"
    shutil.copy(empty_database, elsewhere)
    settings = Settings.model_validate({"models": {"tracking_uri": f"sqlite:///{elsewhere}"}})
    log(Registry(Project(root=tmp_path / "one", settings=settings)), tmp_path / "a")
    other = Project(root=tmp_path / "two", settings=settings)
    kept = Registry(other).fetch("churn", 1)
    assert kept.parent == other.models / "cache"
    (kept / "model.json").write_text("tampered with")
    assert (Registry(other).fetch("churn", 1) / "model.json").read_text() == "{}"
    stored = next(
        (tmp_path / "one" / "models" / "artifacts" / "churn").glob("*/artifacts/artifact/model.json")
    )
    stored.write_text("[]")
    assert Registry(other).fetch("churn", 1) == kept
    shutil.rmtree(kept)
    with pytest.raises(ArtifactError, match=r"model\.json was changed"):
        Registry(other).fetch("churn", 1)
    assert not kept.exists()


def test_a_damaged_or_outdated_database_is_told_in_one_line(project):
    with sqlite3.connect(project.models / "mlflow.db") as connection:
        connection.execute("update alembic_version set version_num = 'old'")
    connection.close()
    with pytest.raises(ConfigurationError, match=r"the models' registry at sqlite:.*old") as caught:
        Registry(project).models()
    assert "\n" not in str(caught.value)
