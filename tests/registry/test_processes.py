"""Versions survive kills and rivals: each process here is a real one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from tests.registry.artifacts import make_run

from shopwright.registry import Registry
from shopwright.settings import Project, Settings

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("empty_database")]


def start(root, repository, *arguments):
    return subprocess.Popen(
        [sys.executable, "-W", "error::UserWarning", "-m", "tests.registry.artifacts", str(root), *arguments],
        cwd=repository,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_processes_at_once_lose_and_double_no_version(root, tmp_path):
    """Both find no store at all, so that they meet when it is made too."""
    processes = [start(tmp_path, root, "4") for _ in range(2)]
    told = [process.communicate(timeout=300) for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert [errors for _, errors in told] == ["", ""]
    numbers = sorted(int(line) for output, _ in told for line in output.split())
    assert numbers == list(range(1, 9))
    registry = Registry(Project(root=tmp_path, settings=Settings()))
    assert sorted(each.number for each in registry.versions("churn")) == numbers
    assert all(registry.fetch("churn", number).is_dir() for number in numbers)


@pytest.mark.parametrize(
    ("step", "versions"),
    [
        ("before log_batch", 0),
        ("before log_artifacts", 0),
        ("after log_artifacts", 0),
        ("after set_terminated", 0),
        ("after create_registered_model", 0),
        ("after create_model_version", 1),
    ],
)
def test_a_run_that_is_killed_leaves_a_whole_version_or_none(step, versions, root, project, tmp_path):
    process = start(project.root, root, "1", step)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == -signal.SIGKILL, errors
    assert not output
    registry = Registry(project)
    assert len(registry.versions("churn")) == versions
    assert all(registry.fetch("churn", each.number) for each in registry.versions("churn"))
    next_version = registry.log(make_run(tmp_path / "next"))
    assert next_version == versions + 1
    assert registry.promote("churn", next_version).is_champion
    client = registry._read_client()
    experiment = client.get_experiment_by_name("churn").experiment_id
    assert not client.search_runs([experiment], "attributes.status = 'RUNNING'")


def test_a_store_whose_making_was_killed_is_made_anew(root, tmp_path):
    registry = Registry(Project(root=tmp_path, settings=Settings()))
    process = start(tmp_path, root, "1")
    unfinished = tmp_path / "models" / ".unfinished-mlflow.db"
    while process.poll() is None and not (unfinished.exists() and unfinished.stat().st_size):
        time.sleep(0.005)
    process.kill()
    process.communicate()
    assert unfinished.exists()
    assert registry.models() == ()
    assert registry.log(make_run(tmp_path / "next")) == 1
    assert not unfinished.exists()
