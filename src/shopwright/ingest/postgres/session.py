"""One read-only transaction with a server, and errors that never show a secret.

The only module that imports the driver, and only when a source needs it.
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
"""How the server writes values as text, for the length of the transaction."""

DEFAULTS = {
    "connect_timeout": 10,
    "keepalives_idle": 60,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "fallback_application_name": "shopwright",
}
"""Parameters of a connection that states none; seconds. A server that fell silent is noticed after two minutes."""

_SECRETS = ("password", "sslpassword")


def check_source(source: SourceSettings) -> None:
    """See that a source can be tried at all.

    Raises:
        ConfigurationError: the driver is not installed, or the variable that holds the connection is not set.
    """
    _driver()
    _parameters(source)


def _driver() -> ModuleType:
    try:
        import psycopg  # noqa: PLC0415  # an optional extra, needed by this adapter alone
    except ImportError as error:
        raise ConfigurationError(
            f"adapter postgres needs its driver ({error}); install it with: pip install 'shopwright[postgres]'"
        ) from None
    return psycopg


def _parameters(source: SourceSettings) -> dict[str, Any]:
    """Connection parameters that the source's variable states; none where it leaves all to libpq's own."""
    if source.connection is None:
        return {}
    text = os.environ.get(source.connection, "").strip()
    if not text:
        raise ConfigurationError(
            f"source '{source.name}': environment variable {source.connection} is not set; "
            "put the URL of the database into it, such as postgresql://reader:secret@host:5432/shop"
        )
    driver = _driver()
    try:
        if _has_bare_mark(text):
            raise driver.ProgrammingError
        found: dict[str, Any] = driver.conninfo.conninfo_to_dict(text)
    except driver.Error:  # its message would show the text
        raise ConfigurationError(
            f"source '{source.name}': the value of {source.connection} is no Postgres URL or DSN; "
            "in a URL, special characters of user and password are escaped (@ as %40, / as %2F, ? as %3F)"
        ) from None
    return found


def _has_bare_mark(text: str) -> bool:
    """Whether a password with unescaped marks would be taken for host or port, and shown as such."""
    _, is_url, rest = text.partition("://")
    user_info, is_given, _ = rest.rpartition("@")
    return bool(is_url and is_given and not rest.startswith("/") and re.search(r"[@/?\s]", user_info))


@contextmanager
def open_session(source: SourceSettings, label: str) -> Iterator[Connection]:
    """A repeatable-read, read-only transaction: every statement sees the same rows, and none can write.

    Args:
        source: whose database.
        label: what to call the source's rows in errors.

    Raises:
        ConfigurationError: the connection is not stated as it should be.
        SourceFileError: the server cannot be reached, refuses, or breaks off.
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
    own = {**DEFAULTS, **parameters}
    if "PGCONNECT_TIMEOUT" in os.environ and "connect_timeout" not in parameters:
        del own["connect_timeout"]
    return own


def describe_error(error: Exception) -> str:
    """What the server or the driver says, in one line, with the server's own hint."""
    diagnosis = getattr(error, "diag", None)
    said = getattr(diagnosis, "message_primary", None)
    if said is None:
        return " ".join(line.strip() for line in str(error).splitlines() if line.strip()) or "connection lost"
    hint = getattr(diagnosis, "message_hint", None)
    return f"{said} ({hint})" if hint else str(said)


def _redact(text: str, parameters: Mapping[str, Any]) -> str:
    secrets = [parameters.get(name) for name in _SECRETS] + [os.environ.get("PGPASSWORD")]
    for secret in filter(None, secrets):
        text = text.replace(str(secret), "***")
    return text
