import csv
import json
import re
import shutil

import jsonschema
import numpy as np
import pytest

from genprobe.render.data.json import comparison_schema as schema


@pytest.fixture(scope="module")
def evaluated(run_in, tiny, tmp_path_factory):
    """A folder with the stores and the JSON of two models."""
    folder = tmp_path_factory.mktemp("evaluated")
    for name, model in (("a", tiny.a), ("b", tiny.b)):
        files = ("--store", f"{name}.h5", "--json", f"{name}.json")
        assert run_in(folder, "evaluate", model, *files, "--draws", 2).exit_code == 0
    return folder


@pytest.fixture
def results(run, evaluated, tmp_path):
    """The store of one model and the JSON of another, whose store is at hand."""
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    return "a.h5", "b.json"


def test_stores_and_reports_stand_in_one_table(run, results):
    result = run("compare", *results)
    assert result.exit_code == 0
    assert result.stdout.startswith("2 models on images: N = 60, nats, best ELBO first\nShip ")
    assert sorted(re.findall(r"^(\S+) +−\d", result.stdout, re.MULTILINE)) == ["a", "b"]
    assert len(re.findall(r"^[ab] .*±", result.stdout, re.MULTILINE)) == 1
    assert "paired over examples" in result.stdout


def test_comparing_afterwards_shows_what_evaluating_together_showed(run, tiny, results):
    together = run("evaluate", tiny.a, tiny.b, "--draws", 2).stdout
    assert run("compare", "a.h5", "b.json").stdout == together
    assert "distortion-above-blind: all models." in together


def test_the_comparison_comes_in_bits_and_in_markdown(run, results):
    assert "N = 60, bits, best ELBO first\n" in run("compare", *results, "--unit", "bits").stdout
    text = run("compare", *results, "--markdown").stdout
    assert text.startswith("**Ship ")
    assert "\n\n| model | R | D |" in text


def test_models_on_different_data_are_not_compared(run, tiny, results, tmp_path):
    np.save(tmp_path / "other.npy", np.ones((9, 12), "float32"))
    run("evaluate", tiny.b, "--data", "other.npy", "--json", "other.json")
    result = run("compare", "a.h5", "other.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "different data" in result.stderr
    assert "--side-by-side" in result.stderr
    assert len(result.stderr.splitlines()) == 2


def test_models_on_different_data_stand_side_by_side_when_asked(run, tiny, results, tmp_path):
    np.save(tmp_path / "other.npy", np.ones((9, 12), "float32"))
    run("evaluate", tiny.b, "--data", "other.npy", "--json", "other.json")
    result = run("compare", "a.h5", "other.json", "--side-by-side")
    assert result.exit_code == 0
    assert "images (60)" in " ".join(result.stdout.split())
    assert "other (9)" in " ".join(result.stdout.split())
    assert "Choose none by these numbers" in result.stdout
    for shared in ("Ĥ", "Δ", "*", "●", "Ship"):
        assert shared not in result.stdout


def test_models_are_sorted_as_asked_and_tested_against_the_one_named(run, results):
    text = run("compare", *results, "--sort", "name", "--against", "a").stdout
    assert re.findall(r"^([ab]) ", text, re.MULTILINE)[-2:] == ["a", "b"]
    assert "Differences (Δ) are from a, paired over examples." in text


@pytest.mark.parametrize(
    ("option", "word"), [("--sort", "marginal_kl_floor"), ("--against", "There is a, b.")]
)
def test_an_unknown_name_lists_the_known_ones(run, results, option, word):
    result = run("compare", *results, option, "nothing")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'nothing'" in result.stderr
    assert word in result.stderr


def test_json_and_csv_are_written_and_the_table_printed(run, results, tmp_path):
    result = run("compare", *results, "--json", "c.json", "--csv", "c.csv")
    content = json.loads((tmp_path / "c.json").read_text(encoding="utf-8"))
    jsonschema.validate(content, schema())
    with (tmp_path / "c.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert result.stdout.startswith("2 models on images")
    assert [row["model"] for row in rows] == [model["name"] for model in content["models"]]
    assert all(d["paired"] for d in content["differences"])


def test_latex_is_printed_instead(run, results):
    assert run("compare", *results, "--latex").stdout.count("\\begin{tabular}") == 2


def test_a_file_that_cannot_be_written_is_told_first(run, results):
    result = run("compare", *results, "--csv", "missing/c.csv")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "missing" in result.stderr


def test_one_model_alone_is_shown(run, results):
    result = run("compare", "a.h5")
    assert result.stdout.startswith("1 model on images: N = 60, nats\n")
    assert "Differences" not in result.stdout


def test_one_model_named_twice_is_shown_once(run, results, caplog):
    result = run("compare", "a.h5", "a.h5")
    assert result.stdout.startswith("1 model on images")
    assert sum("given twice" in message for message in caplog.messages) == 1


def test_what_is_beside_a_store_is_passed_over_in_silence(run, results, tmp_path, caplog):
    (tmp_path / "a.h5.pictures.npz").write_bytes(b"any")
    (tmp_path / "a.h5.shards").mkdir()
    result = run("compare", *sorted(path.name for path in tmp_path.glob("?.h5*")))
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("2 models on images")
    assert (result.stderr, caplog.messages) == ("", [])


def test_the_report_of_a_store_that_is_not_given_is_compared(run, results):
    assert run("compare", "a.h5.report.json", "b.h5").stdout.startswith("2 models on images")


@pytest.mark.parametrize(
    ("name", "what", "remedy"),
    [
        ("m.pt", "m.pt is a checkpoint,", "genprobe evaluate m.pt --store m.h5"),
        ("runs", "runs is a folder.", "runs/*.h5"),
        ("r.json", "r.json is not a genprobe report: it has no schema.", "evaluate --json"),
    ],
)
def test_what_is_neither_is_told_what_it_is_and_what_to_do(run, tiny, tmp_path, name, what, remedy):
    (tmp_path / "m.pt").write_bytes(tiny.a.read_bytes())
    (tmp_path / "runs").mkdir()
    (tmp_path / "r.json").write_text('{"a": 1}')
    result = run("compare", name)
    assert (result.exit_code, result.stdout) == (1, "")
    first, second = result.stderr.splitlines()
    assert first.startswith(f"Error: {what}")
    assert remedy in second


@pytest.mark.parametrize("content", [None, "", "{", "{}", "text", '{"schema": "other/1"}'])
def test_what_is_neither_store_nor_report_is_named_in_two_lines(run, tmp_path, content):
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    result = run("compare", "x.json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert "x.json" in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_the_plane_is_drawn_with_every_model(run, results, tmp_path):
    done = run("compare", *results, "--plot", "plane.svg", "--plot-width", 3.3, "--unit", "bits")
    assert done.exit_code == 0, done.stderr
    drawn = (tmp_path / "plane.svg").read_text(encoding="utf-8")
    assert ">a</text>" in drawn
    assert ">b</text>" in drawn
    assert "rate R (bits)" in drawn
    assert 'width="237.6pt"' in drawn


def test_the_plane_in_characters_fits_80_columns_of_a_pipe(run, results):
    plain, planar = (run("compare", *results, *more).stdout for more in ((), ("--plane",)))
    assert planar.startswith(plain)
    extra = planar.removeprefix(plain)
    assert "distortion D (nats) over rate R (nats)" in extra
    assert 75 < max(map(len, extra.splitlines())) <= 80
    assert "\x1b" not in extra


def test_the_page_has_every_model_in_the_unit_asked_for(run, results, tmp_path):
    assert run("compare", *results, "--unit", "bits", "--html", "page.html").exit_code == 0
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "2 models on images" in text
    assert text.count('type="checkbox"') == 2
    assert 'data-unit="bits" aria-pressed="true"' in text


@pytest.mark.parametrize("entropy", ["-3", "0", "nan", "inf"])
@pytest.mark.parametrize("command", ["evaluate", "show", "compare"])
def test_an_entropy_that_bounds_nothing_is_refused(run, tiny, results, command, entropy):
    source = tiny.a if command == "evaluate" else "a.h5"
    result = run(command, source, "--entropy", entropy)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: entropy must be positive")


def test_a_bound_that_is_given_is_shared(run, results):
    assert (
        "Regimes share Ĥ = 2.000 nats, as given." in run("compare", *results, "--entropy", 2).stdout
    )


@pytest.mark.parametrize("columns", [50, 80, 120])
def test_a_pipe_gets_as_many_columns_as_are_asked_for(run, results, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    text = run("compare", *results).stdout
    assert max(map(len, text.splitlines())) <= columns
    assert ("\n  ELBO −" in text) == (columns == 50), "stacked where it does not fit"
