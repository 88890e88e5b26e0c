"""The connection to MLflow: quiet, without telemetry, and with one-line errors that contain no password.

MLflow takes seconds to import, so this module imports it only when a connection is opened.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import warnings
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from shopwright.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mlflow import MlflowClient

_FORCED = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_CONFIGURE_LOGGING": "false",
    "MLFLOW_DISABLE_AGENT_HINT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
}
_PREFERRED = {
    "GIT_PYTHON_REFRESH": "quiet",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    # No pool: a connection to a file is cheap, and a pool keeps it open for the life of the process.
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",
}
_LIBRARIES = ("mlflow", "sqlalchemy", "alembic", "requests", "urllib3")


def check_installed() -> None:
    """Check that the registry's packages are installed.

    Raises:
        ConfigurationError: one is missing; the message names the extra to install.
    """
    missing = [name for name in ("mlflow", "sqlalchemy", "alembic") if find_spec(name) is None]
    if missing:
        raise ConfigurationError(f"models need {' and '.join(missing)}: pip install 'shopwright[ml]'")


def connect(uri: str) -> MlflowClient:
    """Open runs and registry at one address; an empty database gets its tables."""
    check_installed()
    os.environ.update(_FORCED)
    for name, value in _PREFERRED.items():
        os.environ.setdefault(name, value)
    for library in ("mlflow", "alembic"):
        logging.getLogger(library).setLevel(logging.ERROR)
    with warnings.catch_warnings(), translate_errors(uri):
        warnings.simplefilter("ignore")
        from mlflow import MlflowClient  # noqa: PLC0415  # takes seconds
        from sqlalchemy.orm import configure_mappers  # noqa: PLC0415  # an extra

        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        configure_mappers()  # warns of what MLflow uses, so better here than at the first query
    return client


def create_database(file: Path) -> None:
    """Create MLflow's SQLite database, completely or not at all.

    Its tables come from about fifty migrations that take seconds; a process killed between two of them would
    leave a database that no later one can open. So it is created under another name and then moved into place. The
    caller holds the lock.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_name(f".unfinished-{file.name}")
    unfinished.unlink(missing_ok=True)
    with _without_fsync():
        connect(sqlite_uri(unfinished))
    with unfinished.open("rb") as written:
        os.fsync(written.fileno())
    unfinished.replace(file)


@contextmanager
def _without_fsync() -> Iterator[None]:
    """Turn off SQLite's fsync: each migration would wait for the disk, for a file that counts only once it is moved."""
    check_installed()
    from sqlalchemy import event  # noqa: PLC0415  # an extra
    from sqlalchemy.engine import Engine  # noqa: PLC0415

    def relax(connection: sqlite3.Connection, _: object) -> None:
        if isinstance(connection, sqlite3.Connection):
            connection.execute("pragma synchronous = off")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)


def sqlite_uri(file: Path) -> str:
    """Return the address of a SQLite file.

    Raises:
        ConfigurationError: the path cannot be part of an address.
    """
    if "?" in str(file):
        raise ConfigurationError(f"{file}: models cannot be in a folder whose name contains a question mark")
    return f"sqlite:///{file}"


@contextmanager
def translate_errors(uri: str) -> Iterator[None]:
    """Turn errors of MLflow and the libraries below it into one line.

    Raises:
        ConfigurationError: the server or database failed; passwords are masked.
    """
    try:
        yield
    except Exception as error:
        name = type(error).__module__.partition(".")[0]
        if name not in _LIBRARIES and not isinstance(error, ImportError):
            raise
        says = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise ConfigurationError(f"the models' registry at {redact_uri(uri)}: {_redact(says, uri)}") from None


def redact_uri(uri: str) -> str:
    """Return an address without its user, password and options; a user name alone may be a token.

    Example:
        >>> redact_uri("postgresql://shop:secret@db.example.com/mlflow?sslpassword=x")
        'postgresql://***@db.example.com/mlflow'
    """
    try:
        address = urlsplit(uri)
    except ValueError:
        return "the address in models.tracking_uri"
    user, _, host = address.netloc.rpartition("@")
    scheme = f"{address.scheme}://" if address.scheme else ""
    return f"{scheme}{'***@' if user else ''}{host}{address.path}"


def _redact(text: str, uri: str) -> str:
    text = text.replace(uri, redact_uri(uri))
    for secret in sorted(_secrets(uri), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(uri: str) -> set[str]:
    """Return the passwords and tokens of an address, as written and percent-decoded."""
    try:
        address = urlsplit(uri)
    except ValueError:
        return set()
    user, colon, password = address.netloc.rpartition("@")[0].partition(":")
    options = [option.partition("=")[2] for option in address.query.split("&")]
    secrets = [password if colon else user, address.query, *options]
    return {form for secret in secrets for form in (secret, unquote(secret)) if form}
