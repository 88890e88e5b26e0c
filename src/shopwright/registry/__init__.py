"""Runs, versions and artifacts of models: what was trained on what, how good it is, and which one is served.

Belongs here: the manifest that seals a model's folder, what tells training data apart, and the registry on MLflow.
What a model computes belongs to its room in ``models``; how good it is, to ``evaluation``. Nothing here knows any one
model, and MLflow is imported when a registry is first used, never before.
"""

from shopwright.registry.manifest import (
    FeatureRecord,
    Manifest,
    Measure,
    library_versions,
    read_manifest,
    write_manifest,
)
from shopwright.registry.records import GateRecord, RunRecord, Version
from shopwright.registry.store import Registry

__all__ = [
    "FeatureRecord",
    "GateRecord",
    "Manifest",
    "Measure",
    "Registry",
    "RunRecord",
    "Version",
    "library_versions",
    "read_manifest",
    "write_manifest",
]
