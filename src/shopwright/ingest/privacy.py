"""What a source drops or hashes: SQL that does it, and the key of the hashes."""

from __future__ import annotations

import json
import os
import secrets
from hashlib import sha256
from typing import TYPE_CHECKING

from shopwright.contracts import Column
from shopwright.contracts.schema import Kind
from shopwright.core.errors import ConfigurationError
from shopwright.core.sql import quote_list, quote_text
from shopwright.ingest.adapters.privacy import DROP, HASH, KEEP, FieldChoices
from shopwright.ingest.ids import read_id

if TYPE_CHECKING:
    from pathlib import Path

    from shopwright.core.engine import Connection
    from shopwright.settings import Project

KEY_VARIABLE = "privacy_key"
"""The engine's variable that holds the key: a message that repeats SQL shows its name, never its value."""

HASH_DIGITS = 32
"""Hexadecimal digits of a hash: 128 bits, so that no two values ever share one."""

MIN_KEY_LENGTH = 32
"""Characters of a key; with a short one, values could be found by trying all keys."""

_ANY_ID = Column("field", Kind.PERSON_ID, "A field that no mapping names, and that may be somebody's id.")


def hash_text(text: str) -> str:
    """Return SQL of the hash of a text, equal in all sources and columns; null without a text."""
    return f"left(sha256(getvariable('{KEY_VARIABLE}') || ({text})), {HASH_DIGITS})"


def hash_unmapped(text: str) -> str:
    """Return SQL of the hash of a field that no mapping names: that of an id if it is written like one."""
    trimmed = f"nullif(trim({text}), '')"
    return hash_text(f"coalesce({read_id(trimmed, _ANY_ID)}, {trimmed})")


def with_name(name: str, value: str, body: str) -> str:
    """Return SQL in which a name stands for a value, so that it is computed, and written, once."""
    return f"list_transform([{value}], lambda {name}: {body})[1]"


def protect_fields(text: str, choices: FieldChoices) -> str:
    """Return SQL of a JSON object, as text, without the fields that are dropped, and with hashes of those that are hashed.

    Args:
        text: name of the object's text; of a text that is no object, all is treated as what is not named.
        choices: what happens to each field.
    """
    if not choices.is_needed:
        return text
    # a key that occurs twice counts once, and keys are sorted, so that equal objects stay equal
    keys = f"list_sort(list_distinct(json_keys({text})))"
    retained = _is_in(choices.named(KEEP, HASH)) if choices.other == DROP else _is_in(choices.named(DROP))
    names = f"list_filter({keys}, lambda field: {'' if choices.other == DROP else 'not '}{retained})"
    value = f"json_extract({text}, '/' || replace(replace(field, '~', '~0'), '/', '~1'))"
    hashed = "to_json(" + hash_unmapped(f"json_extract_string({value}, '$')") + ")"
    if choices.hashes:
        is_hashed = (
            f"not {_is_in(choices.named(KEEP))}" if choices.other == HASH else _is_in(choices.named(HASH))
        )
        value = f"case when {is_hashed} then {hashed} else {value} end"
    pairs = f"list_transform({names}, lambda field: struct_pack(key := field, value := {value}))"
    others = {DROP: "null", HASH: hash_unmapped(text), KEEP: text}[choices.other]
    return (
        f"case when (case when json_valid({text}) then json_type({text}) end) = 'OBJECT' "
        f"then nullif(to_json(map_from_entries({pairs}))::varchar, '{{}}') else {others} end"
    )


def _is_in(names: list[str]) -> str:
    return f"list_contains({quote_list(names)}::varchar[], field)"


def without_paths(text: str, paths: list[str]) -> str:
    """Return SQL of a JSON object, as text, without values one or more levels down.

    Where something else than an object is on the way, such as a text that holds JSON, the whole of it goes.

    Args:
        text: name of the object's text.
        paths: keys, joined by dots.
    """
    result = text
    for path in paths:
        result = f"json_merge_patch({result}, {_patch(text, path.replace(chr(34), '').split('.'))})"
    return f"nullif(({result})::varchar, '{{}}')" if paths else text


def _patch(text: str, keys: list[str]) -> str:
    inner: object = None
    for key in reversed(keys):
        inner = {key: inner}
    steps = [f'"{key}"' for key in keys]
    return (
        f"case when json_exists({text}, {quote_text('$.' + '.'.join(steps))}) then {quote_text(json.dumps(inner))} "
        f"when json_type({text}, {quote_text(f'$.{steps[0]}')}) <> 'OBJECT' "
        f"then {quote_text(json.dumps({keys[0]: None}))} else '{{}}' end"
    )


def set_key(connection: Connection, project: Project) -> None:
    """Give the engine the key, which a statement that hashes reads; the first time, the key is created."""
    connection.execute(f"set variable {KEY_VARIABLE} = $key", {"key": _load_key(project)})


def check_key(project: Project) -> None:
    """Check the key, if there is one already.

    Raises:
        ConfigurationError: it cannot be read, or is none.
    """
    read_key(project)


def key_digest(project: Project) -> str | None:
    """Return what tells one key from another without saying it; None where there is none."""
    key = read_key(project)
    return sha256(f"digest of the key {key}".encode()).hexdigest()[:HASH_DIGITS] if key else None


def _load_key(project: Project) -> str:
    key = read_key(project)
    if key is None:
        key = secrets.token_hex(32)
        _write_key(project.privacy_key, key)
    return key


def read_key(project: Project) -> str | None:
    """Return the key, from the environment or the project's file; None where there is no file.

    Raises:
        ConfigurationError: it is not there, or too short; the message does not repeat it.
    """
    name = project.settings.ingest.privacy_key
    if name is not None:
        key, origin = os.environ.get(name, "").strip(), f"environment variable {name}"
        if not key:
            raise ConfigurationError(f"{origin} is not set; it holds the key of hashed values")
    else:
        try:
            key, origin = project.privacy_key.read_text("ascii").strip(), str(project.privacy_key)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(
                f"{project.privacy_key} cannot be read; it holds the key of hashed values"
            ) from None
    if len(key) < MIN_KEY_LENGTH:
        raise ConfigurationError(
            f"{origin} holds no key of hashed values, which has {MIN_KEY_LENGTH} characters or more"
        )
    return key


def _write_key(file: Path, key: str) -> None:
    """Write the key so that only the owner can read it, all of it or nothing."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = file.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as text:
        text.write(key + "\n")
        text.flush()
        os.fsync(descriptor)
    unfinished.replace(file)
