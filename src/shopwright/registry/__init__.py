"""Registry: runs, versions and artifacts of models, what they were trained on, how good they are, and which one is live.

Belongs here: the manifest that seals a model's folder, the fingerprint of training data, and the registry on MLflow.
What a model computes belongs to its package in ``models``; how good it is, to ``evaluation``. Nothing here knows any
particular model, and MLflow is imported when a registry is first used, never before.
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
