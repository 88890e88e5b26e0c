"""API keys of the service: created here, stored as hashes, compared in constant time.

A key is 32 random bytes. Guessing it from a plain SHA-256 is infeasible, so no slow password hash is needed. The key itself is
shown once, when it is created.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, TypeAdapter, ValidationError

from shopwright.core.errors import ConfigurationError, near_match
from shopwright.core.lock import exclusive_lock

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Scope = Literal["predict", "read", "collect"]
SCOPES: tuple[Scope, ...] = ("predict", "read", "collect")
"""What a key allows: to score sessions; to read scores, reports and experiment results; to send events."""
API_KEY_VARIABLE = "SHOPWRIGHT_API_KEY"
"""Environment variable with one more key that has all scopes, for hosts without a persistent project folder."""
MIN_KEY_LENGTH = 24
"""Characters of a key from the environment."""
_KEY = re.compile(r"sw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")


class KeyRecord(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    """Who uses the key; while a key is rotated, two records share a name."""
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    """When it stops being valid; None unless it was revoked or rotated."""

    def is_valid(self, at: datetime) -> bool:
        """Return whether the key is accepted at a time."""
        return self.ends_at is None or at < self.ends_at


MARKER_NAME = "keys-required.txt"
"""File in the project's folder that says that the shop has keys. It is apart from them, and remains where they are lost."""
_MARKER_TEXT = """This shop has API keys, in service/keys.json. While this file exists, `shopwright serve` does not answer without a key,
also after a restore that left out service/keys.json. To open the service to this machine all the same:
[service] open_without_keys = true, in shopwright.toml
"""
_RECORDS = TypeAdapter(tuple[KeyRecord, ...])


def read_keys(file: Path) -> tuple[KeyRecord, ...]:
    """Return all keys ever created, the oldest first; none where there is no file.

    Raises:
        ConfigurationError: the file is damaged. It never counts as empty, which would open the service.
    """
    try:
        return _RECORDS.validate_json(file.read_bytes())
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        raise ConfigurationError(
            f"{file} is not a valid key file: {error.errors(include_input=False)[0]['msg']}"
        ) from None


def create_key(file: Path, name: str, scopes: Sequence[Scope], *, now: datetime) -> tuple[KeyRecord, str]:
    """Create a key.

    Args:
        file: key file of the project.
        name: who uses the key.
        scopes: what it allows; at least one.
        now: time of creation.

    Returns:
        The stored record, and the key itself, which cannot be recovered later.

    Raises:
        ConfigurationError: there is a valid key with this name, or the name or the scopes are invalid.
    """
    with exclusive_lock(file.with_suffix(".lock"), "keys create"):
        records = read_keys(file)
        if any(record.name == name and record.is_valid(now) for record in records):
            raise ConfigurationError(
                f"There is already a key '{name}'. Replace it with `shopwright keys rotate {name}`"
            )
        record, key = _new_key(name, scopes, now)
        _write(file, (*records, record))
    return record, key


def revoke_key(file: Path, name: str, *, now: datetime) -> int:
    """Revoke the keys of a name with immediate effect.

    Returns:
        Number of keys that were valid.

    Raises:
        ConfigurationError: there is no valid key with this name.
    """
    with exclusive_lock(file.with_suffix(".lock"), "keys revoke"):
        records = read_keys(file)
        count = len(_valid_keys(records, name, now))
        _write(file, _revoked(records, name, now, now))
    return count


def rotate_key(file: Path, name: str, *, now: datetime, grace: timedelta) -> tuple[KeyRecord, str]:
    """Create a new key with the same name and scopes; the old keys stay valid for a grace period.

    Args:
        file: key file of the project.
        name: whose keys are replaced.
        now: time of creation.
        grace: how long the old keys stay valid; zero revokes them at once.

    Returns:
        The stored record, and the key itself, which cannot be recovered later.

    Raises:
        ConfigurationError: there is no valid key with this name.
    """
    with exclusive_lock(file.with_suffix(".lock"), "keys rotate"):
        records = read_keys(file)
        old = _valid_keys(records, name, now)
        record, key = _new_key(name, old[-1].scopes, now)
        _write(file, (*_revoked(records, name, now, now + grace), record))
    return record, key


def was_used(file: Path) -> bool:
    """Return whether a project ever had keys, even if their file is gone.

    Args:
        file: key file of the project.
    """
    return _marker(file).exists()


def mark_used(file: Path) -> None:
    """Remember beside the settings that the project has keys. A folder that cannot be written to stays as it is."""
    marker = _marker(file)
    if marker.exists():
        return
    with suppress(OSError), marker.open("w", encoding="utf-8") as stream:
        stream.write(_MARKER_TEXT)
        stream.flush()
        os.fsync(stream.fileno())


def _marker(file: Path) -> Path:
    return file.parent.parent / MARKER_NAME


class KeyRing:
    """The keys that the service accepts, reloaded when their file changes.

    Args:
        file: key file of the project.
        environment_key: the key of the environment variable, if it is set.
        refresh_seconds: how often the file is checked for changes.
        is_open: whether a file that is gone counts as no keys, although the shop once had some.
    """

    def __init__(
        self,
        file: Path,
        *,
        environment_key: str | None = None,
        refresh_seconds: float = 2.0,
        is_open: bool = False,
    ) -> None:
        self._file = file
        self._is_open = is_open
        self._refresh = refresh_seconds
        self._checked_at = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._records: dict[str, KeyRecord] = {}
        self._environment = _environment_record(environment_key) if environment_key else None
        self._was_used = self._environment is not None
        self._reload_if_due()

    def check_file(self) -> None:
        """Refuse a shop that once had keys and whose file of keys is gone.

        Raises:
            ConfigurationError: neither a key nor the setting says who may come in.
        """
        self._reload_if_due()
        is_lost = not self._records and self._environment is None and was_used(self._file)
        if is_lost and not self._is_open:
            raise ConfigurationError(
                f"This shop had API keys, and {self._file} is gone. Restore it, or create a key with `shopwright keys create "
                "NAME`; to serve this machine without one, set `open_without_keys = true` in [service]"
            )

    def has_ever_had_keys(self) -> bool:
        """Return whether there ever was a key, valid or not.

        Once True it stays True, even if the file disappears or can no longer be read.
        """
        self._reload_if_due()
        return self._was_used

    def is_empty(self, now: datetime) -> bool:
        """Return whether no key is valid."""
        self._reload_if_due()
        return self._environment is None and not any(
            record.is_valid(now) for record in self._records.values()
        )

    def find(self, key: str, now: datetime) -> KeyRecord | None:
        """Return the record of a valid key; None where it is malformed, unknown or revoked."""
        self._reload_if_due()
        match = _KEY.fullmatch(key)
        record = self._records.get(match.group(1)) if match else self._environment
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        # An unknown key is compared as well, so that its response takes as long as that of a known one.
        expected = record.sha256 if record else "0" * 64
        is_match = hmac.compare_digest(digest, expected)
        return record if is_match and record and record.is_valid(now) else None

    def _reload_if_due(self) -> None:
        if monotonic() - self._checked_at < self._refresh:
            return
        self._checked_at = monotonic()
        try:
            self._read()
        except (ConfigurationError, OSError):
            self._was_used = True
            raise

    def _read(self) -> None:
        try:
            status = self._file.stat()
            stamp = (status.st_mtime_ns, status.st_ino)
        except FileNotFoundError:
            stamp = None
        if stamp != self._stamp:
            self._records = {record.id: record for record in read_keys(self._file)}
            self._stamp = stamp
            if self._records:
                mark_used(self._file)  # keys of an older version have no marker yet
        self._was_used = self._was_used or bool(self._records) or (not self._is_open and was_used(self._file))


def _new_key(name: str, scopes: Sequence[Scope], now: datetime) -> tuple[KeyRecord, str]:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(
            "A key's name consists of 1 to 60 letters, digits, spaces, '.', '_' and '-', and starts with a letter or digit"
        )
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigurationError(
                f"Unknown scope '{scope}'{near_match(scope, SCOPES)}. Scopes are {', '.join(SCOPES)}"
            )
    if not scopes:
        raise ConfigurationError(f"A key needs at least one scope: {', '.join(SCOPES)}")
    key_id = secrets.token_hex(6)
    key = f"sw_{key_id}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    return KeyRecord(
        id=key_id, name=name, scopes=tuple(dict.fromkeys(scopes)), sha256=digest, created_at=now
    ), key


def _environment_record(key: str) -> KeyRecord:
    if len(key) < MIN_KEY_LENGTH:
        raise ConfigurationError(
            f"{API_KEY_VARIABLE} has {len(key)} characters. Use at least {MIN_KEY_LENGTH} random ones"
        )
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return KeyRecord(
        id="environment",
        name="environment",
        scopes=SCOPES,
        sha256=digest,
        created_at=datetime.fromtimestamp(0, UTC),
    )


def _valid_keys(records: Sequence[KeyRecord], name: str, now: datetime) -> list[KeyRecord]:
    valid = [record for record in records if record.name == name and record.is_valid(now)]
    if not valid:
        names = sorted({record.name for record in records if record.is_valid(now)})
        raise ConfigurationError(f"No valid key '{name}'{near_match(name, names)}")
    return valid


def _revoked(
    records: Sequence[KeyRecord], name: str, now: datetime, until: datetime
) -> tuple[KeyRecord, ...]:
    """Return all records, those of a name valid no longer than ``until``."""

    def revoke(record: KeyRecord) -> KeyRecord:
        if record.name != name or not record.is_valid(now):
            return record
        # A key that is already being rotated out keeps its earlier end.
        return record.model_copy(update={"ends_at": min(until, record.ends_at or until)})

    return tuple(revoke(record) for record in records)


def _write(file: Path, records: Sequence[KeyRecord]) -> None:
    """Replace the file atomically, readable by its owner only."""
    unfinished = file.with_suffix(".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(_RECORDS.dump_json(tuple(records), indent=1) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)
    mark_used(file)
