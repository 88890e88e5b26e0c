"""MLflow stays out of sight: nothing is imported early, nothing is told to anyone, no password is shown."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from pydantic import ValidationError

from shopwright.core.errors import ConfigurationError
from shopwright.registry.tracking import redact_uri, translate_errors
from shopwright.settings import ModelSettings

SECRET = "postgresql://shop:s%40cret@db.example.com/mlflow?sslpassword=hidden"


def test_importing_the_registry_imports_no_mlflow():
    code = "import sys, shopwright.registry; sys.exit('mlflow' in sys.modules or 'sqlalchemy' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_nothing_of_ours_imports_what_runs_code_when_it_loads(root):
    forbidden = {"pickle", "_pickle", "cPickle", "joblib", "cloudpickle", "dill", "shelve", "marshal"}
    found = [
        f"{file}: {name}"
        for file in (root / "src" / "shopwright").rglob("*.py")
        for name in _imported(file)
        if name.partition(".")[0] in forbidden
    ]
    assert not found


def _imported(file):
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            function = node.func
            called = getattr(function, "id", getattr(function, "attr", ""))
            if called in {"import_module", "__import__"}:
                yield str(node.args[0].value)


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        (SECRET, "postgresql://***@db.example.com/mlflow"),
        ("https://mlflow.example.com/path", "https://mlflow.example.com/path"),
        ("https://token@mlflow.example.com", "https://***@mlflow.example.com"),
        ("sqlite:////data/mlflow.db", "sqlite:////data/mlflow.db"),
        ("databricks", "databricks"),
        ("https://[broken:secret@x", "the address in models.tracking_uri"),
    ],
)
def test_an_address_is_shown_without_its_password(uri, shown):
    assert redact_uri(uri) == shown


def test_an_error_of_a_library_is_one_line_without_the_password():
    class FailedError(Exception):
        __module__ = "sqlalchemy.exc"

    with pytest.raises(ConfigurationError) as caught, translate_errors(SECRET):
        raise FailedError(f"cannot connect to {SECRET} with s@cret\nand hidden")
    assert "\n" not in str(caught.value)
    assert not {"s@cret", "s%40cret", "hidden"} & set(str(caught.value).replace("/", " ").split())
    assert "cret" not in str(caught.value).replace("***", "")
    assert caught.value.__suppress_context__


def test_a_bug_keeps_its_traceback():
    with pytest.raises(ZeroDivisionError), translate_errors(SECRET):
        raise ZeroDivisionError


def test_settings_do_not_show_the_address():
    assert "cret" not in repr(ModelSettings(tracking_uri=SECRET))


@pytest.mark.parametrize("uri", ["mlruns", "file:///tmp/x", "/tmp/mlruns", "ftp://x/y", ""])
def test_what_is_no_tracking_server_is_refused_without_showing_it(uri):
    with pytest.raises(ValidationError, match="not an MLflow tracking server"):
        ModelSettings(tracking_uri=uri)
