"""Models on the command line: from training to reasons, and careless input."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from tests.models.test_planted_leaks import plant
from tests.warehouse.shops import make_shop

from shopwright.cli.main import main
from shopwright.core.engine import connect

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shopwright.settings import Project

    Run = Callable[..., tuple[int, str, str]]
    Document = Callable[..., Any]

STRANGE = "it's nobody"


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command about a project in this process; gives exit code, output and errors."""

    def called(project: Project, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["shopwright", *arguments, "--project", str(project.root)])
        capfd.readouterr()
        try:
            main()
        except SystemExit as left:
            return int(left.code or 0), *capfd.readouterr()
        return 0, *capfd.readouterr()

    return called


@pytest.fixture
def document(run: Run) -> Document:
    """The JSON that a command prints; it succeeds and says nothing else."""

    def called(project: Project, *arguments: str) -> Any:
        code, out, err = run(project, *arguments, "--json")
        assert (code, err) == (0, "")
        return json.loads(out)

    return called


def fails(run: Run, project: Project, *arguments: str) -> str:
    """The one line in which a command says what is wrong."""
    code, out, err = run(project, *arguments)
    assert code == 1, (out, err)
    lines = err.strip().splitlines()
    assert len(lines) == 1, err
    return lines[0]


def _check_kept(project: Project, trained: Any, kept: Any) -> None:
    """See that how a version was judged is kept with it, and pictures with its run."""
    assert kept["scores"].keys() == trained["scores"].keys()
    whole, _, honest = kept["tables"]["naive_recipe"]
    assert honest["roc_auc"] == pytest.approx(trained["scores"]["classic recipe"]["roc_auc"]["value"])
    assert whole["roc_auc"] > honest["roc_auc"] + 0.05
    assert kept["tables"]["reliability"] == trained["reliability"]
    assert len(kept["tables"]["importance"]) == len(trained["importance"])
    plots = {file.name for file in project.models.glob("artifacts/abandonment/*/artifacts/plots/*")}
    assert plots == {"reliability.png", "importance.png", "costs.png"}


def _check_effects(project: Project, run: Run, document: Document, *, features: int, folder: Path) -> None:
    """See what features do, as numbers and as a picture."""
    swarm = folder / "all.png"
    summary = document(project, "explain", "abandonment", "--summary", "--rows", "200", "--plot", str(swarm))
    assert (summary["version"], summary["rows"], len(summary["summary"])) == (1, 200, features)
    assert swarm.read_bytes().startswith(b"\x89PNG")
    carts = document(project, "explain", "abandonment", "--dependence", "total_carts", "--rows", "200")
    assert sum(row["rows"] for row in carts["dependence"]) == 200
    assert "did you mean 'total_carts'" in fails(
        run, project, "explain", "abandonment", "--dependence", "total_cart"
    )


def _check_judged_anew(project: Project, run: Run, document: Document, again: Any) -> None:
    """See that a version is judged as in training, beside the champion, which goes on serving."""
    judged = document(project, "evaluate", "abandonment", "--version", "2")
    assert (judged["version"], judged["champion"], judged["is_champion"]) == (2, 1, False)
    assert judged["scores"]["version 2"] == again["scores"][again["kind"]]
    assert judged["scores"]["champion"] == again["scores"]["champion"]
    assert document(project, "models", "show", "abandonment", "champion")["number"] == 1
    code, out, _ = run(project, "evaluate", "abandonment")
    assert (code, "Version 1" in out, "is the champion." in out) == (0, True, True)
    assert "no later decisions" in fails(run, project, "evaluate", "abandonment", "--window", "new")


@pytest.mark.slow
def test_from_training_to_reasons(own_market: Project, run: Run, document: Document, tmp_path: Path) -> None:
    trained = document(own_market, "train", "abandonment")
    assert (trained["version"], trained["findings"]) == (1, [])
    assert {"constant", "views alone", "classic recipe", trained["kind"]} <= trained["scores"].keys()
    assert f"{trained['kind']}, partial input" in trained["scores"]
    if not trained["is_champion"]:
        assert "no champion" in fails(run, own_market, "score", "abandonment")
        refused = fails(run, own_market, "models", "promote", "abandonment", "1")
        assert "gate" in refused
        document(own_market, "models", "promote", "abandonment", "1", "--force", "a test")
    shown = document(own_market, "models", "show", "abandonment", "1")
    assert "champion" in shown["aliases"]
    _check_kept(own_market, trained, shown["evaluation"])

    # As a build leaves it whose tests have failed: what it made must not be published with the scores.
    with connect(own_market.warehouse) as connection:
        connection.execute("create table gold.untested as select 1 as value")
    user, stored = _check_scored(own_market, document(own_market, "score", "abandonment"))

    picture = tmp_path / "why.svg"
    told = document(own_market, "explain", "abandonment", user, "--plot", str(picture))
    assert told["version"] == 1
    assert told["score"] == pytest.approx(stored)
    assert told["contributions"].keys() == told["values"].keys()
    assert picture.read_text(encoding="utf-8").lstrip().startswith("<?xml")
    code, out, _ = run(own_market, "explain", "abandonment", user)
    assert (code, "(base value)" in out, "by version 1 of abandonment" in out) == (0, True, True)
    assert STRANGE in fails(run, own_market, "explain", "abandonment", STRANGE)

    _check_effects(own_market, run, document, features=len(told["values"]), folder=tmp_path)

    again = document(own_market, "train", "abandonment")
    assert (again["version"], again["data_fingerprint"]) == (2, trained["data_fingerprint"])
    assert again["scores"][again["kind"]] == trained["scores"][trained["kind"]]
    assert "champion" in again["scores"]
    assert not again["is_champion"]
    _check_judged_anew(own_market, run, document, again)
    document(own_market, "models", "promote", "abandonment", "2", "--force", "a test")
    assert document(own_market, "models", "rollback", "abandonment")["number"] == 1
    (row,) = [each for each in document(own_market, "models", "list") if each["model"] == "abandonment"]
    assert (row["champion"], row["newest"], row["missing_requirement"]) == (1, 2, None)
    assert [each["number"] for each in document(own_market, "models", "show", "abandonment")] == [2, 1]
    assert document(own_market, "models", "show", "abandonment", "champion")["number"] == 1
    for command in (("list",), ("show", "abandonment"), ("show", "abandonment", "2")):
        code, out, err = run(own_market, "models", *command)
        assert (code, err, "abandonment" in out) == (0, "", True)
    assert "9" in fails(run, own_market, "models", "show", "abandonment", "9")


def _check_scored(shop: Project, scored: dict[str, Any]) -> tuple[str, float]:
    """Both databases hold the scores, only one what was untested; return the first user with the score."""
    user, as_of = "", None
    for database in (shop.published, shop.warehouse):
        with connect(database, read_only=True) as connection:
            rows, least, most, versions, as_of, user = (
                connection.execute(
                    "select count(*), min(probability), max(probability), any_value(model_version), any_value(as_of_date), "
                    "min(user_id) from gold.scores_abandonment"
                ).fetchone()
                or ()
            )
        assert (rows, versions) == (scored["rows"], 1)
        assert 0 < least <= most < 1
    with connect(shop.published, read_only=True) as connection:
        assert (
            connection.execute("select 1 from duckdb_tables() where table_name = 'untested'").fetchall() == []
        )
        (last_day,) = (
            connection.execute("select cast(max(decided_at) as date) from gold.feat_abandonment").fetchone()
            or ()
        )
        (stored,) = (
            connection.execute(
                "select max(probability) from gold.scores_abandonment where user_id = ?", [user]
            ).fetchone()
            or ()
        )
    assert as_of == last_day
    return user, stored


def test_a_usual_recipe_is_shown_beside_what_is_left_of_it(
    market: Project, run: Run, document: Document
) -> None:
    whole, later, honest = document(market, "models", "naive-recipe", "abandonment")
    assert min(whole["roc_auc"], later["roc_auc"]) > honest["roc_auc"] + 0.05
    code, out, _ = run(market, "models", "naive-recipe", "abandonment")
    assert (code, "split at random" in out) == (0, True)
    assert "no naive recipe for segmentation" in fails(run, market, "models", "naive-recipe", "segmentation")
    assert "too few to reproduce the recipe" in fails(run, market, "models", "naive-recipe")


def test_what_is_to_be_explained_is_named_once(market: Project, run: Run) -> None:
    for more in ((), ("u1", "--summary"), ("--summary", "--dependence", "total_views")):
        assert "give one ENTITY, or --summary" in fails(run, market, "explain", "abandonment", *more)


def test_a_version_that_there_is_not_cannot_be_judged(market: Project, run: Run) -> None:
    assert "has been trained yet" in fails(run, market, "evaluate", "abandonment")


def test_a_model_that_there_is_not_is_told_with_the_near_one(market: Project, run: Run) -> None:
    for command in (("train", "abandonmnt"), ("score", "abandonmnt"), ("explain", "abandonmnt", "x")):
        line = fails(run, market, *command)
        assert "no model 'abandonmnt'" in line
        assert "abandonment" in line.split("abandonmnt", 1)[1]
    assert "no model 'x'" in fails(run, market, "models", "show", "x")


def test_neither_one_model_nor_all_is_told(market: Project, run: Run) -> None:
    assert "--all" in fails(run, market, "train")
    assert "--all" in fails(run, market, "score", "churn", "--all")


def test_before_the_first_build_each_command_says_so(tmp_path: Path, run: Run) -> None:
    project = make_shop(tmp_path)
    for command in (("train", "churn"), ("score", "churn"), ("models", "audit", "churn"), ("models", "list")):
        assert "no published warehouse. Run `shopwright run` first" in fails(run, project, *command)


def test_a_plot_with_another_ending_or_without_a_folder_is_told(
    market: Project,
    run: Run,
    tmp_path: Path,
) -> None:
    wrong = fails(run, market, "explain", "abandonment", "u1", "--plot", str(tmp_path / "why.gif"))
    assert "cannot plot to why.gif: use a file ending in .svg or .png" in wrong
    lost = fails(run, market, "explain", "abandonment", "u1", "--plot", str(tmp_path / "nowhere" / "why.svg"))
    assert "no folder" in lost


def test_a_warehouse_of_an_older_version_is_told_as_one(own_market: Project, run: Run) -> None:
    """Its feature tables lack columns; as long as its models are today's, that is a bug with a traceback."""
    with connect(own_market.published) as connection:
        connection.execute(
            "create or replace view gold.feat_churn as select customer_id from gold.fct_orders"
        )
    with pytest.raises(duckdb.BinderException):
        run(own_market, "models", "audit", "churn")
    memory = own_market.work / "built.json"
    built = json.loads(memory.read_text(encoding="utf-8"))
    memory.write_text(json.dumps(built | {"models": "older"}), encoding="utf-8")
    for command in (("models", "audit", "churn"), ("train", "churn")):
        assert (
            "another version of Shopwright built the published warehouse. Run `shopwright build` first"
            in fails(run, own_market, *command)
        )
    code, out, _ = run(own_market, "doctor")
    assert code == 1
    assert "the published warehouse was built by another version" in " ".join(out.split())


def test_a_shop_with_little_says_what_is_missing(own_market: Project, run: Run, document: Document) -> None:
    few = "select * from warehouse.gold.feat_honest where user_id = (select min(user_id) from warehouse.gold.feat_honest)"
    plant(own_market, "gold.feat_abandonment", few)
    assert "decisions with a known outcome, and at least 500 are needed" in fails(
        run, own_market, "train", "abandonment"
    )
    nobody = "select * from warehouse.gold.feat_honest_churn where false"
    plant(own_market, "gold.feat_churn", nobody, honest="feat_honest_churn")
    missing = {row["model"]: row["missing_requirement"] for row in document(own_market, "models", "list")}
    assert "needs orders of identified customers" in missing["churn"]
    for command in (("train",), ("score",), ("models", "audit")):
        assert "it needs orders of identified customers" in fails(run, own_market, *command, "churn")
    assert "no live churn model" in fails(run, own_market, "explain", "churn", "c1")
