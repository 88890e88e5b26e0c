"""The password of the app, stored as a salted hash that is slow to compute (scrypt).

Unlike an API key a password is chosen by people, so a fast hash could be guessed by whoever has the file.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

MIN_LENGTH = 12
MAX_LENGTH = 1_024
"""Characters of a password."""
_COST, _BLOCK_SIZE, _PARALLELISM = 1 << 15, 8, 1
"""Parameters of scrypt: 32 MB and about a tenth of a second."""
_MAX_COST = 1 << 20
_DIGEST = re.compile("[0-9a-f]{64}")
MARKER_NAME = "password-required.txt"
"""File in the project's folder that says that the app has a password. It remains where the password's own file is lost."""
_MARKER_TEXT = """The app of this shop has a password, in service/app-password.json. While this file exists, `shopwright app` does not open
without one, also after a restore that left it out. Set a new one with `shopwright keys password`, or open the app to this
machine with `shopwright keys password --remove`.
"""


@dataclass(frozen=True, slots=True)
class PasswordHash:
    """A password as it is stored."""

    salt: str
    cost: int
    block_size: int
    parallelism: int
    hash: str


def hash_password(password: str) -> PasswordHash:
    """Return the salted hash of a new password.

    Raises:
        ConfigurationError: it is too short or too long.
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise ConfigurationError(
            f"The password has {len(password)} characters. Use {MIN_LENGTH} to {MAX_LENGTH:,}, or let "
            "`shopwright keys password --generate` make one"
        )
    salt = secrets.token_hex(16)
    digest = _scrypt(password, salt, _COST, _BLOCK_SIZE, _PARALLELISM)
    return PasswordHash(salt, _COST, _BLOCK_SIZE, _PARALLELISM, digest)


def is_password(password: str, stored: PasswordHash) -> bool:
    """Return whether a text is the stored password, in the same time for every wrong one."""
    digest = _scrypt(password[:MAX_LENGTH], stored.salt, stored.cost, stored.block_size, stored.parallelism)
    return hmac.compare_digest(digest, stored.hash)


def read_password(file: Path) -> PasswordHash | None:
    """Return the stored password of an app; None where it never had one.

    Args:
        file: its file, in the folder ``service`` of the project.

    Raises:
        ConfigurationError: the file is damaged, or gone although there was one. Neither may open the app.
    """
    try:
        stored = PasswordHash(**json.loads(file.read_bytes()))
    except FileNotFoundError:
        if _marker(file).exists():
            raise ConfigurationError(
                f"The app had a password, and {file} is gone. Restore it, or set one with `shopwright keys password`; "
                "`shopwright keys password --remove` opens the app to this machine"
            ) from None
        return None
    except (ValueError, TypeError, OSError):
        stored = None
    if stored is None or not _is_computable(stored):
        raise ConfigurationError(
            f"{file} is not a valid password file. Set a new one with `shopwright keys password`"
        )
    return stored


def write_password(file: Path, stored: PasswordHash) -> None:
    """Replace the password atomically, in a file readable by its owner only."""
    file.parent.mkdir(parents=True, exist_ok=True)
    _marker(file).write_text(_MARKER_TEXT, encoding="utf-8")
    unfinished = file.with_suffix(".tmp")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(json.dumps(asdict(stored), indent=1) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(file)


def remove_password(file: Path) -> bool:
    """Remove the password, so that the app is open to this machine; return whether there was one."""
    existed = file.exists() or _marker(file).exists()
    file.unlink(missing_ok=True)
    _marker(file).unlink(missing_ok=True)
    return existed


def _is_computable(stored: PasswordHash) -> bool:
    """Return whether a hash is one that can be compared, within a bounded time and memory."""
    limits = {"cost": (2, _MAX_COST), "block_size": (1, 32), "parallelism": (1, 16)}
    values = asdict(stored)  # from a file, so of any type
    has_numbers = all(
        type(values[name]) is int and low <= values[name] <= high for name, (low, high) in limits.items()
    )
    has_texts = isinstance(values["salt"], str) and values["salt"] and _DIGEST.fullmatch(str(values["hash"]))
    return bool(has_numbers and has_texts and stored.cost.bit_count() == 1)


def _marker(file: Path) -> Path:
    return file.parent.parent / MARKER_NAME


def _scrypt(password: str, salt: str, cost: int, block_size: int, parallelism: int) -> str:
    return hashlib.scrypt(
        password.encode("utf-8", "surrogatepass"),
        salt=salt.encode(),
        n=cost,
        r=block_size,
        p=parallelism,
        maxmem=(1 << 20) + 256 * cost * block_size,
        dklen=32,
    ).hex()
