"""Runs, versions and artifacts of models: what was trained on what, how good it is, and which one is served.

Belongs here: the manifest that seals a model's folder, what tells training data apart, and the registry on MLflow.
What a model computes belongs to its room in ``models``; how good it is, to ``evaluation``. Nothing here knows any one
model, and MLflow is imported when a registry is first used, never before.
"""

from shopwright.registry.evaluations import EvaluationRecord, as_rows, write_evaluation
from shopwright.registry.manifest import (
    FeatureRecord,
    Manifest,
    Measure,
    library_versions,
    read_manifest,
    write_manifest,
)
from shopwright.registry.records import CHALLENGER, CHAMPION, GateRecord, RunRecord, Version
from shopwright.registry.store import Registry

__all__ = [
    "CHALLENGER",
    "CHAMPION",
    "EvaluationRecord",
    "FeatureRecord",
    "GateRecord",
    "Manifest",
    "Measure",
    "Registry",
    "RunRecord",
    "Version",
    "as_rows",
    "library_versions",
    "read_manifest",
    "write_evaluation",
    "write_manifest",
]
