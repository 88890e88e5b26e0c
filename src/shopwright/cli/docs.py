"""``shopwright docs``: the documentation of the dbt models, with lineage."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated

import typer

from shopwright.cli.output import (
    DEFAULT_PROJECT,
    JsonOption,
    ProjectOption,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.core.errors import ConfigurationError
from shopwright.settings import load_project
from shopwright.warehouse.docs import write_docs


class _QuietHandler(SimpleHTTPRequestHandler):
    """A file handler without a log line for each request."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the base class names it so
        """Log nothing."""


def command(
    project: ProjectOption = DEFAULT_PROJECT,
    serve: Annotated[bool, typer.Option(help="Serve the page on this machine until Ctrl-C.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to serve on; 0 picks a free one.")] = 8080,
    as_json: JsonOption = False,
) -> None:
    """Write the documentation of all dbt models, with columns, tests and lineage, and serve it.

    The page is a single HTML file without external links, so you can also open or send the file itself.

    Example:
        shopwright docs --project my-shop --no-serve
    """
    loaded = load_project(project)
    with progress_bar(quiet=as_json) as bar:
        bar.update("writing the documentation", 0, 0)
        page = write_docs(loaded)
    if as_json:
        print_json({"page": str(page)})
    else:
        stdout_console().print(f"Wrote {page}")
    if serve and not as_json:
        _serve(page, port)


def _serve(page: Path, port: int) -> None:
    handler = partial(_QuietHandler, directory=str(page.parent))
    try:
        server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    except OSError as error:
        raise ConfigurationError(
            f"port {port} cannot be used ({error.strerror}): choose another with `--port`, or `--port 0` for a free one"
        ) from None
    with server:
        stdout_console().print(f"http://127.0.0.1:{server.server_address[1]}/{page.name}  (stop with Ctrl-C)")
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            stdout_console().print("Stopped.")
