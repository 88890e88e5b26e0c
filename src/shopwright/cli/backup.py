"""``shopwright backup`` and ``shopwright restore``: copies of a shop, and putting them back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from shopwright.backup import BackupReport, Manifest, RestoreReport, create_backup, restore, verify
from shopwright.backup.files import format_size
from shopwright.backup.progress import ProgressCallback
from shopwright.cli.output import (
    DEFAULT_PROJECT,
    Bar,
    JsonOption,
    ProjectOption,
    now,
    print_json,
    progress_bar,
    stdout_console,
)
from shopwright.core.counts import format_count
from shopwright.settings import load_project


def backup_command(
    to: Annotated[
        Path,
        typer.Argument(
            metavar="TO",
            help="New folder, or new archive that ends in `.tar.zst` or `.tar.gz`.",
            show_default=False,
        ),
    ],
    project: ProjectOption = DEFAULT_PROJECT,
    since: Annotated[
        Path | None,
        typer.Option(
            metavar="EARLIER",
            help="Backup in a folder on the same disk: files that are the same are shared with it and take no space.",
            show_default=False,
        ),
    ] = None,
    with_keys: Annotated[
        bool,
        typer.Option(
            "--keys/--no-keys", help="Whether the keys of service and hashed values are part of it."
        ),
    ] = True,
    as_json: JsonOption = False,
) -> None:
    """Take a backup of a shop, while it may be ingested, collected, built and served.

    Holds the lake, the ledger and the quarantine, collected events, models, keys, settings, the published warehouse and who
    was erased; not the files of sources. Gets its name when all of it is on the disk, and overwrites nothing. Exits with 1 if
    the project is damaged, so that no damage takes the place of an earlier backup.

    Example:
        shopwright backup /backups/2026-12-01 --project my-shop
    """
    loaded = load_project(project)
    with progress_bar(quiet=as_json) as bar:
        report = create_backup(
            loaded, to, now=now(), with_keys=with_keys, since=since, on_progress=_reporter(bar, "copying")
        )
    if as_json:
        print_json(_backup_dict(report))
        return
    for line in _describe_backup(report):
        stdout_console().print(line, markup=False)


def restore_command(
    backup: Annotated[
        Path, typer.Argument(metavar="FROM", help="Backup that `shopwright backup` took.", show_default=False)
    ],
    into: Annotated[
        Path | None,
        typer.Argument(metavar="[INTO]", help="Folder of the shop; absent or empty.", show_default=False),
    ] = None,
    verify_files: Annotated[
        bool,
        typer.Option(
            "--verify",
            help="Read every file, compare it with its hash, and open it. Without INTO nothing is written; with it, what was "
            "restored is read again.",
        ),
    ] = False,
    replaces: Annotated[
        bool,
        typer.Option(
            "--replace", help="Put the project that is in INTO aside, when the restored one is whole."
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Verify a backup, or restore a shop from it.

    A damaged backup is refused, with the name of the file, and nothing changes. The next build computes the whole warehouse
    again. With `--replace`, the files of sources in the project's folder, events that were collected since the backup, and
    everybody who was erased since then come along.

    Example:
        shopwright restore /backups/2026-12-01 my-shop --verify
    """
    if into is None and not verify_files:
        raise typer.BadParameter("give the folder to restore into, or --verify")
    if into is None and replaces:
        raise typer.BadParameter("--replace needs the folder to restore into")
    with progress_bar(quiet=as_json) as bar:
        if into is None:
            report = verify(backup, on_progress=_reporter(bar, "verifying"))
        else:
            report = restore(
                backup,
                into,
                now=now(),
                replaces=replaces,
                reads_back=verify_files,
                on_progress=_reporter(bar, "restoring"),
            )
    if as_json:
        print_json(_restore_dict(report))
        return
    for line in _describe_restore(report):
        stdout_console().print(line, markup=False)


def _reporter(bar: Bar, doing: str) -> ProgressCallback:
    def report(text: str, done: int, total: int) -> None:
        amount = f"{format_size(done)} of {format_size(total)}" if total else format_size(done)
        bar.update(f"{doing} {text}: {amount}", done, total)

    return report


def _backup_dict(report: BackupReport) -> dict[str, object]:
    return _manifest_dict(report.manifest) | {
        "path": report.path,
        "shared_bytes": report.shared_bytes,
        "seconds": round(report.seconds, 3),
    }


def _restore_dict(report: RestoreReport) -> dict[str, object]:
    return _manifest_dict(report.manifest) | {
        "backup": report.backup,
        "into": report.into,
        "aside": report.aside,
        "published_tables": report.stores.published_tables,
        "segments_passed_on": report.passed_on.segments,
        "notes": report.notes,
        "seconds": round(report.seconds, 3),
    }


def _manifest_dict(manifest: Manifest) -> dict[str, object]:
    return {
        "created_at": manifest.created_at,
        "shopwright": manifest.shopwright,
        "project": manifest.project,
        "files": len(manifest.files),
        "size_bytes": manifest.size_bytes,
        "commit": manifest.commit,
        "ledger_rows": manifest.ledger_rows,
        "rows": manifest.rows,
        "has_keys": manifest.has_keys,
        "notes": manifest.notes,
    }


def _describe_backup(report: BackupReport) -> Iterator[str]:
    yield f"Backup {report.path}: {_contents(report.manifest)}; {report.seconds:.1f} s"
    if report.shared_bytes:
        yield f"{format_size(report.shared_bytes)} of it are shared with the earlier backup."
    for note in report.manifest.notes:
        yield f"Note: {note}"


def _describe_restore(report: RestoreReport) -> Iterator[str]:
    manifest = report.manifest
    if report.into is None:
        yield f"{report.backup} is whole: {_contents(manifest)}; {report.seconds:.1f} s"
        yield f"Taken of {manifest.project} at {manifest.created_at} by Shopwright {manifest.shopwright}."
    else:
        yield f"Restored {report.into}: {_contents(manifest)}; {report.seconds:.1f} s"
    passed_on = report.passed_on
    if report.aside:
        yield f"The project that was there is in {report.aside}; delete it when all is well."
    if passed_on.segments:
        yield f"{format_count(passed_on.segments, 'segment')} of events collected since the backup came along."
    if passed_on.other_files:
        yield f"{format_count(passed_on.other_files, 'file')} of the shop's own came along."
    for note in report.notes:
        yield f"Note: {note}"
    if report.into:
        yield f"Next: shopwright run --project {report.into}"


def _contents(manifest: Manifest) -> str:
    rows = ", ".join(f"{count:,} {entity}" for entity, count in sorted(manifest.rows.items())) or "no rows"
    return f"{format_count(len(manifest.files), 'file')}, {format_size(manifest.size_bytes)}, {rows}"
