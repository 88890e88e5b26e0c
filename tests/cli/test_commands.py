"""The command line: one line for an expected failure, one document for machines, no traceback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from shopwright.cli.main import app
from shopwright.core.lock import exclusive_lock
from shopwright.testing import Shop

SETTINGS = """
[[sources]]
name = "clicks"
adapter = "event_stream"
path = "raw"
"""
EVENTS = (
    '{"timestamp": "2024-03-01T10:00:00Z", "event_type": "page_view", "user_id": "anna", "shelf": 1}\n'
    '{"timestamp": "2024-03-01T10:00:00Z", "event_type": "", "user_id": "[red]bert[/red]"}\n'
    '{"torn\n'
)


def _leaves(command, path=()):
    if hasattr(command, "commands"):
        for name, child in command.commands.items():
            yield from _leaves(child, (*path, name))
    else:
        yield path


COMMANDS = list(_leaves(typer.main.get_command(app)))


def shopwright(*arguments, cwd=None):
    """Run the command in a process of its own, as a user does."""
    return subprocess.run(
        [sys.executable, "-m", "shopwright.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
        check=False,
        env=os.environ | {"COLUMNS": "200"},
    )


@pytest.fixture
def run(capfd, monkeypatch):
    """Run the command in this process, which is faster; gives exit code, output and errors."""
    from shopwright.cli.main import main

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["shopwright", *map(str, arguments)])
        capfd.readouterr()
        try:
            main()
        except SystemExit as left:
            code = left.code or 0
        else:
            code = 0
        out, err = capfd.readouterr()
        return code, out, err

    return called


@pytest.fixture
def shop(tmp_path):
    new_shop = Shop.make(tmp_path / "shop", SETTINGS)
    new_shop.write("day.jsonl", EVENTS)
    return new_shop


def is_one_line(text):
    return text.startswith("error: ") and text.count("\n") == 1 and "Traceback" not in text


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example(run, command):
    code, out, _ = run(*command, "--help")
    assert code == 0
    assert "Example" in out
    assert f"shopwright {' '.join(command)}" in out.split("Example", 1)[1]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_speaks_json(run, command):
    assert "--json" in run(*command, "--help")[1]


def test_the_commands_are_those_promised():
    assert {" ".join(command) for command in COMMANDS} >= {
        *("init", "simulate", "ingest", "build", "run", "status", "doctor", "docs"),
        *("quarantine list", "quarantine show", "quarantine replay"),
    }


NEEDS_PROJECT = [
    command for command in COMMANDS if command[0] not in {"init", "simulate", "doctor", "restore"}
]


ARGUMENTS = {
    **{name: ["checkout"] for name in ("plan", "results", "daily")},
    **{name: ["churn"] for name in ("audit", "evaluate", "train", "score", "show", "rollback")},
    **{name: ["churn", "1"] for name in ("promote", "explain")},
    "assign": ["checkout", "u1"],
    "simulate-effect": [".", "copy", "--experiment", "checkout"],
    "backup": ["copy"],
    "subject": ["u1", "--out", "out"],
    **{name: ["tracker"] for name in ("create", "revoke", "rotate")},
}


def _arguments(command):
    return [] if command[0] == "quarantine" else ARGUMENTS.get(command[-1], [])


@pytest.mark.slow
@pytest.mark.parametrize("command", NEEDS_PROJECT, ids=" ".join)
def test_a_folder_that_is_no_project_is_one_line_and_exit_code_1(run, command, tmp_path):
    code, out, err = run(*command, *_arguments(command), "--project", tmp_path)
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert "shopwright init" in err


@pytest.mark.slow
@pytest.mark.parametrize("command", NEEDS_PROJECT, ids=" ".join)
def test_a_failure_is_one_json_document_too(run, command, tmp_path):
    code, out, err = run(*command, *_arguments(command), "--project", tmp_path, "--json")
    document = json.loads(out)
    assert (code, document["kind"]) == (1, "ConfigurationError")
    assert err == f"error: {document['error']}\n"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ("[shop\n", "shopwright.toml"),
        ('[shop]\nnmae = "x"', "no setting 'shop.nmae'; did you mean 'name'?"),
        ('[shop]\ntimezone = "Europe/Berln"', "did you mean 'Europe/Berlin'?"),
        ('[shop]\ncurrency = "euro"', "shop.currency"),
        ("[engine]\nthreads = 0", "engine.threads"),
        ('[[sources]]\nname = "a b"\nadapter = "rees46"\npath = "x"', "sources.0.name"),
        ('[[sources]]\nname = "a"\nadapter = "rees46"', "sources.0.path"),
        (
            '[[sources]]\nname = "a"\nadapter = "rees64"\npath = "raw"',
            "no adapter 'rees64'; did you mean 'rees46'?",
        ),
        ('[[sources]]\nname = "a"\nadapter = "rees46"\npath = "nowhere"', "nowhere does not exist"),
        ('[[sources]]\nname = "a"\nadapter = "rees46"\npath = "raw/*.tsv"', "no file matches"),
        (
            '[[sources]]\nname = "a"\nadapter = "mapped"\npath = "raw"',
            "lacks required columns of events: event_at",
        ),
        ("", "no source in"),
    ],
)
def test_wrong_settings_are_one_line_that_says_what_and_where(run, tmp_path, settings, says):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.csv").write_text("x\n")
    (tmp_path / "shopwright.toml").write_text(settings)
    code, out, err = run("ingest", "--project", tmp_path)
    assert (code, out) == (1, "")
    assert is_one_line(err)
    assert says in err


@pytest.mark.parametrize(
    "arguments",
    [
        ("ingset",),
        ("ingest", "--sorce", "x"),
        ("simulate",),
        ("simulate", "out", "--format", "xml"),
        ("simulate", "out", "--events", "0"),
        ("simulate", "out", "--events", "many"),
        ("simulate", "out", "--months", "37"),
        ("quarantine", "show", "--limit", "0"),
        ("init",),
        ("init", "x", "--template", "cloud"),
        ("docs", "--port", "70000"),
    ],
)
def test_misuse_exits_with_2_and_says_nothing_on_standard_output(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_no_command_at_all_shows_the_help(run):
    _, out, err = run()
    assert "ingest" in out + err


def test_the_version_is_printed(run):
    from shopwright import __version__

    assert run("--version")[:2] == (0, f"shopwright {__version__}\n")


def test_init_writes_settings_that_load_and_never_overwrites_them(run, tmp_path):
    folder = tmp_path / "shop"
    assert run("init", folder)[0] == 0
    text = (folder / "shopwright.toml").read_text()
    code, out, err = run("init", folder)
    assert (code, out, is_one_line(err)) == (1, "", True)
    assert "already exists" in err
    assert (folder / "shopwright.toml").read_text() == text


def test_a_file_in_the_place_of_the_folder_is_one_line(run, tmp_path):
    (tmp_path / "file").write_text("x")
    code, _, err = run("init", tmp_path / "file")
    assert (code, is_one_line(err)) == (1, True)
    code, _, err = run("init", tmp_path / "file" / "below")
    assert (code, is_one_line(err)) == (1, True)


def test_a_blank_project_has_no_source_until_one_is_named(run, tmp_path):
    code, out, _ = run("init", tmp_path, "--template", "blank", "--json")
    assert (code, json.loads(out)["adapter"]) == (0, None)
    assert "no source in" in run("ingest", "--project", tmp_path)[2]


def test_init_recognises_the_export_by_its_columns(run, tmp_path):
    from shopwright.ingest.adapters.rees46 import COLUMNS

    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "2019-Oct.csv").write_text(",".join(COLUMNS) + "\r\n")
    code, out, _ = run("init", tmp_path / "shop", "--source-path", tmp_path / "exports", "--json")
    assert (code, json.loads(out)["adapter"]) == (0, "rees46")
    assert run("ingest", "--project", tmp_path / "shop")[0] == 0


WEIRD = [
    "my shop",
    'it\'s "quoted"',
    "[brackets] *",
    "ünï🛒",
    "50%",
    "{braces}",
    "-dash",
]


@pytest.mark.parametrize("name", WEIRD)
def test_folders_may_have_any_name(run, tmp_path, name):
    folder = tmp_path / name
    assert run("init", "--", folder)[0] == 0
    (folder / "raw").mkdir()
    (folder / "raw" / "day.jsonl").write_text(EVENTS)
    settings = folder / "shopwright.toml"
    settings.write_text(settings.read_text().replace('path = "raw"', 'path = "raw/*.jsonl"'))
    code, out, _ = run("ingest", "--project", folder, "--json")
    assert (code, json.loads(out)["rows_accepted"]) == (0, 1)
    assert run("status", "--project", folder)[0] == 0


@pytest.mark.parametrize("name", ["a\\b", "50%41"])
def test_a_folder_that_the_lake_cannot_lie_in_is_refused_at_once(run, tmp_path, name):
    code, _, err = run("init", tmp_path / name)
    assert (code, is_one_line(err)) == (1, True)
    assert "cannot be in a folder" in err


def test_an_ingest_says_what_became_of_the_rows(run, shop):
    code, out, err = run("ingest", "--project", shop.root)
    assert (code, err) == (0, "")
    assert "day.jsonl" in out
    assert "unmapped columns, kept in properties: shelf" in out
    assert "shopwright quarantine list" in out
    assert "0 files loaded, 1 unchanged" in run("ingest", "--project", shop.root)[1]


def test_an_ingest_is_one_json_document(run, shop):
    code, out, err = run("ingest", "--project", shop.root, "--json")
    document = json.loads(out)
    assert (code, err) == (0, "")
    counts = [document[name] for name in ("rows_read", "rows_accepted", "rows_quarantined", "rows_duplicate")]
    assert counts == [3, 1, 2, 0]
    assert document["files"][0]["first_at"] == "2024-03-01T10:00:00Z"


def test_a_file_that_cannot_be_read_exits_with_1_and_the_others_are_in(run, shop):
    shop.write("day2.parquet", b"no parquet")
    code, out, _ = run("ingest", "--project", shop.root, "--json")
    assert (code, json.loads(out)["rows_accepted"]) == (1, 1)
    code, out, _ = run("ingest", "--project", shop.root)
    assert code == 1
    assert "Failed:" in out


def test_an_unknown_source_is_named_with_its_near_match(run, shop):
    code, out, err = run("ingest", "--project", shop.root, "--source", "cliks")
    assert (code, out) == (1, "")
    assert err == "error: no source 'cliks'; did you mean 'clicks'?\n"


def test_a_project_in_use_is_one_line_that_says_by_whom(run, shop):
    with exclusive_lock(shop.project.work / "lock", "build"):
        code, out, err = run("ingest", "--project", shop.root)
        assert (code, out, is_one_line(err)) == (1, "", True)
        assert "`shopwright build` (process" in err
        assert run("quarantine", "replay", "--project", shop.root)[0] == 1
        assert json.loads(run("ingest", "--project", shop.root, "--json")[1])["kind"] == "BusyError"
    assert run("ingest", "--project", shop.root)[0] == 0


def test_the_quarantine_is_listed_shown_and_replayed(run, shop):
    assert "empty" in run("quarantine", "list", "--project", shop.root)[1]
    run("ingest", "--project", shop.root)
    out = run("quarantine", "list", "--project", shop.root)[1]
    assert "event_type_missing" in out
    assert "[red]bert[/red]" in run("quarantine", "show", "--project", shop.root)[1]
    (row, _) = json.loads(run("quarantine", "show", "--project", shop.root, "--json")[1])
    assert row["line_number"] == 2
    assert row["raw"] in run("quarantine", "show", row["quarantine_id"], "--project", shop.root)[1]
    assert "2 rows replayed: 0 accepted" in run("quarantine", "replay", "--project", shop.root)[1]
    document = json.loads(run("quarantine", "replay", "--project", shop.root, "--json")[1])
    assert document == {"replayed": 2, "accepted": 0, "duplicate": 0, "still_open": 2, "ignored": 0}


def test_an_unknown_row_is_one_line(run, shop):
    run("ingest", "--project", shop.root)
    code, _, err = run("quarantine", "show", "nothing", "--project", shop.root)
    assert (code, is_one_line(err)) == (1, True)


def test_status_before_and_after_an_ingest(run, shop):
    assert "nothing in the lake yet" in run("status", "--project", shop.root)[1]
    run("ingest", "--project", shop.root)
    document = json.loads(run("status", "--project", shop.root, "--json")[1])
    assert (document["quarantine_open"], document["published"]) == (2, None)
    assert document["sources"][0]["rows_accepted"] == 1
    assert "Published: nothing yet" in run("status", "--project", shop.root)[1]


def test_the_doctor_finds_a_sound_shop_sound(run, shop):
    run("ingest", "--project", shop.root)
    code, out, _ = run("doctor", "--project", shop.root, "--json")
    checks = {item["check"]: item for item in json.loads(out)}
    assert (code, all(item["ok"] for item in checks.values())) == (0, True)
    assert checks["ledger and lake"]["detail"] == "1 ledger rows balance, 1 rows in the lake"


def test_the_doctor_finds_rows_that_the_ledger_does_not_know(run, shop):
    import shutil

    run("ingest", "--project", shop.root)
    shutil.rmtree(shop.root / "lake" / "ledger")
    code, out, _ = run("doctor", "--project", shop.root, "--json")
    checks = {item["check"]: item for item in json.loads(out)}
    assert (code, checks["ledger and lake"]["ok"]) == (1, False)
    assert "the lake holds 1" in checks["ledger and lake"]["detail"]


@pytest.mark.parametrize("content", [None, "[shop", SETTINGS.replace("raw", "nowhere")])
def test_the_doctor_exits_with_1_where_something_is_wrong(run, tmp_path, content):
    if content is not None:
        (tmp_path / "shopwright.toml").write_text(content)
    code, out, _ = run("doctor", "--project", tmp_path, "--json")
    assert code == 1
    assert not all(item["ok"] for item in json.loads(out))


def test_simulate_writes_files_that_ingest_reads(run, tmp_path):
    code, out, _ = run("simulate", tmp_path / "raw", "--events", "2000", "--months", "1", "--json")
    document = json.loads(out)
    assert (code, Path(document["truth"]).is_file()) == (0, True)
    (tmp_path / "shopwright.toml").write_text(SETTINGS)
    code, out, _ = run("ingest", "--project", tmp_path, "--json")
    events = [row for row in json.loads(out)["files"] if row["entity"] == "events"]
    assert (code, sum(row["rows_accepted"] for row in events)) == (0, document["rows"])


def test_options_of_simulate_that_exclude_each_other_are_one_line(run, tmp_path):
    out = tmp_path / "out"
    code, _, err = run("simulate", out, "--events", "100", "--files", "parquet", "--compression", "gz")
    assert (code, is_one_line(err)) == (1, True)


def test_a_port_in_use_is_one_line(tmp_path):
    from shopwright.cli import docs
    from shopwright.core.errors import ConfigurationError

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=f"port {port} cannot be used"):
            docs._serve(tmp_path / "index.html", port)


def test_a_reader_that_leaves_early_is_no_error(shop):
    shop.write("many.jsonl", '{"bad": "%s"}\n' % ("x" * 250) * 3000)
    shop.ingest()
    command = (
        f'"{sys.executable}" -m shopwright.cli.main quarantine show --limit 3000 --project "{shop.root}"'
    )
    for options in ("", " --json"):
        process = subprocess.run(
            ["bash", "-c", f"set -o pipefail; {command}{options} | head -1"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert process.stderr == ""
        assert process.stdout.count("\n") == 1
        assert process.returncode == 0


def test_as_a_process_of_its_own_it_ends_the_same_way(shop, tmp_path):
    process = shopwright("ingest", "--project", tmp_path / "nowhere")
    assert (process.returncode, process.stdout, is_one_line(process.stderr)) == (1, "", True)
    process = shopwright("ingest", "--json", cwd=shop.root)
    assert (process.returncode, json.loads(process.stdout)["rows_accepted"], process.stderr) == (0, 1, "")


def test_a_bug_keeps_its_traceback(shop, monkeypatch, run):
    from shopwright.cli import status

    monkeypatch.setattr(status, "count_open", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        run("status", "--project", shop.root)
