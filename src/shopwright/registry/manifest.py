"""Artifacts of models: a folder of native files, and the manifest that describes and seals them.

The folder is flat. Every file is named in ``manifest.json`` with its size and SHA-256; a file that is missing, added,
changed, linked or of a type that could carry code is refused. Anyone who can change a file can change the manifest
too, so the manifest's own SHA-256 is stored elsewhere, by the registry.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    JsonValue,
    NonNegativeInt,
    ValidationError,
    field_validator,
)

from shopwright.core.errors import ArtifactError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

FILE_NAME = "manifest.json"
FORMAT: Literal[1] = 1
SUFFIXES = (".csv", ".json", ".parquet", ".png", ".sql", ".svg", ".txt", ".ubj")
"""File types that an artifact may contain: data that no reader executes."""
MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_LARGEST = 16 * 2**20
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,126}")

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureRecord(_Part):
    """One input of a model, as it was in training."""

    name: str
    kind: Literal["number", "category"]
    categories: tuple[str, ...] | None = None
    """Values in training, sorted; for categories only."""
    lower: FiniteFloat | None = None
    """Minimum in training; None for categories, and for a number that was never known."""
    upper: FiniteFloat | None = None

    @staticmethod
    def from_values(name: str, values: NDArray[Any]) -> FeatureRecord:
        """Describe a feature by its training values.

        Args:
            values: (n_rows,) numbers with NaN, or strings with None, where unknown.

        Example:
            >>> FeatureRecord.from_values("visits", np.array([3.0, np.nan, 1.0])).upper
            3.0
        """
        if values.dtype.kind in "OU":
            categories = tuple(sorted({str(value) for value in values.tolist() if value is not None}))
            return FeatureRecord(name=name, kind="category", categories=categories)
        finite = values[np.isfinite(values)]
        if not len(finite):
            return FeatureRecord(name=name, kind="number")
        return FeatureRecord(name=name, kind="number", lower=float(finite.min()), upper=float(finite.max()))


class Measure(_Part):
    """A metric with its interval; a value of None is undefined, and the reason says why."""

    value: FiniteFloat | None
    lower: FiniteFloat | None = None
    upper: FiniteFloat | None = None
    reason: str | None = None


class FileRecord(_Part):
    """One file of an artifact."""

    sha256: Sha256
    size: NonNegativeInt
    """In bytes."""


class Manifest(_Part):
    """Description of an artifact. ``write_manifest`` fills in ``files``."""

    format: Literal[1] = FORMAT
    model: str = Field(pattern=f"^{MODEL_NAME.pattern}$")
    """Name of the model, such as ``churn``."""
    kind: str
    """Type of estimator, such as ``xgboost``."""
    created_at: AwareDatetime
    features: tuple[FeatureRecord, ...]
    outcome: str
    """Description of what is predicted."""
    decision_time: str
    """Description of the times at which scores are made; features know nothing later."""
    window: dict[str, JsonValue]
    """Days and rows of training, validation and test, by name."""
    data_fingerprint: Sha256
    """Fingerprint of the data that the model was trained and evaluated on."""
    metrics: dict[str, Measure] = {}
    """Metrics on the test window, by name."""
    libraries: dict[str, str] = {}
    """Package to the version that the model was trained with."""
    files: dict[str, FileRecord] = {}

    @field_validator("files")
    @classmethod
    def _check_names(cls, files: dict[str, FileRecord]) -> dict[str, FileRecord]:
        for name in files:
            if reason := _why_not_allowed(name):
                raise ValueError(f"it names the file {name!r}, which {reason}")
        return files


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Seal a folder of files: hash each and write ``manifest.json``.

    Returns:
        The manifest with its files.

    Raises:
        ArtifactError: the folder contains something that an artifact may not contain.
    """
    names = [name for name in _listed(folder, manifest.model) if name != FILE_NAME]
    for name in names:
        if reason := _why_not_allowed(name):
            raise ArtifactError(f"artifact of {manifest.model}: the file {name!r} {reason}")
    sealed = manifest.model_copy(update={"files": {name: _record(folder / name) for name in names}})
    (folder / FILE_NAME).write_text(sealed.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return sealed


def read_manifest(folder: Path, *, model: str, sha256: str | None = None) -> Manifest:
    """Read a manifest and check that the folder matches it exactly.

    Args:
        folder: the artifact.
        model: name of the model that it must belong to.
        sha256: of the manifest itself, if known from elsewhere.

    Raises:
        ArtifactError: it does not; the message says in one line what differs.
    """
    present = _listed(folder, model)
    if FILE_NAME not in present:
        raise ArtifactError(f"artifact of {model}: {folder} has no {FILE_NAME}")
    manifest = _parse(folder / FILE_NAME, model, sha256)
    _compare_names({*present} - {FILE_NAME}, {*manifest.files}, model)
    for name, expected in manifest.files.items():
        if (folder / name).stat().st_size != expected.size or _record(folder / name) != expected:
            raise ArtifactError(
                f"artifact of {model}: {name} was changed after it was sealed (SHA-256 differs)"
            )
    return manifest


def read_window(folder: Path) -> dict[str, JsonValue]:
    """Read the windows of a verified artifact, by name."""
    return Manifest.model_validate_json((folder / FILE_NAME).read_bytes()).window


def manifest_sha256(folder: Path) -> str:
    """Compute the SHA-256 of a folder's manifest, hexadecimal."""
    return _record(folder / FILE_NAME).sha256


def library_versions(packages: Iterable[str]) -> dict[str, str]:
    """Return the versions of those packages that are installed, by name.

    Example:
        >>> list(library_versions(["numpy", "no-such-package"]))
        ['numpy']
    """
    versions = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions


def _parse(file: Path, model: str, sha256: str | None) -> Manifest:
    with file.open("rb") as handle:
        content = handle.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ArtifactError(f"artifact of {model}: {FILE_NAME} is larger than {_LARGEST:,} bytes")
    if sha256 is not None and hashlib.sha256(content).hexdigest() != sha256:
        raise ArtifactError(
            f"artifact of {model}: {FILE_NAME} is not the one that was registered for this version (SHA-256 differs)"
        )
    _check_format(content, model)
    try:
        manifest = Manifest.model_validate_json(content)
    except ValidationError as error:
        raise ArtifactError(f"artifact of {model}: {FILE_NAME} is wrong: {_explain(error)}") from None
    if manifest.model != model:
        raise ArtifactError(f"artifact of {model}: its files are of the model '{manifest.model}'")
    return manifest


def _check_format(content: bytes, model: str) -> None:
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        raise ArtifactError(f"artifact of {model}: {FILE_NAME} is no JSON") from None
    version_number = document.get("format") if isinstance(document, dict) else None
    if version_number != FORMAT or isinstance(version_number, bool):
        raise ArtifactError(
            f"artifact of {model}: {FILE_NAME} has format {str(version_number)[:20]!r}, and only {FORMAT} is known; "
            "it may come from a later version of shopwright"
        )


def _explain(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg'].removeprefix('Value error, ')}"


def _listed(folder: Path, model: str) -> list[str]:
    """List the names of the files in a folder, sorted; anything but a plain file is refused."""
    try:
        with os.scandir(folder) as entries:
            items = sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise ArtifactError(f"artifact of {model}: {folder} cannot be read: {error.strerror}") from None
    for entry in items:
        if entry.is_symlink():
            raise ArtifactError(f"artifact of {model}: {entry.name!r} is a link, expected a plain file")
        if not entry.is_file(follow_symlinks=False):
            raise ArtifactError(f"artifact of {model}: {entry.name!r} is no plain file")
    return [entry.name for entry in items]


def _compare_names(present: set[str], expected: set[str], model: str) -> None:
    if missing := sorted(expected - present):
        raise ArtifactError(f"artifact of {model}: {missing[0]} is missing")
    if extra := sorted(present - expected):
        raise ArtifactError(f"artifact of {model}: {extra[0]!r} was added after it was sealed")


def _why_not_allowed(name: str) -> str | None:
    if not _PLAIN_NAME.fullmatch(name) or name == FILE_NAME:
        return "is no plain file name of letters, digits, '.', '_' and '-'"
    if not name.endswith(SUFFIXES):
        return f"is of a type that no artifact may hold; allowed are {', '.join(SUFFIXES)}"
    return None


def _record(file: Path) -> FileRecord:
    with file.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
        return FileRecord(sha256=digest, size=handle.tell())
