"""A read-only transaction with a server, and errors that never show a secret.

This is the only module that imports the driver, and only when a source needs it.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shopwright.core.errors import ConfigurationError, SourceFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

    from psycopg import Connection

    from shopwright.settings import SourceSettings

SETTINGS = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "3",
    "standard_conforming_strings": "on",
}
"""Settings of the server, for this transaction only, that fix how it writes values as text."""

DEFAULTS = {
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "fallback_application_name": "shopwright",
}
"""Defaults of connection parameters, in seconds. A server that stops responding is noticed after two minutes."""

_SECRETS = ("password", "sslpassword")


def check_source(source: SourceSettings) -> None:
    """Check that a source can be connected to, without connecting.

    Raises:
        ConfigurationError: the driver is not installed, or the environment variable with the connection is not set.
    """
    _driver()
    _parameters(source)


def _driver() -> ModuleType:
    try:
        import psycopg  # noqa: PLC0415  # an optional extra, needed by this adapter alone
    except ImportError as error:
        raise ConfigurationError(
            f"adapter postgres needs its driver ({error}); run `pip install 'shopwright[postgres]'`"
        ) from None
    return psycopg


def _parameters(source: SourceSettings) -> dict[str, Any]:
    """Return the connection parameters in the source's environment variable; none where it leaves them to libpq."""
    if source.connection is None:
        return {}
    text = os.environ.get(source.connection, "").strip()
    if not text:
        raise ConfigurationError(
            f"source '{source.name}': environment variable {source.connection} is not set; "
            "set it to the URL of the database, such as postgresql://reader:secret@host:5432/shop"
        )
    driver = _driver()
    try:
        if _has_unescaped_password(text):
            raise driver.ProgrammingError
        parameters: dict[str, Any] = driver.conninfo.conninfo_to_dict(text)
    except driver.Error:  # its message would show the text, with the password
        raise ConfigurationError(
            f"source '{source.name}': the value of {source.connection} is not a Postgres URL or DSN; "
            "in a URL, escape special characters of user and password (@ as %40, / as %2F, ? as %3F)"
        ) from None
    return parameters


def _has_unescaped_password(text: str) -> bool:
    """Return whether a part of the password would be read as host or port, and shown in errors as such."""
    _, scheme_end, address = text.partition("://")
    user_info, at_sign, _ = address.rpartition("@")
    return bool(scheme_end and at_sign and not address.startswith("/") and re.search(r"[@/?\s]", user_info))


@contextmanager
def open_session(source: SourceSettings, label: str) -> Iterator[Connection]:
    """Open a repeatable-read, read-only transaction: every statement sees the same rows, and none can write.

    Args:
        source: the source whose database to connect to.
        label: name of the source's rows in errors.

    Raises:
        ConfigurationError: the connection is not configured correctly.
        SourceFileError: the server cannot be reached, refuses, or closes the connection.
    """
    driver, parameters = _driver(), _parameters(source)
    try:
        with driver.connect(**_with_defaults(parameters), client_encoding="UTF8") as connection:
            connection.isolation_level = driver.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            for name, value in SETTINGS.items():
                connection.execute("select set_config(%s, %s, true)", (name, value))
            yield connection
            connection.rollback()
    except driver.Error as error:
        raise SourceFileError(label, _redact(describe_error(error), parameters)) from None


def _with_defaults(parameters: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**DEFAULTS, **parameters}
    if "PGCONNECT_TIMEOUT" in os.environ and "connect_timeout" not in parameters:
        del merged["connect_timeout"]
    return merged


def describe_error(error: Exception) -> str:
    """Return the message of the server or the driver in one line, with the server's hint."""
    diagnostics = getattr(error, "diag", None)
    message = getattr(diagnostics, "message_primary", None)
    if message is None:
        return " ".join(line.strip() for line in str(error).splitlines() if line.strip()) or "connection lost"
    hint = getattr(diagnostics, "message_hint", None)
    return f"{message} ({hint})" if hint else str(message)


def _redact(text: str, parameters: Mapping[str, Any]) -> str:
    secrets = [parameters.get(name) for name in _SECRETS] + [os.environ.get("PGPASSWORD")]
    for secret in filter(None, secrets):
        text = text.replace(str(secret), "***")
    return text
