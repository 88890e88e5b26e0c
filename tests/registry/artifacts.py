"""Artifacts and runs for tests, and a program that logs one; started by tests as a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from shopwright.registry import GateRecord, Manifest, Measure, Registry, RunRecord, write_manifest
from shopwright.settings import Project, Settings

PASSES = GateRecord(passes=True, reasons=("better than recency alone",))


def make_artifact(folder, *, model="churn", content="{}", **fields):
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(content)
    (folder / "rules.sql").write_text("case when 1 = 1 then 'a' end")
    values = {
        "kind": "xgboost",
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
        "features": (),
        "outcome": "no order in the next 90 days",
        "decision_time": "the end of a month",
        "window": {"training": {"rows": 100, "rate": 0.5}},
        "data_fingerprint": "0" * 64,
        "metrics": {
            "roc_auc": Measure(value=0.7, lower=0.6, upper=0.8),
            "lift": Measure(value=None, reason="one class only"),
        },
    }
    write_manifest(folder, Manifest(model=model, **(values | fields)))
    return folder


def make_run(folder, *, model="churn", gate=PASSES, content="{}", **fields):
    artifact = make_artifact(folder, model=model, content=content)
    return RunRecord(model=model, folder=artifact, verdict="predictable", gate=gate, **fields)


def main(root: str, runs: str, kill_at: str = "") -> None:
    """Log runs, and be killed at a step, quietly and without the network."""
    sys.addaudithook(_refuse_network)
    registry = Registry(Project(root=Path(root), settings=Settings()))
    if kill_at:
        _kill_at(kill_at)
    with tempfile.TemporaryDirectory() as folder:
        for number in range(int(runs)):
            sys.stdout.write(f"{registry.log(make_run(Path(folder) / str(number)))}\n")


def _refuse_network(event, arguments):
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname"}:
        os.write(2, f"{event} {arguments}".encode())
        os._exit(97)  # an exception would end a thread only


def _kill_at(step):
    from mlflow import MlflowClient

    before, _, name = step.partition(" ")
    original = getattr(MlflowClient, name)

    def killed(*arguments, **keywords):
        if before == "after":
            original(*arguments, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(MlflowClient, name, killed)


if __name__ == "__main__":
    main(*sys.argv[1:])
