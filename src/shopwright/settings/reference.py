"""The settings as one Markdown page, written from the classes that read ``shopwright.toml``."""

from __future__ import annotations

import ast
import inspect
import textwrap
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from shopwright.core.markdown import format_codes, format_table
from shopwright.settings.project import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

_INTRODUCTION = """\
# Settings

<!-- Written by `make docs` from shopwright.settings; edit there. -->

Everything that `shopwright.toml` can hold. An unknown setting is an error that names the nearest match. Each shop has its
own file; `shopwright init` writes a commented one. A setting without a default may be left out unless it says *required*.
`[[sources]]` and other double brackets can be repeated, one section each."""

_LIMITS = (("ge", "{} or more"), ("gt", "more than {}"), ("le", "at most {}"), ("lt", "less than {}"))


def render() -> str:
    """Write the page.

    Returns:
        Markdown, ending in a newline: per section of the file its settings with type, default and meaning.
    """
    sections = list(_sections(Settings, ""))
    overview = format_table(
        ("section", "what it is about"),
        [(f"[`{title}`](#{_anchor(title)})", _summary(section)) for title, section in sections],
    )
    return "\n\n".join([_INTRODUCTION, overview, *(_render_section(*section) for section in sections)]) + "\n"


def _summary(section: type[BaseModel]) -> str:
    """Return the first paragraph of a settings class's docstring, as one line."""
    return " ".join((inspect.getdoc(section) or "").split("\n\n")[0].split()).replace("``", "`")


def _sections(parent: type[BaseModel], path: str) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each section below a class with its title as the file writes it."""
    for name, field in parent.model_fields.items():
        for section in _models_in(field.annotation):
            inner = f"{path}{name}"
            is_list = get_origin(field.annotation) is tuple
            is_mapping = get_origin(field.annotation) is dict
            title = f"[[{inner}]]" if is_list else f"[{inner}.NAME]" if is_mapping else f"[{inner}]"
            yield title, section
            yield from _sections(section, f"{inner}.")


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for argument in get_args(annotation) for model in _models_in(argument)]


def _render_section(title: str, section: type[BaseModel]) -> str:
    meanings = read_meanings(section)
    rows = [
        (f"`{name}`", _type(field), _default(field), meanings.get(name, ""))
        for name, field in section.model_fields.items()
        if not _models_in(field.annotation)
    ]
    table = format_table(("setting", "values", "default", "meaning"), rows)
    return f"## {title}\n\n{inspect.getdoc(section)}\n\n{table}".replace("``", "`")


def read_meanings(section: type[BaseModel]) -> dict[str, str]:
    """Return the docstring below each field of a settings class, as one line."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(section))).body
    meanings: dict[str, str] = {}
    field = ""
    for node in getattr(tree, "body", []):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            field = node.target.id
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and field:
            meanings[field] = " ".join(str(node.value.value).split())
            field = ""
    return meanings


def _type(field: FieldInfo) -> str:
    limits = [
        text.format(f"{limit:,}" if isinstance(limit, int) else limit)
        for name, text in _LIMITS
        for item in field.metadata
        if (limit := getattr(item, name, None)) is not None
    ]
    return ", ".join([_name(field.annotation), *limits])


def _name(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        return format_codes(f'"{value}"' for value in arguments)
    if origin in (Union, UnionType):
        return " or ".join(_name(item) for item in arguments if item is not NoneType)
    if origin is tuple:
        items = [_name(item) for item in arguments if item is not Ellipsis]
        return f"list of {items[0]}" if Ellipsis in arguments else f"[{', '.join(items)}]"
    if origin is dict:
        return "table"
    if origin is not None:  # Annotated
        return _name(arguments[0])
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", NoneType: ""}
    return names.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _default(field: FieldInfo) -> str:
    default = field.default_factory() if field.default_factory else field.default  # type: ignore[call-arg]
    if default is PydanticUndefined:
        return "*required*"
    if default is None or default in ((), {}, ""):
        return ""
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, tuple):
        return format_codes(f'"{value}"' if isinstance(value, str) else str(value) for value in default)
    return f'`"{default}"`' if isinstance(default, str) else f"`{default}`"


def _anchor(title: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return "".join(letter for letter in title.lower() if letter.isalnum() or letter in "-_ ").replace(
        " ", "-"
    )
