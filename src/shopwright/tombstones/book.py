"""The file of tombstones: a key, and for each erasure the hashes of what names the people.

It holds no id. Whoever has the file can find out whether a known id was erased, which is what it is for; so only its owner
may read it.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

PERSON, ORDER, DEVICE_TIME = "p", "o", "m"
"""What a hash is of: an id or an e-mail address of a person, a number of an order, a visitor at a moment."""

HASH_DIGITS = 32
"""Hexadecimal digits of a hash: 128 bits, so that no two values ever share one."""

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure of one or more people."""

    erasure_id: str
    erased_at: str
    """ISO 8601, UTC."""
    person_count: int
    """People who were named; each may have several ids."""
    hashes: tuple[str, ...]
    has_emails: bool = False
    """Whether an e-mail address is among them, so that free texts are searched for it."""
    has_moments: bool = False
    """Whether some anonymous rows of a device that others use too are among them."""
    is_finished: bool = False
    """Whether every store was cleaned; until then any writer goes on with it."""
    experiment_units: dict[str, dict[str, int]] = field(default_factory=dict)
    """Units that left, by experiment and variant."""
    stores: tuple[dict[str, str | int], ...] = ()
    """What left which store so far, until it is in the receipt: an erasure that goes on says it too."""


@dataclass(frozen=True)
class Tombstones:
    """The key and all erasures, oldest first."""

    key: str
    erasures: tuple[Erasure, ...] = ()

    @cached_property
    def hashes(self) -> frozenset[str]:
        """All hashes."""
        return frozenset(digest for erasure in self.erasures for digest in erasure.hashes)

    @property
    def unfinished(self) -> tuple[Erasure, ...]:
        """Erasures that were interrupted."""
        return tuple(erasure for erasure in self.erasures if not erasure.is_finished)

    def hash(self, kind: str, value: str) -> str:
        """Return the hash of a value.

        Args:
            kind: ``PERSON``, ``ORDER`` or ``DEVICE_TIME``.
            value: as the lake has it.
        """
        return sha256(f"{self.key}{kind}:{value}".encode()).hexdigest()[:HASH_DIGITS]

    def names(self, value: str) -> bool:
        """Return whether a value is an id or an e-mail address of an erased person."""
        return self.hash(PERSON, value) in self.hashes

    def with_erasure(self, erasure: Erasure) -> Tombstones:
        """Return the tombstones with an erasure, in place of an earlier state of it if there is one."""
        if any(item.erasure_id == erasure.erasure_id for item in self.erasures):
            erasures = (erasure if item.erasure_id == erasure.erasure_id else item for item in self.erasures)
            return Tombstones(self.key, tuple(erasures))
        return Tombstones(self.key, (*self.erasures, erasure))

    def merged_with(self, newer: Tombstones) -> Tombstones:
        """Return the erasures of both, those that only the other one has as unfinished.

        Raises:
            ConfigurationError: they are of different projects.
        """
        if self.erasures and self.key != newer.key:
            raise ConfigurationError("these tombstones are of another project: their key is another one")
        known_ids = {erasure.erasure_id for erasure in self.erasures if erasure.is_finished}
        erasures = tuple(
            replace(erasure, is_finished=erasure.erasure_id in known_ids) for erasure in newer.erasures
        )
        missing = {erasure.erasure_id for erasure in self.erasures} - {item.erasure_id for item in erasures}
        older_erasures = tuple(erasure for erasure in self.erasures if erasure.erasure_id in missing)
        return Tombstones(newer.key, (*older_erasures, *erasures))

    @property
    def digest(self) -> str:
        """What changes with every erasure; empty where nobody was erased."""
        ids = [erasure.erasure_id for erasure in self.erasures]
        return sha256(",".join(ids).encode()).hexdigest()[:HASH_DIGITS] if ids else ""


def new_id(now: datetime) -> str:
    """Return an id of an erasure; ids sort by time."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"


def load_tombstones(file: Path) -> Tombstones:
    """Read a file of tombstones; a new key and no erasures where there is none.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        stat = file.stat()
    except FileNotFoundError:
        return Tombstones(secrets.token_hex(32))
    return _read(file, stat.st_mtime_ns, stat.st_size, stat.st_ino)


@lru_cache(maxsize=4)
def _read(file: Path, _modified_ns: int, _size: int, _inode: int) -> Tombstones:
    try:
        document = json.loads(file.read_text("utf-8"))
        if document["format"] > FORMAT:
            raise ConfigurationError(
                f"{file} was written by a newer version of Shopwright; update Shopwright"
            )
        if document != seal(document) and "sha256" in document:
            raise ValueError("its SHA-256 is another one")  # noqa: TRY301  # as any other damage
        erasures = tuple(_erasure(item) for item in document["erasures"])
        return Tombstones(str(document["key"]), erasures)
    except (OSError, ValueError, TypeError, KeyError, UnicodeDecodeError):
        raise ConfigurationError(
            f"{file} cannot be read; it says who was erased, and nothing is loaded without it: restore it from a backup"
        ) from None


def _erasure(item: dict[str, Any]) -> Erasure:
    return Erasure(**item | {name: tuple(item.get(name, ())) for name in ("hashes", "stores")})


def save_tombstones(file: Path, tombstones: Tombstones) -> None:
    """Write a file of tombstones that only its owner can read, all of it or nothing; on disk when this returns."""
    document = {
        "format": FORMAT,
        "key": tombstones.key,
        "erasures": [asdict(erasure) for erasure in tombstones.erasures],
    }
    write_private(file, json.dumps(seal(document)))


def seal(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document with the SHA-256 of its content: one changed digit would let somebody come back."""
    content = {name: value for name, value in document.items() if name != "sha256"}
    return content | {"sha256": sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()}


def write_private(file: Path, text: str) -> None:
    """Write a file that only its owner can read, all of it or nothing; on disk when this returns."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_name(f"{file.name}.tmp")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(descriptor)
    unfinished.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def hash_all(tombstones: Tombstones, kind: str, values: Iterable[str]) -> list[str]:
    """Return the hashes of values of one kind, sorted: their order says nothing of the values'."""
    return sorted(tombstones.hash(kind, value) for value in values)
