"""Keys of the service: made here, kept as hashes, told apart in constant time.

A key is 32 random bytes, so that one SHA-256 of it cannot be searched backwards, and no slow hash is needed. The key itself
is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
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
"""What a key may do: score sessions; read scores, figures and read-outs; send events."""
API_KEY_VARIABLE = "SHOPWRIGHT_API_KEY"
"""Variable that may hold one further key, with all scopes, where no file can be kept."""
MIN_KEY_LENGTH = 24
"""Characters that a key from the environment has at least."""
_KEY = re.compile(r"sw_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")


class KeyRecord(BaseModel):
    """A key without its secret."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    name: str
    """Who uses it; several keys may bear one name while it is rotated."""
    scopes: tuple[Scope, ...]
    sha256: str
    created_at: AwareDatetime
    ends_at: AwareDatetime | None = None
    """From when on it is refused; None as long as it was not revoked."""

    def is_valid(self, at: datetime) -> bool:
        """Whether it is taken at a moment."""
        return self.ends_at is None or at < self.ends_at


_RECORDS = TypeAdapter(tuple[KeyRecord, ...])


def read_keys(file: Path) -> tuple[KeyRecord, ...]:
    """All keys that were ever made, oldest first; none where there is no file.

    Raises:
        ConfigurationError: the file is damaged. It is never taken for empty, which would open the service.
    """
    try:
        return _RECORDS.validate_json(file.read_bytes())
    except FileNotFoundError:
        return ()
    except ValidationError as error:
        raise ConfigurationError(
            f"{file} is no file of keys: {error.errors(include_input=False)[0]['msg']}"
        ) from None


def create_key(file: Path, name: str, scopes: Sequence[Scope], *, now: datetime) -> tuple[KeyRecord, str]:
    """Make a key.

    Returns:
        What is kept of it, and the key itself, which nobody can tell again.

    Raises:
        ConfigurationError: a valid key bears the name already, or the name or the scopes are none.
    """
    with exclusive_lock(file.with_suffix(".lock"), "keys create"):
        known = read_keys(file)
        if any(each.name == name and each.is_valid(now) for each in known):
            raise ConfigurationError(f"there is a key '{name}' already; 'rotate' replaces it")
        made, key = _made(name, scopes, now)
        _write(file, (*known, made))
    return made, key


def revoke_key(file: Path, name: str, *, now: datetime) -> int:
    """Refuse a name's keys from now on.

    Returns:
        How many were valid.

    Raises:
        ConfigurationError: no valid key bears the name.
    """
    with exclusive_lock(file.with_suffix(".lock"), "keys revoke"):
        known = read_keys(file)
        count = len(_of_name(known, name, now))
        _write(file, _ended(known, name, now, now))
    return count


def rotate_key(file: Path, name: str, *, now: datetime, grace: timedelta) -> tuple[KeyRecord, str]:
    """Make a new key of the same name and scopes; the old ones are taken for a while longer.

    Args:
        grace: how much longer; nothing, and they are refused at once.

    Raises:
        ConfigurationError: no valid key bears the name.
    """
    with exclusive_lock(file.with_suffix(".lock"), "keys rotate"):
        known = read_keys(file)
        old = _of_name(known, name, now)
        made, key = _made(name, old[-1].scopes, now)
        _write(file, (*_ended(known, name, now, now + grace), made))
    return made, key


class KeyRing:
    """The keys that the service takes, read anew when their file changes.

    Args:
        file: as the commands write it.
        environment: the further key, if there is one.
        refresh_seconds: how often the file is looked at.
    """

    def __init__(self, file: Path, *, environment: str | None = None, refresh_seconds: float = 2.0) -> None:
        self._file = file
        self._refresh = refresh_seconds
        self._looked = float("-inf")
        self._stamp: tuple[int, int] | None = None
        self._records: dict[str, KeyRecord] = {}
        self._environment = _environment_record(environment) if environment else None
        self._was_used = self._environment is not None
        self._look()

    def has_ever_had_keys(self) -> bool:
        """Whether there ever was a key, valid or not, as far as the file tells and this ring has seen.

        What was seen once stays so, also where the file vanishes or can no longer be read.
        """
        self._look()
        return self._was_used

    def is_empty(self, now: datetime) -> bool:
        """Whether no key is valid."""
        self._look()
        return self._environment is None and not any(each.is_valid(now) for each in self._records.values())

    def find(self, key: str, now: datetime) -> KeyRecord | None:
        """The record of a valid key; None where it is forged, unknown or revoked."""
        self._look()
        found = _KEY.fullmatch(key)
        record = self._records.get(found.group(1)) if found else self._environment
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
        expected = record.sha256 if record else "0" * 64
        is_same = hmac.compare_digest(digest, expected)
        return record if is_same and record and record.is_valid(now) else None

    def _look(self) -> None:
        if monotonic() - self._looked < self._refresh:
            return
        self._looked = monotonic()
        try:
            self._read()
        except (ConfigurationError, OSError):
            self._was_used = True
            raise

    def _read(self) -> None:
        try:
            found = self._file.stat()
            stamp = (found.st_mtime_ns, found.st_ino)
        except FileNotFoundError:
            stamp = None
        if stamp != self._stamp:
            self._records = {each.id: each for each in read_keys(self._file)}
            self._was_used = self._was_used or bool(self._records)
            self._stamp = stamp


def _made(name: str, scopes: Sequence[Scope], now: datetime) -> tuple[KeyRecord, str]:
    if not _NAME.fullmatch(name):
        raise ConfigurationError("a key's name has up to 60 letters, digits, spaces, '.', '_' and '-'")
    for scope in scopes:
        if scope not in SCOPES:
            raise ConfigurationError(
                f"no scope '{scope}'{near_match(scope, SCOPES)} (there are {', '.join(SCOPES)})"
            )
    if not scopes:
        raise ConfigurationError(f"a key needs a scope at least (there are {', '.join(SCOPES)})")
    number = secrets.token_hex(6)
    key = f"sw_{number}_{secrets.token_urlsafe(32)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    return KeyRecord(
        id=number, name=name, scopes=tuple(dict.fromkeys(scopes)), sha256=digest, created_at=now
    ), key


def _environment_record(key: str) -> KeyRecord:
    if len(key) < MIN_KEY_LENGTH:
        raise ConfigurationError(
            f"{API_KEY_VARIABLE} has {len(key)} characters, expected {MIN_KEY_LENGTH} random ones at least"
        )
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    return KeyRecord(
        id="environment",
        name="environment",
        scopes=SCOPES,
        sha256=digest,
        created_at=datetime.fromtimestamp(0, UTC),
    )


def _of_name(known: Sequence[KeyRecord], name: str, now: datetime) -> list[KeyRecord]:
    found = [each for each in known if each.name == name and each.is_valid(now)]
    if not found:
        names = sorted({each.name for each in known if each.is_valid(now)})
        raise ConfigurationError(f"no valid key '{name}'{near_match(name, names)}")
    return found


def _ended(known: Sequence[KeyRecord], name: str, now: datetime, until: datetime) -> tuple[KeyRecord, ...]:
    def ended(each: KeyRecord) -> KeyRecord:
        if each.name != name or not each.is_valid(now):
            return each
        return each.model_copy(update={"ends_at": min(until, each.ends_at or until)})

    return tuple(ended(each) for each in known)


def _write(file: Path, records: Sequence[KeyRecord]) -> None:
    """Replace the file in one step, for its owner's eyes."""
    unfinished = file.with_suffix(".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(_RECORDS.dump_json(tuple(records), indent=1) + b"\n")
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.replace(file)
