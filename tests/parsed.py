"""One parse of the dbt project for all shops that a test process builds.

dbt keeps what it parsed in each project's own folder, and asks for the same connection before it uses it again. Here the database
lies elsewhere for each shop while models and variables are the same: what was parsed for one shop is lent to the next. dbt
itself still compares variables, its version and the content of every file, and parses again what differs.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from shutil import copyfile
from typing import Any


@cache
def lend_parses(folder: Path) -> None:
    """Patch dbt's loader, once; to be called before dbt runs.

    Args:
        folder: where what was parsed is kept, a file for each set of variables.
    """
    from dbt.parser.manifest import PARTIAL_PARSE_FILE_NAME, ManifestLoader

    read = ManifestLoader.read_manifest_for_partial_parse
    check = ManifestLoader.is_partial_parsable
    write = ManifestLoader.write_manifest_for_partial_parse

    def files(loader: Any) -> tuple[Path, Path]:
        own = Path(loader.root_project.project_target_path) / PARTIAL_PARSE_FILE_NAME
        return own, folder / loader.manifest.state_check.vars_hash.checksum

    def borrow(loader: Any) -> Any:
        own, lent = files(loader)
        if not own.exists() and lent.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            copyfile(lent, own)
            loader.has_borrowed = True
        return read(loader)

    def check_all_but_connection(loader: Any, manifest: Any) -> Any:
        if getattr(loader, "has_borrowed", False):
            manifest.state_check.profile_hash = loader.manifest.state_check.profile_hash
        return check(loader, manifest)

    def write_and_lend(loader: Any) -> None:
        write(loader)
        own, lent = files(loader)
        if own.exists():
            copyfile(own, lent)

    ManifestLoader.read_manifest_for_partial_parse = borrow
    ManifestLoader.is_partial_parsable = check_all_but_connection
    ManifestLoader.write_manifest_for_partial_parse = write_and_lend
