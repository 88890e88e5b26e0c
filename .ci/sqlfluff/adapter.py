"""A stand-in for dbt's ``adapter``, with which sqlfluff renders macros without a database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jinja2 import pass_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.runtime import Context


@pass_context
def dispatch(context: Context, name: str, _package: str | None = None, **_: Any) -> Callable[..., Any]:
    """Return DuckDB's variant of a macro, or the default one."""
    for variant in (f"duckdb__{name}", f"default__{name}"):
        macro = context.get(variant)
        if macro is not None:
            return macro
    raise LookupError(f"{name} has no variant default__{name} in its own file")


def quote(name: str) -> str:
    """Return a quoted identifier."""
    return f'"{name}"'
