"""The OpenAPI document of the HTTP API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from shopwright import __version__
from shopwright.service.errors import Problem
from shopwright.service.routes import ROUTERS
from shopwright.service.security import SECURITY_SCHEMES

if TYPE_CHECKING:
    from typing import TypedDict

    class _ApiInfo(TypedDict):
        version: str
        description: str


DESCRIPTION = """\
Scores, experiments and reports of one shop.

`POST /predict` scores one session; every score names the model version and the date of its data. Send the API key in the
header `X-API-Key` or as a bearer token. Errors are problem details (RFC 9457) that name each invalid field.
"""
API_INFO: _ApiInfo = {"version": __version__, "description": DESCRIPTION}
"""Arguments of ``FastAPI`` that are the same for every shop."""


def render() -> str:
    """Return the OpenAPI document of any shop as pretty-printed JSON with sorted keys.

    Needs no project: nothing in the document but its title depends on the shop.
    """
    app = FastAPI(title="Shopwright", **API_INFO)
    for router in ROUTERS:
        app.include_router(router)
    add_problem_schema(app)
    return json.dumps(app.openapi(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def add_problem_schema(app: FastAPI) -> None:
    """Add the schema of problems and the security schemes to an application's OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate()
            components = document.setdefault("components", {})
            components["securitySchemes"] = SECURITY_SCHEMES
            schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            components.setdefault("schemas", {}).update(schema.pop("$defs", {}), Problem=schema)
            app.openapi_schema = document
        return app.openapi_schema

    # FastAPI's documented way to extend the document is to replace the method.
    app.openapi = openapi  # type: ignore[method-assign]
